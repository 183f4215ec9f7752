package anthropic

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

// Continue implements wire.Continuing: the blocks go back as they came, thinking
// with its signature and the provider's own tools among them, and each result
// says that it is an error ("Handle tool calls", "Extended thinking with tool use").
func (f format) Continue(request, response []byte, contentType string, refusals []string) ([]byte, error) {
	var t turn
	if err := t.read(f, response, contentType); err != nil {
		return nil, err
	}
	var blocks, results [][]byte
	for _, b := range t.blocks {
		block := b.bytes()
		if blank(block) {
			continue // the API takes none without text
		}
		blocks = append(blocks, block)
		o := readBlock(block)
		if o.kind != "tool_use" {
			continue
		}
		if called(block) {
			return nil, resume.Not("the model's own code made a call")
		}
		if len(results) < len(refusals) {
			result := append([]byte(`{"type":"tool_result","tool_use_id":`), hold.Quote(o.id)...)
			result = append(append(result, `,"content":`...), hold.Quote(refusals[len(results)])...)
			results = append(results, append(result, `,"is_error":true}`...))
			continue
		}
		results = append(results, nil)
	}
	if err := resume.Count(len(results), len(refusals)); err != nil {
		return nil, err
	}
	return resume.Append(request, "messages", [][]byte{
		append(append([]byte(`{"role":"assistant","content":`), resume.List(blocks)...), '}'),
		append(append([]byte(`{"role":"user","content":`), resume.List(results)...), '}'),
	}, resume.Never)
}

// blank tells that a block is a text of nothing but white space.
func blank(block []byte) bool {
	members := hold.Members(block, 0)
	return string(hold.In(block, hold.Find(members, "type").Value)) == `"text"` &&
		len(bytes.TrimSpace([]byte(fold.String(hold.In(block, hold.Find(members, "text").Value))))) == 0
}

// called tells that a call was made by code that runs at the provider's, which
// waits for the result in a container ("Programmatic tool calling").
func called(block []byte) bool {
	s := jsonscan.New(hold.In(block, hold.Find(hold.Members(block, 0), "caller").Value))
	for key := range s.Object() {
		if string(key) == "type" {
			return s.Text() != "direct"
		}
	}
	return false
}

// turn gathers the blocks of a response.
type turn struct {
	blocks  []*grown
	byIndex map[int64]*grown
}

// grown is a block as it began, and what was added to it.
type grown struct {
	start     []byte
	names     []string // of the texts that deltas added to
	texts     map[string][]byte
	input     []byte
	citations [][]byte
}

func (t *turn) read(f format, response []byte, contentType string) error {
	framer := f.NewFramer(contentType, 0)
	if framer == nil {
		members, at, ok := resume.Object(response)
		if !ok || string(hold.In(response, hold.Find(members, "type").Value)) != `"message"` {
			return resume.Not("the response is no message")
		}
		t.content(response, at)
		return nil
	}
	t.byIndex = map[int64]*grown{}
	var s jsonscan.Scanner
	for f := range resume.Frames(framer, response) {
		if f.Err != nil {
			return resume.Not("a part of the response cannot be read")
		}
		if len(f.Data) == 0 {
			continue
		}
		h := hold.Frame{Event: f.Event, Data: f.Data}
		p := readPlaces(&h, &s)
		if s.End() != nil {
			return resume.Not("an event of the response is no JSON")
		}
		switch string(p.name) {
		case "message_start":
			t.content(f.Data, p.message.Start)
		case "content_block_start":
			t.begin(p.index, hold.In(f.Data, p.block))
		case "content_block_delta":
			t.delta(p.index, hold.In(f.Data, p.delta))
		case "error":
			return resume.Not("the response states an error")
		}
	}
	return nil
}

// content takes the blocks of a message object, which are whole.
func (t *turn) content(data []byte, at int) {
	for _, el := range elements(data, at) {
		t.blocks = append(t.blocks, &grown{start: bytes.Clone(hold.In(data, el))})
	}
}

