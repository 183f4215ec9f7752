package tui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// model is the whole screen: what is shown, where the keys go, and how wide it
// is. The panes know nothing of each other.
type model struct {
	ctx   context.Context
	src   Source
	pump  *pump // nil: nobody tells the news
	theme paint.Theme
	opts  Options
	now   func() time.Time

	width, height int
	at            place   // where the keys go
	trail         []place // where esc leads, the last first
	key           string  // the key that is being handled
	burst         bool    // it came together with others
	keys          []shortcut

	list    list
	side    sidebar
	query   query
	detail  detail
	compare comparison
	help    pager
	whole   pager // of a question
	asks    asks
	asked   []paint.Line // the question as it is shown

	filter  string // as it was typed
	search  *search
	partial bool // the search goes on

	attached bool
	ever     bool // attached at least once
	linkErr  error
	refused  error
	lost     uint64
	status   control.Status
	mouse    bool

	notice printable.Text // said until the next key
	resent resent

	after func(time.Duration, tea.Msg) tea.Cmd
	edits func(file string, then func(error) tea.Msg) tea.Cmd
}

func newModel(ctx context.Context, o Options, theme paint.Theme) (*model, error) {
	e, err := parseFilter(o.Filter)
	if err != nil {
		return nil, fmt.Errorf("--filter: %w", err)
	}
	m := &model{
		ctx: ctx, src: o.Source, pump: newPump(), theme: theme, opts: o, now: time.Now, mouse: o.Mouse,
		at: inList, keys: keyTable(), list: newList(), filter: o.Filter,
		after: afterIn(ctx), edits: runEditor,
	}
	m.list.filterBy(e, asksText(e))
	return m, nil
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.listen(), m.lookUp()}
	if m.opts.Since.IsZero() {
		cmds = append(cmds, newSearch(m.ctx, m.src, control.Query{Limit: recent}, false).more())
	}
	return tea.Batch(cmds...)
}

// listen waits for news.
func (m *model) listen() tea.Cmd {
	if m.pump == nil {
		return nil
	}
	return nextBatch(m.ctx, m.pump)
}

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		if !m.typing() { // there is no room to read it
			m.notice = printable.Text{}
		}
		cmd = m.press(msg)
	case tea.MouseMsg:
		m.wheel(msg)
	case foundMsg:
		cmd = m.found(&msg)
	case serverMsg:
		if msg.err == nil {
			m.status, m.side.providers = msg.status, msg.providers
		}
	case openedMsg:
		m.detail.opened(&msg)
	case batchMsg:
		cmd = m.news(&msg)
	case bodyMsg:
		m.detail.gotBody(&msg)
	case comparedMsg:
		m.compare.take(&msg)
	case doneMsg:
		m.notice = msg.text
	case editMsg:
		cmd = m.edits(msg.file, msg.then)
	case editedMsg:
		m.edited(msg)
	case resentMsg:
		m.sentAgain(&msg)
	case asksMsg:
		m.gotAsks(&msg)
	case answeredMsg:
		cmd = m.answered(&msg)
	case rewrittenMsg:
		cmd = m.rewritten(&msg)
	case tickMsg:
		cmd = m.ticked()
	}
	m.asks.watch(m.answerable(), m.now())
	if k := m.tick(); k != nil {
		cmd = tea.Batch(cmd, k)
	}
	if k, ok := m.detail.needsBody(); ok && m.at == inDetail {
		cmd = tea.Batch(cmd, readBody(m.ctx, m.src, m.detail.id, k.side, k.wire))
	}
	m.layout()
	return m, cmd
}

// news takes in what the server told.
func (m *model) news(b *batchMsg) tea.Cmd {
	cmds := []tea.Cmd{m.listen()}
	if b.attached && !m.attached {
		cmds = append(cmds, askServer(m.ctx, m.src), m.fetchAsks())
		if m.ever {
			m.notice = paint.Words("attached again")
			cmds = append(cmds, m.catchUp())
		}
	} else if b.lost > 0 {
		cmds = append(cmds, m.catchUp(), m.fetchAsks())
	}
	m.attached, m.linkErr, m.refused = b.attached, b.lastErr, b.refused
	m.ever = m.ever || b.attached
	m.lost += b.lost
	for k := range b.asks {
		if a := &b.asks[k]; a.settled {
			m.settled(&a.ask)
		} else {
			m.asks.add(&a.ask)
		}
	}
	if !m.attached {
		m.asks.open = nil // who asked has gone: nobody would hear the answer
	}
	for k := range b.changes {
		r := m.list.apply(&b.changes[k])
		if r.i.ID == m.detail.id {
			m.detail.grown(r)
			if r.i.State.Final() {
				cmds = append(cmds, open(m.ctx, m.src, r.i.ID))
			}
		}
		cmds = append(cmds, m.watchResent(r))
	}
	return tea.Batch(cmds...)
}

