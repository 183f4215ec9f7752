package openaichat

import (
	"bytes"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// Continue implements wire.Continuing. The message of a whole response goes back
// as it is ("Function calling"), and that of a stream with all members that its
// deltas had: DeepSeek demands reasoning_content back ("Thinking mode"), OpenRouter
// reasoning_details, and Gemini the signature in a call's extra_content.
func (f format) Continue(request, response []byte, contentType string, refusals []string) ([]byte, error) {
	var message []byte
	var calls []llm.ToolCall
	var err error
	if framer := f.NewFramer(contentType, 0); framer == nil {
		message, calls, err = whole(f, response)
	} else {
		t := turn{st: newStream(0)}
		for f := range resume.Frames(framer, response) {
			if err = t.frame(f.Data, f.Err); err != nil {
				break
			}
		}
		message, calls = t.message()
	}
	if err != nil {
		return nil, err
	}
	if err := resume.Count(len(calls), len(refusals)); err != nil {
		return nil, err
	}
	items := [][]byte{message}
	for i, c := range calls {
		items = append(items, result(c, refusals[i]))
	}
	return resume.Append(request, "messages", items, resume.Never)
}

// result returns the message that answers a call.
func result(c llm.ToolCall, text string) []byte {
	b := append([]byte(`{"role":"tool","tool_call_id":`), hold.Quote(c.ID)...)
	if c.Kind == kindLegacy {
		b = append([]byte(`{"role":"function","name":`), hold.Quote(c.Name)...)
	}
	b = append(append(b, `,"content":`...), hold.Quote(text)...)
	return append(b, '}')
}

// whole returns the message of a whole response, and its calls.
func whole(f format, body []byte) ([]byte, []llm.ToolCall, error) {
	at, err := only(body)
	if err != nil {
		return nil, nil, err
	}
	message := hold.In(body, at)
	for _, m := range hold.Members(body, at.Start) {
		if m.Name == "audio" && !fold.IsNull(hold.In(body, m.Value)) {
			return nil, nil, resume.Not("the answer is spoken")
		}
	}
	a := f.Answer(200, body)
	if a.Error != nil {
		return nil, nil, resume.Not("the response states an error")
	}
	return message, a.ToolCalls, nil
}

// only returns where the message of the only choice stands.
func only(body []byte) (at llm.Span, err error) {
	members, _, ok := resume.Object(body)
	list := hold.Find(members, "choices").Value
	if !ok || list.End == 0 {
		return at, resume.Not("the response is no chat completion")
	}
	choices := hold.Elements(body, list.Start)
	if len(choices) != 1 {
		return at, resume.Not("the response has not one choice")
	}
	c := readChosen(body, jsonscan.At(body, choices[0].Start), 0)
	for _, at = range []llm.Span{c.message, c.delta} {
		if jsonscan.New(hold.In(body, at)).Kind() == jsonscan.Object {
			return at, nil
		}
	}
	return at, resume.Not("the choice has no message")
}

// turn puts the message of a stream together.
type turn struct {
	st      *stream // folds the calls
	members []*member
	extras  []extra // beside the stream's calls
}

// extra is what a call has beside the format's own members.
type extra struct {
	names []string
	raw   []byte // ,"name":value
}

// member is a member of the message: a text in pieces, a list, or another value.
type member struct {
	name   string
	isText bool
	text   []byte
	list   [][]byte
	other  []byte
}

func (t *turn) frame(data []byte, broken error) error {
	if broken != nil {
		return resume.Not("a part of the response cannot be read")
	}
	if text := bytes.TrimSpace(data); len(text) == 0 || string(text) == "[DONE]" {
		return nil
	}
	members, _, ok := resume.Object(data)
	if !ok {
		return resume.Not("a chunk of the response is no JSON")
	}
	if !fold.IsNull(hold.In(data, hold.Find(members, "error").Value)) {
		return resume.Not("the response states an error")
	}
	list := hold.Find(members, "choices").Value
	if list.End == 0 {
		return nil
	}
	var s jsonscan.Scanner
	for i, el := range hold.Elements(data, list.Start) {
		s.Reset(data)
		s.Seek(el.Start)
		c := readChosen(data, &s, i)
		if c.index != 0 {
			return resume.Not("the response has several choices")
		}
		if err := t.delta(data, c); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) delta(data []byte, c chosen) error {
	own := t.st.at(0)
	at := c.delta
	if fold.IsNull(hold.In(data, at)) {
		if at = c.message; len(t.members) > 0 || len(own.calls) > 0 {
			return nil // it repeats what came
		}
	}
	if jsonscan.New(hold.In(data, at)).Kind() != jsonscan.Object {
		return nil
	}
	for _, m := range hold.Members(data, at.Start) {
		value := hold.In(data, m.Value)
		switch {
		case m.Name == "role" || fold.IsNull(value):
		case m.Name == "audio":
			return resume.Not("the answer is spoken")
		case m.Name == "tool_calls":
			for _, el := range hold.Elements(data, m.Value.Start) {
				t.call(own, data, el)
			}
		case m.Name == "function_call":
			p := part{index: unknown, kind: kindLegacy}
			p.function(jsonscan.New(value))
			t.fold(own, p)
		default:
			t.member(m.Name).add(value)
		}
	}
	return nil
}

func (t *turn) member(name string) *member {
	for _, m := range t.members {
		if m.name == name {
			return m
		}
	}
	t.members = append(t.members, &member{name: name})
	return t.members[len(t.members)-1]
}

func (m *member) add(value []byte) {
	switch {
	case value[0] == '"' && m.list != nil: // Mistral sends both
		text := append([]byte(`{"type":"text","text":`), value...)
		m.append(append(text, '}'))
	case value[0] == '"':
		m.isText = true
		m.text = jsonscan.AppendUnescaped(m.text, value[1:len(value)-1])
	case value[0] == '[':
		if m.list == nil {
			m.list = [][]byte{}
			if len(m.text) > 0 {
				text := append([]byte(`{"type":"text","text":`), hold.Quote(string(m.text))...)
				m.append(append(text, '}'))
			}
		}
		for _, el := range hold.Elements(value, 0) {
			m.append(hold.In(value, el))
		}
	default:
		m.other = bytes.Clone(value)
	}
}

// append adds an element to a list. One of the same index and type as the last
// element goes on with it: its texts are the next pieces of the same texts
// (OpenRouter, "Preserving reasoning").
func (m *member) append(element []byte) {
	last := len(m.list) - 1
	if last < 0 || !alike(m.list[last], element) {
		m.list = append(m.list, bytes.Clone(element))
		return
	}
	whole := m.list[last]
	var edits hold.Edits
	members := hold.Members(whole, 0)
	for _, add := range hold.Members(element, 0) {
		value := hold.In(element, add.Value)
		before := hold.In(whole, hold.Find(members, add.Name).Value)
		switch add.Name {
		case "text", "summary", "data", "signature":
			if resume.Says(value) && resume.Says(before) {
				value = hold.Quote(fold.String(before) + fold.String(value))
			}
		}
		if !fold.IsNull(value) && !bytes.Equal(value, before) {
			resume.Put(&edits, members, 0, add.Name, bytes.Clone(value))
		}
	}
	m.list[last] = edits.Apply(whole)
}

func alike(a, b []byte) bool {
	first, second := hold.Members(a, 0), hold.Members(b, 0)
	for _, name := range []string{"index", "type"} {
		x, y := hold.In(a, hold.Find(first, name).Value), hold.In(b, hold.Find(second, name).Value)
		if len(x) == 0 || !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}

// call folds in an element of tool_calls.
func (t *turn) call(c *choice, data []byte, at llm.Span) {
	i := t.fold(c, readPart(jsonscan.At(data, at.Start)))
	if i < 0 {
		return
	}
	for _, m := range hold.Members(data, at.Start) {
		switch m.Name {
		case "index", "id", "type", "function", "custom":
		default:
			x := &t.extras[i]
			if fold.IsNull(hold.In(data, m.Value)) || slices.Contains(x.names, m.Name) {
				continue
			}
			x.names = append(x.names, m.Name)
			x.raw = append(append(x.raw, ','), hold.In(data, m.Span)...)
		}
	}
}

// fold folds in a part and returns whose it is, -1 if that is not known.
func (t *turn) fold(c *choice, p part) int {
	i := c.find(p)
	t.st.fold(c, p)
	if i == unknown {
		i = len(c.calls) - 1
	}
	for len(t.extras) < len(c.calls) {
		t.extras = append(t.extras, extra{})
	}
	return i
}

// message returns the message, and its calls. As OpenAI does, it states null where
// there is no content.
func (t *turn) message() ([]byte, []llm.ToolCall) {
	b := []byte(`{"role":"assistant"`)
	if m := t.member("content"); !m.isText && m.list == nil {
		m.other = []byte("null")
	}
	for _, m := range t.members {
		value := m.other
		switch {
		case m.list != nil:
			value = resume.List(m.list)
		case m.isText && (len(m.text) > 0 || m.name != "refusal"):
			value = hold.Quote(string(m.text))
		}
		if value == nil {
			continue
		}
		b = append(append(append(append(b, ','), hold.Quote(m.name)...), ':'), value...)
	}
	var calls []llm.ToolCall
	var list [][]byte
	c := t.st.at(0)
	for i := range c.calls {
		k := &c.calls[i]
		calls = append(calls, k.toolCall(0))
		if k.kind == kindLegacy {
			b = append(append(b, `,"function_call":`...), function(k, "arguments")...)
			continue
		}
		list = append(list, k.element(t.extras[i].raw))
	}
	if len(list) > 0 {
		b = append(append(b, `,"tool_calls":`...), resume.List(list)...)
	}
	return append(b, '}'), calls
}

// element writes a call as an element of tool_calls.
func (k *call) element(extras []byte) []byte {
	b := append([]byte(`{"id":`), hold.Quote(k.id)...)
	if k.kind == kindCustom {
		b = append(append(b, `,"type":"custom","custom":`...), function(k, "input")...)
	} else {
		b = append(append(b, `,"type":"function","function":`...), function(k, "arguments")...)
	}
	return append(append(b, extras...), '}')
}

func function(k *call, name string) []byte {
	b := append([]byte(`{"name":`), hold.Quote(k.name)...)
	b = append(append(b, `,"`+name+`":`...), hold.Quote(string(k.args))...)
	return append(b, '}')
}

// Merge implements wire.Continuing.
func (format) Merge(first, second []byte) ([]byte, error) {
	from, err := only(first)
	if err != nil {
		return nil, err
	}
	to, err := only(second)
	if err != nil {
		return nil, err
	}
	members := hold.Members(second, to.Start)
	before := hold.In(first, hold.Find(hold.Members(first, from.Start), "content").Value)
	after := hold.In(second, hold.Find(members, "content").Value)
	content := resume.Join(before, after)
	if isList(before) || isList(after) {
		content = resume.List(append(contentParts(before), contentParts(after)...))
	}
	if len(before) == 0 || bytes.Equal(content, after) {
		return second, nil
	}
	var edits hold.Edits
	resume.Put(&edits, members, to.Start, "content", content)
	return resume.Strict(edits.Apply(second))
}

func isList(value []byte) bool { return len(value) > 0 && value[0] == '[' }

// contentParts returns content as the elements of an array, as Mistral has it.
func contentParts(value []byte) (parts [][]byte) {
	if resume.Says(value) {
		return [][]byte{append(append([]byte(`{"type":"text","text":`), value...), '}')}
	}
	if isList(value) {
		for _, el := range hold.Elements(value, 0) {
			parts = append(parts, hold.In(value, el))
		}
	}
	return parts
}