func (t *turn) begin(index int64, block []byte) *grown {
	b := &grown{start: bytes.Clone(block)}
	t.blocks = append(t.blocks, b)
	t.byIndex[index] = b
	return b
}

// delta adds to a block. A delta's text belongs to the member of the same name,
// but for an input's pieces and a citation.
func (t *turn) delta(index int64, delta []byte) {
	b := t.byIndex[index]
	members := hold.Members(delta, 0)
	kind := string(fold.Name(hold.In(delta, hold.Find(members, "type").Value)))
	switch {
	case b != nil:
	case kind == "text_delta": // not announced, as some servers do
		b = t.begin(index, []byte(`{"type":"text","text":""}`))
	case kind == "thinking_delta":
		b = t.begin(index, []byte(`{"type":"thinking","thinking":""}`))
	default:
		return
	}
	for _, m := range members {
		switch value := hold.In(delta, m.Value); {
		case m.Name == "type" || fold.IsNull(value):
		case m.Name == "partial_json":
			b.input = appendLiteral(b.input, value)
		case m.Name == "citation":
			b.citations = append(b.citations, bytes.Clone(value))
		case value[0] == '"':
			b.add(m.Name, value)
		}
	}
}

func (b *grown) add(name string, literal []byte) {
	if b.texts == nil {
		b.texts = map[string][]byte{}
	}
	text, known := b.texts[name]
	if !known {
		b.names = append(b.names, name)
		text = appendLiteral(nil, hold.In(b.start, hold.Find(hold.Members(b.start, 0), name).Value))
	}
	b.texts[name] = appendLiteral(text, literal)
}

// bytes returns the whole block. What no delta changed stays as it came.
func (b *grown) bytes() []byte {
	var edits hold.Edits
	members := hold.Members(b.start, 0)
	if members == nil {
		return b.start
	}
	for _, name := range b.names {
		resume.Put(&edits, members, 0, name, hold.Quote(string(b.texts[name])))
	}
	if len(b.citations) > 0 {
		all := b.citations
		if at := hold.Find(members, "citations").Value; at.End > 0 {
			var before [][]byte
			for _, el := range hold.Elements(b.start, at.Start) {
				before = append(before, hold.In(b.start, el))
			}
			all = append(before, all...)
		}
		resume.Put(&edits, members, 0, "citations", resume.List(all))
	}
	given := hold.In(b.start, hold.Find(members, "input").Value)
	switch kind := readBlock(b.start).kind; {
	case len(b.input) > 0:
		resume.Put(&edits, members, 0, "input", input(b.input))
	case kind == "tool_use" && fold.IsNull(given):
		resume.Put(&edits, members, 0, "input", []byte(`{}`))
	case kind == "tool_use" && jsonscan.New(given).Kind() != jsonscan.Object:
		resume.Put(&edits, members, 0, "input", input(given))
	}
	return edits.Apply(b.start)
}

// input returns a call's input as the API takes it back: an object. One that is
// none is wrapped, as "Fine-grained tool streaming" has it.
func input(text []byte) []byte {
	if jsonscan.Check(text) == nil && jsonscan.New(text).Kind() == jsonscan.Object {
		return text
	}
	return append(append([]byte(`{"INVALID_JSON":`), hold.Quote(string(text))...), '}')
}

// Merge implements wire.Continuing.
func (format) Merge(first, second []byte) ([]byte, error) {
	_, at, ok := resume.Object(first)
	members, to, ok2 := resume.Object(second)
	content := hold.Find(members, "content").Value
	if !ok || !ok2 || jsonscan.New(hold.In(second, content)).Kind() != jsonscan.Array {
		return nil, resume.Not("a body is no message")
	}
	var blocks [][]byte
	for _, el := range elements(first, at) {
		block := hold.In(first, el)
		if readBlock(block).kind == "tool_use" {
			break
		}
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		return second, nil
	}
	for _, el := range elements(second, to) {
		blocks = append(blocks, hold.In(second, el))
	}
	var edits hold.Edits
	edits.Set(content, resume.List(blocks))
	return resume.Strict(edits.Apply(second))
}
