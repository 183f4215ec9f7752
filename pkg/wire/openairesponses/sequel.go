package openairesponses

import (
	"bytes"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// sequel goes on with a response: its second beginning is left out, its events
// and its items are counted on, and the last event has the output of both. That
// event has the second response's id, by which the whole history is found at the
// provider's.
type sequel struct {
	gate  *gate // reads events
	begun bool
	base  int64    // items that were sent
	items [][]byte // those that were finished
	next  int64    // sequence_number, -1 if events are not counted
	out   []byte
}

// NewSequel implements wire.Continuing.
func (f format) NewSequel(contentType string, sent []byte) wire.Sequel {
	q := &sequel{gate: newGate(), next: -1}
	for f := range resume.Frames(f.NewFramer(contentType, 0), sent) {
		h := hold.Frame{Event: f.Event, Data: f.Data}
		p, ok := q.gate.read(&h)
		if !ok {
			continue
		}
		q.begun = q.begun || p.responseAt.End > 0 || p.itemAt.End > 0
		q.base = max(q.base, p.outputIndex+1)
		if string(p.name) == "response.output_item.done" {
			q.items = append(q.items, bytes.Clone(p.item))
		}
		if n, ok := jsonscan.New(hold.In(f.Data, p.sequence)).Int(); ok {
			q.next = max(q.next, n+1)
		}
	}
	q.items = followed(q.items)
	return q
}

// Frame implements wire.Sequel.
func (q *sequel) Frame(f sse.Frame) []byte {
	if !q.begun || f.Err != nil || len(f.Data) == 0 {
		return f.Raw
	}
	h := hold.Frame{Event: f.Event, Data: f.Data}
	p, ok := q.gate.read(&h)
	if !ok {
		return f.Raw
	}
	var edits hold.Edits
	switch name := string(p.name); {
	case name == "response.created", name == "response.in_progress", name == "response.queued":
		return nil
	case terminal(name) && p.responseAt.End > 0:
		output := hold.Find(hold.Members(f.Data, p.responseAt.Start), "output").Value
		if jsonscan.New(hold.In(f.Data, output)).Kind() == jsonscan.Array {
			prepend(&edits, f.Data, output, q.items)
		}
	}
	if p.outputIndex >= 0 && q.base > 0 {
		edits.Set(p.indexAt, strconv.AppendInt(nil, q.base+p.outputIndex, 10))
	}
	if q.next >= 0 && p.sequence.End > 0 {
		edits.Set(p.sequence, strconv.AppendInt(nil, q.next, 10))
		q.next++
	}
	if len(edits) == 0 {
		return f.Raw
	}
	q.out = hold.AppendEvent(q.out[:0], f.Raw, edits.Apply(f.Data))
	return q.out
}
