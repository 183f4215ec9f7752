package tui

import (
	"encoding/json"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// paid is the record of facts of a payment to an account out of a mail, as
// package policy writes it.
const paid = `{"tool":{"name":"send_money","class":"effect","does":"pay"},"session":{"untrusted":true,"private":true},
"values":[{"path":"amount","value":"5","role":"quantity","origin":"model"},
{"path":"recipient","value":"GB29NWBK60161331926819","role":"name","kind":"account","origin":"tool.prose",
 "seen":[{"origin":"tool.prose","form":"encoded","message":2,"part":0,"tool":"get_emails","key":"body","start":324,"end":346,"tainted":true}]},
{"path":"note","value":"","secret":"github-pat","role":"content","origin":"user"}],
"complete":false,"asked":"yes","match":"open",
"solicited":[{"origin":"tool.prose","form":"exact","message":2,"part":0,"tool":"get_emails","key":"body","start":283,"end":360}],
"doubt":{"origin":"tool.prose","form":"exact","message":2,"part":0,"tool":"get_emails","start":0,"end":363}}`

// judged is a screen with a call of every ruling, and an interaction with
// findings alone.
func judged(t testing.TB, w, h int, look paint.Look) *screen {
	i := sample(1)
	money := llm.ToolCall{ID: "t_1", Name: "send_money", Arguments: json.RawMessage(`{"recipient":"GB29NWBK60161331926819","amount":5}`),
		Verdict: llm.ActionBlock, Rule: "untrusted-identifier", Reason: "recipient was only ever seen in running text that a tool returned",
		Accept: "a value that you name, or a text that you point to", Path: "recipient", Facts: json.RawMessage(paid)}
	is := func(name string, c llm.ToolCall) llm.ToolCall { c.ID, c.Name = "t_"+name, name; return c }
	i.ToolCalls = []llm.ToolCall{money,
		is("denied", llm.ToolCall{Verdict: llm.ActionAsk, Answer: llm.ActionBlock, By: "timeout", Rule: "unasked"}),
		is("allowed", llm.ToolCall{Verdict: llm.ActionAsk, Answer: llm.ActionAllow, By: "terminal", Rule: "unasked"}),
		is("waiting", llm.ToolCall{Verdict: llm.ActionAsk, Rule: "unasked"}),
		is("reported", llm.ToolCall{Verdict: llm.ActionAllow, Would: llm.ActionBlock, Rule: "unasked"}),
		is("doubted", llm.ToolCall{Verdict: llm.ActionAllow, Would: llm.ActionAsk, Rule: "unasked"}),
		is("read", llm.ToolCall{Verdict: llm.ActionAllow, Rule: "default"}),
		is("unjudged", llm.ToolCall{})}
	found := sample(2)
	found.Findings = []llm.Finding{{Kind: "aws-access-token", Detector: "gitleaks", Where: "request messages[2].content", Action: "redact"},
		{Kind: "email", Where: "request messages[0].content", Action: "report"}}
	all := []*llm.Interaction{i, found}
	for k, c := range i.ToolCalls[1:] {
		one := sample(10 + k)
		one.ToolCalls = []llm.ToolCall{c}
		all = append(all, one)
	}
	f := newFake()
	f.all = all
	s := newScreen(t, f, w, h, look)
	s.attach(all...)
	return s
}

// TestJudged asserts that the list and the Policy tab tell each verdict in
// words, with who answered, and everything that the verdict was made from.
func TestJudged(t *testing.T) {
	s := judged(t, 160, 120, paint.Look{})
	s.shows("✗ BLOCK send_money", "✗ ASK denied denied", "✓ ASK allowed allowed", "? ASK waiting",
		"○ WOULD BLOCK reported", "○ WOULD ASK doubted", "allow read", "2 blocked")
	narrow := judged(t, 50, 20, paint.Look{})
	narrow.shows("✗ BLOCK", "✗ ASK denied", "✓ ASK allowed", "? ASK", "○ WOULD BLOCK", "○ WOULD ASK")
	s.press("g", "enter", "5", "g")
	s.shows("✗ BLOCK  send_money", "it did not reach the client", "rule        untrusted-identifier", "argument    recipient",
		"a value that you name", `{"recipient":"GB29`,
		"effect: it changes or sends something (pay)", "yes: you asked", "open: you named nothing",
		"has seen text that nobody vouches for, private data",
		"recipient (account)", "from running text that a tool returned", "made by the model",
		`running text that get_emails returned, in "body", message 2, bytes 324-346, encoded; attack wording`,
		"a secret: github-pat", "could not all be read",
		"deny: nobody answered in time", "allow: a person answered", "it waits for one", "block: the rules only report", "ask: the rules only report")
	s.press("J")
	s.shows("⚠ aws-access-token  redact", "request messages[2].content", "gitleaks", "⚠ email  report", "No rule judged a tool call")
	s.press("K")
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.press("G")
	s.shows("read", "default", "100%")
}

// TestFactsUnread shows facts that are not as they are known as they are.
func TestFactsUnread(t *testing.T) {
	for raw, want := range map[string]string{
		`{"tool":{"class":"new"},"asked":"perhaps","session":{"untrusted":"yes"}}`: "class       new",
		`{"tool":"x"}`: "they cannot be read",
		`[1]`:          "they cannot be read",
		`null`:         "has seen nothing",
	} {
		f := newFake()
		i := sample(1)
		i.ToolCalls = []llm.ToolCall{{Name: "x", Verdict: llm.ActionAllow, Facts: json.RawMessage(raw)}}
		f.all = []*llm.Interaction{i}
		s := newScreen(t, f, 120, 40, paint.Look{})
		s.attach(i)
		s.press("enter", "5", "g")
		s.shows(want)
	}
}
