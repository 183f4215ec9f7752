package tui

import (
	"errors"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// tab is a view of the detail.
type tab int

const (
	tabTalk tab = iota
	tabTools
	tabRaw
	tabTime
	tabPolicy
	tabs
)

func (t tab) name() printable.Text {
	switch t {
	case tabTalk:
		return paint.Words("Talk")
	case tabTools:
		return paint.Words("Tools")
	case tabRaw:
		return paint.Words("Raw")
	case tabTime:
		return paint.Words("Time")
	}
	return paint.Words("Policy")
}

// detail shows one interaction.
type detail struct {
	id      string
	row     *row             // as the list knows it
	i       *llm.Interaction // whole, once it is fetched
	conv    *llm.Conversation
	convErr error
	ex      *control.Exchange
	err     error
	fetched bool

	tab      tab
	pagers   [tabs]pager
	unfolded bool
	side     control.Side
	wire     bool
	bodies   map[bodyKey]*bodyMsg
	history  int // how many blocks of Talk come before the answer
}

type bodyKey struct {
	side control.Side
	wire bool
}

// begin shows a row; what the list does not keep has to be fetched.
func (d *detail) begin(r *row) {
	if d.id == r.i.ID {
		return
	}
	*d = detail{id: r.i.ID, row: r, i: r.i, tab: d.tab, side: control.SideResponse, bodies: map[bodyKey]*bodyMsg{},
		pagers: d.pagers}
	for k := range d.pagers {
		p := &d.pagers[k]
		*p = pager{width: p.width, height: p.height, phrase: p.phrase}
	}
	d.pagers[tabTalk].end = true
	d.build()
}

// opened takes in what was fetched.
func (d *detail) opened(m *openedMsg) {
	if m.id != d.id {
		return
	}
	d.fetched, d.err = true, m.err
	switch {
	case m.i != nil:
		d.i = m.i
	case d.row != nil:
		d.i = d.row.i
	}
	if d.i.State.Final() { // what was not there while it ran may be there now
		clear(d.bodies)
	}
	d.conv, d.convErr, d.ex = m.conv, m.convErr, m.ex
	d.build()
}

func (d *detail) gotBody(m *bodyMsg) {
	if m.id == d.id {
		d.bodies[bodyKey{m.side, m.wire}] = m
		d.buildTab(tabRaw)
	}
}

// needsBody tells which body the Raw tab waits for.
func (d *detail) needsBody() (bodyKey, bool) {
	k := bodyKey{d.side, d.wire}
	if d.tab != tabRaw || d.id == "" || d.bodies[k] != nil {
		return k, false
	}
	d.bodies[k] = &bodyMsg{err: errWaiting}
	return k, true
}

var errWaiting = errors.New("reading…")

// grown takes in that a running interaction went on.
func (d *detail) grown(r *row) {
	d.row = r
	if r.i.State.Final() {
		return // it is fetched again, whole
	}
	d.i = r.i
	d.buildAnswer()
	d.buildTab(tabTime)
	if d.tab == tabTools || d.tab == tabPolicy {
		d.buildTab(d.tab)
	}
}

func (d *detail) build() {
	for t := range tabs {
		d.buildTab(t)
	}
}

func (d *detail) buildTab(t tab) {
	var g page
	switch t {
	case tabTalk:
		d.talk(&g)
		d.history = len(g.blocks)
		d.answer(&g)
	case tabTools:
		d.tools(&g)
	case tabRaw:
		d.raw(&g)
	case tabTime:
		d.timing(&g)
	case tabPolicy:
		d.policy(&g)
	}
	d.pagers[t].set(g.blocks)
}

// buildAnswer lays out only what grows.
func (d *detail) buildAnswer() {
	var g page
	d.answer(&g)
	d.pagers[tabTalk].replaceFrom(d.history, g.blocks)
}

func (d *detail) pager() *pager { return &d.pagers[d.tab] }

func (d *detail) turn(n int) { d.tab = (d.tab + tab(n) + tabs) % tabs }

// show goes to the tab of a key.
func (d *detail) show(key string) {
	if len(key) == 1 && key[0] >= '1' && key[0] < '1'+byte(tabs) {
		d.tab = tab(key[0] - '1')
	}
}

func (d *detail) fold() {
	d.unfolded = !d.unfolded
	d.buildTab(tabTalk)
	d.pagers[tabTalk].top()
}

func (d *detail) resize(width, height int) {
	for k := range d.pagers {
		d.pagers[k].resize(width, height)
	}
}

// text is the answer's text as far as it is known.
func (d *detail) text() string {
	if d.row != nil && d.row.live != nil {
		return string(d.row.live.text)
	}
	return d.i.Text
}

func (d *detail) reasoning() string {
	if d.row != nil && d.row.live != nil {
		return string(d.row.live.reasoning)
	}
	return d.i.Reasoning
}

// head makes the lines above the text: which interaction, and the tabs.
func (d *detail) head(width int, now time.Time) []paint.Line {
	var l paint.Line
	i := d.i
	glyph, word, style := stateSign(i)
	l.Gap(1)
	l.Add(style, printable.Line(glyph+" "+word))
	l.Add(paint.Bold, printable.Line("  "+i.Provider+"/"+modelOf(i)))
	l.Add(paint.Dim, printable.Line("  "+i.Profile+"  "+i.StartedAt.In(now.Location()).Format("15:04:05")))
	facts := []string{"", tokens(&row{i: i}).String(), "ttft " + millis(i.TTFTMS), costText(i).String()}
	if d.row != nil {
		facts[1] = tokens(d.row).String()
	}
	if i.Status != 0 {
		facts[0] = line("  %d", i.Status).String()
	}
	l.Add(paint.Plain, printable.Line(strings.Join(facts, "  ")))
	l.Add(paint.Dim, printable.Line("  "+shortID(i.ID)))
	l.Fit(width)

	var bar paint.Line
	for t := range tabs {
		bar.Gap(1)
		s, n := paint.Dim, line("%d ", int(t)+1)
		if t == d.tab {
			s = paint.Bold
			bar.Say(paint.Key, "[")
		} else {
			bar.Gap(1)
		}
		if width >= 45 {
			bar.Add(s, n)
		}
		bar.Add(s, t.name())
		if t == tabTools && width >= doubleWidth && len(i.ToolCalls) > 0 {
			bar.Add(s, line("(%d)", len(i.ToolCalls)))
		}
		if t == d.tab {
			bar.Say(paint.Key, "]")
		} else {
			bar.Gap(1)
		}
	}
	bar.Right(paint.Dim, line("%d%%", d.pager().share()), max(width-bar.Width()-1, 0))
	bar.Fit(width)
	return []paint.Line{l, bar}
}

func (d *detail) view() []paint.Line { return d.pager().view() }
