package tui

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// exchange is one of the two that are compared.
type exchange struct {
	i    *llm.Interaction
	conv *llm.Conversation
}

// comparedMsg is both of them, fetched.
type comparedMsg struct {
	ids  [2]string
	both [2]exchange
	why  string // how the older one was chosen
	err  error
}

// comparison shows what a turn has that the one before had not.
type comparison struct {
	pager pager
	ids   [2]string
}

// compareRows shows what newer has that older had not.
func (m *model) compareRows(older, newer *row, why string) tea.Cmd {
	if m.at != inCompare {
		m.enter(inCompare)
	}
	m.compare.ids = [2]string{older.i.ID, newer.i.ID}
	var g page
	g.note("reading…")
	m.compare.pager.set(g.blocks)
	m.compare.pager.top()
	return fetchBoth(m.ctx, m.src, m.compare.ids, why)
}

// compareSelected compares the selected interaction with the marked one, or with
// the turn before it.
func (m *model) compareSelected() tea.Cmd {
	now := m.current()
	if now == nil {
		return nil
	}
	if old := m.list.mark; old != nil && old != now {
		if now.before(old) {
			old, now = now, old
		}
		return m.compareRows(old, now, "the marked one")
	}
	old, why := m.list.rows.turnBefore(now)
	if old == nil {
		m.notice = paint.Words("no earlier turn of it is known; mark one with space")
		return nil
	}
	return m.compareRows(old, now, why)
}

// turnBefore finds the turn that n most likely continues. Sessions tell it;
// without them the nearest request of the same client, which may be wrong.
func (r *rows) turnBefore(n *row) (old *row, why string) {
	k, ok := find(r.all, n)
	if !ok {
		return nil, ""
	}
	const far = 2000 // rows back
	for j := k - 1; j >= 0 && k-j < far; j-- {
		o := r.all[j].i
		if o.Profile != n.i.Profile || o.Provider != n.i.Provider || o.API != n.i.API {
			continue
		}
		switch {
		case n.i.Client.Session != "" && o.Client.Session == n.i.Client.Session && o.RequestBytes <= n.i.RequestBytes:
			return r.all[j], "the turn before in its session"
		case n.i.Client.Session == "" && o.RequestModel == n.i.RequestModel && o.RequestBytes <= n.i.RequestBytes:
			return r.all[j], "the nearest smaller request of the same kind: it may not be the turn before"
		}
	}
	return nil, ""
}

func fetchBoth(ctx context.Context, src Source, ids [2]string, why string) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		m := comparedMsg{ids: ids, why: why}
		for k, id := range ids {
			if m.both[k].i, m.err = src.Interaction(ctx, id); m.err != nil {
				return m
			}
			if m.both[k].conv, m.err = src.Conversation(ctx, id); m.err != nil {
				return m
			}
		}
		return m
	}
}

func (c *comparison) take(m *comparedMsg) {
	if m.ids != c.ids {
		return
	}
	var g page
	if m.err != nil {
		g.fault(m.err)
	} else {
		g.compare(&m.both[0], &m.both[1], m.why)
	}
	c.pager.set(g.blocks)
	c.pager.top()
}

func (g *page) compare(a, b *exchange, why string) {
	for k, x := range []*exchange{a, b} {
		var l paint.Line
		if k == 0 {
			l.Say(paint.Warn, "− ")
		} else {
			l.Say(paint.Good, "+ ")
		}
		glyph, word, style := stateSign(x.i)
		l.Add(paint.Bold, printable.Line(shortID(x.i.ID)+"  "+x.i.Provider+"/"+modelOf(x.i)+"  "+x.i.Profile+"  "))
		l.Add(style, printable.Line(glyph+" "+word+" "+statusText(x.i).String()))
		l.Add(paint.Plain, printable.Line("  "+tokens(&row{i: x.i}).String()+"  "+costText(x.i).String()+"  ttft "+millis(x.i.TTFTMS)))
		if k == 0 {
			l.Add(paint.Dim, printable.Line("  "+why))
		}
		g.line(l)
	}
	g.empty()
	same := 0
	for same < len(a.conv.Messages) && same < len(b.conv.Messages) && sameMessage(&a.conv.Messages[same], &b.conv.Messages[same]) {
		same++
	}
	g.cache(a, b, same)

	g.heading(paint.Words("System"))
	g.diff(systemText(a.conv), systemText(b.conv))
	g.empty()
	g.heading(paint.Words("Tools"))
	g.toolDiff(a.conv.Tools, b.conv.Tools)
	g.empty()
	var l paint.Line
	l.Say(paint.Bold, "Messages")
	l.Add(paint.Dim, line("  the first %d are the same", same))
	g.line(l)
	g.side(false, a.conv.Messages, same)
	g.side(true, b.conv.Messages, same)
	g.empty()
	g.heading(paint.Words("Answers"))
	g.diff(answerText(a.i), answerText(b.i))
}

