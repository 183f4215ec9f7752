package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/proc"
	"github.com/archestra-ai/archestra-cli/bench/subject"
	"github.com/archestra-ai/archestra-cli/bench/upstream"
)

// Sample is what one fresh process showed under one load. Microseconds and bytes.
type Sample struct {
	Round    int     `json:"round"`
	Requests int64   `json:"requests"` // whole answers in the measured time
	Events   int64   `json:"events,omitempty"`
	Failed   int64   `json:"failed,omitempty"`
	Altered  int64   `json:"altered,omitempty"`
	Error    string  `json:"error,omitempty"`
	Rate     float64 `json:"rate"` // requests a second

	CPURequest float64 `json:"cpu_us_request,omitempty"`
	CPUEvent   float64 `json:"cpu_us_event,omitempty"`

	P50  float64 `json:"p50_us,omitempty"`
	P99  float64 `json:"p99_us,omitempty"`
	TTFT float64 `json:"ttft_us,omitempty"`
	// What was added to direct's in the same round; for direct itself the whole.
	AddedP50  float64 `json:"added_p50_us,omitempty"`
	AddedP99  float64 `json:"added_p99_us,omitempty"`
	AddedTTFT float64 `json:"added_ttft_us,omitempty"`
	Released  float64 `json:"released_us,omitempty"` // median time until the upstream was released

	IdleRSS   int64 `json:"idle_rss,omitempty"`
	PeakRSS   int64 `json:"peak_rss,omitempty"`
	StreamRSS int64 `json:"rss_stream,omitempty"` // what one open stream adds

	Answers     int64 `json:"answers,omitempty"` // that the process gave in all, warm-up included
	Rows        int64 `json:"rows,omitempty"`    // that it recorded
	Missing     int64 `json:"missing,omitempty"`
	DiskRequest int64 `json:"disk_request,omitempty"`

	Foreign float64 `json:"foreign"` // share of a core that neither the subject nor the benchmark used
	Stolen  float64 `json:"stolen"`  // share of a core that the hypervisor gave to others
	Jitter  float64 `json:"jitter"`  // of a spinning probe just before
	Calm    bool    `json:"calm"`    // latencies of this sample may be published
}

// What a calm machine is: less than a twentieth of a core is used by others.
const maxForeign, maxStolen, maxJitter = 0.05, 0.01, 0.02

