package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func live(t llm.EventType, id, provider string) llm.Event {
	return llm.Event{Type: t, At: time.Unix(9, 0).UTC(), Interaction: &llm.Interaction{ID: id, Provider: provider, StartedAt: time.Unix(8, 0).UTC()}}
}

// following reads events in the background, for a test to wait for.
type following struct {
	t        *testing.T
	events   chan llm.Event
	attached chan struct{}
	detached chan error
	end      chan error
}

func follow(t *testing.T, c *Client, o EventsOptions) *following {
	t.Helper()
	f := &following{t, make(chan llm.Event, 100), make(chan struct{}, 100), make(chan error, 100), make(chan error, 1)}
	o.Attached = func() { f.attached <- struct{}{} }
	o.Detached = func(err error) { f.detached <- err }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range c.Events(ctx, o) {
			if err != nil {
				f.end <- err
				return
			}
			f.events <- e
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
		panic("not reached")
	}
}

// next returns the next n events in short.
func (f *following) next(n int) []string {
	f.t.Helper()
	var got []string
	for range n {
		e := wait(f.t, f.events, "an event")
		w := fmt.Sprint(e.Seq, " ", e.Type)
		if e.Interaction != nil {
			w += " " + e.Interaction.ID
		}
		if e.Lost > 0 {
			w += fmt.Sprint(" ", e.Lost)
		}
		got = append(got, w)
	}
	return got
}

func (f *following) want(what string, want ...string) {
	f.t.Helper()
	if diff := gocmp.Diff(want, f.next(len(want))); diff != "" {
		f.t.Errorf("%s: %s", what, diff)
	}
}

func TestEvents(t *testing.T) {
	b := &backend{feed: feed.New()}
	dir := t.TempDir()
	start(t, dir, b)
	b.feed.Publish(live(llm.EventStarted, "before", "openai"))
	f := follow(t, client(t, dir), EventsOptions{})
	wait(t, f.attached, "the stream")
	f.want("what runs already", "0 started before")
	b.feed.Publish(live(llm.EventProgress, "before", "openai"))
	b.feed.Publish(live(llm.EventFinished, "before", "openai"))
	f.want("no progress was asked for", "3 finished before")

	p := follow(t, client(t, dir), EventsOptions{Progress: true})
	wait(t, p.attached, "the stream")
	b.feed.Publish(live(llm.EventProgress, "x", "openai"))
	b.feed.Publish(live(llm.EventFinished, "x", "openai"))
	p.want("progress was asked for", "4 progress x", "5 finished x")
}

func TestEventsFiltered(t *testing.T) {
	b := &backend{feed: feed.New()}
	dir := t.TempDir()
	start(t, dir, b)
	expr, err := filter.Parse("provider:openai")
	if err != nil {
		t.Fatal(err)
	}
	b.feed.Publish(live(llm.EventStarted, "a", "anthropic"))
	f := follow(t, client(t, dir), EventsOptions{Filter: expr})
	wait(t, f.attached, "the stream")
	b.feed.Publish(live(llm.EventStarted, "b", "openai"))
	b.feed.Publish(live(llm.EventFinished, "a", "anthropic"))
	b.feed.Publish(live(llm.EventFinished, "b", "openai"))
	f.want("one provider", "2 started b", "4 finished b")
}

func TestEventsSinceTellEachOnce(t *testing.T) {
	b := &backend{feed: feed.New(), interactions: three()}
	b.interactions = append(b.interactions, &llm.Interaction{ID: "id-4", StartedAt: time.Unix(4, 0).UTC(), State: llm.StateStreaming})
	dir := t.TempDir()
	start(t, dir, b)
	// Recorded as finished already, and its event is still to come.
	b.feed.Publish(live(llm.EventStarted, "id-3", "openai"))
	b.feed.Publish(live(llm.EventStarted, "id-4", "openai"))
	f := follow(t, client(t, dir), EventsOptions{Since: time.Unix(2, 0)})
	f.want("the record, then what runs", "0 finished id-2", "0 finished id-3", "0 started id-4")
	b.feed.Publish(live(llm.EventFinished, "id-3", "openai"))
	b.feed.Publish(live(llm.EventFinished, "id-4", "openai"))
	f.want("what follows", "4 finished id-4")
}

func TestEventsReattach(t *testing.T) {
	dir := t.TempDir()
	c := client(t, dir)
	f := follow(t, c, EventsOptions{})
	if err := wait(t, f.detached, "the news that no server runs"); !errors.Is(err, ErrNoServer) {
		t.Errorf("without a server: %v", err)
	}

	first := &backend{feed: feed.New(), server: "run-1"}
	stop := start(t, dir, first)
	wait(t, f.attached, "the first server")
	for _, id := range []string{"a", "b"} {
		first.feed.Publish(live(llm.EventStarted, id, "openai"))
	}
	f.want("the first server's", "1 started a", "2 started b")
	stop()
	wait(t, f.detached, "the news that the server went")

	second := &backend{feed: feed.New(), server: "run-2"}
	for _, id := range []string{"c", "d", "e"} {
		second.feed.Publish(live(llm.EventStarted, id, "openai"))
	}
	start(t, dir, second)
	wait(t, f.attached, "the second server")
	f.want("the second server's, with nothing lost", "0 started c", "0 started d", "0 started e")
}

// TestEventsLost breaks the connection and not the server: the same run tells
// what was missed.
func TestEventsLost(t *testing.T) {
	dir := t.TempDir()
	one := &backend{feed: feed.New()}
	stop := start(t, dir, one)
	f := follow(t, client(t, dir), EventsOptions{})
	wait(t, f.attached, "the stream")
	one.feed.Publish(live(llm.EventFinished, "a", "openai"))
	f.want("before", "1 finished a")
	stop()
	wait(t, f.detached, "the end of the connection")
	again := &backend{feed: feed.New()}
	for range 4 {
		again.feed.Publish(live(llm.EventFinished, "x", "openai"))
	}
	start(t, dir, again)
	wait(t, f.attached, "the stream again")
	f.want("after", "0 lost 3")
}

func TestEventsEnd(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, &backend{})
	c := client(t, dir)

	ctx, cancel := context.WithCancel(t.Context())
	var last error
	for _, err := range c.Events(ctx, EventsOptions{Attached: cancel}) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled: %v", last)
	}

	var refused []error
	for _, err := range c.Events(t.Context(), EventsOptions{Filter: nonsense{}}) {
		refused = append(refused, err)
	}
	if len(refused) != 1 || !errors.Is(refused[0], errBadRequest) {
		t.Errorf("a filter that the server cannot read: %v", refused)
	}
}

// nonsense is a filter that another version of archestra might know.
type nonsense struct{}

func (nonsense) Match(*llm.Interaction, func(string) bool) bool { return false }
func (nonsense) String() string                                 { return "(" }
