package ollama

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Conversation implements wire.Format.
//
// Of /api/generate, the prompt with its suffix and images is a user's message;
// system and template, which replace those of the model, are the System parts.
func (f format) Conversation(body []byte) (llm.Conversation, error) {
	var c llm.Conversation
	var prompt, suffix, images, system, template view.Value
	r := reader{body}
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "model":
			c.Model = s.Text()
		case "messages":
			for range s.Array() {
				c.Messages = append(c.Messages, r.message(s))
			}
		case "tools":
			for range s.Array() {
				c.Tools = append(c.Tools, r.tool(s))
			}
		case "prompt":
			prompt = view.Read(s)
		case "suffix":
			suffix = view.Read(s)
		case "images":
			images = view.Read(s)
		case "system":
			system = view.Read(s)
		case "template":
			template = view.Read(s)
		}
	}
	err := view.End(s, kind)
	if f.api == llm.APIOllamaGenerate {
		c.System = texts(llm.PartText, system, template)
		parts := r.images(texts(llm.PartText, prompt, suffix), images)
		if len(parts) > 0 {
			c.Messages = append(c.Messages, llm.Message{Role: llm.RoleUser, Parts: parts, Span: prompt.Span()})
		}
	}
	return c, err
}

// texts returns a part for each of the values that is a text and not empty.
func texts(kind llm.PartKind, values ...view.Value) (parts []llm.Part) {
	for _, v := range values {
		if v.Size() > 0 {
			parts = append(parts, v.Part(kind))
		}
	}
	return parts
}

// reader reads the parts of one body.
type reader struct{ body []byte }

func (r reader) message(s *jsonscan.Scanner) llm.Message {
	var word, content, thinking, images, calls, name, callID view.Value
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "role":
			word = view.Read(s)
		case "content":
			content = view.Read(s)
		case "thinking":
			thinking = view.Read(s)
		case "images":
			images = view.Read(s)
		case "tool_calls":
			calls = view.Read(s)
		case "tool_name":
			name = view.Read(s)
		case "tool_call_id":
			callID = view.Read(s)
		}
	}
	m := llm.Message{Role: llm.RoleUser, Span: view.Since(s, r.body, start)}
	switch word.Text() {
	case "system":
		m.Role = llm.RoleSystem
	case "assistant":
		m.Role = llm.RoleAssistant
	case "tool":
		m.Role = llm.RoleTool
		result := text(content)
		result.Kind = llm.PartToolResult
		result.Name, result.CallID = name.Text(), callID.Text()
		m.Parts = r.images([]llm.Part{result}, images)
		return m
	}
	m.Parts = texts(llm.PartReasoning, thinking)
	if k := content.Kind(); k != jsonscan.Invalid && k != jsonscan.Null {
		m.Parts = append(m.Parts, text(content))
	}
	m.Parts = r.images(m.Parts, images)
	list := calls.Scan(r.body)
	for range list.Array() {
		m.Parts = append(m.Parts, r.toolCall(list))
	}
	return m
}

// text returns the part for content, which is to be a string.
func text(content view.Value) llm.Part {
	switch content.Kind() {
	case jsonscan.String, jsonscan.Null, jsonscan.Invalid:
		return content.Part(llm.PartText)
	}
	return content.Other()
}

// images reads an array of images, each base64 text.
func (r reader) images(parts []llm.Part, v view.Value) []llm.Part {
	s := v.Scan(r.body)
	for range s.Array() {
		image := view.Read(s)
		parts = append(parts, llm.Part{Kind: llm.PartImage, Bytes: image.Size(), Span: image.Span()})
	}
	return parts
}

func (r reader) toolCall(s *jsonscan.Scanner) llm.Part {
	p := llm.Part{Kind: llm.PartToolCall}
	for key := range s.Object() {
		switch string(key) {
		case "id":
			p.CallID = s.Text()
		case "function":
			for key := range s.Object() {
				switch string(key) {
				case "name":
					p.Name = s.Text()
				case "arguments":
					r.arguments(&p, view.Read(s))
				}
			}
		}
	}
	return p
}

// arguments are an object; a text is what a client of another API would send.
func (r reader) arguments(p *llm.Part, args view.Value) {
	p.Span = args.Span()
	if args.Kind() != jsonscan.String {
		p.Arguments = args.JSON()
	} else if written := []byte(args.Text()); jsonscan.Check(written) == nil {
		p.Arguments = written
	} else {
		p.Text = string(written)
	}
}

func (r reader) tool(s *jsonscan.Scanner) llm.Tool {
	var t llm.Tool
	start := s.Pos()
	for key := range s.Object() {
		if string(key) != "function" {
			continue
		}
		for key := range s.Object() {
			switch string(key) {
			case "name":
				t.Name = s.Text()
			case "description":
				t.Description = s.Text()
			case "parameters":
				t.Parameters = view.Read(s).JSON()
			}
		}
	}
	t.Span = view.Since(s, r.body, start)
	return t
}