// runner measures one load on one subject.
type runner struct {
	bench    *subject.Bench
	upstream *Upstream
	plan     Plan
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// sample runs a fresh process under a load.
func (r *runner) sample(ctx context.Context, l Load, s *subject.Subject) (out Sample) {
	out.Jitter = proc.Jitter(100 * time.Millisecond)
	if err := r.measure(ctx, l, s, &out); err != nil {
		out.Error = err.Error()
	}
	return out
}

func (r *runner) measure(ctx context.Context, l Load, s *subject.Subject, out *Sample) (err error) {
	p, err := s.Start(ctx, r.bench, r.upstream.Addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	if _, ok := p.Target.Paths[l.Format]; !ok {
		return fmt.Errorf("it does not speak %s", l.Format)
	}
	tree := p.Tree()
	proc.Settle(tree, 300*time.Millisecond, 3*time.Second)
	out.IdleRSS = proc.ResidentMemory(tree).Now
	switch l.Kind {
	case Slow:
		err = r.slow(ctx, l, p, out)
	case Leave:
		err = r.leave(ctx, l, p, out)
	default:
		err = r.requests(ctx, l, p, out)
	}
	if p.Gone() {
		return errors.Join(err, subject.ErrGone)
	}
	out.PeakRSS = proc.ResidentMemory(p.Tree()).Peak
	if err := errors.Join(err, p.End()); err != nil {
		return err
	}
	if s.Records && out.Answers > 0 {
		rows, err := p.Rows()
		if err != nil {
			return fmt.Errorf("count its rows: %w", err)
		}
		kept, err := p.Kept()
		if err != nil {
			return err
		}
		out.Rows, out.Missing, out.DiskRequest = rows, out.Answers-rows, kept/out.Answers
	}
	return nil
}

// restLimit bounds how long a subject may work behind its last answer.
const restLimit = time.Minute

// quiet is how long a subject must do nothing to be at rest. Who records may
// gather for a second before it writes.
func quiet(s *subject.Subject) time.Duration {
	if s.Records {
		return 1200 * time.Millisecond
	}
	return 300 * time.Millisecond
}

// window measures what the subject uses while f runs and until what it does
// behind that is done.
func (r *runner) window(p *subject.Process, out *Sample, f func()) (used time.Duration, err error) {
	used = r.use(p, out, func() {
		f()
		if !proc.Settle(p.Tree(), quiet(p.Subject), restLimit) {
			err = fmt.Errorf("it does not rest within %v: its cost is not known", restLimit)
		}
	})
	return used, err
}

// use measures what the subject uses while f runs, and whether the machine is calm.
func (r *runner) use(p *subject.Process, out *Sample, f func()) time.Duration {
	tree, others := p.Tree(), append(p.Others(), r.upstream.PID, self)
	before, _ := proc.MachineUse() // it could be read when the benchmark began
	cpu, ours, start := proc.CPU(tree), proc.CPU(others), time.Now()
	f()
	used := proc.CPU(tree) - cpu
	after, _ := proc.MachineUse()
	ours = proc.CPU(others) - ours + used
	wall := time.Since(start).Seconds()
	out.Foreign = max(0, (after.Busy-before.Busy-ours).Seconds()/wall)
	out.Stolen = (after.Stolen - before.Stolen).Seconds() / wall
	out.Calm = out.Foreign < maxForeign && out.Stolen < maxStolen && out.Jitter < maxJitter
	return used
}

func (r *runner) requests(ctx context.Context, l Load, p *subject.Process, out *Sample) error {
	var run func(d time.Duration) client.Tally
	if l.Kind == Open {
		source := l.Source(0)
		run = func(d time.Duration) client.Tally { return client.Open(ctx, &p.Target, l.Rate, d, source) }
	} else {
		clients := client.NewClients(&p.Target, l.Clients, l.Source)
		defer clients.Close()
		run = func(d time.Duration) client.Tally {
			if l.Count > 0 {
				d = time.Hour // the number ends it
			}
			return clients.Closed(ctx, d, l.Count)
		}
	}
	if !l.Cold {
		warm := run(r.plan.Warm)
		out.Answers += warm.Whole
		if warm.Whole == 0 {
			return fmt.Errorf("nothing works: %w", warm.Error)
		}
		if !proc.Settle(p.Tree(), quiet(p.Subject), restLimit) {
			return fmt.Errorf("it does not rest within %v of the warm-up", restLimit)
		}
	}
	var t client.Tally
	used, err := r.window(p, out, func() { t = run(r.plan.Time) })
	out.Answers += t.Whole
	out.Requests, out.Events, out.Failed, out.Altered = t.Whole, t.Events, t.Failed, t.Altered
	out.Rate = float64(t.Whole) / t.Elapsed.Seconds()
	out.P50, out.P99, out.TTFT = us(client.Percentile(t.Latencies, 0.5)), us(client.Percentile(t.Latencies, 0.99)), us(client.Percentile(t.Firsts, 0.5))
	if t.Whole > 0 {
		out.CPURequest = us(used) / float64(t.Whole)
	}
	if t.Events > 0 {
		out.CPUEvent = us(used) / float64(t.Events)
	}
	return errors.Join(t.Error, err)
}

// slow opens the streams, and measures while all are open.
func (r *runner) slow(ctx context.Context, l Load, p *subject.Process, out *Sample) error {
	streams := client.OpenStreams(ctx, &p.Target, l.Clients, l.Source(0))
	defer streams.Close()
	out.Answers = streams.Open()
	if failed, err := streams.Failed(); failed > 0 {
		out.Failed = failed
		return fmt.Errorf("%d streams could not be opened: %w", failed, err)
	}
	proc.Settle(p.Tree(), 300*time.Millisecond, time.Second) // what opening left to do
	before, start := streams.Events(), time.Now()
	used := r.use(p, out, func() {
		select {
		case <-time.After(max(r.plan.Time, 2*time.Second)):
		case <-ctx.Done():
		}
	})
	out.Events = streams.Events() - before
	out.Rate = float64(out.Events) / time.Since(start).Seconds()
	out.CPUEvent = us(used) / float64(max(1, out.Events))
	out.StreamRSS = (proc.ResidentMemory(p.Tree()).Now - out.IdleRSS) / int64(l.Clients)
	if left := int64(l.Clients) - streams.Open(); left > 0 {
		out.Failed = left
		return fmt.Errorf("%d streams were cut", left)
	}
	return nil
}

// leave measures how long the upstream works for a client that has left.
func (r *runner) leave(ctx context.Context, l Load, p *subject.Process, out *Sample) error {
	source := l.Source(0)
	var took []time.Duration
	for range l.Clients {
		streams := client.OpenStreams(ctx, &p.Target, 1, source)
		if failed, err := streams.Failed(); failed > 0 {
			streams.Close()
			return fmt.Errorf("open a stream: %w", err)
		}
		out.Answers++
		start := time.Now()
		streams.Close()
		for {
			state, err := r.upstream.State(ctx)
			if err != nil {
				return err
			}
			if state.Open == 0 {
				break
			}
			if time.Since(start) > 5*time.Second {
				return errors.New("the upstream is never released")
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	out.Requests, out.Released, out.Calm = int64(len(took)), us(client.Percentile(took, 0.5)), true
	return nil
}

// State asks the upstream what it counts.
func (u *Upstream) State(ctx context.Context) (s upstream.State, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Addr+upstream.StatePath, nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer func() { _ = res.Body.Close() }() // it is read
	return s, json.NewDecoder(res.Body).Decode(&s)
}
