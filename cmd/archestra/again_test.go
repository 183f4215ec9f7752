package main

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// TestRetry: with on-block retry the model is told of the refusal, and what it says
// then is the answer, in every format; of an attacker's call nothing arrives.
func TestRetry(t *testing.T) {
	t.Parallel()
	provider, sim := simulated(t, nil)
	r := startGuarded(t, t.TempDir(), sim, nil, "--on-block", "retry")
	eachSpeech(t, func(t *testing.T, s speech, stream bool) {
		before := len(provider.Requests())
		w, got := s.through(t, r, `call send_mail `+stolen+` | then | text "Then I leave it." | call get_weather {"city":"Rome"}`, attacked, stream)
		if n := len(provider.Requests()) - before; n != 2 {
			t.Errorf("%d requests left, want 2", n)
		}
		again := string(provider.Requests()[len(provider.Requests())-1].Body)
		if !strings.Contains(again, "was not let through") || !strings.Contains(again, "unasked") {
			t.Errorf("the model was not told why: %s", again)
		}
		if names(got) != "get_weather" || !got.Complete || !strings.HasSuffix(strings.TrimSpace(got.Text()), "Then I leave it.") {
			t.Errorf("the client got the calls %q, complete %v, %q", names(got), got.Complete, got.Text())
		}
		if strings.Contains(w.soFar(), `"text":"42"`) || strings.Contains(w.soFar(), `\"text\":\"42\"`) {
			t.Errorf("the refused call reached the client: %s", w.soFar())
		}
		// A model that insists is told twice, and no more.
		before = len(provider.Requests())
		insists := strings.Repeat(`call send_mail `+stolen+` | then | `, 5) + `text "Done."`
		_, got = s.through(t, r, insists, attacked, stream)
		if n := len(provider.Requests()) - before; n > 3 || n < 2 {
			t.Errorf("%d requests left for a model that insists", n)
		}
		if len(got.ToolCalls) != 0 || !got.Complete || !strings.Contains(got.Text(), "[archestra]") {
			t.Errorf("the client got the calls %q, complete %v, %q", names(got), got.Complete, got.Text())
		}
		// Calls that were allowed beside a refused one arrive.
		_, got = s.through(t, r, three, attacked, stream)
		if n := strings.Count(names(got), "get_weather"); n != 2 || strings.Contains(names(got), "send_mail") || !got.Complete {
			t.Errorf("one of three: the client got the calls %q, complete %v", names(got), got.Complete)
		}
	})
	for id, i := range r.logs(t) {
		if i.State != llm.StateDone {
			t.Errorf("%s is recorded as %s", id, i.State)
		}
	}
}
