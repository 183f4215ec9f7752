package measure

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/proc"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

var self = os.Getpid()

// Result is everything that one run found.
type Result struct {
	Taken    time.Time         `json:"taken"`
	Command  string            `json:"command"`
	Commit   string            `json:"commit,omitempty"`
	Machine  proc.Machine      `json:"machine"`
	Samples  int               `json:"samples"`
	Seconds  float64           `json:"seconds"` // measured in each
	Versions map[string]string `json:"versions"`
	Absent   map[string]string `json:"absent,omitempty"` // subjects that could not be used, and why
	Loads    []LoadResult      `json:"loads"`
}

// LoadResult is one load on every subject.
type LoadResult struct {
	Name     string          `json:"name"`
	About    string          `json:"about"`
	Request  int64           `json:"request_bytes"` // of the first request
	Answer   int64           `json:"answer_bytes"`
	Subjects []SubjectResult `json:"subjects"`
}

// SubjectResult is one subject under one load.
type SubjectResult struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Median  Sample   `json:"median"` // of every number by itself; latencies of calm samples only
	Ratio   float64  `json:"cpu_ratio_rp,omitempty"`
	Calm    int      `json:"calm"` // samples that were
	Samples []Sample `json:"samples"`
}

// Upstream is the provider's process.
type Upstream struct {
	Addr string
	PID  int
	cmd  *exec.Cmd
}

// StartUpstream runs the upstream as a process of its own.
func StartUpstream(b *subject.Bench) (*Upstream, error) {
	cmd := exec.Command(b.Self, subject.CommandUpstream)
	// It ends when its standard input does: with this process, however that ends.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	u := &Upstream{Addr: strings.TrimSpace(addr), PID: cmd.Process.Pid, cmd: cmd}
	if err != nil {
		u.Stop()
		return nil, fmt.Errorf("the upstream did not start: %w", err)
	}
	return u, nil
}

// Stop ends the process.
func (u *Upstream) Stop() {
	_ = u.cmd.Process.Kill() // it keeps nothing
	_ = u.cmd.Wait()
}

// Run takes the samples of a plan: round by round each subject once, in an order
// that rotates, so that a machine which changes changes for all.
func Run(ctx context.Context, b *subject.Bench, plan Plan, progress func(string)) (*Result, error) {
	res := &Result{Taken: time.Now().UTC().Truncate(time.Second), Machine: proc.Describe(), Samples: plan.Samples, Seconds: plan.Time.Seconds(),
		Versions: map[string]string{}, Absent: map[string]string{}}
	var subjects []subject.Subject
	for _, s := range subject.All() {
		if !slices.Contains(plan.Subjects, s.Name) {
			continue
		}
		version, err := s.Version(b)
		if err != nil {
			res.Absent[s.Name] = err.Error()
			continue
		}
		if version != "" {
			res.Versions[s.Name] = version
		}
		subjects = append(subjects, s)
	}
	up, err := StartUpstream(b)
	if err != nil {
		return nil, err
	}
	defer up.Stop()
	r := &runner{bench: b, upstream: up, plan: plan}
	for _, l := range plan.Loads {
		res.Loads = append(res.Loads, r.load(ctx, l, subjects, progress))
		if ctx.Err() != nil {
			return res, errors.New("interrupted: what was measured until then is below")
		}
	}
	return res, nil
}

// takes tells whether a load is for a subject.
func (l *Load) takes(s *subject.Subject) bool {
	if l.Watched && !slices.Contains(watched, s.Name) || !l.Watched && s.Followers() > 0 {
		return false
	}
	return !s.Buffers || l.Kind != Slow && l.Kind != Leave
}

func (r *runner) load(ctx context.Context, l Load, subjects []subject.Subject, progress func(string)) LoadResult {
	first := l.Source(0)()
	out := LoadResult{Name: l.Name, About: l.About, Request: first.Size(), Answer: int64(len(first.Answer.Body))}
	var taking []subject.Subject
	for _, s := range subjects {
		if l.takes(&s) {
			taking = append(taking, s)
			out.Subjects = append(out.Subjects, SubjectResult{Name: s.Name, About: s.About})
		}
	}
	for round := range r.plan.Samples {
		for k := range taking {
			i := (k + round) % len(taking)
			if ctx.Err() != nil {
				return out
			}
			s := r.sample(ctx, l, &taking[i])
			s.Round = round
			out.Subjects[i].Samples = append(out.Subjects[i].Samples, s)
			progress(fmt.Sprintf("%s %d/%d %s: %s", l.Name, round+1, r.plan.Samples, taking[i].Name, cmp.Or(s.Error, fmt.Sprintf("%.0f µs CPU a request, %.2f an event, %d answers", s.CPURequest, s.CPUEvent, s.Requests))))
		}
	}
	out.finish()
	return out
}

// finish takes direct's latencies off those of its round, and the medians.
func (l *LoadResult) finish() {
	direct := map[int]Sample{}
	for _, s := range l.Subjects {
		if s.Name == "direct" {
			for _, sample := range s.Samples {
				direct[sample.Round] = sample
			}
		}
	}
	var base float64
	for i := range l.Subjects {
		s := &l.Subjects[i]
		for k := range s.Samples {
			x := &s.Samples[k]
			if d, ok := direct[x.Round]; ok && s.Name != "direct" && d.Error == "" && x.Error == "" {
				x.AddedP50, x.AddedP99, x.AddedTTFT = x.P50-d.P50, x.P99-d.P99, x.TTFT-d.TTFT
				x.Calm = x.Calm && d.Calm
			} else if s.Name == "direct" {
				x.AddedP50, x.AddedP99, x.AddedTTFT = x.P50, x.P99, x.TTFT
			} else {
				x.Calm = false // nothing to compare with
			}
			if x.Calm {
				s.Calm++
			}
		}
		s.Median = median(s.Samples)
		if s.Name == "rp" {
			base = cpu(&s.Median)
		}
	}
	for i := range l.Subjects {
		if s := &l.Subjects[i]; base > 0 {
			s.Ratio = cpu(&s.Median) / base
		}
	}
}

// cpu is the cost that the load compares: of a request or, of open streams, of an event.
func cpu(s *Sample) float64 {
	if s.CPURequest > 0 {
		return s.CPURequest
	}
	return s.CPUEvent
}
