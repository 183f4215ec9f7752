package cli

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// TestVerdictCell: the sternest call is told of, and what report mode let pass does
// not look as if nothing had been said of it.
func TestVerdictCell(t *testing.T) {
	passed := llm.ToolCall{Name: "Read", Verdict: llm.ActionAllow}
	would := llm.ToolCall{Name: "send_email", Verdict: llm.ActionAllow, Would: llm.ActionAsk}
	worse := llm.ToolCall{Name: "Bash", Verdict: llm.ActionAllow, Would: llm.ActionBlock}
	allowed := llm.ToolCall{Name: "deploy", Verdict: llm.ActionAsk, Answer: llm.ActionAllow, By: "terminal"}
	open := llm.ToolCall{Name: "deploy", Verdict: llm.ActionAsk}
	blocked := llm.ToolCall{Name: "rm", Verdict: llm.ActionBlock}
	for want, calls := range map[string][]llm.ToolCall{
		"allow Read":              {passed},
		"would ask send_email +1": {passed, would},
		"would block Bash +2":     {would, worse, passed},
		"ask allowed deploy +1":   {worse, allowed},
		"ask deploy":              {open},
		"block rm +3":             {allowed, worse, blocked, open},
		"later":                   {{Name: "later"}},
		"":                        nil,
	} {
		if got := verdictCell(&llm.Interaction{ToolCalls: calls}).text.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
