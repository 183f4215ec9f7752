package openairesponses

import (
	"encoding/json"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// inputMembers are those of an input item, whatever its type.
type inputMembers struct {
	kind, role, content, id, callID, name, namespace view.Value
	arguments, input, action, operation              view.Value
	output, failure, results, summary, encrypted     view.Value
}

func (r *reader) members(v view.Value) (m inputMembers) {
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			m.kind = view.Read(s)
		case "role":
			m.role = view.Read(s)
		case "content":
			m.content = view.Read(s)
		case "id":
			m.id = view.Read(s)
		case "call_id":
			m.callID = view.Read(s)
		case "name":
			m.name = view.Read(s)
		case "namespace":
			m.namespace = view.Read(s)
		case "arguments":
			m.arguments = view.Read(s)
		case "input", "code":
			m.input = view.Read(s)
		case "action", "actions":
			if a := view.Read(s); a.Kind() != jsonscan.Null {
				m.action = a
			}
		case "operation":
			m.operation = view.Read(s)
		case "output":
			m.output = view.Read(s)
		case "error":
			m.failure = view.Read(s)
		case "results", "outputs", "tools":
			m.results = view.Read(s)
		case "summary":
			m.summary = view.Read(s)
		case "encrypted_content":
			m.encrypted = view.Read(s)
		}
	}
	return m
}

// item reads an input item. Without a type it is a message ("easy input
// message").
func (r *reader) item(v view.Value) llm.Message {
	m := r.members(v)
	kind := m.kind.Text()
	switch {
	case kind == "message", kind == "" && m.role.Kind() == jsonscan.String:
		return llm.Message{Role: role(m.role.Text()), Parts: r.content(m.content, llm.PartText)}
	case kind == "reasoning":
		return llm.Message{Role: llm.RoleAssistant, Parts: r.reasoning(m)}
	case strings.HasSuffix(kind, "_call_output"), kind == "tool_search_output":
		return llm.Message{Role: llm.RoleTool, Parts: r.output(m)}
	case strings.HasSuffix(kind, "_call"):
		return llm.Message{Role: llm.RoleAssistant, Parts: r.call(kind, m)}
	case kind == "":
		return llm.Message{Role: llm.RoleUser, Parts: []llm.Part{v.Other()}}
	}
	return llm.Message{Role: otherRole(kind), Parts: []llm.Part{v.Other()}}
}

func role(name string) llm.Role {
	switch name {
	case "assistant":
		return llm.RoleAssistant
	case "system", "developer":
		return llm.RoleSystem
	}
	return llm.RoleUser
}

// otherRole says whose item it is that is not understood. An item that the
// model made is sent back to it; the client's own are an answer to a request
// for approval, and references.
func otherRole(kind string) llm.Role {
	switch kind {
	case "mcp_approval_response", "item_reference":
		return llm.RoleUser
	}
	return llm.RoleAssistant
}

// content reads a string or an array of parts; texts become parts of that kind.
func (r *reader) content(v view.Value, text llm.PartKind) (parts []llm.Part) {
	switch v.Kind() {
	case jsonscan.String:
		return append(parts, v.Part(text))
	case jsonscan.Array:
		s := v.Scan(r.body)
		for range s.Array() {
			parts = append(parts, r.part(view.Read(s), text))
		}
	}
	return parts
}

// part reads a part of a message or of an output.
func (r *reader) part(v view.Value, text llm.PartKind) llm.Part {
	if v.Kind() == jsonscan.String {
		return v.Part(text)
	}
	var kind, body, url, data, name, fileID, format view.Value
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = view.Read(s)
		case "text", "refusal":
			body = view.Read(s)
		case "image_url", "file_url":
			url = view.Read(s)
		case "file_data":
			data = view.Read(s)
		case "filename":
			name = view.Read(s)
		case "file_id":
			fileID = view.Read(s)
		case "input_audio":
			for key := range s.Object() {
				switch string(key) {
				case "data":
					data = view.Read(s)
				case "format":
					format = view.Read(s)
				}
			}
		}
	}
	switch kind.Text() {
	case "input_text", "output_text", "text", "refusal":
		return body.Part(text)
	case "summary_text", "reasoning_text":
		return body.Part(llm.PartReasoning)
	case "input_image", "computer_screenshot":
		return file(llm.PartImage, url, data, fileID, name)
	case "input_file":
		return file(llm.PartFile, url, data, fileID, name)
	case "input_audio":
		return llm.Part{Kind: llm.PartAudio, Media: format.Text(), Bytes: data.Size()}
	}
	return v.Other()
}

