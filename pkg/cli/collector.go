package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// headroom is by how much the heap grows between two collections at most, in
// bytes, unless half of it is more. What lives is 20 to 60 MB, and most of what
// passes is garbage soon: at Go's 100 % collecting would be a tenth of the CPU at
// full load. A large heap, such as that of thousands of open streams, makes little
// garbage for its size, and would double for nothing.
const headroom = 128 << 20

// collectPercent is the GC percent for a heap of which live bytes are in use.
func collectPercent(live uint64) int {
	return int(max(50, min(headroom*100/max(live, 1), 200)))
}

// collector keeps Go's garbage collector at the pace of collectPercent.
type collector struct {
	before int // the percent that was set before

	mu      sync.Mutex
	percent int
	stopped bool
}

// tuneCollector starts to set the pace, until stop puts the one back that was
// before.
func tuneCollector() (stop func()) {
	c := &collector{before: debug.SetGCPercent(100)}
	// What start-up left behind would stay until the first headroom is used up.
	debug.FreeOSMemory()
	c.collected()
	return c.stop
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	debug.SetGCPercent(c.before)
}

// collected sets the pace anew after each collection. That one has ended is told
// by an object that nothing holds: its cleanup runs.
func (c *collector) collected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := collectPercent(live[0].Value.Uint64())
	if d := percent - c.percent; d*10 > c.percent || -d*10 > c.percent { // setting it stops the world
		c.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(&struct{ _ *byte }{}, (*collector).collected, c)
}