// cache tells what changed first in the order in which providers cache a
// prompt: tools, system, messages.
func (g *page) cache(a, b *exchange, same int) {
	var what string
	switch {
	case a.i.Provider != b.i.Provider || modelOf(a.i) != modelOf(b.i):
		what = "another model: nothing of the cache can be used"
	case !sameTools(a.conv.Tools, b.conv.Tools):
		what = "the tool definitions changed: the cache is broken from the start"
	case systemText(a.conv) != systemText(b.conv):
		what = "the system prompt changed: the cache is broken from there"
	case same < len(a.conv.Messages):
		what = line("message %d changed: the cache is broken from there", same+1).String()
	default:
		what = "everything before is as it was: the cache can be used"
	}
	var l paint.Line
	l.Say(paint.Bold, "Cache  ")
	l.Add(paint.Plain, printable.Line(what))
	if u := b.i.Usage; u != nil && u.CacheReadTokens != nil {
		l.Add(paint.Dim, printable.Line("  read "+count(*u.CacheReadTokens)+" tokens"))
	}
	g.line(l)
	g.empty()
}

func sameMessage(a, b *llm.Message) bool {
	return a.Role == b.Role && slices.EqualFunc(a.Parts, b.Parts, func(p, q llm.Part) bool {
		p.Span, q.Span = llm.Span{}, llm.Span{}
		return reflect.DeepEqual(p, q)
	})
}

func sameTools(a, b []llm.Tool) bool {
	return slices.EqualFunc(a, b, func(s, t llm.Tool) bool { return toolText(&s) == toolText(&t) })
}

func toolText(t *llm.Tool) string { return t.Name + "\n" + t.Description + "\n" + pretty(t.Parameters) }

func pretty(raw json.RawMessage) string {
	b, err := json.MarshalIndent(raw, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(b)
}

func systemText(c *llm.Conversation) string {
	var b strings.Builder
	for k := range c.System {
		b.WriteString(c.System[k].Text)
		b.WriteByte('\n')
	}
	return b.String()
}

func answerText(i *llm.Interaction) string {
	var b strings.Builder
	b.WriteString(i.Text)
	b.WriteByte('\n')
	for k := range i.ToolCalls {
		b.WriteString("call " + i.ToolCalls[k].Name + " " + arguments(&i.ToolCalls[k]) + "\n")
	}
	if e := i.Error; e != nil {
		b.WriteString("error " + strings.Join([]string{e.Type, e.Code, e.Message}, " ") + "\n")
	}
	return b.String()
}

func (g *page) toolDiff(a, b []llm.Tool) {
	old := map[string]*llm.Tool{}
	for k := range a {
		old[a[k].Name] = &a[k]
	}
	said := false
	for k := range b {
		t := &b[k]
		was := old[t.Name]
		delete(old, t.Name)
		switch {
		case was == nil:
			g.signed(true, t.Name)
		case toolText(was) != toolText(t):
			g.note("  changed: " + t.Name)
			g.diff(toolText(was), toolText(t))
		default:
			continue
		}
		said = true
	}
	for k := range a {
		if old[a[k].Name] != nil {
			g.signed(false, a[k].Name)
			said = true
		}
	}
	switch {
	case said:
	case !sameTools(a, b):
		g.note("  the same ones in another order")
	default:
		g.note(line("  no change, %d tools", len(b)).String())
	}
}

// signed adds text that was added or taken away, each line with its sign.
func (g *page) signed(added bool, s string) {
	var l paint.Line
	style := paint.Warn
	if added {
		style = paint.Good
		l.Say(style, "  + ")
	} else {
		l.Say(style, "  − ")
	}
	g.pieces(block{lead: l, style: style, code: true}, s)
}

// diff adds what differs between two texts, with a line around it.
func (g *page) diff(a, b string) {
	if a == b {
		g.note("  no change")
		return
	}
	as, bs := strings.Split(strings.TrimSuffix(a, "\n"), "\n"), strings.Split(strings.TrimSuffix(b, "\n"), "\n")
	from := 0
	for from < len(as) && from < len(bs) && as[from] == bs[from] {
		from++
	}
	to := 0
	for to < len(as)-from && to < len(bs)-from && as[len(as)-1-to] == bs[len(bs)-1-to] {
		to++
	}
	if from > 0 {
		g.note("    the same before: " + lines(from))
	}
	if gone := as[from : len(as)-to]; len(gone) > 0 {
		g.signed(false, strings.Join(gone, "\n"))
	}
	if come := bs[from : len(bs)-to]; len(come) > 0 {
		g.signed(true, strings.Join(come, "\n"))
	}
	if to > 0 {
		g.note("    the same behind: " + lines(to))
	}
}

func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return line("%d lines", n).String()
}

// side adds the messages that only one of the two has: those from from on.
func (g *page) side(added bool, all []llm.Message, from int) {
	old := g.lead
	defer func() { g.lead = old }()
	var l paint.Line
	if added {
		l.Say(paint.Good, "+ ")
	} else {
		l.Say(paint.Warn, "− ")
	}
	g.lead = l
	names := callNames(all[:from])
	for k := from; k < len(all); k++ {
		g.role(all[k].Role)
		g.parts(all[k].Parts, paint.Plain, names)
	}
}

// callNames tells which tool each call id means.
func callNames(all []llm.Message) map[string]string {
	names := map[string]string{}
	for k := range all {
		for j := range all[k].Parts {
			if p := &all[k].Parts[j]; p.Kind == llm.PartToolCall {
				names[p.CallID] = p.Name
			}
		}
	}
	return names
}