// file is what is known of an image or a file: inline data, a URL or an id.
func file(kind llm.PartKind, url, data, fileID, name view.Value) llm.Part {
	p := llm.Part{Kind: kind, Name: name.Text()}
	if p.Name == "" {
		p.Name = fileID.Text()
	}
	for _, v := range [...]view.Value{url, data} {
		if v.Kind() != jsonscan.String {
			continue
		}
		if p.Media, p.Bytes = view.Data(v); p.Media == "" && p.Bytes == 0 {
			if v.Span() == url.Span() {
				p.Text, p.Span = v.Text(), v.Span()
			} else {
				p.Bytes = v.Size()
			}
		}
		break
	}
	return p
}

func (r *reader) reasoning(m inputMembers) []llm.Part {
	parts := append(r.content(m.summary, llm.PartReasoning), r.content(m.content, llm.PartReasoning)...)
	if len(parts) == 0 || m.encrypted.Size() > 0 {
		parts = append(parts, llm.Part{Kind: llm.PartReasoning, Bytes: m.encrypted.Size()})
	}
	return parts
}

// call reads a call that the model made earlier. The provider's own tools have
// their results beside it.
func (r *reader) call(kind string, m inputMembers) []llm.Part {
	p := llm.Part{Kind: llm.PartToolCall, CallID: m.callID.Text(), Name: strings.TrimSuffix(kind, "_call")}
	if p.CallID == "" {
		p.CallID = m.id.Text()
	}
	if m.name.Kind() == jsonscan.String {
		p.Name = callName(m.namespace.Text(), m.name.Text())
	}
	for _, v := range [...]view.Value{m.arguments, m.input, m.action, m.operation} {
		if len(v.Raw) == 0 {
			continue
		}
		p.Span = v.Span()
		switch text := v.Text(); {
		case v.Kind() != jsonscan.String:
			p.Arguments = v.JSON()
		case kind == "custom_tool_call", jsonscan.Check([]byte(text)) != nil:
			p.Text = text
		default:
			p.Arguments = json.RawMessage(text)
		}
		break
	}
	parts := []llm.Part{p}
	for _, v := range [...]view.Value{m.output, m.results, m.failure} {
		if k := v.Kind(); k == jsonscan.Invalid || k == jsonscan.Null {
			continue
		}
		for _, res := range r.results(v) {
			res.CallID, res.IsError = p.CallID, v.Span() == m.failure.Span()
			parts = append(parts, res)
		}
	}
	return parts
}

// output reads what a tool gave back.
func (r *reader) output(m inputMembers) []llm.Part {
	v := m.output
	if len(v.Raw) == 0 {
		v = m.results
	}
	parts := r.results(v)
	for i := range parts {
		parts[i].CallID = m.callID.Text()
	}
	return parts
}

// results reads the texts of a result: a string, parts, or the stdout and
// stderr of shell commands. There is at least one part.
func (r *reader) results(v view.Value) (parts []llm.Part) {
	switch v.Kind() {
	case jsonscan.String:
		return append(parts, v.Part(llm.PartToolResult))
	case jsonscan.Object:
		p := r.part(v, llm.PartToolResult)
		return append(parts, asResult(p))
	case jsonscan.Array:
		s := v.Scan(r.body)
		for range s.Array() {
			element := view.Read(s)
			if streams := r.streams(element); len(streams) > 0 {
				parts = append(parts, streams...)
				continue
			}
			parts = append(parts, asResult(r.part(element, llm.PartToolResult)))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, llm.Part{Kind: llm.PartToolResult})
	}
	return parts
}

// streams reads the outcome of one command of a shell_call_output.
func (r *reader) streams(v view.Value) (parts []llm.Part) {
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "stdout", "stderr":
			if text := view.Read(s); text.Size() > 0 {
				parts = append(parts, text.Part(llm.PartToolResult))
			}
		}
	}
	return parts
}

func asResult(p llm.Part) llm.Part {
	if p.Kind == llm.PartOther {
		p.Kind = llm.PartToolResult
	}
	return p
}
