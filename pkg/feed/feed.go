// Package feed fans the events of running interactions out to whoever looks.
//
// Publishing never waits: each subscriber has a buffer of its own, and one that
// is too slow loses the oldest events and is told how many. The proxy asks
// [Feed.Watched] first and spends nothing on an event that nobody would see;
// started and finished events it publishes always, so that a subscriber learns
// at once what runs already.
package feed

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Feed is the fan-out of one process. Its methods are safe for concurrent use.
type Feed struct {
	watched atomic.Int32 // subscribers
	answers atomic.Int32 // those of them who answer questions

	mu      sync.Mutex // never held across I/O
	seq     uint64
	closed  bool
	subs    map[*Subscription]struct{}
	running map[string]*running
	asks    []*llm.Ask // open questions, oldest first
}

// New makes a feed.
func New() *Feed {
	return &Feed{subs: map[*Subscription]struct{}{}, running: map[string]*running{}}
}

// Watched reports whether somebody looks. It costs one atomic load.
func (f *Feed) Watched() bool { return f.watched.Load() > 0 }

// Publish numbers an event and hands it to every subscriber. The interaction
// that the event points to is a snapshot: nobody may change it afterwards. An
// event without one, made before somebody looked, tells nothing and is dropped,
// unless it tells of an ask: it gets the newest snapshot of the interaction
// that waits, where that runs.
//
// The text of progress events must follow on, without gaps, from that of the
// last progress event published for the interaction: what was not published
// while nobody looked comes with the next one.
func (f *Feed) Publish(e llm.Event) {
	if e.Interaction == nil && e.Ask == nil {
		return
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.seq++
	e.Seq = f.seq
	f.trackAsk(&e)
	f.track(&e)
	for s := range f.subs {
		s.push(&e)
	}
}

// Seq returns the number of the last event.
func (f *Feed) Seq() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seq
}

// Running returns how many interactions have started and not finished.
func (f *Feed) Running() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.running)
}

// Close ends the feed: subscribers read what they have and then get io.EOF.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	for s := range f.subs {
		s.end()
	}
	f.running, f.asks = nil, nil
}

// Subscribers returns how many look.
func (f *Feed) Subscribers() int { return int(f.watched.Load()) }

// Attended tells whether somebody follows who can answer a question.
func (f *Feed) Attended() bool { return f.answers.Load() > 0 }
