package record

import (
	"context"
	"sync"
	"time"
)

// patience hands out contexts that bound a wait. Waits that begin at about the same
// time share one, for a timer of its own costs a short wait more than the wait.
type patience struct {
	mu  sync.Mutex
	ctx context.Context
	old time.Time // when ctx is no longer given out
	// let is of ctx, and never called: a context is let go by its own end, since others
	// may wait by it.
	let context.CancelFunc
}

// atMost returns a context that ends by a deadline in at most wait, and not much less.
func (p *patience) atMost(wait time.Duration) context.Context {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.old) {
		p.ctx, p.let = context.WithDeadline(context.Background(), now.Add(wait))
		p.old = now.Add(wait / 16)
	}
	return p.ctx
}
