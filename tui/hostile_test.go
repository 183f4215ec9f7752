package tui

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// hostile is text that a terminal would obey or a reader would not see.
func hostile(t testing.TB) []string {
	all := []string{
		"\x1b[31mred", "\x1b]52;c;cm0gLXJm\x07", "\x1b]0;title\x07", "\x9b2J", "a\rb", "\x1bc", "\u202eevil", "a\u200bb",
		"\U000e0069\U000e0067", "\xff\xfe", "e" + strings.Repeat("\u0301", 50), "\u2028", "tab\there\nline", "\x1bPq\x1b\\",
	}
	f, err := os.Open("../../shared/security/terminal.jsonl")
	if err != nil {
		return all
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Text)
	}
	return all
}

// obeyed fails where a frame holds what only content can have brought: any
// control but line feeds and the theme's own sequences, or what is not visible.
func obeyed(t *testing.T, frame, where string) {
	t.Helper()
	rest := frame
	for rest != "" {
		if rest[0] == 0x1b {
			end := strings.IndexByte(rest, 'm')
			if end < 2 || rest[1] != '[' || strings.Trim(rest[2:end], "0123456789;") != "" {
				t.Fatalf("%s: %q", where, rest[:min(len(rest), 20)])
			}
			rest = rest[end+1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\n':
		case r == utf8.RuneError && n == 1, r < ' ', r >= 0x7f && r < 0xa0, r == 0x200b, r == 0x200e, r == 0x200f,
			r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xe0000 && r <= 0xe01ef:
			t.Fatalf("%s: %U in %q", where, r, rest[:min(len(rest), 40)])
		}
		rest = rest[n:]
	}
}

// TestHostile puts hostile text into every member that comes from outside and
// walks through every view.
func TestHostile(t *testing.T) {
	sizes := [][2]int{{160, 45}, {80, 24}, {40, 12}}
	for k, bad := range hostile(t) {
		hostileSession(t, bad, sizes[k%3])
	}
}

func hostileSession(t *testing.T, bad string, size [2]int) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"x": bad})
	if err != nil {
		t.Fatal(err)
	}
	i := sample(1)
	i.Provider, i.Profile, i.Model, i.RequestModel, i.Path, i.Method = bad, bad, bad, bad, bad, bad
	i.Text, i.Reasoning, i.Refusal, i.FinishReasons, i.Notes = bad, bad, bad, []string{bad}, []string{bad}
	i.Choices = []llm.Choice{{}, {Index: 1, Text: bad}}
	i.ToolCalls = []llm.ToolCall{{ID: bad, Name: bad, ArgumentsText: bad, Verdict: llm.ActionBlock, Rule: bad, Reason: bad,
		Accept: bad, Path: bad, Answer: llm.ActionBlock, By: bad, Facts: hostileFacts(t, bad)},
		{Name: bad, Arguments: raw}}
	i.Error = &llm.Error{Source: llm.ErrorSource(bad), Type: bad, Code: bad, Message: bad}
	i.Findings = []llm.Finding{{Kind: bad, Detector: bad, Where: bad, Action: bad}}
	i.Client = llm.Client{UserAgent: bad, Agent: bad, Session: bad}
	parts := []llm.Part{{Kind: llm.PartText, Text: bad + "\n```" + bad + "\n" + bad + "\n```"}, {Kind: llm.PartReasoning, Text: bad},
		{Kind: llm.PartToolCall, Name: bad, CallID: bad, Arguments: raw}, {Kind: llm.PartToolResult, CallID: bad, Text: bad},
		{Kind: llm.PartImage, Media: bad, Text: bad}, {Kind: llm.PartOther, Text: bad}, {Kind: llm.PartKind(bad), Text: bad}}
	f := newFake()
	f.conv[i.ID] = &llm.Conversation{Model: bad, System: parts, PreviousID: bad, Tools: []llm.Tool{{Name: bad, Description: bad, Parameters: raw}},
		Messages: []llm.Message{{Role: llm.Role(bad), Parts: parts}, {Role: llm.RoleTool, Parts: parts}}}
	older := sample(0)
	older.Provider, older.Profile, older.Client = i.Provider, i.Profile, i.Client
	f.conv[older.ID] = talkOf()
	f.all = []*llm.Interaction{older, i}
	f.bodies[control.SideRequest] = []byte(bad)
	f.bodies[control.SideResponse] = []byte("data: " + bad + "\n\ndata: " + bad)
	runs := *i
	runs.ID, runs.State, runs.Error = id(3), llm.StateHeld, nil
	s := newScreen(t, f, size[0], size[1], paint.Look{Color: true})
	s.m.side.providers = []control.Provider{{Name: bad + "x", State: bad}}
	s.send(batchMsg{attached: true, changes: []change{{i: older, whole: true}, {i: i, whole: true},
		{i: &runs, fresh: true, text: bad, reasoning: bad, call: &llm.ToolCall{Name: bad, ArgumentsText: bad}}}})
	look := func(where string) {
		t.Helper()
		obeyed(t, s.view(), where)
		exact(t, s.view(), size[0], size[1])
	}
	look("list")
	question := llm.Ask{ID: bad, Interaction: id(3), Provider: bad, Profile: bad, Agent: bad, Tool: bad, Arguments: raw,
		Rule: bad, Reason: bad, Accept: bad, Path: bad, Sink: bad, AskedAt: noon, ExpiresAt: ptr(noon.Add(time.Minute))}
	s.question(question)
	look("question")
	s.press("v", "G")
	look("whole question")
	s.press("esc")
	s.send(settledNews(question, llm.ActionBlock, bad))
	look("settled")
	question.ID, question.Arguments, question.ArgumentsText = bad+"2", nil, bad
	s.question(question)
	s.wait(time.Second)
	s.f.refuse = errorString(bad)
	s.press("a")
	look("refused answer")
	s.press("v", "G")
	look("whole text question")
	s.press("esc")
	s.send(settledNews(question, llm.ActionBlock, "timeout"))
	s.press("enter")
	look("running")
	s.press("esc", "k")
	look("preview")
	s.press("enter", "z", "g")
	for _, tab := range []string{"1", "2", "3", "4", "5"} {
		s.press(tab)
		look("tab " + tab)
		for range 3 {
			s.press("ctrl+d")
			look("tab " + tab)
		}
	}
	s.press("3", "b")
	look("wire")
	s.press("t")
	look("request")
	s.press("/")
	s.typed(bad)
	look("search")
	s.press("enter")
	look("searched")
	s.press("esc", "=")
	look("compare")
	for range 3 {
		s.press("ctrl+d")
		look("compare")
	}
	s.press("esc", "tab", "space")
	look("sidebar")
	s.send(batchMsg{refused: errorString(bad)})
	look("refused")
}

// hostileFacts are facts with hostile text in each of their members.
func hostileFacts(t *testing.T, bad string) json.RawMessage {
	place := map[string]any{"origin": bad, "form": bad, "tool": bad, "key": bad}
	b, err := json.Marshal(map[string]any{"tool": map[string]any{"class": bad, "does": bad}, "session": map[string]any{bad: true},
		"asked": bad, "match": bad, "doubt": place, "solicited": []any{place},
		"values": []any{map[string]any{"path": bad, "value": bad, "kind": bad, "origin": bad, "secret": bad, "seen": []any{place}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type errorString string

func (e errorString) Error() string { return string(e) }

func FuzzHostile(f *testing.F) {
	for _, bad := range hostile(f) {
		if len(bad) < 12 { // TestHostile walks through all of them
			f.Add(bad)
		}
	}
	f.Fuzz(func(t *testing.T, bad string) { hostileSession(t, bad, [2]int{100, 30}) })
}
