package rewrite

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// make writes a frame that carries the rests of texts, which stand in their out.
// It has the shape of the frame of their last literals, without what must not be
// said twice.
func (r *Rewriter) make(texts []*text) {
	t := texts[0]
	data := r.copy(nil, t.data, llm.Span{Start: start(t.data), End: len(t.data)}, texts)
	switch r.framing {
	case hold.Array: // an element has left before it
		r.out = append(append(r.out, ",\n"...), data...)
	case hold.Lines:
		r.out = append(append(r.out, data...), '\n')
	case hold.Events:
		r.event(t.event, data)
	}
}

func start(data []byte) int { return len(data) - len(bytes.TrimLeft(data, " \t\r\n")) }

// copy appends a value of the data with the rests of texts in the place of their
// literals. Beside what leads there only the members stay that are null or that
// the format keeps.
func (r *Rewriter) copy(b, data []byte, value llm.Span, texts []*text) []byte {
	leads := func(v llm.Span) bool {
		for _, t := range texts {
			if v.Start <= t.at.Start && t.at.End <= v.End {
				return true
			}
		}
		return false
	}
	switch data[value.Start] {
	case '"':
		for _, t := range texts {
			if t.at == value {
				lit, ok := literal(t.out, t.raw)
				if !ok {
					lit = []byte(`""`)
				}
				return append(b, lit...)
			}
		}
		return b
	case '[':
		b = append(b, '[')
		first := true
		for _, el := range hold.Elements(data, value.Start) {
			if leads(el) {
				if !first {
					b = append(b, ',')
				}
				first = false
				b = r.copy(b, data, el, texts)
			}
		}
		return append(b, ']')
	}
	outer := value.End == len(data) // what is within the frame's object ends before it
	b = append(b, '{')
	first := true
	for _, m := range hold.Members(data, value.Start) {
		v := hold.In(data, m.Value)
		way := leads(m.Value)
		if !way && v[0] != 'n' && (v[0] == '{' || !r.reader.Keep(m.Name, outer)) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(b, hold.Quote(m.Name)...), ':')
		switch {
		case way:
			b = r.copy(b, data, m.Value, texts)
		case v[0] == '[':
			b = append(b, "[]"...)
		default:
			b = append(b, v...)
		}
	}
	return append(b, '}')
}

// event writes a server-sent event.
func (r *Rewriter) event(name, data []byte) {
	if len(name) > 0 {
		r.out = append(append(append(r.out, "event: "...), name...), r.ending...)
	}
	r.out = append(append(append(r.out, "data: "...), data...), r.ending...)
	r.out = append(r.out, r.ending...)
}

// splice writes the frame at hand with its changes.
func (r *Rewriter) splice(in sse.Frame) {
	if len(r.changes) == 0 {
		r.out = append(r.out, in.Raw...)
		return
	}
	var edits hold.Edits
	if from, ok := r.place(in); ok {
		for _, c := range r.changes {
			edits.Set(llm.Span{Start: from + c.at.Start, End: from + c.at.End}, c.text)
		}
		r.out = append(r.out, edits.Apply(in.Raw)...)
		return
	}
	for _, c := range r.changes {
		edits.Set(c.at, c.text)
	}
	r.out = hold.AppendEvent(r.out, in.Raw, edits.Apply(in.Data))
}

// place returns where a frame's data begins among its bytes, if it stands there
// in one piece. A comment may hold the same bytes, so the line must be the data's.
func (r *Rewriter) place(in sse.Frame) (at int, ok bool) {
	switch r.framing {
	case hold.Bare:
		return 0, true
	case hold.Array:
		return len(in.Raw) - len(in.Data), true
	case hold.Lines:
		at = bytes.Index(in.Raw, in.Data)
		return at, at >= 0
	}
	if bytes.IndexByte(in.Data, '\n') >= 0 {
		return 0, false
	}
	for from := 0; ; from = at + 1 {
		i := bytes.Index(in.Raw[from:], in.Data)
		if i < 0 {
			return 0, false
		}
		at = from + i
		line := in.Raw[bytes.LastIndexAny(in.Raw[:at], "\r\n")+1 : at]
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		if string(line) == "data: " || string(line) == "data:" {
			return at, true
		}
	}
}
