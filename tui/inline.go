package tui

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// run is a stretch of a line in one style.
type run struct {
	style paint.Style
	text  string // sanitised already
}

// inline takes the marks of **bold** and `code` out of a line of Markdown. Marks
// without their partner stay as they are.
func inline(style paint.Style, s string) []run {
	var runs []run
	put := func(st paint.Style, t string) {
		if t != "" {
			runs = append(runs, run{st, t})
		}
	}
	for s != "" {
		at, mark, as := -1, "", paint.Bold
		if k := strings.Index(s, "**"); k >= 0 {
			at, mark = k, "**"
		}
		if k := strings.IndexByte(s, '`'); k >= 0 && (at < 0 || k < at) {
			at, mark, as = k, "`", paint.Code
		}
		if at < 0 {
			break
		}
		inner := s[at+len(mark):]
		end := strings.Index(inner, mark)
		if end < 1 || inner[0] == ' ' && mark == "**" {
			put(style, s[:at+len(mark)])
			s = inner
			continue
		}
		put(style, s[:at])
		put(as, inner[:end])
		s = inner[end+len(mark):]
	}
	put(style, s)
	return runs
}

// prose wraps a line of Markdown to room cells and gives each row to put.
func prose(style paint.Style, source printable.Text, room int, put func([]run)) {
	s := source.String()
	if !strings.Contains(s, "**") && !strings.Contains(s, "`") {
		for _, row := range source.Wrap(room) {
			put([]run{{style, row.String()}})
		}
		return
	}
	runs := inline(style, s)
	var whole strings.Builder
	for _, r := range runs {
		whole.WriteString(r.text)
	}
	// Wrapping drops the spaces at which it breaks: the runs follow the rows.
	rest := whole.String()
	for _, row := range printable.Line(rest).Wrap(room) {
		t := row.String()
		skip := strings.Index(rest, t)
		if skip < 0 { // a character too wide for the room, as "…"
			put([]run{{style, t}})
			continue
		}
		runs = cutRuns(runs, skip, nil)
		rest = rest[skip:]
		var out []run
		n := min(len(t), len(rest))
		runs = cutRuns(runs, n, &out)
		rest = rest[n:]
		put(out)
	}
}

// cutRuns takes n bytes from the beginning of runs.
func cutRuns(runs []run, n int, into *[]run) []run {
	for n > 0 && len(runs) > 0 {
		k := min(n, len(runs[0].text))
		if into != nil {
			*into = append(*into, run{runs[0].style, runs[0].text[:k]})
		}
		n -= k
		if k < len(runs[0].text) {
			return append([]run{{runs[0].style, runs[0].text[k:]}}, runs[1:]...)
		}
		runs = runs[1:]
	}
	return runs
}
