package gemini

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Conversation implements wire.Format. Members are read in both spellings that
// the API takes, camelCase and snake_case.
//
// A function's response is an object. Where it has one member and that is a
// string, the part's text and span are that string's; else they are the object's.
func (format) Conversation(body []byte) (llm.Conversation, error) {
	var c llm.Conversation
	r := reader{body: body}
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "systemInstruction", "system_instruction":
			c.System = r.content(s, llm.RoleSystem).Parts
		case "contents":
			c.Messages = nil
			if s.Kind() != jsonscan.Array {
				c.Messages = append(c.Messages, r.content(s, llm.RoleUser))
				continue
			}
			for range s.Array() {
				c.Messages = append(c.Messages, r.content(s, llm.RoleUser))
			}
		case "tools":
			c.Tools = r.declared(s)
		}
	}
	return c, view.End(s, kind)
}

// reader reads the parts of one body.
type reader struct{ body []byte }

// content reads a Content, or a string in its place. Without a role it has the
// one given.
func (r *reader) content(s *jsonscan.Scanner, role llm.Role) llm.Message {
	m := llm.Message{Role: role}
	if s.Kind() == jsonscan.String {
		v := view.Read(s)
		m.Parts, m.Span = []llm.Part{v.Part(llm.PartText)}, v.Span()
		return m
	}
	results := true // there is nothing but functions' responses
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "role":
			switch s.Text() {
			case "user":
				m.Role = llm.RoleUser
			case "model":
				m.Role = llm.RoleAssistant
			case "function", "tool":
				m.Role = llm.RoleTool
			}
		case "parts":
			m.Parts, results = m.Parts[:0], true
			add := func(v view.Value) {
				var result bool
				m.Parts, result = r.appendPart(m.Parts, v)
				results = results && result
			}
			if s.Kind() == jsonscan.Object {
				add(view.Read(s))
				continue
			}
			for range s.Array() {
				add(view.Read(s))
			}
		}
	}
	m.Span = view.Since(s, r.body, start)
	if m.Role == llm.RoleUser && results && len(m.Parts) > 0 {
		m.Role = llm.RoleTool
	}
	return m
}

// appendPart reads a part, which may be of one kind only, and tells whether it is
// a function's response.
func (r *reader) appendPart(parts []llm.Part, v view.Value) (_ []llm.Part, result bool) {
	var text, call, response, inline, file view.Value
	thought := false
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "text":
			text = view.Read(s)
		case "thought":
			thought, _ = s.Bool()
		case "functionCall", "function_call", "toolCall", "tool_call":
			call = view.Read(s)
		case "functionResponse", "function_response", "toolResponse", "tool_response":
			response = view.Read(s)
		case "inlineData", "inline_data":
			inline = view.Read(s)
		case "fileData", "file_data":
			file = view.Read(s)
		}
	}
	switch {
	case text.Kind() == jsonscan.String && thought:
		return append(parts, text.Part(llm.PartReasoning)), false
	case text.Kind() == jsonscan.String:
		return append(parts, text.Part(llm.PartText)), false
	case call.Kind() == jsonscan.Object:
		return append(parts, r.call(call)), false
	case response.Kind() == jsonscan.Object:
		return r.appendResult(parts, response), true
	case inline.Kind() == jsonscan.Object:
		return append(parts, r.blob(inline)), false
	case file.Kind() == jsonscan.Object:
		return append(parts, r.blob(file)), false
	}
	return append(parts, v.Other()), false
}

// call reads a functionCall, or a toolCall of a tool that the provider ran.
func (r *reader) call(v view.Value) llm.Part {
	p := llm.Part{Kind: llm.PartToolCall}
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "id":
			p.CallID = s.Text()
		case "name", "toolType", "tool_type":
			p.Name = s.Text()
		case "args":
			args := view.Read(s)
			p.Arguments, p.Span = args.JSON(), args.Span()
		}
	}
	return p
}

// appendResult reads a functionResponse, whose media stand in parts of its own.
func (r *reader) appendResult(parts []llm.Part, v view.Value) []llm.Part {
	p := llm.Part{Kind: llm.PartToolResult}
	var response, media view.Value
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "id":
			p.CallID = s.Text()
		case "name", "toolType", "tool_type":
			p.Name = s.Text()
		case "response":
			response = view.Read(s)
		case "parts":
			media = view.Read(s)
		}
	}
	r.response(&p, response)
	parts = append(parts, p)
	s = media.Scan(r.body)
	for range s.Array() {
		for key := range s.Object() {
			switch string(key) {
			case "inlineData", "inline_data", "fileData", "file_data":
				m := r.blob(view.Read(s))
				m.CallID, m.Name = p.CallID, p.Name
				parts = append(parts, m)
			}
		}
	}
	return parts
}

// response reads what a function gave back. By convention its members are
// output or result, or error.
func (r *reader) response(p *llm.Part, v view.Value) {
	if v.Kind() == jsonscan.Invalid {
		return
	}
	p.Text, p.Span = string(v.Raw), v.Span()
	members := 0
	var only view.Value
	s := v.Scan(r.body)
	for key := range s.Object() {
		if string(key) == "error" && s.Kind() != jsonscan.Null {
			p.IsError = true
		}
		members++
		only = view.Read(s)
	}
	if v.Kind() == jsonscan.String {
		members, only = 1, v
	}
	if members == 1 && only.Kind() == jsonscan.String {
		p.Text, p.Span = only.Text(), only.Span()
	}
}

// blob reads inlineData or fileData.
func (r *reader) blob(v view.Value) llm.Part {
	p := llm.Part{Kind: llm.PartFile}
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "mimeType", "mime_type":
			p.Media = s.Text()
		case "data":
			p.Bytes = view.Read(s).Size()
		case "displayName", "display_name":
			p.Name = s.Text()
		case "fileUri", "file_uri":
			uri := view.Read(s)
			p.Text, p.Span = uri.Text(), uri.Span()
		}
	}
	switch kind, _, _ := strings.Cut(p.Media, "/"); kind {
	case "image":
		p.Kind = llm.PartImage
	case "audio":
		p.Kind = llm.PartAudio
	}
	return p
}

// declared reads the declared tools: an array, or one alone.
func (r *reader) declared(s *jsonscan.Scanner) (tools []llm.Tool) {
	if s.Kind() == jsonscan.Object {
		return r.tools(nil, s)
	}
	for range s.Array() {
		tools = r.tools(tools, s)
	}
	return tools
}

// tools reads one Tool: function declarations, and tools that the provider runs,
// each a member whose name is its own.
func (r *reader) tools(tools []llm.Tool, s *jsonscan.Scanner) []llm.Tool {
	for key := range s.Object() {
		switch name := string(key); name {
		case "functionDeclarations", "function_declarations":
			for range s.Array() {
				tools = append(tools, r.declaration(s))
			}
		default:
			tools = append(tools, llm.Tool{Name: name, Span: view.Read(s).Span()})
		}
	}
	return tools
}

func (r *reader) declaration(s *jsonscan.Scanner) llm.Tool {
	var t llm.Tool
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "name":
			t.Name = s.Text()
		case "description":
			t.Description = s.Text()
		case "parameters", "parametersJsonSchema", "parameters_json_schema":
			t.Parameters = view.Read(s).JSON()
		}
	}
	t.Span = view.Since(s, r.body, start)
	return t
}
