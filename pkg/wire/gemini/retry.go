package gemini

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// Continue implements wire.Continuing: the parts go back as they came, thoughts
// and thoughtSignatures among them and none merged with another ("Thought
// signatures"), and each call gets a functionResponse whose member is error
// ("FunctionResponse"). A call whose arguments were streamed becomes one part.
func (f format) Continue(request, response []byte, contentType string, refusals []string) ([]byte, error) {
	t := turn{st: newStream(0)}
	if err := t.read(f, response, contentType); err != nil {
		return nil, err
	}
	parts, calls := t.whole()
	if err := resume.Count(len(calls), len(refusals)); err != nil {
		return nil, err
	}
	var results [][]byte
	for i, c := range calls {
		b := []byte(`{"functionResponse":{`)
		if c.ID != "" {
			b = append(append(append(b, `"id":`...), hold.Quote(c.ID)...), ',')
		}
		b = append(append(b, `"name":`...), hold.Quote(c.Name)...)
		b = append(append(b, `,"response":{"error":`...), hold.Quote(refusals[i])...)
		results = append(results, append(b, `}}}`...))
	}
	return resume.Append(request, "contents", [][]byte{
		append(append([]byte(`{"role":"model","parts":`), resume.List(parts)...), '}'),
		append(append([]byte(`{"role":"user","parts":`), resume.List(results)...), '}'),
	}, wrap)
}

// wrap makes a list of contents that are one alone.
func wrap(kind jsonscan.Kind) (before, after string, ok bool) {
	switch kind {
	case jsonscan.Object:
		return "", "", true
	case jsonscan.String:
		return `{"role":"user","parts":[{"text":`, `}]}`, true
	}
	return "", "", false
}

// turn gathers the parts of the only candidate.
type turn struct {
	st     *stream // folds the calls
	parts  [][]byte
	isCall []int // of each part: which call it begins, -1 if none
}

