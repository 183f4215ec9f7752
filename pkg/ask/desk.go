package ask

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Default is what a question becomes that nobody answers.
type Default string

// The defaults. Any other word means Deny.
const (
	Deny  Default = "deny"  // the call is refused
	Allow Default = "allow" // the call goes on
	Queue Default = "queue" // it waits until somebody answers
)

// DefaultTimeout is how long a question waits where Options do not say.
const DefaultTimeout = 60 * time.Second

// Who settles a question, as llm.Ask.By tells it.
const (
	ByTerminal   = "terminal"    // a person
	ByTimeout    = "timeout"     // nobody answered in time
	ByUnattended = "unattended"  // no terminal was there to ask
	ByClientGone = "client_gone" // whoever wanted the call went away
	ByShutdown   = "shutdown"    // the server ended
	ByOverflow   = "overflow"    // too many questions were open
)

// maxOpen is how many questions may be open. Nobody reads that many: what comes
// on top is refused, so that a flood neither fills the memory nor hides a call.
const maxOpen = 1000

// keptSettled is how many settled questions are remembered, for those who answer
// too late.
const keptSettled = 64

// Options say how a desk works.
type Options struct {
	// Publish takes the live events: held when a question is asked, and verdict
	// when it is settled, both with the Ask and without an Interaction. It is
	// called without a lock and must not block; nil publishes nothing.
	Publish func(llm.Event)
	Default Default
	// Timeout is how long a question waits, unless Default is Queue; 0 is
	// DefaultTimeout.
	Timeout time.Duration
	// Attended tells whether somebody may answer: a screen follows the events, or a
	// program that says so. nil means always.
	Attended func() bool
}

// Desk holds the open questions. Its methods are safe for concurrent use.
type Desk struct {
	opts Options

	mu      sync.Mutex // never held while an event is published
	open    []*Ticket  // oldest first
	settled []llm.Ask  // the last keptSettled, oldest first
	closed  bool
}

// New makes a desk. Close it, so that nobody waits in vain.
func New(o Options) *Desk {
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Publish == nil {
		o.Publish = func(llm.Event) {}
	}
	if o.Attended == nil {
		o.Attended = func() bool { return true }
	}
	return &Desk{opts: o}
}

// Put asks a question. The desk fills in ID, AskedAt and ExpiresAt; Answer and
// By are empty. The ticket may be settled already: where nobody attends, where
// the desk is closed, where too many questions are open. Arguments that are no
// JSON become ArgumentsText.
func (d *Desk) Put(a llm.Ask) *Ticket {
	a.Arguments = bytes.Clone(a.Arguments) // the caller's buffer goes on
	if len(a.Arguments) > 0 && !json.Valid(a.Arguments) {
		a.Arguments, a.ArgumentsText = nil, cmp.Or(a.ArgumentsText, string(a.Arguments))
	}
	a.AskedAt, a.ExpiresAt, a.Answer, a.By = time.Now(), nil, "", ""
	t := &Ticket{desk: d, done: make(chan struct{})}
	attended := d.opts.Default == Queue || d.opts.Attended()

	d.mu.Lock()
	t.id = d.newID()
	a.ID = t.id
	t.ask = a
	answer, by := llm.AskAnswer{Action: llm.ActionBlock}, ""
	switch {
	case d.closed:
		by = ByShutdown
	case len(d.open) >= maxOpen:
		by = ByOverflow
	case !attended:
		answer, by = d.unanswered(), ByUnattended
	}
	if by != "" {
		t.told = true // there is nothing to wait for: its verdict is all there is to tell
		verdict := d.settle(t, answer, by)
		d.mu.Unlock()
		d.publish(llm.EventVerdict, verdict)
		return t
	}
	if d.opts.Default != Queue {
		expires := a.AskedAt.Add(d.opts.Timeout)
		a.ExpiresAt = &expires
		t.ask = a
		t.timer = time.AfterFunc(d.opts.Timeout, func() { d.end(t, d.unanswered(), ByTimeout) })
	}
	d.open = append(d.open, t)
	d.mu.Unlock()

	d.publish(llm.EventHeld, a)
	d.mu.Lock()
	t.told = true
	over, verdict := t.ask.By != "", t.ask
	d.mu.Unlock()
	if over { // somebody was faster than the event, and left the verdict to us
		d.publish(llm.EventVerdict, verdict)
	}
	return t
}

func (d *Desk) unanswered() llm.AskAnswer {
	if d.opts.Default == Allow {
		return llm.AskAnswer{Action: llm.ActionAllow}
	}
	return llm.AskAnswer{Action: llm.ActionBlock}
}

func (d *Desk) publish(kind llm.EventType, a llm.Ask) {
	d.opts.Publish(llm.Event{Type: kind, At: time.Now(), Ask: &a})
}

// List returns the open questions, oldest first.
func (d *Desk) List() []llm.Ask {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]llm.Ask, len(d.open))
	for i, t := range d.open {
		out[i] = t.ask
	}
	return out
}

// Settle answers a question in the name of a person. The id may be shortened
// while it begins the id of one question only, the settled ones that are
// remembered included, so that an answer never meets a question that came after
// the one it was meant for. It returns the question as settled: with the
// arguments with which the call goes on. Errors wrap ErrUnknown, ErrAmbiguous,
// ErrSettled and ErrAnswer.
func (d *Desk) Settle(id string, answer llm.AskAnswer) (llm.Ask, error) {
	if err := checkAnswer(answer); err != nil {
		return llm.Ask{}, err
	}
	answer.Arguments = bytes.Clone(answer.Arguments)
	d.mu.Lock()
	t, err := d.find(id)
	if err != nil {
		d.mu.Unlock()
		return llm.Ask{}, err
	}
	verdict, told := d.settle(t, answer, ByTerminal), t.told
	d.mu.Unlock()
	if told {
		d.publish(llm.EventVerdict, verdict)
	}
	return verdict, nil
}

// Close refuses every open question, and each that comes. It may be called more
// than once.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	open := slices.Clone(d.open)
	d.mu.Unlock()
	for _, t := range open {
		d.end(t, llm.AskAnswer{Action: llm.ActionBlock}, ByShutdown)
	}
}

// end settles t unless it was settled, and tells.
func (d *Desk) end(t *Ticket, answer llm.AskAnswer, by string) {
	d.mu.Lock()
	if t.ask.By != "" {
		d.mu.Unlock()
		return
	}
	verdict, told := d.settle(t, answer, by), t.told
	d.mu.Unlock()
	if told {
		d.publish(llm.EventVerdict, verdict)
	}
}

// settle closes a question that is not settled. The lock is held.
func (d *Desk) settle(t *Ticket, answer llm.AskAnswer, by string) llm.Ask {
	if t.timer != nil {
		t.timer.Stop()
	}
	t.answer = answer
	t.ask.Answer, t.ask.By = answer.Action, by
	if answer.Arguments != nil {
		t.ask.Arguments, t.ask.ArgumentsText = answer.Arguments, ""
	}
	d.open = slices.DeleteFunc(d.open, func(o *Ticket) bool { return o == t })
	if len(d.settled) == keptSettled {
		d.settled = slices.Delete(d.settled, 0, 1)
	}
	d.settled = append(d.settled, t.ask)
	close(t.done)
	return t.ask
}
