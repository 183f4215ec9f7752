package server

import (
	"context"
	"net/http"
	"sync"
)

// counted is a handler whose requests are counted.
type counted struct {
	running *running
	next    http.Handler
}

// ServeHTTP passes a request on.
func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.running.begin()
	defer c.running.end()
	c.next.ServeHTTP(w, r)
}

// running counts the requests that run. A sync.WaitGroup may not be waited for
// while requests still come.
type running struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when n falls to 0; nil unless somebody waits
}

func (r *running) begin() {
	r.mu.Lock()
	r.n++
	r.mu.Unlock()
}

func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n--; r.n == 0 && r.none != nil {
		close(r.none)
		r.none = nil
	}
}

// wait waits until none runs, and tells whether it came to that before ctx ended.
func (r *running) wait(ctx context.Context) bool {
	r.mu.Lock()
	if r.n == 0 {
		r.mu.Unlock()
		return true
	}
	if r.none == nil {
		r.none = make(chan struct{})
	}
	none := r.none
	r.mu.Unlock()
	select {
	case <-none:
		return true
	case <-ctx.Done():
		return false
	}
}
