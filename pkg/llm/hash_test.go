package llm_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestSum(t *testing.T) {
	message := func(role llm.Role, parts ...llm.Part) llm.Message { return llm.Message{Role: role, Parts: parts} }
	text := func(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }
	base := message(llm.RoleUser, text("ab"), text("c"))
	moved := base
	moved.Span = llm.Span{Start: 4, End: 9}
	if base.Sum() == 0 || base.Sum() != moved.Sum() {
		t.Error("the place of a message changes its sum")
	}
	for name, other := range map[string]llm.Message{
		"role":      message(llm.RoleTool, text("ab"), text("c")),
		"cut":       message(llm.RoleUser, text("a"), text("bc")),
		"fewer":     message(llm.RoleUser, text("ab")),
		"kind":      message(llm.RoleUser, text("ab"), llm.Part{Kind: llm.PartFile, Text: "c"}),
		"name":      message(llm.RoleUser, text("ab"), llm.Part{Kind: llm.PartText, Name: "c"}),
		"arguments": message(llm.RoleUser, text("ab"), llm.Part{Kind: llm.PartText, Text: "c", Arguments: []byte("1")}),
		"call":      message(llm.RoleUser, text("ab"), llm.Part{Kind: llm.PartText, Text: "c", CallID: "1"}),
	} {
		if other.Sum() == base.Sum() {
			t.Errorf("another %s has the same sum", name)
		}
	}
	base.Hash = 7
	if base.Sum() != 7 {
		t.Error("a sum that is known is taken again")
	}
	a, b := llm.Tool{Name: "a", Description: "b"}, llm.Tool{Name: "ab"}
	if a.Sum() == b.Sum() || a.Sum() == 0 {
		t.Error("two tools have one sum")
	}
	if llm.SumParts(nil) == llm.SumParts([]llm.Part{text("")}) {
		t.Error("an empty part is no part")
	}
}
