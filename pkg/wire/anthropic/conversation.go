package anthropic

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Conversation implements wire.Format.
//
// Tool results come inside user messages; a message of nothing else has
// RoleTool. A result of several blocks gives one part for each, all with its
// CallID, so that each text has its own span. Calls that the provider ran itself
// (server_tool_use, mcp_tool_use) and their results are there like the
// client's: what they brought in may taint the conversation as well.
func (format) Conversation(body []byte) (llm.Conversation, error) {
	var c llm.Conversation
	r := reader{body: body}
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "model":
			c.Model = s.Text()
		case "system":
			c.System = r.content(s, nil)
		case "messages":
			for range s.Array() {
				c.Messages = append(c.Messages, r.message(s))
			}
		case "tools":
			for range s.Array() {
				c.Tools = append(c.Tools, r.tool(s))
			}
		}
	}
	return c, view.End(s, kind)
}

// maxDepth bounds how deeply blocks may stand in blocks; the API allows two.
const maxDepth = 8

// reader reads the parts of one body.
type reader struct {
	body  []byte
	depth int
}

func (r *reader) message(s *jsonscan.Scanner) llm.Message {
	m := llm.Message{Role: llm.RoleUser}
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "role":
			switch s.Text() {
			case "assistant":
				m.Role = llm.RoleAssistant
			case "system":
				m.Role = llm.RoleSystem
			}
		case "content":
			m.Parts = r.content(s, m.Parts[:0])
		}
	}
	m.Span = view.Since(s, r.body, start)
	if m.Role == llm.RoleUser && onlyResults(m.Parts) {
		m.Role = llm.RoleTool
	}
	return m
}

func onlyResults(parts []llm.Part) bool {
	for _, p := range parts {
		if p.CallID == "" && p.Kind != llm.PartToolResult {
			return false
		}
	}
	return len(parts) > 0
}

// content reads a string or an array of blocks.
func (r *reader) content(s *jsonscan.Scanner, parts []llm.Part) []llm.Part {
	switch s.Kind() {
	case jsonscan.String:
		parts = append(parts, view.Read(s).Part(llm.PartText))
	case jsonscan.Array:
		for range s.Array() {
			parts = r.appendBlock(parts, view.Read(s))
		}
	}
	return parts
}

// members are those of a content block, whatever its type.
type members struct {
	kind, text, thinking, data, id, name, input, toolUseID, content, isError, source, title view.Value
}

func (r *reader) members(v view.Value) (m members) {
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			m.kind = view.Read(s)
		case "text":
			m.text = view.Read(s)
		case "thinking":
			m.thinking = view.Read(s)
		case "data":
			m.data = view.Read(s)
		case "id":
			m.id = view.Read(s)
		case "name":
			m.name = view.Read(s)
		case "input":
			m.input = view.Read(s)
		case "tool_use_id":
			m.toolUseID = view.Read(s)
		case "content":
			m.content = view.Read(s)
		case "is_error":
			m.isError = view.Read(s)
		case "source":
			m.source = view.Read(s)
		case "title":
			m.title = view.Read(s)
		}
	}
	return m
}

func (r *reader) appendBlock(parts []llm.Part, v view.Value) []llm.Part {
	if v.Kind() == jsonscan.String {
		return append(parts, v.Part(llm.PartText))
	}
	m := r.members(v)
	switch kind := m.kind.Text(); kind {
	case "text":
		return append(parts, m.text.Part(llm.PartText))
	case "thinking":
		return append(parts, m.thinking.Part(llm.PartReasoning))
	case "redacted_thinking":
		return append(parts, llm.Part{Kind: llm.PartReasoning, Bytes: m.data.Size()})
	case "tool_use", "server_tool_use", "mcp_tool_use":
		return append(parts, llm.Part{
			Kind: llm.PartToolCall, Name: m.name.Text(), CallID: m.id.Text(),
			Arguments: m.input.JSON(), Span: m.input.Span(),
		})
	case "image":
		return append(parts, r.media(llm.PartImage, m.source))
	case "document":
		return r.appendDocument(parts, m)
	case "search_result":
		return r.appendNested(parts, m.content, llm.PartFile, llm.Part{Name: m.title.Text()})
	default:
		if name, ok := strings.CutSuffix(kind, "tool_result"); ok {
			return r.appendResult(parts, m, strings.TrimSuffix(name, "_"))
		}
	}
	return append(parts, v.Other())
}

