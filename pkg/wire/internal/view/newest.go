package view

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Newest walks the next value, an array of messages, and returns the range of
// those after the last one that the model made, separators between them
// included. It looks at each message's role and type, and skips the rest. The
// zero Span means that there is none.
//
// Roles are "assistant" (OpenAI, Anthropic, Ollama) and "model" (Gemini). The
// items of OpenAI's Responses API that have no role are the model's by their
// type, unless that is a tool's output.
func Newest(s *jsonscan.Scanner) llm.Span {
	span := llm.Span{Start: -1}
	for range s.Array() {
		at := s.Pos()
		var role, kind []byte
		for key := range s.Object() {
			switch string(key) {
			case "role":
				role = s.Raw()
			case "type":
				kind = s.Raw()
			}
		}
		if s.Err() != nil {
			return llm.Span{}
		}
		switch {
		case ByModel(role, kind):
			span = llm.Span{Start: -1}
		default:
			if span.Start < 0 {
				span.Start = at
			}
			span.End = s.Offset()
		}
	}
	if span.Start < 0 {
		return llm.Span{}
	}
	return span
}

// ByModel tells of a message with that role and type, as they are written, whether
// the model made it.
func ByModel(role, kind []byte) bool {
	switch string(role) {
	case `"assistant"`, `"model"`:
		return true
	case "":
		return len(kind) > 0 && string(kind) != `"message"` && !bytes.HasSuffix(kind, []byte(`_output"`)) && string(kind) != `"item_reference"`
	}
	return false
}
