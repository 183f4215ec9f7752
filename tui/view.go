package tui

import (
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// previewLines is the height of the box below the list, borders included.
const previewLines = 7

// sidebarWidth is 0 where the sidebar is not shown.
func (m *model) sidebarWidth() int {
	if m.side.hidden || m.width < wideWidth && !(m.side.asked && m.width >= tableWidth) {
		return 0
	}
	return sidebarCells
}

// bodyHeight is what the lines above and below the panes leave.
func (m *model) bodyHeight() int {
	return max(m.height-2-len(m.banners())-len(m.asked), 0)
}

// boxed reports whether the screen has room for borders.
func (m *model) boxed() bool { return m.width >= tableWidth }

func (m *model) previewHeight() int {
	if m.boxed() && m.bodyHeight() >= 20 {
		return previewLines
	}
	return 0
}

// layout tells the panes their sizes.
func (m *model) layout() {
	m.asked = m.prompt()
	h := m.bodyHeight()
	w := m.width - m.sidebarWidth()
	m.list.width, m.list.height = w, h
	if m.boxed() {
		m.list.width = w - 2
		m.list.height = max(h-3-m.previewHeight(), 0) // borders and the table's head
	}
	m.detail.resize(m.width, h-2)
	m.compare.pager.resize(m.width, h)
	m.help.resize(m.width, h)
	m.whole.resize(m.width, h)
	if m.at == inSidebar && m.sidebarWidth() == 0 {
		m.at = inList
	}
}

// View implements tea.Model. It is where lines become bytes for the terminal.
func (m *model) View() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	lines := []paint.Line{m.header()}
	lines = append(lines, m.banners()...)
	lines = append(lines, m.body()...)
	below := append(slices.Clone(m.asked[:min(len(m.asked), m.height-1)]), m.footer())
	for len(lines) < m.height {
		lines = append(lines, paint.Line{})
	}
	lines = append(lines[:m.height-len(below)], below...)
	return m.theme.Draw(lines, m.width, m.height)
}

func (m *model) body() []paint.Line {
	switch m.shown() {
	case inDetail:
		text := m.detail.view()
		return append(m.detail.head(m.width, m.now()), text...)
	case inCompare:
		return m.compare.pager.view()
	case inHelp:
		return m.help.view()
	case inWhole:
		return m.whole.view()
	}
	return m.listBody()
}

func (m *model) listBody() []paint.Line {
	h, side := m.bodyHeight(), m.sidebarWidth()
	if !m.boxed() {
		return m.rowsOrEmpty()
	}
	w := m.width - side
	in := m.rowsOrEmpty()
	if len(m.list.shown) > 0 {
		in = append([]paint.Line{m.list.tableHead()}, in...)
	}
	var title paint.Line
	title.Say(paint.Bold, " Interactions ")
	right := paint.Box(title, m.newsFoot(), in, w, h-m.previewHeight(), m.at == inList)
	if p := m.previewHeight(); p > 0 {
		var name paint.Line
		name.Say(paint.Bold, " Preview ")
		right = append(right, paint.Box(name, paint.Line{}, m.preview(w-2, p-2), w, p, false)...)
	}
	if side == 0 {
		return right
	}
	var name paint.Line
	name.Say(paint.Bold, " Seen here ")
	left := paint.Box(name, paint.Line{}, m.side.view(m.list.rows, m.list.expr, side-2, m.at == inSidebar), side, h, m.at == inSidebar)
	return paint.Beside(h, []int{side, w}, left, right)
}

func (m *model) rowsOrEmpty() []paint.Line {
	if len(m.list.shown) == 0 {
		return m.empty(m.list.width)
	}
	return m.list.view(m.now())
}

func (m *model) newsFoot() (l paint.Line) {
	if m.list.mode == paused && m.list.fresh > 0 {
		l.Add(paint.Warn, line(" ▼ %d new ", m.list.fresh))
	}
	return l
}

// preview shows the newest words of the selected row.
func (m *model) preview(width, height int) []paint.Line {
	r := m.list.sel
	if r == nil {
		return nil
	}
	var l paint.Line
	l.Add(paint.Dim, printable.Line(strings.Join([]string{r.i.Method, r.i.Path, r.i.Client.Agent, shortID(r.i.ID)}, "  ")))
	out := []paint.Line{l}
	text := printable.New(r.preview)
	if r.live != nil && len(r.live.text) > 0 {
		text = printable.New(tailLines(r.live.text, width*height))
	}
	rows := text.Wrap(width)
	if room := height - 1; len(rows) > room {
		if r.live != nil {
			rows = rows[len(rows)-room:]
		}
		rows = rows[:room]
	}
	for _, t := range rows {
		var l paint.Line
		l.Add(paint.Plain, t)
		out = append(out, l)
	}
	return out
}

