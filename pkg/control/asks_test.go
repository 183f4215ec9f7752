package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func question() llm.Ask {
	return llm.Ask{
		Interaction: "i-1", Provider: "openai", Profile: "ci", Agent: "codex", Tool: "Bash", Arguments: json.RawMessage(`{"command":"rm -rf <build>"}`),
		Rule: "shell", Reason: "after untrusted input", Accept: "a path below the project", Path: "command", Sink: "Bash rm",
	}
}

func TestAsks(t *testing.T) {
	b := &backend{}
	dir := t.TempDir()
	start(t, dir, b)
	c, ctx := client(t, dir), t.Context()

	if open, err := c.Asks(ctx); err != nil || len(open) != 0 {
		t.Fatalf("nothing waits: %v, %v", open, err)
	}
	first, second := b.desk.Put(question()), b.desk.Put(question())
	open, err := c.Asks(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(b.desk.List(), open); diff != "" {
		t.Error(diff)
	}

	settled, err := c.Answer(ctx, first.ID(), llm.AskAnswer{Action: llm.ActionAllow, Always: true, Arguments: json.RawMessage(`{"command":"ls <&>"}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := open[0]
	want.Answer, want.By, want.Arguments = llm.ActionAllow, ask.ByTerminal, json.RawMessage(`{"command":"ls <&>"}`)
	if diff := gocmp.Diff(want, settled, gocmp.Comparer(sameJSON)); diff != "" {
		t.Error(diff)
	}
	answer, by := first.Answer()
	if answer.Action != llm.ActionAllow || !answer.Always || !sameJSON(answer.Arguments, want.Arguments) || by != ask.ByTerminal {
		t.Errorf("who holds the call got %+v by %s", answer, by)
	}

	block := llm.AskAnswer{Action: llm.ActionBlock}
	for _, bad := range []struct {
		id     string
		answer llm.AskAnswer
		want   error
	}{
		{first.ID(), block, ErrAskSettled},
		{"0000", block, ErrAskUnknown}, // no id has a zero
		{"", block, ErrAskUnknown},
		{"..", block, ErrAskUnknown},
		{"a/b", block, ErrAskUnknown},
		{second.ID(), llm.AskAnswer{}, ErrAskAnswer},
		{second.ID(), llm.AskAnswer{Action: llm.ActionAsk}, ErrAskAnswer},
		{second.ID(), llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(`[1]`)}, ErrAskAnswer},
		{second.ID(), llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(`{"a":1,"a":2}`)}, ErrAskAnswer},
		{second.ID(), llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(`{`)}, ErrAskAnswer},
	} {
		_, err := c.Answer(ctx, bad.id, bad.answer)
		if !errors.Is(err, bad.want) {
			t.Errorf("%q, %+v: %v, want %v", bad.id, bad.answer, err, bad.want)
		}
	}
	if n := len(b.desk.List()); n != 1 {
		t.Errorf("%d questions are open, want the second", n)
	}
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && gocmp.Equal(x, y)
}

// TestAnswersThatAreNone: what is not clearly an answer settles nothing.
func TestAnswersThatAreNone(t *testing.T) {
	b := &backend{}
	dir := t.TempDir()
	start(t, dir, b)
	c := client(t, dir)
	id := ""
	for _, body := range []string{``, `null`, `[]`, `"allow"`, `{}`, `{"action":"allow","only":"once"}`, `{"action":"allow"} {}`, `{"action":"allow"`,
		`{"action":"allow","arguments":null}x`, `{"action":"allow","arguments":"` + strings.Repeat("x", maxAnswer) + `"}`} {
		if id == "" {
			id = b.desk.Put(question()).ID()
		}
		u := url.URL{Scheme: "http", Host: "archestra", Path: "/v1/asks/" + id}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.do(req)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, errBadRequest) && !errors.Is(err, ErrAskAnswer) {
			t.Errorf("%.50q: %v", body, err)
		}
	}
	if open := b.desk.List(); len(open) != 1 {
		t.Errorf("%d are open", len(open))
	}
}

// TestFollowersSeeWhatWaits: at once, late, again after a lost connection, and
// whatever the filter.
func TestFollowersSeeWhatWaits(t *testing.T) {
	b := &backend{feed: feed.New()}
	dir := t.TempDir()
	start(t, dir, b)
	b.feed.Publish(llm.Event{Type: llm.EventStarted, Interaction: &llm.Interaction{ID: "i-1", Provider: "openai"}})
	ticket := b.desk.Put(question())

	other, err := filter.Parse("provider:nobody")
	if err != nil {
		t.Fatal(err)
	}
	f := follow(t, client(t, dir), EventsOptions{Filter: other})
	held := wait(t, f.events, "what waits")
	if held.Type != llm.EventHeld || held.Seq != 0 || held.Ask == nil || held.Ask.ID != ticket.ID() || held.Interaction == nil || held.Interaction.ID != "i-1" {
		t.Fatalf("a late follower sees %+v", held)
	}
	if _, err := client(t, dir).Answer(t.Context(), ticket.ID(), llm.AskAnswer{Action: llm.ActionBlock}); err != nil {
		t.Fatal(err)
	}
	verdict := wait(t, f.events, "the verdict")
	if verdict.Type != llm.EventVerdict || verdict.Ask == nil || verdict.Ask.ID != ticket.ID() || verdict.Ask.Answer != llm.ActionBlock || verdict.Ask.By != ask.ByTerminal {
		t.Fatalf("the follower sees %+v", verdict)
	}
}

// TestWhoAnswers: a follower can be asked while it is attached, and only if it says
// that it answers.
func TestWhoAnswers(t *testing.T) {
	b := &backend{feed: feed.New()}
	dir := t.TempDir()
	start(t, dir, b)
	for _, answers := range []bool{false, true} {
		f := follow(t, client(t, dir), EventsOptions{Answers: answers})
		wait(t, f.attached, "attaching")
		if got := b.feed.Attended(); got != answers {
			t.Errorf("answers %v: attended %v", answers, got)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s := b.feed.Subscribe(feed.Options{Answers: true})
	s.Close()
	s.Close() // it leaves once
	if !b.feed.Attended() {
		t.Error("one has left twice")
	}
	b.feed.Close()
	for b.feed.Subscribers() > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if b.feed.Attended() {
		t.Error("attended, though all have left")
	}
}
