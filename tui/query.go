package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// query is a line in which something is typed: the filter, or what to look for
// in a text.
type query struct {
	input editor
	err   error
	offer int // which completion is next
	list  []filter.Completion
	from  int // where the completions' text begins
}

// begin starts typing at the end of s.
func (q *query) begin(s string) {
	q.input.set(s)
	q.offer, q.list, q.err = 0, nil, nil
}

// typed takes a key in.
func (q *query) typed(msg tea.KeyMsg, isFilter bool) {
	q.input.typed(msg)
	q.list = nil
	if !isFilter {
		return
	}
	_, q.err = filter.Parse(q.input.value())
	q.from, q.list = filter.Complete(q.input.value())
	q.offer = 0
}

// complete puts the next completion in.
func (q *query) complete() {
	if len(q.list) == 0 {
		q.from, q.list = filter.Complete(q.input.value())
	}
	if len(q.list) == 0 {
		return
	}
	c := q.list[q.offer%len(q.list)]
	q.offer++
	v := q.input.value()
	q.input.set(v[:min(q.from, len(v))] + c.Text)
	_, q.err = filter.Parse(q.input.value())
}

// view makes the line with the cursor in it.
func (q *query) view(lead printable.Text) paint.Line {
	var l paint.Line
	l.Add(paint.Key, lead)
	v, at := q.input.runes, q.input.at
	l.Add(paint.Plain, printable.Line(string(v[:at])))
	if at < len(v) {
		l.Add(paint.Found, printable.Line(string(v[at:at+1])))
		l.Add(paint.Plain, printable.Line(string(v[at+1:])))
	} else {
		l.Say(paint.Found, " ")
	}
	return l
}

// notes makes the line of what is wrong, or of how one may go on.
func (q *query) notes() paint.Line {
	var l paint.Line
	if q.err != nil {
		l.Say(paint.Bad, "! ")
		l.Add(paint.Warn, printable.Line(q.err.Error()))
		return l
	}
	for k, c := range q.list {
		if k == 8 {
			l.Say(paint.Dim, "…")
			break
		}
		l.Add(paint.Key, printable.Line(c.Text))
		if c.Help != "" && len(q.list) <= 3 {
			l.Add(paint.Dim, printable.Line(" "+c.Help))
		}
		l.Gap(2)
	}
	return l
}

// asksText reports whether the filter holds free text, which only the server
// can look up.
func asksText(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.Text:
		return true
	case filter.Not:
		return asksText(e.X)
	case filter.And:
		for _, x := range e {
			if asksText(x) {
				return true
			}
		}
	case filter.Or:
		for _, x := range e {
			if asksText(x) {
				return true
			}
		}
	}
	return false
}

// parseFilter reads a filter; nothing typed is no filter.
func parseFilter(s string) (filter.Expr, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	return filter.Parse(s)
}