func (t *turn) read(f format, response []byte, contentType string) error {
	framer := f.NewFramer(contentType, 0)
	if framer == nil {
		return t.body(response)
	}
	for frame := range resume.Frames(framer, response) {
		if frame.Err != nil {
			return resume.Not("a part of the response cannot be read")
		}
		if len(frame.Data) > 0 {
			if err := t.body(frame.Data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *turn) body(data []byte) error {
	if jsonscan.Check(data) != nil {
		return resume.Not("a part of the response is no JSON")
	}
	for _, at := range chunks(data) {
		if err := t.chunk(data, at); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) chunk(data []byte, at llm.Span) error {
	members := hold.Members(data, at.Start)
	if !fold.IsNull(hold.In(data, hold.Find(members, "error").Value)) {
		return resume.Not("the response states an error")
	}
	list := hold.Find(members, "candidates").Value
	if list.End == 0 {
		return nil
	}
	c := t.st.at(0)
	for _, el := range hold.Elements(data, list.Start) {
		members := hold.Members(data, el.Start)
		if index, _ := jsonscan.New(hold.In(data, hold.Find(members, "index").Value)).Int(); index != 0 {
			return resume.Not("the response has several candidates")
		}
		for _, part := range partsOf(data, members) {
			t.part(c, hold.In(data, part))
		}
		if fold.Word(hold.In(data, hold.Find(members, "finishReason").Value)) != "" {
			t.st.close(c)
		}
	}
	return nil
}

// partsOf lists the parts of a candidate with those members.
func partsOf(data []byte, candidate []hold.Member) []llm.Span {
	content := hold.Find(candidate, "content").Value
	if content.End == 0 || data[content.Start] != '{' {
		return nil
	}
	parts := hold.Find(hold.Members(data, content.Start), "parts").Value
	if parts.End == 0 {
		return nil
	}
	return hold.Elements(data, parts.Start)
}

func (t *turn) part(c *candidate, part []byte) {
	members := hold.Members(part, 0)
	call := hold.In(part, hold.Find(members, "functionCall").Value)
	if fold.IsNull(call) {
		text := hold.Find(members, "text").Value
		if len(members) == 1 && text.End > 0 && !resume.Says(hold.In(part, text)) {
			return // the API takes no part without anything in it
		}
		t.add(part, -1)
		return
	}
	before := len(t.st.calls)
	t.st.call(c, call)
	if len(t.st.calls) > before {
		t.add(part, before)
	}
}

func (t *turn) add(part []byte, call int) {
	t.parts = append(t.parts, bytes.Clone(part))
	t.isCall = append(t.isCall, call)
}

// whole returns the parts, and the calls that are whole.
func (t *turn) whole() (parts [][]byte, calls []llm.ToolCall) {
	for i, part := range t.parts {
		k := t.isCall[i]
		if k < 0 {
			parts = append(parts, part)
			continue
		}
		c := &t.st.calls[k]
		args, ok := c.text()
		if !ok {
			continue
		}
		calls = append(calls, llm.ToolCall{ID: c.id, Name: c.name})
		if c.partial != nil {
			part = assembled(part, c, args)
		}
		parts = append(parts, part)
	}
	return parts, calls
}

// assembled returns the first part of a call with all of its arguments.
func assembled(part []byte, c *call, args []byte) []byte {
	b := []byte(`{`)
	if c.id != "" {
		b = append(append(append(b, `"id":`...), hold.Quote(c.id)...), ',')
	}
	b = append(append(b, `"name":`...), hold.Quote(c.name)...)
	b = append(append(append(b, `,"args":`...), args...), '}')
	var edits hold.Edits
	edits.Set(hold.Find(hold.Members(part, 0), "functionCall").Value, b)
	return edits.Apply(part)
}

// Merge implements wire.Continuing.
func (format) Merge(first, second []byte) ([]byte, error) {
	var parts [][]byte
	spoke := false
	candidate, err := only(first)
	if err != nil {
		return nil, err
	}
	for _, el := range partsOf(first, candidate.members) {
		part := hold.In(first, el)
		members := hold.Members(part, 0)
		if !fold.IsNull(hold.In(part, hold.Find(members, "functionCall").Value)) {
			break
		}
		at, isAnswer := answer(part, members)
		spoke = spoke || isAnswer && resume.Says(hold.In(part, at))
		parts = append(parts, part)
	}
	if candidate, err = only(second); err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return second, nil
	}
	for _, el := range partsOf(second, candidate.members) {
		part := hold.In(second, el)
		var edits hold.Edits
		if at, ok := answer(part, hold.Members(part, 0)); ok && spoke && resume.Part(&edits, part, at) {
			spoke = false
		}
		parts = append(parts, edits.Apply(part))
	}
	var edits hold.Edits
	if content := hold.Find(candidate.members, "content").Value; content.End > 0 && second[content.Start] == '{' {
		resume.Put(&edits, hold.Members(second, content.Start), content.Start, "parts", resume.List(parts))
	} else { // such as one that was stopped for safety
		made := append([]byte(`{"role":"model","parts":`), resume.List(parts)...)
		resume.Put(&edits, candidate.members, candidate.at, "content", append(made, '}'))
	}
	return resume.Strict(edits.Apply(second))
}

// answer returns where the text of a part stands that the user reads.
func answer(part []byte, members []hold.Member) (at llm.Span, ok bool) {
	if string(hold.In(part, hold.Find(members, "thought").Value)) == "true" {
		return at, false
	}
	at = hold.Find(members, "text").Value
	return at, at.End > 0
}

// single is the only candidate of a whole body.
type single struct {
	at      int
	members []hold.Member
}

func only(body []byte) (c single, err error) {
	members, _, ok := resume.Object(body)
	list := hold.Find(members, "candidates").Value
	if !ok || list.End == 0 {
		return c, resume.Not("the response has no candidate")
	}
	candidates := hold.Elements(body, list.Start)
	if len(candidates) != 1 {
		return c, resume.Not("the response has not one candidate")
	}
	at := candidates[0].Start
	return single{at, hold.Members(body, at)}, nil
}
