package record

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience: no wait is longer than it may be, nor much shorter, whoever began to
// wait before.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 160 * time.Millisecond
		var p patience
		for _, pause := range []time.Duration{0, 0, 4 * time.Millisecond, 5 * time.Millisecond, time.Millisecond, wait - time.Millisecond, wait, 5 * wait} {
			time.Sleep(pause)
			began := time.Now()
			ctx := p.atMost(wait)
			if ctx.Err() != nil {
				t.Fatalf("after a pause of %s the wait is over before it began", pause)
			}
			go func() {
				<-ctx.Done()
				if waited := time.Since(began); waited > wait || waited < wait-wait/16 || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
					t.Errorf("a wait took %s of %s (%v)", waited, wait, ctx.Err())
				}
			}()
		}
		if a, b := p.atMost(wait), p.atMost(wait); a != b {
			t.Error("two waits at once do not share a context")
		}
		synctest.Wait()
		time.Sleep(wait)
	})
}
