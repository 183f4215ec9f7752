package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// The smallest screen on which a question can be shown whole enough to be
// answered, and the most lines that it takes.
const (
	promptWidth  = 40
	promptHeight = 9
	promptLines  = 14
)

// maxQuoted bounds the arguments that the prompt looks at, in bytes.
const maxQuoted = 8 << 10

// maxName bounds the name of a tool, in cells.
const maxName = 64

// asking reports whether a question is on the screen.
func (m *model) asking() bool {
	return len(m.asks.open) > 0 && m.width >= promptWidth && m.height >= promptHeight
}

// answerable reports whether the keys are about the question. While something
// is typed or chosen they belong to that.
func (m *model) answerable() bool {
	return m.asking() && m.at&(anywhere|inHelp|inWhole) != 0
}

// prompt is the question that is shown above the last line, whatever is above
// it and whatever the filter.
func (m *model) prompt() []paint.Line {
	q := m.asks.first()
	if q == nil {
		return nil
	}
	if !m.asking() {
		var l paint.Line
		l.On(paint.Held)
		l.Say(paint.Warn, " ? ASK: needs a larger window ")
		l.Fit(m.width)
		return []paint.Line{l}
	}
	lines := []paint.Line{m.promptHead(q)}
	foot := m.promptFoot(q)
	room := max(min((m.height-2)/2, promptLines), 5) - len(lines) - len(foot)
	why := m.promptWhy(q)
	few := min(len(why), max(room-4, room/3, 1)) // the call gives way where it is short
	call := callLines(&q.ask, m.width-2, room-few)
	if few = min(len(why), max(room-len(call), few)); few < len(why) {
		why = why[:few]
		if last := &why[few-1]; last.Width() > m.width-4 {
			last.Fit(m.width - 4) // ends in "…" too
		} else {
			last.Say(paint.Warn, "…")
		}
	}
	for _, l := range append(call, why...) {
		lead := paint.Line{}
		lead.Gap(1)
		lead.Append(l)
		lines = append(lines, lead)
	}
	return append(lines, foot...)
}

// promptHead says who asks and how long it waits.
func (m *model) promptHead(q *question) paint.Line {
	a := &q.ask
	var right paint.Line
	right.On(paint.Held)
	if n := len(m.asks.open) - 1; n > 0 {
		right.Add(paint.Bold, line("+%d more  ", n))
	}
	right.Add(paint.Warn, countdown(a.ExpiresAt, m.now()))
	right.Gap(1)
	var l paint.Line
	l.On(paint.Held)
	l.Say(paint.Warn, " ? ASK ")
	who := a.Profile + "/" + a.Provider
	if r := m.list.rows.byID[a.Interaction]; r != nil {
		who += " " + modelOf(r.i)
	}
	if a.Agent != "" {
		who += "  " + a.Agent
	}
	l.Add(paint.Bold, printable.Line(who))
	l.Fit(max(m.width-right.Width()-1, 0))
	l.Gap(1)
	l.Append(right)
	l.Fit(m.width)
	return l
}

// countdown says how long a question waits.
func countdown(until *time.Time, now time.Time) printable.Text {
	if until == nil {
		return paint.Words("waits for you")
	}
	left := until.Sub(now)
	if left <= 0 {
		return paint.Words("time is up")
	}
	return printable.Line(took((left + time.Second - 1).Truncate(time.Second)) + " left")
}

// toolName is the name of a tool as people may read it: quoted where it could
// be taken for more than a name.
func toolName(name string) printable.Text {
	plain := name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_-.:/") == ""
	if !plain {
		name = strconv.Quote(name)
	}
	return printable.Line(name).Truncate(maxName)
}

// quotedArguments is a call's arguments on one line, their members as they were
// written; where they are no JSON, the text in quotes.
func quotedArguments(a *llm.Ask) string {
	if a.Arguments != nil {
		return oneLine(a.Arguments)
	}
	return strconv.Quote(a.ArgumentsText)
}

// callLines is the call in at most room lines. Where that is not all of it, the
// last one says so.
func callLines(a *llm.Ask, width, room int) []paint.Line {
	name, args := toolName(a.Tool), quotedArguments(a)
	shown := trimRune(args, maxQuoted)
	rows := printable.Line(name.String() + " " + shown).Wrap(width)
	cut := len(shown) < len(args)
	if len(rows) > room || cut {
		rows, cut = rows[:min(len(rows), max(room-1, 1))], true
	}
	var out []paint.Line
	left := name.String() // of the name, to be set apart
	for _, row := range rows {
		var l paint.Line
		s := row.String()
		n := 0
		if left != "" && strings.HasPrefix(left, s) {
			n = len(s)
		} else if left != "" && strings.HasPrefix(s, left) {
			n = len(left)
		}
		left = strings.TrimLeft(left[min(n, len(left)):], " ")
		l.Add(paint.Bold, printable.Line(s[:n]))
		l.Add(paint.Code, printable.Line(s[n:]))
		out = append(out, l)
	}
	if cut {
		var l paint.Line
		l.Add(paint.Warn, line("… this is not all of its %s: v shows the whole", size(int64(len(args)))))
		out = append(out, l)
	}
	return out
}

