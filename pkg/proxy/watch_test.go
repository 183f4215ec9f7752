package proxy

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWatch: silence is measured from what came last, and not while it is nobody's.
func TestWatch(t *testing.T) {
	const idle = time.Minute
	for name, c := range map[string]struct {
		live func(w *watch)
		want time.Duration // when the answer ends, after the watch began
	}{
		"nothing comes":         {func(*watch) {}, idle},
		"something comes":       {func(w *watch) { time.Sleep(idle / 2); w.come() }, idle + idle/2},
		"much comes":            {func(w *watch) { every(w, idle/8, 80) }, 11 * idle},
		"a person is asked":     {func(w *watch) { w.pause(); time.Sleep(10 * idle); w.come() }, 11 * idle},
		"asked after something": {func(w *watch) { every(w, idle/2, 3); w.pause(); time.Sleep(idle); w.come() }, 3*idle + idle/2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, ended := time.Now(), make(chan time.Time, 1)
				w := watch{idle: idle, silent: func() { ended <- time.Now() }}
				left := 0
				w.late(func() { left++ })
				c.live(&w)
				got := (<-ended).Sub(began)
				if got < c.want || got > c.want+time.Second || left != 1 {
					t.Errorf("ended after %s, want %s; the header left %d times", got, c.want, left)
				}
				w.stop()
			})
		})
	}
}

func every(w *watch, pause time.Duration, n int) {
	for range n {
		time.Sleep(pause)
		w.come()
	}
}

// TestWatchStops: nothing happens behind the end.
func TestWatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch{idle: time.Minute, silent: func() { t.Error("an answer was ended that had ended") }}
		w.start()
		w.stop()
		w.start()
		time.Sleep(time.Hour)
	})
}
