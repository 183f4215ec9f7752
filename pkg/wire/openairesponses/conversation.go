package openairesponses

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Conversation implements wire.Format. Each item of the input is a message.
//
// An output of several parts gives one part for each, all with its CallID, so
// that each text has its own span; the span of a call is that of its arguments.
// Calls of tools that the provider ran and their results are there like the
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
		case "instructions":
			c.System = r.instructions(s)
		case "input":
			c.Messages = r.input(s)
		case "tools":
			c.Tools = r.tools(nil, s, "")
		case "previous_response_id":
			if id := s.Text(); id != "" {
				c.PreviousID = id
			}
		case "conversation":
			if id := conversationID(s); id != "" && c.PreviousID == "" {
				c.PreviousID = id
			}
		case "store":
			if store, ok := s.Bool(); ok {
				c.Store = &store
			}
		}
	}
	return c, view.End(s, kind)
}

// conversationID reads an id, or an object that has one.
func conversationID(s *jsonscan.Scanner) (id string) {
	if s.Kind() == jsonscan.String {
		return s.Text()
	}
	for key := range s.Object() {
		if string(key) == "id" {
			id = s.Text()
		}
	}
	return id
}

// reader reads the parts of one body.
type reader struct{ body []byte }

// instructions are a string, or items in the answers that repeat a request.
func (r *reader) instructions(s *jsonscan.Scanner) (parts []llm.Part) {
	if s.Kind() == jsonscan.String {
		return append(parts, view.Read(s).Part(llm.PartText))
	}
	for _, m := range r.input(s) {
		parts = append(parts, m.Parts...)
	}
	return parts
}

// input is a string, which is a user's message, or a list of items.
func (r *reader) input(s *jsonscan.Scanner) (messages []llm.Message) {
	if s.Kind() == jsonscan.String {
		v := view.Read(s)
		return append(messages, llm.Message{
			Role: llm.RoleUser, Parts: []llm.Part{v.Part(llm.PartText)}, Span: v.Span(),
		})
	}
	for range s.Array() {
		messages = append(messages, r.message(view.Read(s)))
	}
	return messages
}

func (r *reader) message(v view.Value) llm.Message {
	m := r.item(v)
	m.Span = v.Span()
	return m
}

// tools reads declared tools. Those of a namespace stand for themselves, and
// those that the provider runs have their type for a name.
func (r *reader) tools(tools []llm.Tool, s *jsonscan.Scanner, namespace string) []llm.Tool {
	for range s.Array() {
		var t llm.Tool
		var kind, label string
		var nested view.Value
		start := s.Pos()
		for key := range s.Object() {
			switch string(key) {
			case "type":
				kind = s.Text()
			case "name":
				t.Name = s.Text()
			case "server_label":
				label = s.Text()
			case "description":
				t.Description = s.Text()
			case "parameters":
				t.Parameters = view.Read(s).JSON()
			case "tools":
				nested = view.Read(s)
			}
		}
		if kind == "namespace" && namespace == "" {
			tools = r.tools(tools, nested.Scan(r.body), t.Name)
			continue
		}
		switch {
		case t.Name == "" && label != "":
			t.Name = kind + ":" + label
		case t.Name == "":
			t.Name = kind
		default:
			t.Name = callName(namespace, t.Name)
		}
		t.Span = view.Since(s, r.body, start)
		tools = append(tools, t)
	}
	return tools
}
