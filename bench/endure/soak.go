package endure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/measure"
	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/proc"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

// SoakOptions say how long the soak is.
type SoakOptions struct {
	Time time.Duration
	Rate int // exchanges a second; half of them are left by their clients
}

// traffic is one kind of exchange of the soak. It returns whether the client had
// the whole answer, and an error for what must not happen.
type traffic struct {
	name   string
	weight int
	run    func(*soak) (bool, error)
}

var mix = []traffic{
	{"chat", 20, func(s *soak) (bool, error) { return s.do(payload.Small(rand.Uint64())()) }},
	{"stream", 15, func(s *soak) (bool, error) { return s.do(payload.Streaming(payload.ModelBurst, rand.Uint64())()) }},
	{"agent turn", 10, func(s *soak) (bool, error) { return s.do(s.turn()) }},
	{"left in the request's header", 5, func(s *soak) (bool, error) { return false, s.sendPart(0.02) }},
	{"left in the request's body", 8, func(s *soak) (bool, error) { return false, s.sendPart(0.1 + 0.8*rand.Float64()) }},
	{"left before the answer", 7, func(s *soak) (bool, error) { return false, s.sendPart(1) }},
	{"left at the first event", 10, func(s *soak) (bool, error) { return false, s.begin(payload.ModelPace, 1) }},
	{"left in a burst", 15, func(s *soak) (bool, error) { return false, s.begin(payload.ModelBurst, 1+rand.IntN(30_000)) }},
	{"left in a slow stream", 10, func(s *soak) (bool, error) { return false, s.begin(payload.ModelSlow, 1+rand.IntN(1500)) }},
}

type soak struct {
	ctx    context.Context
	target *client.Target
	mu     sync.Mutex
	turns  []payload.Source // sessions of agents, taken in turn
	whole  atomic.Int64
	left   atomic.Int64
	failed atomic.Int64
	idle   chan *client.Conn
}

// do has a whole exchange on a kept connection.
func (s *soak) do(r payload.Request) (bool, error) {
	var c *client.Conn
	select {
	case c = <-s.idle:
	default:
		c = client.NewConn(s.target)
	}
	o := c.Do(&r, time.Now())
	select {
	case s.idle <- c:
	default:
		c.Close()
	}
	return o.Whole, o.Err
}

func (s *soak) turn() payload.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turns[rand.IntN(len(s.turns))]()
}

// sendPart sends a share of a request and leaves.
func (s *soak) sendPart(share float64) error {
	r := s.turn()
	conn, err := net.DialTimeout("tcp", s.target.Addr, 10*time.Second)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", s.target.Paths[r.Format], s.target.Addr, r.Size())
	all := []byte(head)
	for _, p := range r.Body {
		all = append(all, p...)
	}
	if share < 0.05 {
		all = all[:len(head)/2]
	}
	_, _ = conn.Write(all[:max(1, int(share*float64(len(all))))]) // a refusal on the way is as good
	return conn.Close()
}

// begin reads some bytes of a stream and leaves.
func (s *soak) begin(m payload.Model, bytes int) error {
	r := payload.Streaming(m, rand.Uint64())()
	return client.NewConn(s.target).Beginning(&r, bytes)
}

// reading is what the process held at one time.
type reading struct {
	at         time.Duration
	rss        int64
	fds        int
	threads    int64
	goroutines int64 // -1: the server does not tell
	open       int64 // at the upstream
	disk       int64
	lost       int64 // records that failed, in every way that the server counts
	late       int64 // answers that went on before their record was safe: the machine was too slow
}

