package openaichat

import (
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Conversation implements wire.Format. System and developer messages stand
// where they stood among the messages.
func (format) Conversation(body []byte) (llm.Conversation, error) {
	var c llm.Conversation
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
		case "tools", "functions":
			for range s.Array() {
				c.Tools = append(c.Tools, r.tool(s))
			}
		case "store", "deferred": // the latter is xAI's: the answer is to be fetched
			if store, ok := s.Bool(); ok && (store || c.Store == nil) {
				c.Store = &store
			}
		}
	}
	return c, view.End(s, kind)
}

// reader reads the parts of one body.
type reader struct{ body []byte }

func role(word string) llm.Role {
	switch word {
	case "system", "developer":
		return llm.RoleSystem
	case "assistant":
		return llm.RoleAssistant
	case "tool", "function":
		return llm.RoleTool
	}
	return llm.RoleUser
}

func (r reader) message(s *jsonscan.Scanner) llm.Message {
	var word, name, callID, content, refusal, audio, reasoning, other, calls, legacy view.Value
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "role":
			word = view.Read(s)
		case "name", "tool_name": // the latter is Ollama's
			name = view.Read(s)
		case "tool_call_id":
			callID = view.Read(s)
		case "content":
			content = view.Read(s)
		case "refusal":
			refusal = view.Read(s)
		case "audio":
			audio = view.Read(s)
		case "reasoning_content":
			reasoning = view.Read(s)
		case "reasoning", "thinking":
			other = view.Read(s)
		case "tool_calls":
			calls = view.Read(s)
		case "function_call":
			legacy = view.Read(s)
		}
	}
	m := llm.Message{Role: role(word.Text()), Span: view.Since(s, r.body, start)}
	if m.Role == llm.RoleTool {
		m.Parts = r.result(content, callID.Text(), name.Text())
		return m
	}
	if reasoning.Size() == 0 {
		reasoning = other
	}
	if reasoning.Size() > 0 {
		m.Parts = reasoning.Append(m.Parts, llm.PartReasoning)
	}
	m.Parts = r.content(m.Parts, content)
	if refusal.Kind() == jsonscan.String {
		m.Parts = refusal.Append(m.Parts, llm.PartText)
	}
	if audio.Kind() == jsonscan.Object {
		m.Parts = r.appendMedia(m.Parts, llm.PartAudio, audio)
	}
	m.Parts = r.calls(m.Parts, legacy, calls)
	return m
}

// calls reads a function_call and tool_calls, in a call of its own, as
// view.Value.Append is.
//
//go:noinline
func (r reader) calls(parts []llm.Part, legacy, list view.Value) []llm.Part {
	if legacy.Kind() == jsonscan.Object {
		parts = append(parts, r.function(legacy, ""))
	}
	s := list.Scan(r.body)
	for range s.Array() {
		parts = append(parts, r.toolCall(view.Read(s)))
	}
	return parts
}

// result reads a tool's message: each text of its content is a part of its own,
// with its own span.
func (r reader) result(content view.Value, callID, name string) []llm.Part {
	parts := r.content(nil, content)
	if len(parts) == 0 {
		parts = append(parts, llm.Part{Kind: llm.PartToolResult})
	}
	for i := range parts {
		p := &parts[i]
		if p.Kind == llm.PartText || p.Kind == llm.PartOther {
			p.Kind = llm.PartToolResult
		}
		p.CallID = callID
		if p.Name == "" {
			p.Name = name
		}
	}
	return parts
}

// content reads a string or an array of content parts.
func (r reader) content(parts []llm.Part, v view.Value) []llm.Part {
	switch v.Kind() {
	case jsonscan.String:
		return v.Append(parts, llm.PartText)
	case jsonscan.Object:
		return append(parts, v.Other())
	case jsonscan.Array:
		s := v.Scan(r.body)
		for range s.Array() {
			parts = r.contentPart(parts, view.Read(s))
		}
	}
	return parts
}

func (r reader) toolCall(v view.Value) llm.Part {
	var id string
	var function view.Value
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "id":
			id = s.Text()
		case "function", "custom":
			function = view.Read(s)
		}
	}
	return r.function(function, id)
}

// function reads the name and the arguments of a call. Arguments that are not
// JSON, and a custom tool's input, are in Text.
func (r reader) function(v view.Value, id string) llm.Part {
	p := llm.Part{Kind: llm.PartToolCall, CallID: id}
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "name":
			p.Name = s.Text()
		case "input":
			input := view.Read(s)
			p.Text, p.Span = input.Text(), input.Span()
		case "arguments":
			args := view.Read(s)
			p.Span = args.Span()
			if args.Kind() != jsonscan.String {
				p.Arguments = args.JSON()
			} else if text := args.Text(); jsonscan.Check([]byte(text)) == nil {
				p.Arguments = json.RawMessage(text)
			} else {
				p.Text = text
			}
		}
	}
	return p
}

// tool reads a declared tool: of type function or custom, whose members stand
// in a member of that name; a legacy function, which has them itself; or one of
// the provider's own, which has a type alone.
func (r reader) tool(s *jsonscan.Scanner) llm.Tool {
	var t llm.Tool
	var kind string
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = s.Text()
		case "function", "custom":
			for key := range s.Object() {
				r.toolMember(&t, string(key), s)
			}
		default:
			r.toolMember(&t, string(key), s)
		}
	}
	if t.Name == "" {
		t.Name = kind
	}
	t.Span = view.Since(s, r.body, start)
	return t
}

func (r reader) toolMember(t *llm.Tool, key string, s *jsonscan.Scanner) {
	switch key {
	case "name":
		t.Name = s.Text()
	case "description":
		t.Description = s.Text()
	case "parameters":
		t.Parameters = view.Read(s).JSON()
	}
}
