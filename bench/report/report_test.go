package report

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/bench/measure"
)

func result() *measure.Result {
	sub := func(name string, cpu, p50 float64, calm int) measure.SubjectResult {
		return measure.SubjectResult{Name: name, About: "about " + name, Ratio: cpu / 80, Calm: calm, Samples: make([]measure.Sample, 3),
			Median: measure.Sample{CPURequest: cpu, AddedP50: p50, Answers: 100, Rows: 100}}
	}
	return &measure.Result{Command: "go -C bench run .", Absent: map[string]string{"nginx": "it is not installed"}, Loads: []measure.LoadResult{
		{Name: "chat-16", Subjects: []measure.SubjectResult{sub("rp", 80, 0, 0), sub("default", 120, 0, 0), sub("recording", 160, 0, 0)}},
		{Name: "open-500", Subjects: []measure.SubjectResult{sub("rp", 80, 200, 3), sub("default", 120, 220, 3)}},
		{Name: "open-2000", Subjects: []measure.SubjectResult{sub("rp", 80, 200, 0), sub("default", 120, 220, 0)}},
	}}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, result()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| nginx | not available here | it is not installed |",
		"| CPU, 1 kB chat, 16 clients | – | ≤ 1.60 × rp | 1.50 × rp | yes |",
		"| CPU, 1 kB chat, 16 clients, recording only | – | ≤ 1.40 × rp | 2.00 × rp | **no** |",
		"| added latency p50 at 500 requests/s | – | ≤ 1.20 × rp | 1.10 × rp | yes |",
		"| added latency p50 at 2,000 requests/s | – | ≤ 1.20 × rp | – |  |", // not calm
		"The machine was not calm",
		"| answers recorded whole |  | 100 % | 400 of 400 | yes |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %s\n%s", want, b.String())
		}
	}
}

// TestTargets holds every target to a load and a subject that exist.
func TestTargets(t *testing.T) {
	loads := map[string]bool{}
	for _, l := range measure.Loads() {
		loads[l.Name] = true
	}
	for _, g := range targets {
		if !loads[g.load] || g.limit <= 0 || g.pick == nil {
			t.Errorf("the target %q is of the load %q", g.measure, g.load)
		}
	}
}
