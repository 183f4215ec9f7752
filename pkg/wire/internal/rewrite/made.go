package rewrite

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// make puts a frame into the queue that carries the rests of texts, which stand in
// their out. It has the shape of the frame of their last literals, without what
// must not be said twice.
func (r *Rewriter) make(texts []*text) {
	t, f := texts[0], r.empty()
	data := r.copy(nil, t.data, llm.Span{Start: start(t.data), End: len(t.data)}, texts)
	switch r.framing {
	case hold.Array: // an element has left before it
		f.raw = append([]byte(",\n"), data...)
	case hold.Lines:
		f.raw = append(data, '\n')
	case hold.Messages:
		f.raw = hold.AppendMessage(nil, data)
	case hold.Events:
		f.raw = r.event(t.event, data)
	}
	r.push(f)
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

// event returns a server-sent event.
func (r *Rewriter) event(name, data []byte) (b []byte) {
	if len(name) > 0 {
		b = append(append(append(b, "event: "...), name...), r.ending...)
	}
	b = append(append(append(b, "data: "...), data...), r.ending...)
	return append(b, r.ending...)
}
