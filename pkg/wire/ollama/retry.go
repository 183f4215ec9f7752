package ollama

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// Continue implements wire.Continuing: the message with its thinking and its
// calls, and for each a message of role tool ("Chat request (Streaming with tool
// calling)"). The API's generate has no messages.
func (f format) Continue(request, response []byte, contentType string, refusals []string) ([]byte, error) {
	if f.api != llm.APIOllamaChat {
		return nil, resume.Not("the API has no messages")
	}
	var t turn
	for line := range lines(f, response, contentType) {
		if line.Err != nil {
			return nil, resume.Not("a part of the response cannot be read")
		}
		if err := t.line(line.Data); err != nil {
			return nil, err
		}
	}
	if err := resume.Count(len(t.calls), len(refusals)); err != nil {
		return nil, err
	}
	items := [][]byte{t.message()}
	for i, c := range t.calls {
		items = append(items, result(toolCall(c), refusals[i]))
	}
	return resume.Append(request, "messages", items, resume.Never)
}

// lines are those of a stream; a whole body is one line, or it is a stream that
// does not say so.
func lines(f format, body []byte, contentType string) func(func(sse.Frame) bool) {
	framer := f.NewFramer(contentType, 0)
	if _, _, whole := resume.Object(body); framer == nil && whole {
		return func(yield func(sse.Frame) bool) { yield(sse.Frame{Raw: body, Data: body}) }
	}
	if framer == nil {
		framer = sse.NewLines(0)
	}
	return resume.Frames(framer, body)
}

func result(c llm.ToolCall, text string) []byte {
	b := append([]byte(`{"role":"tool","content":`), hold.Quote(text)...)
	b = append(append(b, `,"tool_name":`...), hold.Quote(c.Name)...)
	if c.ID != "" {
		b = append(append(b, `,"tool_call_id":`...), hold.Quote(c.ID)...)
	}
	return append(b, '}')
}

// turn puts the message of a response together. Calls come whole.
type turn struct {
	content, thinking []byte
	calls             [][]byte
}

func (t *turn) line(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	members, _, ok := resume.Object(data)
	if !ok {
		return resume.Not("a line of the response is no JSON")
	}
	if !fold.IsNull(hold.In(data, hold.Find(members, "error").Value)) {
		return resume.Not("the response states an error")
	}
	for _, object := range lists(data) {
		for _, m := range hold.Members(data, object.Start) {
			switch value := hold.In(data, m.Value); m.Name {
			case "content":
				t.content = append(t.content, fold.String(value)...)
			case "thinking":
				t.thinking = append(t.thinking, fold.String(value)...)
			case "tool_calls":
				for _, el := range hold.Elements(data, m.Value.Start) {
					t.calls = append(t.calls, bytes.Clone(hold.In(data, el)))
				}
			}
		}
	}
	return nil
}

func (t *turn) message() []byte {
	b := append([]byte(`{"role":"assistant","content":`), hold.Quote(string(t.content))...)
	if len(t.thinking) > 0 {
		b = append(append(b, `,"thinking":`...), hold.Quote(string(t.thinking))...)
	}
	b = append(append(b, `,"tool_calls":`...), resume.List(t.calls)...)
	return append(b, '}')
}

// content returns where the text of a line stands.
func content(data []byte) (members []hold.Member, at llm.Span, value llm.Span) {
	line, _, ok := resume.Object(data)
	if !ok {
		return nil, at, value
	}
	at = hold.Find(line, "message").Value
	if jsonscan.New(hold.In(data, at)).Kind() != jsonscan.Object {
		return nil, llm.Span{}, value
	}
	members = hold.Members(data, at.Start)
	return members, at, hold.Find(members, "content").Value
}

// Merge implements wire.Continuing.
func (f format) Merge(first, second []byte) ([]byte, error) {
	var t turn
	for line := range lines(f, first, "") {
		if err := t.line(line.Data); err != nil {
			return nil, err
		}
	}
	if len(t.content) == 0 {
		return second, nil
	}
	before := hold.Quote(string(t.content))
	offset, place := 0, llm.Span{Start: -1} // of the line that says something first, or of the first one
	for line := range lines(f, second, "") {
		if _, at, value := content(line.Data); at.End > 0 && (place.Start < 0 || resume.Says(hold.In(line.Data, value))) {
			place = llm.Span{Start: offset, End: offset + len(line.Raw)}
			if resume.Says(hold.In(line.Data, value)) {
				break
			}
		}
		offset += len(line.Raw)
	}
	if place.Start < 0 {
		return nil, resume.Not("a body has no message")
	}
	line := hold.In(second, place)
	members, at, value := content(line)
	var edits hold.Edits
	resume.Put(&edits, members, at.Start, "content", resume.Join(before, hold.In(line, value)))
	out := append(bytes.Clone(second[:place.Start]), edits.Apply(line)...)
	return append(out, second[place.End:]...), nil
}

// sequel goes on with lines: all that is to do is to part the texts.
type sequel struct {
	spoke bool
	out   []byte
}

// NewSequel implements wire.Continuing.
func (f format) NewSequel(contentType string, sent []byte) wire.Sequel {
	st := newStream(0)
	for line := range resume.Frames(f.NewFramer(contentType, 0), sent) {
		st.Frame(line)
	}
	return &sequel{spoke: len(st.text) > 0}
}

// Frame implements wire.Sequel.
func (q *sequel) Frame(f sse.Frame) []byte {
	if !q.spoke || f.Err != nil {
		return f.Raw
	}
	var edits hold.Edits
	if _, _, value := content(f.Data); !resume.Part(&edits, f.Data, value) {
		return f.Raw
	}
	q.spoke = false
	q.out = append(append(q.out[:0], edits.Apply(f.Data)...), '\n')
	return q.out
}
