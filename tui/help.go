package tui

import (
	"github.com/charmbracelet/bubbles/key"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// beginHelp lists the keys that work where the user is.
func (m *model) beginHelp() {
	from := m.at
	var g page
	g.heading(paint.Words("Keys that work here"))
	for k := range m.keys {
		s := &m.keys[k]
		if h := s.Help(); s.at&from != 0 && h.Desc != "" {
			g.keyLine(s)
		}
	}
	g.empty()
	g.askKeys(m.keys)
	g.empty()
	g.heading(paint.Words("Signs"))
	for _, s := range []struct{ sign, means printable.Text }{
		{paint.Words("◌ sent"), paint.Words("the request is with the provider, no token has come yet")},
		{paint.Words("▸ streaming"), paint.Words("the answer is coming")},
		{paint.Words("? HELD"), paint.Words("a tool call waits for you: see above")},
		{paint.Words("✓ done"), paint.Words("ended as its protocol says")},
		{paint.Words("! failed"), paint.Words("an error, by status or inside the answer")},
		{paint.Words("× cancelled"), paint.Words("the client went away")},
		{paint.Words("… incomplete"), paint.Words("the stream broke off")},
		{paint.Words("✗ refused"), paint.Words("archestra did not forward it")},
		{paint.Words("† interrupted"), paint.Words("archestra died while it ran")},
		{paint.Words("~"), paint.Words("not known, which is not zero")},
		{paint.Words("≈"), paint.Words("guessed from the text until the provider tells")},
	} {
		var l paint.Line
		l.Gap(2)
		l.Cell(paint.Bold, s.sign, 15)
		l.Add(paint.Plain, s.means)
		g.line(l)
	}
	g.empty()
	g.heading(paint.Words("Filter"))
	g.note("  Space is and, | is or, - negates; anything else is searched in the texts.")
	for _, w := range filter.Words() {
		var l paint.Line
		l.Gap(2)
		l.Cell(paint.Key, printable.Line(w.Name+":"+w.Example), 24)
		l.Add(paint.Plain, printable.Line(w.Help))
		g.line(l)
	}
	m.help.set(g.blocks)
	m.help.top()
	m.enter(inHelp)
}

// askKeys lists the keys of a question, which win over others.
func (g *page) askKeys(keys []shortcut) {
	g.heading(paint.Words("While a tool call waits for you"))
	for k := range keys {
		if s := &keys[k]; s.at == whenAsked {
			g.keyLine(s)
		}
	}
	g.note("  They win over the same keys of the list and the detail. They do nothing in the")
	g.note("  first 300 ms of a question, so that typing ahead approves nothing, and nothing")
	g.note("  while you type into a line or answer another question.")
}

func (g *page) keyLine(s *shortcut) {
	var l paint.Line
	l.Gap(2)
	l.Cell(paint.Key, printable.Line(s.Help().Key), 12)
	l.Add(paint.Plain, printable.Line(s.Help().Desc))
	g.line(l)
}

func (g *page) heading(t printable.Text) {
	var l paint.Line
	l.Add(paint.Bold, t)
	g.line(l)
}

// hints makes the one line of keys that matter here.
func (m *model) hints(width int) paint.Line {
	var l paint.Line
	l.Gap(1)
	cells := func(h key.Help) int { return printable.Line(h.Key+" "+h.Desc).Width() + 2 }
	must := func(h key.Help) bool { return h.Key == "?" || h.Key == "esc" }
	for k := range m.keys { // room for those that must be there
		if s := &m.keys[k]; s.at&m.at != 0 && s.hint && must(s.Help()) {
			width -= cells(s.Help())
		}
	}
	for k := range m.keys {
		s := &m.keys[k]
		if s.at&m.at == 0 || !s.hint {
			continue
		}
		h := s.Help()
		if must(h) {
			width += cells(h)
		} else if l.Width()+cells(h) > width {
			continue
		}
		l.Add(paint.Key, printable.Line(h.Key))
		l.Add(paint.Dim, printable.Line(" "+h.Desc))
		l.Gap(2)
	}
	return l
}
