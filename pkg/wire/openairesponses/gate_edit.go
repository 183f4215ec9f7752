package openairesponses

import (
	"bytes"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// Edit implements hold.Editor.
func (gt *gate) Edit(_ *hold.Gate, f *hold.Frame, out *hold.Out) {
	var edits hold.Edits
	if gt.body {
		gt.editOutput(&edits, f, f.Parts, 0)
		out.Replace(f, edits.Apply(f.Data))
		return
	}
	p, ok := gt.read(f)
	if !ok {
		out.Keep(f)
		return
	}
	switch {
	case p.responseAt.End > 0:
		gt.editOutput(&edits, f, f.Parts, p.responseAt.Start)
	case len(f.Parts) == 0:
	case f.Parts[0].Refused:
		gt.replace(f, &p, out)
		return
	case f.Parts[0].Late:
		gt.skip(f, &p)
		return
	case f.Parts[0].Arguments != nil:
		if !gt.editArguments(&edits, f, &p) {
			gt.skip(f, &p)
			return
		}
	}
	gt.number(&edits, f, &p)
	if len(edits) == 0 {
		out.Keep(f)
		return
	}
	out.Replace(f, edits.Apply(f.Data))
}

// skip takes an event out; those behind it are numbered anew.
func (gt *gate) skip(f *hold.Frame, p *places) {
	if n, ok := jsonscan.New(hold.In(f.Data, p.sequence)).Int(); ok && !gt.anew {
		gt.next, gt.anew = n, true
	}
}

func (gt *gate) number(edits *hold.Edits, f *hold.Frame, p *places) {
	if gt.anew && p.sequence.End > 0 {
		edits.Set(p.sequence, strconv.AppendInt(nil, gt.next, 10))
		gt.next++
	}
}

// replace writes the events of a message in the place of the first event of a
// refused call, and nothing in that of the others.
func (gt *gate) replace(f *hold.Frame, p *places, out *hold.Out) {
	gt.skip(f, p)
	c := f.Parts[0].Call
	if c.Shown {
		return
	}
	c.Shown = true
	text := hold.Quote(c.Text)
	write := func(name string, members ...any) {
		b := []byte(`{"type":"` + name + `"`)
		if p.sequence.End > 0 {
			b = strconv.AppendInt(append(b, `,"sequence_number":`...), gt.next, 10)
			gt.next++
		}
		if p.indexAt.End > 0 {
			b = append(append(b, `,"output_index":`...), hold.In(f.Data, p.indexAt)...)
		}
		for _, m := range members {
			switch m := m.(type) {
			case string:
				b = append(b, m...)
			case []byte:
				b = append(b, m...)
			}
		}
		if len(f.Event) == 0 {
			name = ""
		}
		out.Event(name, append(b, '}'))
	}
	id := messageID(c)
	at := `,"item_id":"` + id + `","content_index":0`
	write("response.output_item.added", `,"item":{"id":"`, id, `","type":"message","status":"in_progress","content":[],"role":"assistant"}`)
	write("response.content_part.added", at, `,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}`)
	write("response.output_text.delta", at, `,"delta":`, text, `,"logprobs":[]`)
	write("response.output_text.done", at, `,"text":`, text, `,"logprobs":[]`)
	write("response.content_part.done", at, `,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":`, text, `}`)
	write("response.output_item.done", `,"item":`, message(id, c.Text))
}

func messageID(c *hold.Call) string { return "msg_archestra_" + strconv.Itoa(c.N) }

func message(id, text string) []byte {
	b := []byte(`{"id":"` + id + `","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":`)
	return append(append(b, hold.Quote(text)...), `}],"role":"assistant"}`...)
}

// editOutput edits the calls in the output of a response object.
func (gt *gate) editOutput(edits *hold.Edits, f *hold.Frame, parts []hold.Part, at int) {
	for _, el := range output(f.Data, at) {
		m := readMembers(hold.In(f.Data, el))
		if _, _, _, ok := m.client(); !ok || len(parts) == 0 {
			continue
		}
		p := parts[0]
		parts = parts[1:]
		switch {
		case p.Refused:
			edits.Set(el, message(messageID(p.Call), p.Text))
		case p.Late:
			edits.Set(el, message(messageID(p.Call), p.LateText))
		case p.Arguments != nil:
			gt.setArguments(edits, f, el, p.Arguments)
		}
	}
}

// setArguments puts other arguments into an item, unless it has none yet.
func (gt *gate) setArguments(edits *hold.Edits, f *hold.Frame, item llm.Span, args []byte) {
	for _, m := range hold.Members(f.Data, item.Start) {
		switch m.Name {
		case "arguments", "input", "action", "actions", "operation":
			if v := hold.In(f.Data, m.Value); v[0] != 'n' && string(v) != `""` {
				edits.Set(m.Value, like(v, args))
			}
		}
	}
}

// like writes arguments as the value does that they take the place of.
func like(value, args []byte) []byte {
	if value[0] == '"' && args[0] != '"' {
		return hold.Quote(string(args))
	}
	return args
}

// editArguments edits an event of a call that gets other arguments: the first
// delta has all of them. It reports whether the event stays.
func (gt *gate) editArguments(edits *hold.Edits, f *hold.Frame, p *places) bool {
	c := f.Parts[0].Call
	switch {
	case p.itemAt.End > 0:
		gt.setArguments(edits, f, p.itemAt, c.Arguments)
	case bytes.HasSuffix(p.name, []byte("_arguments.delta")), bytes.HasSuffix(p.name, []byte("_input.delta")):
		if c.Shown {
			return false
		}
		c.Shown = true
		edits.Set(p.deltaAt, like([]byte(`""`), c.Arguments))
	case bytes.HasSuffix(p.name, []byte("_arguments.done")), bytes.HasSuffix(p.name, []byte("_input.done")):
		edits.Set(p.wholeAt, like([]byte(`""`), c.Arguments))
	case p.deltaAt.End > 0, bytes.HasSuffix(p.name, []byte(".done")):
		return false
	}
	return true
}
