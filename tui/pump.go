package tui

import (
	"context"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// change is all that happened to one interaction since the screen heard of it.
type change struct {
	i         *llm.Interaction
	whole     bool   // i has its long texts
	fresh     bool   // it was told anew: forget the text so far
	text      string // what the assistant wrote meanwhile
	reasoning string
	call      *llm.ToolCall // the newest
}

// batchMsg is what happened since the last one.
type batchMsg struct {
	changes  []change
	asks     []askNews
	lost     uint64 // events that were missed
	attached bool
	lastErr  error // why not
	refused  error // the server will not answer what was asked
}

// maxLive bounds the text that waits, or is kept, for one running answer.
const maxLive = 1 << 20

// pump follows the server in its own goroutine and gathers what it tells, so
// that thousands of events a second become thirty messages.
type pump struct {
	ready chan struct{} // has room for one
	done  chan struct{}

	mu  sync.Mutex // never held across I/O
	now batchMsg
	at  map[string]int // where an interaction stands in now.changes
}

func newPump() *pump {
	return &pump{ready: make(chan struct{}, 1), at: map[string]int{}}
}

// start begins to follow, until ctx ends.
func (p *pump) start(ctx context.Context, src Source, since time.Time) {
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		o := control.EventsOptions{
			Since: since, Progress: true, Answers: true,
			Attached: func() { p.link(true, nil) },
			Detached: func(err error) { p.link(false, err) },
		}
		for e, err := range src.Events(ctx, o) {
			if err != nil {
				p.fail(err)
				return
			}
			p.add(&e)
		}
	}()
}

// wait returns when the goroutine has ended.
func (p *pump) wait() {
	if p.done != nil {
		<-p.done
	}
}

func (p *pump) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

func (p *pump) link(attached bool, err error) {
	p.mu.Lock()
	p.now.attached, p.now.lastErr = attached, err
	p.mu.Unlock()
	p.signal()
}

func (p *pump) fail(err error) {
	p.mu.Lock()
	p.now.attached, p.now.refused = false, err
	p.mu.Unlock()
	p.signal()
}

func (p *pump) add(e *llm.Event) {
	p.mu.Lock()
	defer p.signal()
	defer p.mu.Unlock()
	p.now.lost += e.Lost
	if e.Ask != nil {
		p.now.asks = append(p.now.asks, askNews{*e.Ask, e.Type == llm.EventVerdict || e.Ask.By != ""})
	}
	if e.Interaction == nil {
		return
	}
	id := e.Interaction.ID
	k, ok := p.at[id]
	if !ok {
		k = len(p.now.changes)
		p.at[id] = k
		p.now.changes = append(p.now.changes, change{})
	}
	c := &p.now.changes[k]
	if c.i != nil && c.whole && c.i.State.Final() {
		return // nothing comes behind the end
	}
	c.i = e.Interaction
	c.whole = e.Type == llm.EventStarted || e.Type == llm.EventFinished
	if e.Type == llm.EventStarted {
		c.fresh, c.text, c.reasoning = true, e.Interaction.Text, e.Interaction.Reasoning
	}
	if len(c.text)+len(c.reasoning) < maxLive {
		c.text += e.Text
		c.reasoning += e.Reasoning
	}
	if e.ToolCall != nil {
		c.call = e.ToolCall
	}
}

// take hands over what was gathered.
func (p *pump) take() batchMsg {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.now
	p.now = batchMsg{attached: b.attached, lastErr: b.lastErr, refused: b.refused}
	clear(p.at)
	return b
}
