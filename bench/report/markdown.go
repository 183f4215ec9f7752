// Package report writes what was measured as Markdown.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/bench/measure"
)

// Markdown writes the whole report.
func Markdown(w io.Writer, r *measure.Result) error {
	p := &page{w: w}
	p.line("# What archestra costs\n")
	p.line("Taken %s on %s, %d cores, %d MB, Linux %s, %s.", r.Taken.Format("2006-01-02 15:04 UTC"), r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryMB, r.Machine.Kernel, r.Machine.Go)
	p.line("%d samples of %g s for each number, a fresh process each, in rotating order; numbers are medians.", r.Samples, r.Seconds)
	if r.Commit != "" {
		p.line("Commit %s.", r.Commit)
	}
	p.line("\n```console\n$ %s\n```\n", r.Command)
	p.line("How it is measured, and what each column counts, is in [README.md](README.md).\n")
	p.versions(r)
	p.line("## To reach\n")
	p.targets(r)
	for i := range r.Loads {
		p.load(&r.Loads[i])
	}
	return p.err
}

type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

func (p *page) versions(r *measure.Result) {
	p.row("subject", "version", "what it does")
	p.row("---", "---", "---")
	about := map[string]string{}
	var order []string
	for _, l := range r.Loads {
		for _, s := range l.Subjects {
			if about[s.Name] == "" {
				order, about[s.Name] = append(order, s.Name), s.About
			}
		}
	}
	for _, name := range order {
		p.row(name, r.Versions[name], about[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Absent)) {
		p.row(name, "not available here", r.Absent[name])
	}
	p.line("")
}

// column is one number of a table; it is left out where no subject has it.
type column struct {
	title string
	cell  func(*measure.SubjectResult) string
}

var columns = []column{
	{"requests/s", func(s *measure.SubjectResult) string { return number(s.Median.Rate) }},
	{"CPU a request, µs", func(s *measure.SubjectResult) string { return number(s.Median.CPURequest) }},
	{"CPU an event, µs", func(s *measure.SubjectResult) string { return number(s.Median.CPUEvent) }},
	{"× rp", func(s *measure.SubjectResult) string { return number(s.Ratio) }},
	{"added p50, ms", latency(func(m *measure.Sample) float64 { return m.AddedP50 })},
	{"added p99, ms", latency(func(m *measure.Sample) float64 { return m.AddedP99 })},
	{"added to first token p50, ms", latency(func(m *measure.Sample) float64 { return m.AddedTTFT })},
	{"upstream released, ms", func(s *measure.SubjectResult) string { return number(s.Median.Released / 1000) }},
	{"idle, MB", func(s *measure.SubjectResult) string { return number(mega(s.Median.IdleRSS)) }},
	{"peak, MB", func(s *measure.SubjectResult) string { return number(mega(s.Median.PeakRSS)) }},
	{"a stream, kB", func(s *measure.SubjectResult) string { return number(float64(s.Median.StreamRSS) / 1000) }},
	{"disk a request, kB", func(s *measure.SubjectResult) string { return number(float64(s.Median.DiskRequest) / 1000) }},
	{"recorded of answered", func(s *measure.SubjectResult) string {
		if s.Median.Rows == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d", s.Median.Rows, s.Median.Answers)
	}},
	{"failed", func(s *measure.SubjectResult) string { return count(s.Median.Failed) }},
	{"altered", func(s *measure.SubjectResult) string { return count(s.Median.Altered) }},
	{"calm samples", func(s *measure.SubjectResult) string { return fmt.Sprintf("%d of %d", s.Calm, len(s.Samples)) }},
}

// latency shows what was added; for direct, which adds nothing, the whole.
func latency(pick func(*measure.Sample) float64) func(*measure.SubjectResult) string {
	return func(s *measure.SubjectResult) string {
		v := pick(&s.Median)
		if v == 0 {
			return ""
		}
		if s.Name == "direct" {
			return "(" + number(v/1000) + ")"
		}
		if v < 0 {
			return "0" // within the noise
		}
		return number(v / 1000)
	}
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }

// number shows three digits; nothing for 0, which no measure has.
func number(v float64) string {
	switch {
	case v == 0:
		return ""
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1 || v < 0:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (p *page) load(l *measure.LoadResult) {
	p.line("\n## %s: %s\n", l.Name, l.About)
	p.line("Request %d bytes, answer %d bytes.\n", l.Request, l.Answer)
	titles, rules := []string{"subject"}, []string{"---"}
	var shown []column
	for _, c := range columns {
		if slices.ContainsFunc(l.Subjects, func(s measure.SubjectResult) bool { return c.cell(&s) != "" }) {
			shown, titles, rules = append(shown, c), append(titles, c.title), append(rules, "---:")
		}
	}
	p.row(titles...)
	p.row(rules...)
	var remarks []string
	for i := range l.Subjects {
		s := &l.Subjects[i]
		cells := []string{s.Name}
		for _, c := range shown {
			cells = append(cells, cmp.Or(c.cell(s), "–"))
		}
		p.row(cells...)
		if s.Median.Error != "" {
			remarks = append(remarks, s.Name+": "+s.Median.Error)
		}
	}
	p.line("")
	if !slices.ContainsFunc(l.Subjects, func(s measure.SubjectResult) bool { return s.Calm > 0 }) {
		p.line("The machine was not calm: no latency is shown.\n")
	}
	for _, r := range remarks {
		p.line("- %s", r)
	}
}