// promptWhy says why the call is held.
func (m *model) promptWhy(q *question) []paint.Line {
	var out []paint.Line
	reason := "rule " + q.ask.Rule
	if q.ask.Reason != "" {
		reason += ": " + q.ask.Reason
	}
	for _, f := range []struct {
		label printable.Text
		text  string
	}{{paint.Words("why       "), reason}, {paint.Words("accepted  "), q.ask.Accept}, {paint.Words("A allows  "), q.ask.Sink}} {
		if f.text == "" {
			continue
		}
		for k, row := range printable.Line(trimRune(f.text, maxQuoted)).Wrap(max(m.width-2-f.label.Width(), 1)) {
			var l paint.Line
			if k == 0 {
				l.Add(paint.Dim, f.label)
			} else {
				l.Gap(f.label.Width())
			}
			l.Add(paint.Plain, row)
			out = append(out, l)
		}
	}
	return out
}

// promptFoot is what can be done, below what became of the last attempt.
func (m *model) promptFoot(q *question) []paint.Line {
	var out []paint.Line
	if q.err != nil {
		var l paint.Line
		l.Say(paint.Bad, " ! ")
		l.Add(paint.Warn, printable.Line(q.err.Error()))
		out = append(out, l)
	}
	var l paint.Line
	l.Gap(1)
	switch {
	case q.sent != nil:
		l.Say(paint.Live, "sending your answer…")
		return append(out, l)
	case m.typing():
		l.Say(paint.Warn, "your keys go to the line below; then: ")
	case !m.answerable():
		l.Say(paint.Warn, "answer the line below first; then: ")
	}
	for _, k := range []struct{ key, short, long printable.Text }{
		{paint.Words("a"), paint.Words("once"), paint.Words("allow once")},
		{paint.Words("A"), paint.Words("always"), paint.Words("always for exactly this")},
		{paint.Words("d"), paint.Words("deny"), paint.Words("deny")},
		{paint.Words("e"), paint.Words("edit"), paint.Words("edit arguments")},
		{paint.Words("v"), paint.Words("whole"), paint.Words("view whole")},
	} {
		words := k.long
		if m.width < 80 || !m.answerable() {
			words = k.short
		}
		l.Add(paint.Key, k.key)
		l.Gap(1)
		l.Add(paint.Dim, words)
		l.Gap(2)
	}
	return append(out, l)
}

// viewWhole shows all of the question that is first.
func (m *model) viewWhole() {
	q := m.asks.first()
	if q == nil {
		return
	}
	a := &q.ask
	var g page
	g.heading(paint.Words("A tool call that waits"))
	g.labelled(paint.Words("tool"), toolName(a.Tool).String())
	g.labelled(paint.Words("why"), a.Reason)
	g.labelled(paint.Words("rule"), a.Rule)
	g.labelled(paint.Words("argument"), a.Path)
	g.labelled(paint.Words("accepted"), a.Accept)
	g.labelled(paint.Words("always is"), a.Sink)
	g.labelled(paint.Words("profile"), a.Profile)
	g.labelled(paint.Words("provider"), a.Provider)
	g.labelled(paint.Words("agent"), a.Agent)
	g.labelled(paint.Words("question"), a.ID)
	g.labelled(paint.Words("of"), a.Interaction)
	g.empty()
	g.heading(paint.Words("Arguments"))
	back := g.indent(paint.Dim, false)
	if a.Arguments != nil {
		g.json(a.Arguments)
	} else {
		g.text(paint.Code, strconv.Quote(a.ArgumentsText))
	}
	back()
	m.whole.set(g.blocks)
	m.whole.top()
	if m.at != inWhole {
		m.enter(inWhole)
	}
}

// labelCells is the width of a label and the room around it.
const labelCells = 14

// labelled adds a text behind its label, if there is one.
func (g *page) labelled(label printable.Text, s string) {
	if s == "" {
		return
	}
	b := block{style: paint.Plain, lead: paint.From(g.lead), first: paint.From(g.lead)}
	b.lead.Gap(labelCells)
	b.first.Gap(2)
	b.first.Cell(paint.Dim, label, labelCells-2)
	g.pieces(b, s)
}
