package measure

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/bench/subject"
)

// TestFinish checks what the table is made of: latencies less direct's of the
// same round, calm samples only, medians, and what is summed up.
func TestFinish(t *testing.T) {
	sample := func(round int, p50, cpu float64, calm bool) Sample {
		return Sample{Round: round, Requests: 10, P50: p50, CPURequest: cpu, Calm: calm, Answers: 10, Rows: 10}
	}
	lost := sample(2, 900, 300, true)
	lost.Rows, lost.Missing, lost.Failed = 8, 2, 1
	l := LoadResult{Subjects: []SubjectResult{
		{Name: "direct", Samples: []Sample{sample(0, 100, 0, true), sample(1, 200, 0, true), sample(2, 300, 0, false)}},
		{Name: "rp", Samples: []Sample{sample(0, 150, 80, true), sample(1, 260, 100, true), sample(2, 310, 90, true)}},
		{Name: "default", Samples: []Sample{sample(0, 300, 180, true), sample(1, 210, 170, false), lost}},
	}}
	l.finish()
	rp, def := l.Subjects[1], l.Subjects[2]
	if rp.Median.CPURequest != 90 || rp.Median.AddedP50 != 50 || rp.Calm != 2 || rp.Ratio != 1 {
		t.Errorf("rp: %+v, calm %d, ratio %v", rp.Median, rp.Calm, rp.Ratio)
	}
	if def.Median.CPURequest != 180 || def.Ratio != 2 || def.Calm != 1 || def.Median.AddedP50 != 200 {
		t.Errorf("default: %+v, calm %d, ratio %v", def.Median, def.Calm, def.Ratio)
	}
	if m := def.Median; m.Failed != 1 || m.Missing != 2 || m.Answers != 30 || m.Rows != 28 {
		t.Errorf("what must not happen is not summed up: %+v", m)
	}
}

func TestTakes(t *testing.T) {
	by := map[string]subject.Subject{}
	for _, s := range subject.All() {
		by[s.Name] = s
	}
	load := map[string]Load{}
	for _, l := range Loads() {
		if _, twice := load[l.Name]; twice || l.Source == nil || l.About == "" {
			t.Errorf("the load %s is there twice or makes nothing", l.Name)
		}
		load[l.Name] = l
	}
	for _, c := range []struct {
		load, subject string
		want          bool
	}{
		{"chat-16", "default", true}, {"chat-16", "default+tail", false}, {"chat-16-watched", "default+8tails", true},
		{"chat-16-watched", "nginx", false}, {"slow-1000", "mitmdump", false}, {"chat-16", "mitmdump", true}, {"leave", "direct", true},
	} {
		l, s := load[c.load], by[c.subject]
		if got := l.takes(&s); got != c.want || s.Name == "" || l.Name == "" {
			t.Errorf("%s on %s: %v", c.load, c.subject, got)
		}
	}
}
