package proxy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// headerWait is how long an answer's header waits for the first bytes of its body.
// Where both are at hand, as they mostly are, they leave in one packet; and until then
// an answer that breaks off can be told from one that has begun.
const headerWait = 250 * time.Millisecond

// watch looks after an answer while somebody else reads it: it lets the header leave
// where the first bytes are late, and ends the answer where the provider is silent
// for too long. It has one timer, which is not touched by what comes: when it fires,
// it finds out how long the silence has been, and waits for the rest.
type watch struct {
	idle   time.Duration // the longest silence; 0 is no limit
	silent func()        // ends the answer

	heard atomic.Int64 // when something came last, in nanoseconds after began
	began time.Time

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	header func() // lets the header leave; nil where it has
	over   bool
}

// unmeasured is when something came last while a silence is not the provider's.
const unmeasured = math.MaxInt64

// start starts to measure.
func (t *watch) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arm(t.idle)
}

// late starts to measure, and calls header soon. It may be too late for it then.
func (t *watch) late(header func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header = header
	if t.idle > 0 {
		t.arm(min(headerWait, t.idle))
		return
	}
	t.arm(headerWait)
}

func (t *watch) arm(after time.Duration) {
	if t.timer == nil {
		t.began = time.Now()
	}
	switch {
	case t.over || after <= 0:
	case t.timer != nil:
		t.timer.Reset(after)
	default:
		t.timer = time.AfterFunc(after, t.look)
	}
}

// come tells that something has come, and returns when, since the watch began.
func (t *watch) come() time.Duration {
	after := time.Since(t.began)
	t.heard.Store(int64(after))
	return after
}

// pause stops to measure until something comes.
func (t *watch) pause() { t.heard.Store(unmeasured) }

// stop ends the watch.
func (t *watch) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// look is what the timer calls. Where it comes so late that the silence has been too
// long meanwhile, the header stays: the answer is another one then.
func (t *watch) look() {
	left := t.left()
	ended := t.idle > 0 && left <= 0
	if !ended {
		if header := t.leave(); header != nil {
			header()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over, t.idle <= 0: // only the header was waited for
	case ended:
		t.silent()
	default:
		t.timer.Reset(left)
	}
}

// left is how much longer the silence may be.
func (t *watch) left() time.Duration {
	if heard := t.heard.Load(); heard != unmeasured {
		return t.idle - (time.Since(t.began) - time.Duration(heard))
	}
	return t.idle
}

// leave returns what lets the header leave, once it has waited for long enough.
func (t *watch) leave() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.began) < headerWait {
		return nil
	}
	header := t.header
	t.header = nil
	return header
}