// appendResult reads a tool result; name is that of the provider's own tool.
func (r *reader) appendResult(parts []llm.Part, m members, name string) []llm.Part {
	head := llm.Part{CallID: m.toolUseID.Text(), IsError: m.isError.True()}
	if name != "mcp" {
		head.Name = name
	}
	return r.appendNested(parts, m.content, llm.PartToolResult, head)
}

// appendNested reads content that stands in a block: its texts become parts of
// that kind, and all parts get what head has. Without content there is one part.
func (r *reader) appendNested(parts []llm.Part, v view.Value, kind llm.PartKind, head llm.Part) []llm.Part {
	var nested []llm.Part
	switch v.Kind() {
	case jsonscan.String:
		nested = append(nested, v.Part(kind))
	case jsonscan.Array:
		if r.depth++; r.depth <= maxDepth {
			nested = r.content(v.Scan(r.body), nil)
		} else {
			nested = append(nested, v.Other())
		}
		r.depth--
	case jsonscan.Object:
		nested = append(nested, v.Other())
	}
	if len(nested) == 0 {
		nested = append(nested, llm.Part{Kind: kind})
	}
	for _, p := range nested {
		if p.Kind == llm.PartText || p.Kind == llm.PartOther {
			p.Kind = kind
		}
		if p.CallID == "" {
			p.CallID = head.CallID
		}
		if p.Name == "" {
			p.Name = head.Name
		}
		p.IsError = p.IsError || head.IsError
		parts = append(parts, p)
	}
	return parts
}

// source is where an image or a document comes from.
type source struct {
	kind, media, data, url, fileID, content view.Value
}

func (r *reader) source(v view.Value) (src source) {
	s := v.Scan(r.body)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			src.kind = view.Read(s)
		case "media_type":
			src.media = view.Read(s)
		case "data":
			src.data = view.Read(s)
		case "url":
			src.url = view.Read(s)
		case "file_id":
			src.fileID = view.Read(s)
		case "content":
			src.content = view.Read(s)
		}
	}
	return src
}

func (r *reader) media(kind llm.PartKind, v view.Value) llm.Part {
	src := r.source(v)
	p := llm.Part{Kind: kind, Media: src.media.Text(), Bytes: src.data.Size(), Name: src.fileID.Text()}
	if src.url.Kind() == jsonscan.String {
		p.Text, p.Span = src.url.Text(), src.url.Span()
	}
	return p
}

// appendDocument reads a document: a file, plain text, or blocks of its own.
func (r *reader) appendDocument(parts []llm.Part, m members) []llm.Part {
	src := r.source(m.source)
	title := m.title.Text()
	switch src.kind.Text() {
	case "text":
		p := src.data.Part(llm.PartFile)
		p.Name, p.Media = title, src.media.Text()
		return append(parts, p)
	case "content":
		return r.appendNested(parts, src.content, llm.PartFile, llm.Part{Name: title})
	}
	p := r.media(llm.PartFile, m.source)
	if title != "" {
		p.Name = title
	}
	return append(parts, p)
}

// tool reads a declared tool. The provider's own have a type and perhaps a
// name, but no schema.
func (r *reader) tool(s *jsonscan.Scanner) llm.Tool {
	var t llm.Tool
	var kind string
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "name":
			t.Name = s.Text()
		case "type":
			kind = s.Text()
		case "description":
			t.Description = s.Text()
		case "input_schema":
			t.Parameters = view.Read(s).JSON()
		}
	}
	if t.Name == "" {
		t.Name = kind
	}
	t.Span = view.Since(s, r.body, start)
	return t
}
