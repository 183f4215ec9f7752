package feed

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// DefaultBuffer is how many events a subscription holds for its reader.
const DefaultBuffer = 1024

// Options say how to subscribe.
type Options struct {
	// Buffer is how many events wait for a slow reader; 0 is DefaultBuffer.
	Buffer int
	// After is the number of the last event that the subscriber has seen of
	// this feed. What came since then is reported as lost. 0 is none.
	After uint64
	// Answers tells that a person follows, or a program, who answers questions.
	Answers bool
}

// Subscription is one reader's place in the feed. One goroutine reads it.
type Subscription struct {
	feed    *Feed
	answers bool
	ready   chan struct{} // holds one token when there may be something to read

	mu    sync.Mutex
	first []llm.Event // what was running at the beginning
	ring  []llm.Event
	head  int // the oldest event in ring
	n     int // how many there are
	lost  uint64
	done  bool
}

// Subscribe begins to look. The subscription starts with an event of type
// started and number 0 for each interaction that runs, holding what is known of
// it so far, and one of type held for each open question; what follows continues
// exactly from there. It must be closed.
func (f *Feed) Subscribe(o Options) *Subscription {
	if o.Buffer <= 0 {
		o.Buffer = DefaultBuffer
	}
	s := &Subscription{feed: f, answers: o.Answers, ready: make(chan struct{}, 1), ring: make([]llm.Event, o.Buffer)}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.first = f.catchUp()
	if o.After > 0 && o.After < f.seq {
		s.lost = f.seq - o.After
	}
	if f.closed {
		s.done = true
	} else {
		f.subs[s] = struct{}{}
		f.watched.Add(1)
		if s.answers {
			f.answers.Add(1)
		}
	}
	s.wake()
	return s
}

// Next returns the next event. Where events were lost it first returns an
// EventLost with their number. It returns io.EOF when the feed or the
// subscription was closed and everything has been read, and ctx's error when
// ctx ends before.
func (s *Subscription) Next(ctx context.Context) (llm.Event, error) {
	for {
		if e, ok, err := s.pop(); ok || err != nil {
			return e, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return llm.Event{}, ctx.Err()
		}
	}
}

// Ready reports whether Next would return an event without waiting, so that a
// writer knows when to flush.
func (s *Subscription) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.first) > 0 || s.n > 0 || s.lost > 0
}

// Close ends the subscription. It may be called more than once, and while
// another goroutine waits in Next.
func (s *Subscription) Close() {
	s.feed.mu.Lock()
	if _, ok := s.feed.subs[s]; ok {
		delete(s.feed.subs, s)
		s.feed.watched.Add(-1)
		if s.answers {
			s.feed.answers.Add(-1)
		}
	}
	s.feed.mu.Unlock()
	s.end()
}

func (s *Subscription) end() {
	s.mu.Lock()
	s.done = true
	s.mu.Unlock()
	s.wake()
}

func (s *Subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// push keeps an event for the reader; where there is no room, in the place of
// the oldest, since the newest tells more.
func (s *Subscription) push(e *llm.Event) {
	s.mu.Lock()
	if s.n == len(s.ring) {
		s.head = (s.head + 1) % len(s.ring)
		s.n--
		s.lost++
	}
	s.ring[(s.head+s.n)%len(s.ring)] = *e
	s.n++
	s.mu.Unlock()
	s.wake()
}

// pop takes the next event, where there is one. An error tells that none will come.
func (s *Subscription) pop() (llm.Event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.first) > 0:
		e := s.first[0]
		s.first = s.first[1:]
		return e, true, nil
	case s.lost > 0:
		e := llm.Event{Type: llm.EventLost, At: time.Now(), Lost: s.lost}
		s.lost = 0
		return e, true, nil
	case s.n > 0:
		e := s.ring[s.head]
		s.ring[s.head] = llm.Event{} // let go of the interaction
		s.head = (s.head + 1) % len(s.ring)
		s.n--
		return e, true, nil
	case s.done:
		return llm.Event{}, false, io.EOF
	}
	return llm.Event{}, false, nil
}
