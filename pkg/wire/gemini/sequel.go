package gemini

import (
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// sequel goes on with chunks, which know no beginning: the texts are parted, and
// the elements of an array follow those that were sent.
type sequel struct {
	inside bool // an array has begun, and its next element is the second response's first
	spoke  bool
	array  bool
	out    []byte
}

// NewSequel implements wire.Continuing.
func (f format) NewSequel(contentType string, sent []byte) wire.Sequel {
	q := &sequel{array: mediaType(contentType) != "text/event-stream"}
	st := newStream(0)
	for f := range resume.Frames(f.NewFramer(contentType, 0), sent) {
		st.Frame(f)
		q.inside = q.inside || q.array && len(f.Data) > 0
	}
	if len(st.candidates) > 0 {
		q.spoke = st.candidates[0].text.Len() > 0
	}
	return q
}

// Frame implements wire.Sequel.
func (q *sequel) Frame(f sse.Frame) []byte {
	if f.Err != nil || len(f.Data) == 0 || !q.inside && !q.spoke {
		return f.Raw
	}
	data := f.Data
	if q.spoke {
		data = q.parted(data)
	}
	q.out = q.out[:0]
	switch first := q.inside; {
	case first:
		q.inside = false
		q.out = append(append(q.out, ",\n"...), data...)
	case &data[0] == &f.Data[0]:
		return f.Raw
	case q.array:
		q.out = append(append(q.out, f.Raw[:max(0, len(f.Raw)-len(f.Data))]...), data...)
	default:
		q.out = hold.AppendEvent(q.out, f.Raw, data)
	}
	return q.out
}

// parted returns the data with the first text of the answer parted from what was
// sent, or data itself if there is none in it.
func (q *sequel) parted(data []byte) []byte {
	members, _, ok := resume.Object(data)
	list := hold.Find(members, "candidates").Value
	if !ok || list.End == 0 {
		return data
	}
	for _, el := range hold.Elements(data, list.Start) {
		for _, part := range partsOf(data, hold.Members(data, el.Start)) {
			at, ok := answer(data, hold.Members(data, part.Start))
			var edits hold.Edits
			if ok && resume.Part(&edits, data, at) {
				q.spoke = false
				return edits.Apply(data)
			}
		}
	}
	return data
}
