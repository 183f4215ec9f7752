package tui

import (
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// step is a stretch of an exchange's time.
type step struct {
	name     printable.Text
	from, to time.Duration
	note     string
}

// steps lists where the time went, as far as it is known.
func steps(i *llm.Interaction) []step {
	var out []step
	at := time.Duration(0)
	add := func(name printable.Text, end *llm.Millis, note string) {
		if end == nil {
			return
		}
		out = append(out, step{name, at, max(end.Duration(), at), note})
		at = max(end.Duration(), at)
	}
	if t := i.Timing; t != nil {
		add(paint.Words("read request"), t.RequestReadMS, "")
		add(paint.Words("guards"), t.GuardsMS, "")
		note := "a new connection"
		if t.ReusedConnection {
			note = "an idle connection"
		}
		add(paint.Words("connect"), t.ConnectedMS, note)
		add(paint.Words("upstream thinks"), t.ResponseHeaderMS, "until its status")
		add(paint.Words("first byte"), t.FirstByteMS, "")
	}
	add(paint.Words("first token"), i.TTFTMS, "")
	note := ""
	if i.DurationMS != nil {
		if rate, ok := perSecond(i); ok {
			note = rate + " tokens/s"
		}
	}
	add(paint.Words("stream"), i.DurationMS, note)
	return out
}

// perSecond is how fast the tokens came, where that can be told.
func perSecond(i *llm.Interaction) (string, bool) {
	if i.Usage == nil || i.Usage.OutputTokens == nil || i.TTFTMS == nil || i.DurationMS == nil {
		return "", false
	}
	d := i.DurationMS.Duration() - i.TTFTMS.Duration()
	if d < time.Millisecond {
		return "", false
	}
	return line("%.0f", float64(*i.Usage.OutputTokens)/d.Seconds()).String(), true
}

// timing draws the steps on one scale.
func (d *detail) timing(g *page) {
	all := steps(d.i)
	if len(all) == 0 {
		g.note("Nothing is known of its times yet.")
		return
	}
	whole := all[len(all)-1].to
	width := max(min(d.pagers[tabTime].width-52, 60), 8)
	for _, s := range all {
		var l paint.Line
		l.Cell(paint.Plain, s.name, 16)
		l.Right(paint.Bold, printable.Line(took(s.to-s.from)), 8)
		l.Gap(1)
		from, to := 0, 0
		if whole > 0 {
			from = int(int64(width) * int64(s.from) / int64(whole))
			to = int(int64(width) * int64(s.to) / int64(whole))
		}
		edge := l.Width()
		l.Say(paint.Dim, "│")
		l.Fill(paint.Dim, "·", edge+1+from)
		l.Fill(paint.Live, "█", edge+1+max(to, from+1))
		l.Fill(paint.Dim, "·", edge+1+width)
		l.Say(paint.Dim, "│ ")
		l.Add(paint.Dim, printable.Line(s.note))
		g.line(l)
	}
	g.empty()
	g.note("in all " + took(whole))
	if d.i.OverheadMS != nil {
		g.note("of that archestra itself, before the upstream call: " + millis(d.i.OverheadMS))
	}
	g.note(line("request %s, response %s", size(d.i.RequestBytes), size(d.i.ResponseBytes)).String())
}
