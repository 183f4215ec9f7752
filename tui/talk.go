package tui

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// talk is the conversation that was sent, as people read it.
func (d *detail) talk(g *page) {
	switch {
	case (d.err != nil || d.convErr != nil) && !d.i.State.Final():
		g.note("The request is shown when it is recorded.")
	case d.err != nil:
		g.fault(d.err)
	case !d.fetched:
		g.note("reading…")
	case d.convErr != nil:
		g.fault(d.convErr)
	}
	c := d.conv
	if c == nil {
		return
	}
	if len(c.System) > 0 {
		d.folded(g, paint.Words("system"), line("%s", size(partsSize(c.System))), func() { g.parts(c.System, paint.Dim, nil) })
	}
	if len(c.Tools) > 0 {
		d.folded(g, paint.Words("tools"), line("%d definitions", len(c.Tools)), func() {
			for k := range c.Tools {
				t := &c.Tools[k]
				var l paint.Line
				l.Append(g.lead)
				l.Add(paint.Live, printable.Line(t.Name))
				l.Add(paint.Dim, printable.Line("  "+head(t.Description, 200)))
				g.blocks = append(g.blocks, block{ready: l})
			}
		})
	}
	if c.PreviousID != "" {
		var l paint.Line
		l.Say(paint.Dim, "continues ")
		l.Add(paint.Dim, printable.Line(c.PreviousID+", which the provider keeps"))
		g.line(l)
	}
	names := map[string]string{}
	for k := range c.Messages {
		m := &c.Messages[k]
		g.role(m.Role)
		g.parts(m.Parts, paint.Plain, names)
	}
}

// folded adds what is long and mostly the same from turn to turn.
func (d *detail) folded(g *page, name, about printable.Text, body func()) {
	var l paint.Line
	if d.unfolded {
		l.Say(paint.Bold, "▼ ")
	} else {
		l.Say(paint.Bold, "▶ ")
	}
	l.Add(paint.Bold, name)
	l.Gap(2)
	l.Add(paint.Dim, about)
	if !d.unfolded {
		l.Say(paint.Dim, "  z unfolds")
	}
	g.line(l)
	if d.unfolded {
		back := g.indent(paint.Dim, false)
		body()
		back()
	}
}

func (g *page) role(r llm.Role) {
	var l paint.Line
	style := paint.Bold
	switch r {
	case llm.RoleUser:
		style = paint.Key
	case llm.RoleTool:
		style = paint.Live
	}
	g.empty()
	l.Say(style, "▼ ")
	l.Add(style, printable.Line(string(r)))
	g.line(l)
}

// note adds a line of the program's own.
func (g *page) note(s string) {
	var l paint.Line
	l.Add(paint.Dim, printable.Line(s))
	g.line(l)
}

func (g *page) fault(err error) {
	var l paint.Line
	l.Say(paint.Warn, "! ")
	l.Add(paint.Warn, printable.Line(err.Error()))
	g.line(l)
}

func partsSize(parts []llm.Part) (n int64) {
	for k := range parts {
		n += int64(len(parts[k].Text) + len(parts[k].Arguments) + parts[k].Bytes)
	}
	return n
}

// parts adds the parts of a message. names tells which tool a call id meant.
func (g *page) parts(parts []llm.Part, style paint.Style, names map[string]string) {
	defer g.indent(style, false)()
	for k := range parts {
		p := &parts[k]
		switch p.Kind {
		case llm.PartText:
			g.markdown(style, p.Text)
		case llm.PartReasoning:
			g.thought(p.Text)
		case llm.PartToolCall:
			if names != nil {
				names[p.CallID] = p.Name
			}
			g.call(p.Name, oneLine(p.Arguments), nil)
		case llm.PartToolResult:
			name := p.Name
			if name == "" {
				name = names[p.CallID]
			}
			g.result(name, p)
		case llm.PartOther:
			g.text(paint.Dim, p.Text)
		default:
			var l paint.Line
			l.Append(g.lead)
			l.Add(paint.Live, printable.Line("["+media(p)+"]"))
			g.blocks = append(g.blocks, block{ready: l})
		}
	}
}

