package telemetry

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// Counter only goes up. It is safe for concurrent use, and a nil Counter counts
// nothing, so that what counts need not ask whether somebody wants to know.
type Counter struct{ n atomic.Int64 }

// Inc adds one.
func (c *Counter) Inc() { c.Add(1) }

// Add adds n.
func (c *Counter) Add(n int64) {
	if c != nil {
		c.n.Add(n)
	}
}

// Value returns the count.
func (c *Counter) Value() int64 {
	if c == nil {
		return 0
	}
	return c.n.Load()
}

// Reading is what a counter or gauge says at a moment.
type Reading struct {
	Name  string `json:"name"`
	Help  string `json:"help"`
	Value int64  `json:"value"`
}

// Registry holds the counters and gauges of one process. The zero Registry is
// ready, and its methods are safe for concurrent use.
type Registry struct {
	mu    sync.Mutex
	items []item
}

type item struct {
	name, help string
	read       func() int64
}

// Counter adds a counter. The name is lower-case words joined by underscores;
// taking one twice is a programming error and panics.
func (r *Registry) Counter(name, help string) *Counter {
	c := &Counter{}
	r.Gauge(name, help, c.Value)
	return c
}

// Gauge adds a value that read gives when somebody asks. read must be quick and
// safe for concurrent use. A name that is taken panics.
func (r *Registry) Gauge(name, help string, read func() int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.items, func(i item) bool { return i.name == name }) {
		panic("telemetry: " + name + " is registered twice")
	}
	r.items = append(r.items, item{name, help, read})
}

// Read returns all values, sorted by name.
func (r *Registry) Read() []Reading {
	r.mu.Lock()
	items := slices.Clone(r.items)
	r.mu.Unlock()
	readings := make([]Reading, len(items))
	for i, it := range items {
		readings[i] = Reading{it.name, it.help, it.read()}
	}
	slices.SortFunc(readings, func(a, b Reading) int { return cmp.Compare(a.Name, b.Name) })
	return readings
}
