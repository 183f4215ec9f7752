package report

import (
	"fmt"

	"github.com/archestra-ai/archestra-cli/bench/measure"
)

// target is one line of what is to be reached.
type target struct {
	measure string
	load    string
	subject string
	pick    func(*measure.SubjectResult) float64
	unit    string
	limit   float64 // at most
	timed   bool    // it says nothing on a machine that was not calm
	times   bool    // pick's value divided by rp's, rather than itself
}

func ratio(s *measure.SubjectResult) float64    { return s.Ratio }
func cpuEvent(s *measure.SubjectResult) float64 { return s.Median.CPUEvent }
func addedP50(s *measure.SubjectResult) float64 { return s.Median.AddedP50 / 1000 }
func addedP99(s *measure.SubjectResult) float64 { return s.Median.AddedP99 / 1000 }
func ttft(s *measure.SubjectResult) float64     { return s.Median.AddedTTFT / 1000 }
func idle(s *measure.SubjectResult) float64     { return mega(s.Median.IdleRSS) }
func peak(s *measure.SubjectResult) float64     { return mega(s.Median.PeakRSS) }
func stream(s *measure.SubjectResult) float64   { return float64(s.Median.StreamRSS) / 1000 }
func disk(s *measure.SubjectResult) float64     { return float64(s.Median.DiskRequest) / 1000 }
func released(s *measure.SubjectResult) float64 { return s.Median.Released / 1e6 }

var targets = []target{
	{"CPU, 1 kB chat, 16 clients", "chat-16", "default", ratio, "× rp", 1.6, false, false},
	{"CPU, 1 kB chat, 64 clients", "chat-64", "default", ratio, "× rp", 1.6, false, false},
	{"CPU, 1 kB chat, 16 clients, recording only", "chat-16", "recording", ratio, "× rp", 1.4, false, false},
	{"CPU, 200 kB agent turn, prefix seen, 1 client", "agent-1", "default", ratio, "× rp", 2.2, false, false},
	{"CPU, 200 kB agent turn, prefix seen, 8 clients", "agent-8", "default", ratio, "× rp", 2.2, false, false},
	{"CPU, 1 MB image", "image-1m", "default", ratio, "× rp", 3, false, false},
	{"CPU an event, burst", "burst", "default", cpuEvent, "× rp", 1.5, false, true},
	{"CPU an event, 1,000 streams at human pace", "slow-1000", "default", cpuEvent, "× rp", 1.05, false, true},
	{"added latency p50 at 500 requests/s", "open-500", "default", addedP50, "× rp", 1.2, true, true},
	{"added latency p50 at 2,000 requests/s", "open-2000", "default", addedP50, "× rp", 1.2, true, true},
	{"added latency p99 at 500 requests/s", "open-500", "default", addedP99, "× rp", 2.5, true, true},
	{"added to first token, agent turn, p50", "agent-1", "default", ttft, "ms", 0.6, true, false},
	{"added at 50 clients, p50", "chat-50", "default", addedP50, "ms", 2.4, true, false},
	{"memory, idle", "chat-16", "default", idle, "MB", 40, false, false},
	{"memory of a slow stream at 5,000", "slow-5000", "default", stream, "kB", 80, false, false},
	{"memory, two 20 MB bodies", "image-20m", "default", peak, "MB", 200, false, false},
	{"disk, a turn of a 100-turn session", "session", "default", disk, "kB", 9, false, false},
	{"upstream released after a client leaves", "leave", "default", released, "s", 0.25, false, false},
}

func find(r *measure.Result, load, subject string) *measure.SubjectResult {
	for i := range r.Loads {
		if r.Loads[i].Name != load {
			continue
		}
		for k := range r.Loads[i].Subjects {
			if s := &r.Loads[i].Subjects[k]; s.Name == subject && len(s.Samples) > 0 {
				return s
			}
		}
	}
	return nil
}

// value is a target's value in a result, and whether there is one.
func (t *target) value(r *measure.Result, subject string) (float64, bool) {
	s := find(r, t.load, subject)
	if s == nil || t.timed && s.Calm == 0 {
		return 0, false
	}
	v := t.pick(s)
	if t.times {
		rp := find(r, t.load, "rp")
		if rp == nil || t.timed && rp.Calm == 0 || t.pick(rp) <= 0 {
			return 0, false
		}
		v /= t.pick(rp)
	}
	return v, v != 0
}

// targets writes the table of what is to be reached, as far as it was measured.
func (p *page) targets(r *measure.Result) {
	p.row("measure", "floor", "to reach", "reached", "")
	p.row("---", "---:", "---:", "---:", "---")
	show := func(t *target, subject string) (string, float64, bool) {
		v, ok := t.value(r, subject)
		if !ok {
			return "–", 0, false
		}
		return number(v) + " " + t.unit, v, true
	}
	for i := range targets {
		t := &targets[i]
		floor, _, _ := show(t, "floor")
		here, v, ok := show(t, t.subject)
		verdict := ""
		if ok {
			verdict = map[bool]string{true: "yes", false: "**no**"}[v <= t.limit]
		}
		p.row(t.measure, floor, fmt.Sprintf("≤ %s %s", number(t.limit), t.unit), here, verdict)
	}
	var answers, rows, missing, failed int64
	for _, l := range r.Loads {
		for _, s := range l.Subjects {
			if s.Name == "default" || s.Name == "recording" || s.Name == "everything" {
				answers, rows, missing, failed = answers+s.Median.Answers, rows+s.Median.Rows, missing+s.Median.Missing, failed+s.Median.Failed
			}
		}
	}
	if answers > 0 {
		p.row("answers recorded whole", "", "100 %", fmt.Sprintf("%d of %d", rows, answers), map[bool]string{true: "yes", false: "**no**"}[missing == 0])
		p.row("answers cut or failed", "", "0", fmt.Sprint(failed), map[bool]string{true: "yes", false: "**no**"}[failed == 0])
	}
}
