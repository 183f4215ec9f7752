package record

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// TestDurationsDoNotFollowTheClock: every duration of a record is counted from a
// start that has a monotonic reading ("m=", see package time), so that a clock which
// is set meanwhile, forwards or back, changes none of them. A start that went through
// Round, or was made from a stored time, would have lost it.
func TestDurationsDoNotFollowTheClock(t *testing.T) {
	req, err := http.NewRequest(http.MethodPost, "/v1/openai/p/chat/completions", nil)
	if err != nil {
		t.Fatal(err)
	}
	sink := &lastEntry{}
	x := New(Options{Sink: sink}).Begin(req, Target{Provider: "openai", API: llm.APIChatCompletions, Format: openaichat.New(), Stream: true})
	if !strings.Contains(x.start.String(), " m=") {
		t.Fatalf("the exchange began at %s, without a monotonic reading", x.start)
	}
	x.Sent()
	x.Connected(false)
	x.Response(http.StatusOK, http.Header{"Content-Type": {"text/event-stream"}}, -1)
	x.Write([]byte(`data: {"id":"c","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"))
	if err := x.Commit(End{}); err != nil {
		t.Fatal(err)
	}
	i := sink.entry.Interaction
	all := x.Since()
	for name, d := range map[string]*llm.Millis{
		"duration": i.DurationMS, "time to first token": i.TTFTMS, "connected": i.Timing.ConnectedMS, "guards": i.Timing.GuardsMS,
		"response header": i.Timing.ResponseHeaderMS, "first byte": i.Timing.FirstByteMS,
	} {
		if d == nil || d.Duration() < 0 || d.Duration() > all {
			t.Errorf("%s: %v of %s in all", name, d, all)
		}
	}
	if i.FinishedAt.Before(i.StartedAt) || i.FirstTokenAt.Before(i.StartedAt) {
		t.Errorf("from %s to %s, with the first token at %s", i.StartedAt, i.FinishedAt, i.FirstTokenAt)
	}
}

// lastEntry is a sink that keeps one entry.
type lastEntry struct{ entry *Entry }

func (l *lastEntry) Start(*llm.Interaction) {}

func (l *lastEntry) Finish(_ context.Context, e *Entry) error {
	l.entry = e
	return nil
}
