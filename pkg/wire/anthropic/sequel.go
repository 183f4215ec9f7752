package anthropic

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// sequel goes on with a message: its second message_start is left out, and blocks
// are counted behind those that are there. SDKs demand that the index of a block
// which starts is the number of those before it.
type sequel struct {
	begun bool
	base  int64   // blocks that were sent
	open  []int64 // of them, those that were not stopped
	scan  jsonscan.Scanner
	out   []byte
}

// NewSequel implements wire.Continuing.
func (f format) NewSequel(contentType string, sent []byte) wire.Sequel {
	q := &sequel{}
	for f := range resume.Frames(f.NewFramer(contentType, 0), sent) {
		h := hold.Frame{Event: f.Event, Data: f.Data}
		p := readPlaces(&h, &q.scan)
		if q.scan.End() != nil {
			continue
		}
		switch string(p.name) {
		case "message_start":
			q.begun = true
			q.base += int64(len(elements(f.Data, p.message.Start)))
		case "content_block_start":
			q.begun = true
			q.base = max(q.base, p.index+1)
			q.open = append(q.open, p.index)
		case "content_block_stop":
			if i := slices.Index(q.open, p.index); i >= 0 {
				q.open = slices.Delete(q.open, i, i+1)
			}
		}
	}
	return q
}

// Frame implements wire.Sequel.
func (q *sequel) Frame(f sse.Frame) []byte {
	if !q.begun || f.Err != nil || len(f.Data) == 0 {
		return f.Raw
	}
	h := hold.Frame{Event: f.Event, Data: f.Data}
	p := readPlaces(&h, &q.scan)
	if q.scan.End() != nil {
		return f.Raw
	}
	q.out = q.out[:0]
	for _, index := range q.open {
		q.stop(index)
	}
	q.open = q.open[:0]
	switch string(p.name) {
	case "message_start":
		q.start(f.Data, p.message.Start)
		return q.out
	case "content_block_start", "content_block_delta", "content_block_stop":
		members := hold.Members(f.Data, jsonscan.New(f.Data).Pos())
		if at := hold.Find(members, "index").Value; at.End > 0 && q.base > 0 && p.index >= 0 {
			var edits hold.Edits
			edits.Set(at, strconv.AppendInt(nil, q.base+p.index, 10))
			q.out = hold.AppendEvent(q.out, f.Raw, edits.Apply(f.Data))
			return q.out
		}
	}
	if len(q.out) == 0 {
		return f.Raw
	}
	q.out = append(q.out, f.Raw...)
	return q.out
}

// start writes what a message_start says beyond its beginning: one with blocks is
// the whole message, of a call that the model's own code made ("Programmatic tool
// calling").
func (q *sequel) start(data []byte, message int) {
	for i, el := range elements(data, message) {
		index := strconv.AppendInt(nil, q.base+int64(i), 10)
		q.event("content_block_start", `,"index":`, index, `,"content_block":`, hold.In(data, el))
		q.event("content_block_stop", `,"index":`, index)
	}
	members := hold.Members(data, message)
	reason, usage := hold.In(data, hold.Find(members, "stop_reason").Value), hold.In(data, hold.Find(members, "usage").Value)
	if fold.IsNull(reason) {
		return
	}
	if fold.IsNull(usage) {
		usage = []byte(`{}`)
	}
	q.event("message_delta", `,"delta":{"stop_reason":`, reason, `,"stop_sequence":null},"usage":`, usage)
}

func (q *sequel) stop(index int64) {
	q.event("content_block_stop", `,"index":`, strconv.AppendInt(nil, index, 10))
}

// event writes an event of that type with members, each a string or bytes.
func (q *sequel) event(name string, members ...any) {
	q.out = append(append(append(append(q.out, "event: "...), name...), "\ndata: {\"type\":\""...), name...)
	q.out = append(q.out, '"')
	for _, m := range members {
		switch m := m.(type) {
		case string:
			q.out = append(q.out, m...)
		case []byte: // a line break would end the data's line
			q.out = append(q.out, bytes.ReplaceAll(m, []byte("\n"), []byte(" "))...)
		}
	}
	q.out = append(q.out, "}\n\n"...)
}
