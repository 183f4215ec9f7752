package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

type args = map[string]any

// talk builds a conversation step by step.
type talk struct {
	messages []llm.Message
	calls    int
}

func (t *talk) user(text string) *talk {
	t.messages = append(t.messages, llm.Message{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}})
	return t
}

func (t *talk) tool(name string, a args, result string) *talk {
	t.calls++
	id := fmt.Sprintf("call_%d", t.calls)
	t.messages = append(t.messages,
		llm.Message{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Name: name, CallID: id, Arguments: raw(a)}}},
		llm.Message{Role: llm.RoleTool, Parts: []llm.Part{{Kind: llm.PartToolResult, CallID: id, Text: result}}})
	return t
}

func raw(a args) json.RawMessage {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return b
}

func call(name string, a args) llm.ToolCall { return llm.ToolCall{Name: name, Arguments: raw(a)} }

// judge decides on a call at the end of a conversation.
func (t *talk) judge(p *policy.Policy, c llm.ToolCall) policy.Verdict {
	return p.Session(fact.NewAnalyzer(0), "", &llm.Conversation{Messages: t.messages}, nil).Judge(c)
}

// load loads a user's file that must be good.
func load(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Load(policy.File{Name: "policy.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