func (g *page) thought(s string) {
	var l paint.Line
	l.Append(g.lead)
	l.Say(paint.Dim, "reasoning")
	g.blocks = append(g.blocks, block{ready: l})
	defer g.indent(paint.Dim, true)()
	g.markdown(paint.Dim, s)
}

// call adds a tool call, and what was decided on it where judged is not nil.
func (g *page) call(name, arguments string, judged *llm.ToolCall) {
	var l paint.Line
	l.Say(paint.Live, "→ call ")
	l.Add(paint.Bold, printable.Line(name))
	if judged != nil {
		sign, style := rulingOf(judged).sign()
		l.Gap(2)
		l.Add(style, sign)
		if judged.Rule != "" {
			l.Add(paint.Dim, printable.Line(" rule "+judged.Rule))
		}
	}
	g.line(l)
	defer g.indent(paint.Dim, false)()
	g.text(paint.Code, arguments)
}

// result adds what a tool gave back.
func (g *page) result(name string, p *llm.Part) {
	var l paint.Line
	l.Say(paint.Live, "← result ")
	l.Add(paint.Bold, printable.Line(name))
	if p.IsError {
		l.Say(paint.Warn, "  ! error")
	}
	l.Add(paint.Dim, printable.Line("  "+size(int64(len(p.Text)))))
	g.line(l)
	defer g.indent(paint.Dim, true)()
	g.text(paint.Plain, p.Text)
}

// media names an image, a sound or a file.
func media(p *llm.Part) string {
	facts := []string{string(p.Kind)}
	for _, s := range []string{p.Media, p.Name, head(p.Text, 120)} {
		if s != "" {
			facts = append(facts, s)
		}
	}
	if p.Bytes > 0 {
		facts = append(facts, size(int64(p.Bytes)))
	}
	return strings.Join(facts, ", ")
}

// answer is what the model says, as far as it has come.
func (d *detail) answer(g *page) {
	i := d.i
	g.role(llm.RoleAssistant)
	back := g.indent(paint.Plain, false)
	if s := d.reasoning(); s != "" {
		g.thought(s)
	}
	g.markdown(paint.Plain, d.text())
	if i.Refusal != "" {
		var l paint.Line
		l.Say(paint.Warn, "refusal")
		g.line(l)
		g.text(paint.Warn, i.Refusal)
	}
	for k := range i.ToolCalls {
		c := &i.ToolCalls[k]
		g.call(c.Name, arguments(c), c)
	}
	for _, c := range i.Choices {
		if c.Index != 0 && c.Text != "" {
			g.note(line("choice %d", c.Index).String())
			g.markdown(paint.Plain, c.Text)
		}
	}
	back()
	switch {
	case !i.State.Final():
		var l paint.Line
		_, word, style := stateSign(i)
		l.Say(style, "  ▌ ")
		l.Add(style, printable.Line(word))
		g.line(l)
	case i.Error != nil:
		var l paint.Line
		l.Say(paint.Bad, "! error ")
		l.Add(paint.Warn, printable.Line(strings.Join([]string{"from", string(i.Error.Source)}, " ")))
		g.line(l)
		g.text(paint.Warn, strings.TrimLeft(strings.Join([]string{i.Error.Type, i.Error.Code, i.Error.Message}, " "), " "))
	}
	if r := strings.Join(i.FinishReasons, ", "); r != "" {
		g.note("finished: " + r)
	}
	if u := i.Usage; u != nil {
		g.note(usageWords(u))
	}
	for _, n := range i.Notes {
		g.note("note: " + n)
	}
}

func usageWords(u *llm.Usage) string {
	var words []string
	for _, x := range []struct {
		n    *int64
		word string
	}{{u.InputTokens, "in"}, {u.OutputTokens, "out"}, {u.CacheReadTokens, "read from cache"},
		{u.CacheWriteTokens, "written to cache"}, {u.ReasoningTokens, "reasoning"}} {
		if x.n != nil {
			words = append(words, count(*x.n)+" "+x.word)
		}
	}
	return "tokens: " + strings.Join(words, ", ")
}

func arguments(c *llm.ToolCall) string {
	if len(c.Arguments) > 0 {
		return oneLine(c.Arguments)
	}
	return c.ArgumentsText
}
