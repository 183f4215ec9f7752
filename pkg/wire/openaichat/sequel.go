package openaichat

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// sequel goes on with a completion: all of its chunks have one id, without which
// openai-go's accumulator takes no chunk, and its role is said once, since
// openai-python's adds the texts of a member up.
type sequel struct {
	id, created []byte // as they were sent
	begun       bool   // the choice has begun
	spoke       bool   // it has text that goes on
	out         []byte
}

// NewSequel implements wire.Continuing.
func (f format) NewSequel(contentType string, sent []byte) wire.Sequel {
	q := &sequel{}
	st := newStream(0)
	for f := range resume.Frames(f.NewFramer(contentType, 0), sent) {
		st.Frame(f)
		members, _, _ := resume.Object(f.Data)
		for _, m := range members {
			switch value := hold.In(f.Data, m.Value); m.Name {
			case "id":
				if q.id == nil && text(value) != nil {
					q.id = bytes.Clone(value)
				}
			case "created":
				if q.created == nil && !fold.IsNull(value) && string(value) != "0" { // as Azure begins
					q.created = bytes.Clone(value)
				}
			}
		}
	}
	if len(st.choices) > 0 {
		q.begun, q.spoke = true, len(st.choices[0].text) > 0
	}
	return q
}

// Frame implements wire.Sequel.
func (q *sequel) Frame(f sse.Frame) []byte {
	if f.Err != nil || q.id == nil && !q.begun {
		return f.Raw
	}
	members, _, ok := resume.Object(f.Data)
	if !ok {
		return f.Raw
	}
	var edits hold.Edits
	for _, m := range members {
		switch value := hold.In(f.Data, m.Value); m.Name {
		case "id":
			if q.id != nil && !bytes.Equal(value, q.id) {
				edits.Set(m.Value, q.id)
			}
		case "created":
			if q.created != nil && !bytes.Equal(value, q.created) {
				edits.Set(m.Value, q.created)
			}
		case "choices":
			for i, el := range hold.Elements(f.Data, m.Value.Start) {
				q.choice(&edits, f.Data, readChosen(f.Data, jsonscan.At(f.Data, el.Start), i))
			}
		}
	}
	if len(edits) == 0 {
		return f.Raw
	}
	q.out = hold.AppendEvent(q.out[:0], f.Raw, edits.Apply(f.Data))
	return q.out
}

// choice edits what goes on with the choice that has begun.
func (q *sequel) choice(edits *hold.Edits, data []byte, c chosen) {
	at := c.delta
	if fold.IsNull(hold.In(data, at)) {
		at = c.message
	}
	if !q.begun || c.index != 0 || jsonscan.New(hold.In(data, at)).Kind() != jsonscan.Object {
		return
	}
	members := hold.Members(data, at.Start)
	edits.Cut(hold.Spans(members), func(i int) bool { return members[i].Name == "role" })
	if q.spoke && resume.Part(edits, data, hold.Find(members, "content").Value) {
		q.spoke = false
	}
}
