package tui

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// policy shows what was decided of each tool call and why, and what detectors
// found.
func (d *detail) policy(g *page) {
	judged := false
	for k := range d.i.ToolCalls {
		c := &d.i.ToolCalls[k]
		if rulingOf(c) == unjudged && c.Rule == "" && len(c.Facts) == 0 {
			continue
		}
		judged = true
		if k > 0 {
			g.empty()
		}
		g.judged(c)
	}
	if len(d.i.Findings) > 0 {
		if judged {
			g.empty()
		}
		g.heading(paint.Words("Found"))
		for k := range d.i.Findings {
			g.finding(&d.i.Findings[k])
		}
	}
	switch {
	case judged:
		return
	case len(d.i.Findings) > 0:
		g.empty()
		g.note("No rule judged a tool call of this interaction.")
	case !d.i.State.Final():
		g.note("No rule has judged this interaction yet, and no detector has found anything.")
	default:
		g.note("No rule judged this interaction, and no detector found anything.")
	}
}

// judged adds a call and its verdict.
func (g *page) judged(c *llm.ToolCall) {
	var l paint.Line
	sign, style := rulingOf(c).sign()
	l.Add(style, sign)
	l.Gap(2)
	l.Add(paint.Bold, toolName(c.Name))
	l.Add(paint.Dim, printable.Line("  "+c.ID))
	g.line(l)
	g.labelled(paint.Words("verdict"), verdictWords(c))
	g.labelled(paint.Words("rule"), c.Rule)
	g.labelled(paint.Words("why"), c.Reason)
	g.labelled(paint.Words("argument"), c.Path)
	g.labelled(paint.Words("accepted"), c.Accept)
	switch r := rulingOf(c); r {
	case askedAllowed:
		g.labelled(paint.Words("answer"), "allow: "+settledBy(c.By).String())
	case askedDenied:
		g.labelled(paint.Words("answer"), "deny: "+settledBy(c.By).String())
	case asking:
		g.labelled(paint.Words("answer"), "it waits for one")
	case wouldAsk, wouldBlock:
		g.labelled(paint.Words("would"), string(c.Would)+": the rules only report; to enforce them would have done that")
	}
	g.labelled(paint.Words("arguments"), arguments(c))
	g.facts(c.Facts)
}

// verdictWords says what became of a call.
func verdictWords(c *llm.ToolCall) string {
	switch rulingOf(c) {
	case blocked:
		return "block: it did not reach the client"
	case askedDenied:
		return "ask: it was denied and did not reach the client"
	case askedAllowed:
		return "ask: it was allowed and went on"
	case asking:
		return "ask: it is held"
	case wouldAsk, wouldBlock:
		return "it went on, since the rules only report"
	case allowed:
		return "allow: it went on"
	}
	return string(c.Verdict)
}

// finding adds what a detector found. It holds the kind and the place, never
// the value.
func (g *page) finding(f *llm.Finding) {
	var l paint.Line
	l.Say(paint.Warn, "⚠ ")
	l.Add(paint.Bold, printable.Line(f.Kind))
	if f.Action != "" {
		l.Add(paint.Warn, printable.Line("  "+f.Action))
	}
	g.line(l)
	g.labelled(paint.Words("where"), f.Where)
	g.labelled(paint.Words("detector"), f.Detector)
}