// catchUp asks the record for what was not told: from the oldest interaction on
// that is not known to have ended, or else from the newest that is known.
func (m *model) catchUp() tea.Cmd {
	from := m.list.rows.oldestRunning()
	if from == nil {
		return nil
	}
	return newSearch(m.ctx, m.src, control.Query{Since: from.i.StartedAt, Limit: maxRows}, false).more()
}

// found takes in a part of what a search found.
func (m *model) found(f *foundMsg) tea.Cmd {
	if f.of.text && f.of != m.search {
		f.of.cancel() // the filter has changed meanwhile
		return nil
	}
	for _, i := range f.list {
		if f.of.text {
			if r := m.list.rows.byID[i.ID]; r != nil {
				r.found = true
				m.list.place(r, true)
				continue
			}
		}
		r := m.list.apply(&change{i: i, whole: true})
		if f.of.text {
			r.found = true
			m.list.place(r, true)
		}
	}
	if f.of.text {
		m.partial = !f.done
	}
	if f.done {
		if f.err != nil && m.attached {
			m.notice = line("the search failed: %v", f.err)
		}
		return nil
	}
	return f.of.more()
}

// lookUp starts the text search that the filter asks for.
func (m *model) lookUp() tea.Cmd {
	if m.search != nil {
		m.search.cancel()
		m.search, m.partial = nil, false
	}
	if !m.list.text {
		return nil
	}
	m.search, m.partial = searchText(m.ctx, m.src, m.list.expr), true
	return m.search.more()
}

// setFilter shows what e picks.
func (m *model) setFilter(e filter.Expr) tea.Cmd {
	m.filter = ""
	if e != nil {
		m.filter = e.String()
	}
	m.list.filterBy(e, asksText(e))
	return m.lookUp()
}

func (m *model) openSelected() tea.Cmd {
	r := m.list.sel
	if r == nil {
		return nil
	}
	m.list.pause()
	if m.at != inDetail {
		m.enter(inDetail)
	}
	m.detail.begin(r)
	return open(m.ctx, m.src, r.i.ID)
}

func (m *model) openNext() tea.Cmd     { m.list.move(1); return m.openSelected() }
func (m *model) openPrevious() tea.Cmd { m.list.move(-1); return m.openSelected() }

func (m *model) switchSide() tea.Cmd {
	if m.detail.side == control.SideRequest {
		m.detail.side = control.SideResponse
	} else {
		m.detail.side = control.SideRequest
	}
	return m.rawChanged()
}

func (m *model) switchWire() tea.Cmd {
	m.detail.wire = !m.detail.wire
	return m.rawChanged()
}

func (m *model) rawChanged() tea.Cmd {
	m.detail.tab = tabRaw
	m.detail.buildTab(tabRaw)
	m.detail.pagers[tabRaw].top()
	return nil
}

// enter gives the keys to a place; esc leads back.
func (m *model) enter(p place) {
	m.trail = append(m.trail, m.at)
	m.at = p
}

func (m *model) back() tea.Cmd {
	m.at = inList
	if n := len(m.trail); n > 0 {
		m.at, m.trail = m.trail[n-1], m.trail[:n-1]
	}
	return nil
}

// shown is the place whose view is on the screen: not the lines below it.
func (m *model) shown() place {
	const below = inFilter | inSearch | inMenu | inConfirm
	if n := len(m.trail); n > 0 && m.at&below != 0 {
		return m.trail[n-1]
	}
	return m.at
}

func (m *model) beginSearch() {
	m.enter(inSearch)
	m.query.begin("")
}

func (m *model) endSearch() {
	m.back()
	if !m.text().look(m.query.input.value()) {
		m.notice = line("not found: %s", m.query.input.value())
	}
}

func (m *model) hit(step int) {
	if p := m.text(); !p.hit(step) {
		m.notice = paint.Words("no more of that")
	}
}
