package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// tailing runs archestra tail until stop is called, which returns its exit code.
func tailing(t *testing.T, dir string, term terminal, args ...string) (out, talk *printed, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, talk = &printed{}, &printed{}
	code := make(chan int, 1)
	go func() { code <- command(t, ctx, dir, term, out, talk, append([]string{"tail"}, args...)...) }()
	t.Cleanup(cancel)
	return out, talk, func() int {
		cancel()
		return <-code
	}
}

// until waits until ok says so.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func lines(p *printed, n int) func() bool {
	return func() bool { return strings.Count(p.String(), "\n") >= n }
}

func TestTailJSON(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	out, talk, stop := tailing(t, dir, terminal{}) // a pipe: JSON
	until(t, "attaching", s.feed.Watched)
	turn := agentTurn()
	s.feed.Publish(llm.Event{Type: llm.EventStarted, Interaction: turn})
	until(t, "the started event", lines(out, 1)) // flushed at once
	s.feed.Publish(llm.Event{Type: llm.EventProgress, Interaction: turn, Text: "not for tail"})
	s.feed.Publish(llm.Event{Type: llm.EventToolCall, Interaction: turn, ToolCall: &turn.ToolCalls[0]})
	s.feed.Publish(llm.Event{Type: llm.EventFinished, Interaction: turn})
	until(t, "the finished event", lines(out, 3))
	if code := stop(); code != 0 || talk.String() != "" {
		t.Errorf("exit code %d, told %q", code, talk.String())
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		var e llm.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, string(e.Type)+" "+e.Interaction.ID)
	}
	id := turn.ID
	if diff := cmp.Diff([]string{"started " + id, "tool_call " + id, "finished " + id}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTailPlain(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	wide, _, stopWide := tailing(t, dir, terminal{}, "--plain")
	narrow, _, stopNarrow := tailing(t, dir, terminal{width: 40})
	json, _, stopJSON := tailing(t, dir, terminal{width: 40}, "--json")
	picked, _, stopPicked := tailing(t, dir, terminal{}, "--plain", "--filter", "provider:openai")
	until(t, "attaching", func() bool { return s.feed.Watched() && s.feed.Subscribers() == 4 })
	at := time.Date(2026, 3, 4, 5, 6, 8, 0, time.Local)
	turn, bad := agentTurn(), refused()
	s.feed.Publish(llm.Event{At: at, Type: llm.EventStarted, Interaction: turn})
	s.feed.Publish(llm.Event{At: at, Type: llm.EventFirstToken, Interaction: turn})
	s.feed.Publish(llm.Event{At: at, Type: llm.EventToolCall, Interaction: turn, ToolCall: &turn.ToolCalls[0]})
	s.feed.Publish(llm.Event{At: at, Type: llm.EventVerdict, Interaction: bad, ToolCall: &bad.ToolCalls[1]})
	s.feed.Publish(llm.Event{At: at, Type: llm.EventFinished, Interaction: turn})
	s.feed.Publish(llm.Event{At: at, Type: llm.EventFinished, Interaction: bad})
	for _, p := range []*printed{wide, narrow, json} {
		until(t, "the last event", lines(p, 6))
	}
	until(t, "the last picked event", lines(picked, 2))
	for _, stop := range []func() int{stopWide, stopNarrow, stopJSON, stopPicked} {
		if code := stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	want := `05:06:08 ◌ started     3f9a21c0 dev anthropic claude-opus-4-6
05:06:08 ▸ first token 3f9a21c0 dev anthropic claude-opus-4-6 900ms
05:06:08 → tool call   3f9a21c0 dev anthropic claude-opus-4-6 allow shell-safe Bash {"command":"go test ./..."}
05:06:08 ✗ verdict     aaaa0001 ci openai gpt-5.5 block R7 Bash
05:06:08 ✓ done        3f9a21c0 dev anthropic claude-opus-4-6 200 41k→612 ttft 900ms took 12s $0.21
05:06:08 ✗ refused     aaaa0001 ci openai gpt-5.5 403 ~ ttft – took – ~ blocked, not this
`
	if diff := cmp.Diff(want, wide.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(strings.Join([]string{strings.Split(want, "\n")[3], strings.Split(want, "\n")[5], ""}, "\n"), picked.String()); diff != "" {
		t.Error(diff)
	}
	if got := strings.Split(narrow.String(), "\n")[0]; got != "05:06:08 ◌ started     3f9a21c0 dev ant…" {
		t.Errorf("40 columns show %q", got)
	}
	if !strings.HasPrefix(json.String(), `{"seq":1,"type":"started"`) {
		t.Errorf("--json on a terminal prints %q", json.String())
	}
}

func TestTailSince(t *testing.T) {
	turn := agentTurn()
	turn.StartedAt = time.Now().Add(-time.Minute)
	old := refused()
	dir := serve(t, &memory{interactions: []*llm.Interaction{old, turn}})
	out, _, stop := tailing(t, dir, terminal{}, "--plain", "--since", "10m")
	until(t, "what was recorded", lines(out, 1))
	stop()
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "3f9a21c0") {
		t.Errorf("printed %s", out.String())
	}
}

func TestTailWaitsForAServer(t *testing.T) {
	_, talk, stop := tailing(t, t.TempDir(), terminal{})
	until(t, "the word that none runs", lines(talk, 1))
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := talk.String(); !strings.Contains(got, "waiting for one") || !strings.Contains(got, "archestra serve") {
		t.Errorf("told %q", got)
	}
}

func TestTailTellsWhatItLost(t *testing.T) {
	a := &app{}
	var b printed
	a.out = &screen{w: &b, width: func() int { return 0 }}
	if err := a.plainEvent(&llm.Event{Type: llm.EventLost, Lost: 7}); err != nil {
		t.Fatal(err)
	}
	if b.String() != "… 7 events lost: this reader was too slow\n" {
		t.Errorf("told %q", b.String())
	}
}
