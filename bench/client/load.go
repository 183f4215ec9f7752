package client

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Tally is what clients saw together.
type Tally struct {
	Sent      int64 // requests that were begun
	Whole     int64 // answers that came whole
	Altered   int64 // of those, answers that were not the upstream's bytes
	Failed    int64
	Events    int64
	Elapsed   time.Duration
	Latencies []time.Duration // of whole answers, sorted
	Firsts    []time.Duration // time to first token of streams, sorted
	Error     error           // the first one
}

func (t *Tally) add(o Outcome) {
	t.Sent++
	t.Events += int64(o.Events)
	if o.Err != nil {
		t.Failed++
		if t.Error == nil {
			t.Error = o.Err
		}
		return
	}
	t.Whole++
	if o.Altered {
		t.Altered++
	}
	t.Latencies = append(t.Latencies, o.Latency)
	if o.First > 0 {
		t.Firsts = append(t.Firsts, o.First)
	}
}

func merge(parts []Tally, elapsed time.Duration) Tally {
	all := Tally{Elapsed: elapsed}
	for i := range parts {
		p := &parts[i]
		all.Sent, all.Whole, all.Altered, all.Failed, all.Events = all.Sent+p.Sent, all.Whole+p.Whole, all.Altered+p.Altered, all.Failed+p.Failed, all.Events+p.Events
		all.Latencies, all.Firsts = append(all.Latencies, p.Latencies...), append(all.Firsts, p.Firsts...)
		if all.Error == nil {
			all.Error = p.Error
		}
	}
	slices.Sort(all.Latencies)
	slices.Sort(all.Firsts)
	return all
}

// Percentile returns the value of sorted that a share p of it does not exceed; 0
// where there is none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// Clients are connections with a source of requests each, kept from a warm-up
// to the measured time.
type Clients struct {
	conns   []*Conn
	sources []payload.Source
}

// NewClients makes n clients of a target.
func NewClients(t *Target, n int, source func(client int) payload.Source) *Clients {
	c := &Clients{}
	for i := range n {
		c.conns, c.sources = append(c.conns, NewConn(t)), append(c.sources, source(i))
	}
	return c
}

// Close ends their connections.
func (c *Clients) Close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// Closed is the closed loop: each client sends its next request when it has the
// answer to the one before, until d is over or it has sent most requests; most 0
// sets no number.
func (c *Clients) Closed(ctx context.Context, d time.Duration, most int) Tally {
	parts := make([]Tally, len(c.conns))
	start := time.Now()
	end := start.Add(d)
	var wg sync.WaitGroup
	for i, conn := range c.conns {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil && (most == 0 || n < most) && time.Now().Before(end); n++ {
				r := c.sources[i]()
				parts[i].add(conn.Do(&r, time.Now()))
				if parts[i].Failed > 10 && parts[i].Whole == 0 {
					return // it does not work at all
				}
			}
		})
	}
	wg.Wait()
	return merge(parts, time.Since(start))
}

// Open is the open loop: rate requests a second are sent at their time, whatever
// became of those before, and latency counts from that time. A stall of the
// subject is seen by every request that was to start in it.
func Open(ctx context.Context, t *Target, rate int, d time.Duration, source payload.Source) Tally {
	count := int(float64(rate) * d.Seconds())
	outcomes := make([]Outcome, count)
	var free pool
	defer free.close()
	var wg sync.WaitGroup
	start := time.Now().Add(5 * time.Millisecond)
	clock := newAlarm(start)
	defer clock.stop()
	sent := 0
	for i := range count {
		if ctx.Err() != nil {
			break
		}
		after := time.Duration(i) * time.Second / time.Duration(rate)
		r := source()
		clock.wait(after)
		sent++
		wg.Go(func() {
			conn := free.get(t)
			outcomes[i] = conn.Do(&r, start.Add(after))
			free.put(conn)
		})
	}
	wg.Wait()
	var all Tally
	for _, o := range outcomes[:sent] {
		all.add(o)
	}
	return merge([]Tally{all}, time.Since(start))
}

// pool keeps idle connections, the last used one first.
type pool struct {
	mu   sync.Mutex
	idle []*Conn
}

func (p *pool) get(t *Target) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c
	}
	return NewConn(t)
}

func (p *pool) put(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

func (p *pool) close() {
	for _, c := range p.idle {
		c.Close()
	}
}

// alarm waits for times behind a start more exactly than a Go timer: it sleeps
// in the kernel to an absolute time, on its own thread, whose timers have no slack.
type alarm struct{ base int64 }

func newAlarm(start time.Time) alarm {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // only less exact where it is refused
	// Go's clock and the kernel's are read one behind the other. A thread that has to
	// pause in between takes the start for an earlier time, so the latest of several
	// is the true one.
	var a alarm
	for range 20 {
		var now unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // cannot fail for this clock
		a.base = max(a.base, now.Nano()+int64(time.Until(start)))
	}
	return a
}

func (a alarm) wait(after time.Duration) {
	at := unix.NsecToTimespec(a.base + int64(after))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
	}
}

func (alarm) stop() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0 sets the default
	runtime.UnlockOSThread()
}
