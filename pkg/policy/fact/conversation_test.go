package fact_test

import (
	"encoding/json"
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// talk builds a conversation step by step.
type talk struct {
	messages []llm.Message
	calls    int
}

func (t *talk) user(text string) *talk {
	t.messages = append(t.messages, llm.Message{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}})
	return t
}

// tool adds a call and its result.
func (t *talk) tool(name string, args map[string]any, result string) *talk {
	t.calls++
	id := fmt.Sprintf("call_%d", t.calls)
	t.messages = append(t.messages,
		llm.Message{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Name: name, CallID: id, Arguments: raw(args)}}},
		llm.Message{Role: llm.RoleTool, Parts: []llm.Part{{Kind: llm.PartToolResult, CallID: id, Text: result}}})
	return t
}

func (t *talk) conversation() *llm.Conversation { return &llm.Conversation{Messages: t.messages} }

func (t *talk) facts(name string, args map[string]any) *fact.Facts {
	s := fact.NewAnalyzer(0).NewSession(nil)
	for _, m := range t.messages {
		s.Append(m)
	}
	return s.Facts(llm.ToolCall{Name: name, Arguments: raw(args)})
}

func raw(args map[string]any) json.RawMessage {
	b, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return b
}

type args = map[string]any