// Soak mixes traffic for a time, half of it left by its clients at every stage,
// and watches what the process holds.
func Soak(ctx context.Context, b *subject.Bench, o SoakOptions, talk io.Writer) error {
	dir, err := os.MkdirTemp("", "archestra-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	up, err := measure.StartUpstream(b)
	if err != nil {
		return err
	}
	defer up.Stop()
	srv, err := start(ctx, b, dir, up.Addr)
	if err != nil {
		return err
	}
	defer srv.kill()
	s := &soak{ctx: ctx, target: &srv.target, idle: make(chan *client.Conn, 64)}
	for i := range 8 {
		f := payload.Chat
		if i%2 == 0 {
			f = payload.Messages
		}
		s.turns = append(s.turns, payload.Agent(f, payload.Typical, uint64(i)))
	}
	before := read(ctx, srv, up, dir, 0)
	readings := s.load(ctx, srv, up, dir, o, talk)
	s.close()
	after, rested := s.rest(ctx, srv, up, dir, before)
	fmt.Fprintf(talk, "%d exchanges whole, %d left by their clients, %d failed\nbefore: %s\nafter:  %s\n", s.whole.Load(), s.left.Load(), s.failed.Load(), before, after)
	var errs []error
	if n := s.failed.Load(); n > 0 {
		errs = append(errs, fmt.Errorf("%d exchanges failed", n))
	}
	if !rested {
		errs = append(errs, errors.New("something is held when all clients have left"))
	}
	errs = append(errs, flat(readings, talk))
	if after.lost > 0 {
		errs = append(errs, fmt.Errorf("%d records failed", after.lost))
	}
	if err := srv.end(time.Minute); err != nil {
		errs = append(errs, err)
	}
	done, err := subject.CountRows(b, dir, "state:done")
	if err != nil {
		errs = append(errs, err)
	}
	fmt.Fprintf(talk, "%d whole at their clients, %d recorded as done\n", s.whole.Load(), done)
	if done < s.whole.Load() {
		errs = append(errs, errors.New("answers were not recorded"))
	}
	return errors.Join(errs...)
}

// load makes the traffic and reads the process from time to time.
func (s *soak) load(ctx context.Context, srv *server, up *measure.Upstream, dir string, o SoakOptions, talk io.Writer) []reading {
	var deck []traffic
	for _, t := range mix {
		for range t.weight {
			deck = append(deck, t)
		}
	}
	tick := time.NewTicker(time.Second / time.Duration(o.Rate))
	defer tick.Stop()
	every := max(o.Time/120, 500*time.Millisecond)
	begun := time.Now()
	next, said := begun.Add(every), begun
	var readings []reading
	var wg sync.WaitGroup
	defer wg.Wait()
	room := make(chan struct{}, 256) // at once
	for ctx.Err() == nil && time.Since(begun) < o.Time {
		<-tick.C
		room <- struct{}{}
		t := deck[rand.IntN(len(deck))]
		wg.Go(func() {
			defer func() { <-room }()
			whole, err := t.run(s)
			switch {
			case err != nil:
				if s.failed.Add(1) <= 10 {
					fmt.Fprintf(talk, "%s: %v\n", t.name, err)
				}
			case whole:
				s.whole.Add(1)
			default:
				s.left.Add(1)
			}
		})
		if now := time.Now(); now.After(next) {
			next = now.Add(every)
			r := read(ctx, srv, up, dir, time.Since(begun))
			readings = append(readings, r)
			if now.Sub(said) > o.Time/20 {
				said = now
				fmt.Fprintln(talk, r)
			}
		}
	}
	return readings
}

func (s *soak) close() {
	for {
		select {
		case c := <-s.idle:
			c.Close()
		default:
			return
		}
	}
}

// rest waits until the process holds no more than before the traffic: its own
// idle connections to the upstream may stay for a while, so it waits as long.
func (s *soak) rest(ctx context.Context, srv *server, up *measure.Upstream, dir string, before reading) (reading, bool) {
	const limit = 2 * time.Minute
	for begun := time.Now(); ; {
		r := read(ctx, srv, up, dir, time.Since(begun))
		// A few more descriptors are the database's readers.
		if r.open == 0 && r.fds <= before.fds+8 && (before.goroutines < 0 || r.goroutines <= before.goroutines+8) {
			return r, true
		}
		if time.Since(begun) > limit || ctx.Err() != nil {
			return r, false
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func read(ctx context.Context, srv *server, up *measure.Upstream, dir string, at time.Duration) reading {
	pid := srv.cmd.Process.Pid
	r := reading{at: at, rss: proc.ResidentMemory([]int{pid}).Now, fds: proc.Descriptors(pid), threads: proc.Threads(pid), goroutines: -1}
	if st, err := srv.status(ctx); err == nil {
		if n, ok := st.Counters["goroutines"]; ok {
			r.goroutines = n
		}
		r.late = st.Counters["record_late"]
		for _, name := range []string{"record_failed", "decoder_panics", "store_failures", "store_refused", "store_skipped"} {
			r.lost += st.Counters[name]
		}
	}
	if st, err := up.State(ctx); err == nil {
		r.open = st.Open
	}
	r.disk, _ = proc.DiskUsage(dir) // 0 says that it could not be read
	return r
}

func (r reading) String() string {
	goroutines := "not told"
	if r.goroutines >= 0 {
		goroutines = fmt.Sprint(r.goroutines)
	}
	return fmt.Sprintf("%v: %.1f MB resident, %d descriptors, %d threads, goroutines %s, %d open at the upstream, %.1f MB on the disk, %d records failed, %d late",
		r.at.Round(time.Second), float64(r.rss)/1e6, r.fds, r.threads, goroutines, r.open, float64(r.disk)/1e6, r.lost, r.late)
}

// flat tells whether memory and the rest grew over the last three quarters of the
// readings: the line through them must not rise by more than a tenth of its mean,
// or eight megabytes.
func flat(readings []reading, talk io.Writer) error {
	readings = readings[len(readings)/4:]
	if len(readings) < 8 {
		fmt.Fprintln(talk, "too short to say whether memory is flat")
		return nil
	}
	var errs []error
	for _, m := range []struct {
		name  string
		slack float64
		pick  func(reading) float64
	}{
		{"resident memory", 8e6, func(r reading) float64 { return float64(r.rss) }},
		{"descriptors", 20, func(r reading) float64 { return float64(r.fds) }},
		{"threads", 8, func(r reading) float64 { return float64(r.threads) }},
		{"goroutines", 50, func(r reading) float64 { return float64(r.goroutines) }},
	} {
		rise, mean := fit(readings, m.pick)
		fmt.Fprintf(talk, "%s: mean %.0f, the line through them rises by %.0f\n", m.name, mean, rise)
		if rise > max(m.slack, mean/10) {
			errs = append(errs, fmt.Errorf("%s grew by %.0f in the soak, from a mean of %.0f", m.name, rise, mean))
		}
	}
	return errors.Join(errs...)
}

// fit lays a line through the readings by least squares and returns how far it
// rises from the first to the last, and the mean.
func fit(readings []reading, pick func(reading) float64) (rise, mean float64) {
	var t, v, tt, tv float64
	n := float64(len(readings))
	for _, r := range readings {
		x, y := r.at.Seconds(), pick(r)
		t, v, tt, tv = t+x, v+y, tt+x*x, tv+x*y
	}
	mean = v / n
	if d := n*tt - t*t; d > 0 {
		rise = (n*tv - t*v) / d * (readings[len(readings)-1].at - readings[0].at).Seconds()
	}
	return rise, mean
}