// tailLines is the end of a text, from the beginning of a rune.
func tailLines(b []byte, n int) string {
	if len(b) > n {
		b = b[len(b)-n:]
		for len(b) > 0 && b[0]&0xC0 == 0x80 {
			b = b[1:]
		}
	}
	return string(b)
}

// header tells the whole in one line.
func (m *model) header() paint.Line {
	var l paint.Line
	t := &m.list.rows.total
	l.Say(paint.Bold, " archestra ")
	if m.opts.Simulated {
		l.Say(paint.Warn, "SIMULATED  ")
	}
	switch {
	case m.attached:
		l.Say(paint.Good, "● attached  ")
	case m.ever:
		l.Say(paint.Warn, "○ lost  ")
	default:
		l.Say(paint.Warn, "○ waiting  ")
	}
	switch m.list.mode {
	case following:
		l.Say(paint.Good, "FOLLOW")
	case paused:
		l.Say(paint.Warn, "PAUSED")
		if m.list.fresh > 0 {
			l.Add(paint.Warn, line(" ▼ %d new", m.list.fresh))
		}
	case off:
		l.Say(paint.Dim, "FOLLOW OFF")
	}
	if m.width >= doubleWidth {
		l.Add(paint.Plain, line("  %s req  %s", count(t.requests), t.spend()))
	}
	for _, n := range []struct {
		n     int64
		words printable.Text
		style paint.Style
	}{{t.running, paint.Words("running"), paint.Live}, {t.errors, paint.Words("failed"), paint.Warn},
		{t.blocked, paint.Words("blocked"), paint.Bad}, {t.held, paint.Words("held"), paint.Warn}} {
		if n.n > 0 && m.width >= doubleWidth {
			l.Add(n.style, line("  %d ", n.n))
			l.Add(n.style, n.words)
		}
	}
	if m.filter != "" {
		l.Add(paint.Key, printable.Line("  /"+m.filter))
		l.Add(paint.Dim, line(" (%s)", count(int64(len(m.list.shown)))))
		if m.partial {
			l.Say(paint.Warn, " searching…")
		}
	}
	return l
}

// banners are what must not be overlooked.
func (m *model) banners() []paint.Line {
	var out []paint.Line
	switch {
	case m.refused != nil:
		var l paint.Line
		l.Say(paint.Bad, " ! the server refused: ")
		l.Add(paint.Bad, printable.Line(m.refused.Error()))
		out = append(out, l)
	case !m.attached && m.ever:
		var l paint.Line
		l.Say(paint.Warn, " ! The server has gone; waiting for it to come back. What is shown stays.")
		out = append(out, l)
	}
	if m.lost > 0 && m.width >= doubleWidth {
		var l paint.Line
		l.Add(paint.Warn, line(" ⚠ %d events were lost: this screen was too slow. The record has them.", m.lost))
		out = append(out, l)
	}
	if r := m.list.rows.newestHeld(); r != nil && len(m.asks.open) == 0 {
		var l paint.Line
		l.On(paint.Held)
		l.Say(paint.Warn, " ? HELD ")
		l.Add(paint.Bold, printable.Line(r.i.Profile+"/"+r.i.Provider+" "+modelOf(r.i)+" "))
		if _, c := sternest(r.i); c != nil {
			l.Add(paint.Bold, printable.Line(c.Name+" "))
		}
		l.Add(paint.Plain, printable.Line(r.preview))
		l.Say(paint.Dim, "  answer with: archestra ask")
		l.Fit(m.width)
		out = append(out, l)
	}
	return out
}

// footer is the line where one types, or is told something, or the hints.
func (m *model) footer() paint.Line {
	switch m.at {
	case inFilter:
		l := m.query.view(paint.Words(" / "))
		l.Gap(3)
		l.Append(m.query.notes())
		return l
	case inSearch:
		return m.query.view(paint.Words(" search: "))
	case inMenu:
		var l paint.Line
		l.Say(paint.Bold, " copy ")
		l.Append(m.hints(m.width - l.Width()))
		return l
	case inConfirm:
		var l paint.Line
		l.Say(paint.Warn, " Send this request again? It may cost money. ")
		l.Append(m.hints(m.width - l.Width()))
		return l
	}
	if !m.notice.Empty() {
		var l paint.Line
		l.Gap(1)
		l.Add(paint.Warn, m.notice)
		return l
	}
	return m.hints(m.width)
}

// newestHeld returns a row that waits for a person, whatever the filter.
func (r *rows) newestHeld() (newest *row) {
	for h := range r.held {
		if newest == nil || newest.before(h) {
			newest = h
		}
	}
	return newest
}
