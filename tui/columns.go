package tui

import (
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// The widths from which on the screen has more to offer.
const (
	wideWidth   = 140 // with the sidebar
	tableWidth  = 100 // a table with a preview below
	doubleWidth = 60  // rows of two lines
)

// The width of the list's own columns, in cells. They stay as they are for the
// life of a row.
const (
	stateCells    = 13 // glyph and word
	timeCells     = 8
	profileCells  = 8
	providerCells = 9
	statusCells   = 3
	tokenCells    = 11
	ttftCells     = 6
	costCells     = 7
	rulingCells   = 13
)

// rowHeight returns how many lines a row takes.
func (l *list) rowHeight(r *row) int {
	switch {
	case l.width >= tableWidth-2:
		if !r.i.State.Final() && r.preview != "" {
			return 2
		}
		return 1
	case l.width >= doubleWidth-2:
		return 2
	}
	return 1
}

// rowLines makes as many lines as rowHeight says.
func (l *list) rowLines(r *row, now time.Time) []paint.Line {
	var first, second paint.Line
	switch {
	case r.i.State == llm.StateHeld:
		first.On(paint.Held)
		second.On(paint.Held)
	case r == l.sel:
		first.On(paint.Selected)
		second.On(paint.Selected)
	}
	l.markCell(&first, r)
	switch {
	case l.width >= tableWidth-2:
		l.tableRow(&first, r, now)
	case l.width >= doubleWidth-2:
		l.doubleRow(&first, r, now)
	default:
		l.singleRow(&first, r, now)
	}
	first.Fit(l.width)
	if l.rowHeight(r) == 1 {
		return []paint.Line{first}
	}
	second.Gap(3)
	if l.width < tableWidth-2 {
		second.Add(paint.Dim, printable.Line(r.i.Profile))
		second.Say(paint.Dim, " · ")
		if v, _ := sternest(r.i); v != unjudged || r.i.Error != nil {
			verdictCell(&second, r.i)
			second.Say(paint.Dim, " · ")
		}
	} else {
		second.Say(paint.Dim, "└ ")
	}
	second.Add(paint.Dim, printable.Line(r.preview))
	second.Fit(l.width)
	return []paint.Line{first, second}
}

func (l *list) markCell(p *paint.Line, r *row) {
	switch r {
	case l.sel:
		p.Say(paint.Key, "▌")
	case l.mark:
		p.Say(paint.Key, "●")
	default:
		p.Gap(1)
	}
}

func stateCell(p *paint.Line, i *llm.Interaction, width int) {
	glyph, word, style := stateSign(i)
	p.Cell(style, printable.Line(glyph+" "+word), width)
	p.Gap(1)
}

func timeCell(p *paint.Line, t, now time.Time) {
	p.Cell(paint.Plain, printable.Line(t.In(now.Location()).Format("15:04:05")), timeCells)
	p.Gap(1)
}

func (l *list) tableRow(p *paint.Line, r *row, now time.Time) {
	i := r.i
	stateCell(p, i, stateCells)
	timeCell(p, i.StartedAt, now)
	for _, c := range []struct {
		text  string
		width int
	}{{i.Profile, profileCells}, {i.Provider, providerCells}, {modelOf(i), l.modelCells()}} {
		p.Cell(paint.Plain, printable.Line(c.text), c.width)
		p.Gap(1)
	}
	p.Right(paint.Plain, statusText(i), statusCells)
	p.Gap(1)
	p.Right(paint.Plain, tokens(r), tokenCells)
	p.Gap(1)
	p.Right(paint.Plain, printable.Line(millis(i.TTFTMS)), ttftCells)
	p.Gap(1)
	p.Right(paint.Plain, costText(i), costCells)
	p.Gap(1)
	verdictCell(p, i)
}

// modelCells gives the model what the list's width leaves.
func (l *list) modelCells() int { return min(max(l.width-90, 10), 26) }

// tableHead names the table's columns.
func (l *list) tableHead() paint.Line {
	var p paint.Line
	p.Gap(1)
	p.Cell(paint.Dim, paint.Words("state"), stateCells+1)
	p.Cell(paint.Dim, paint.Words("time"), timeCells+1)
	p.Cell(paint.Dim, paint.Words("profile"), profileCells+1)
	p.Cell(paint.Dim, paint.Words("provider"), providerCells+1)
	p.Cell(paint.Dim, paint.Words("model"), l.modelCells()+1)
	p.Right(paint.Dim, paint.Words("st"), statusCells)
	p.Right(paint.Dim, paint.Words("in→out"), tokenCells+1)
	p.Right(paint.Dim, paint.Words("ttft"), ttftCells+1)
	p.Right(paint.Dim, paint.Words("cost"), costCells+1)
	p.Say(paint.Dim, " verdict")
	p.Fit(l.width)
	return p
}

func (l *list) doubleRow(p *paint.Line, r *row, now time.Time) {
	i := r.i
	stateCell(p, i, stateCells)
	timeCell(p, i.StartedAt, now)
	p.Cell(paint.Plain, printable.Line(i.Provider), providerCells)
	p.Gap(1)
	room := l.width - p.Width() - tokenCells - costCells - 2
	if l.width >= 76 {
		room -= ttftCells + 1
	}
	p.Cell(paint.Plain, printable.Line(modelOf(i)), min(max(room, 4), 26))
	p.Gap(1)
	p.Right(paint.Plain, tokens(r), tokenCells)
	if l.width >= 76 {
		p.Gap(1)
		p.Right(paint.Plain, printable.Line(millis(i.TTFTMS)), ttftCells)
	}
	p.Gap(1)
	p.Right(paint.Plain, costText(i), costCells)
}

func (l *list) singleRow(p *paint.Line, r *row, now time.Time) {
	i := r.i
	stateCell(p, i, stateCells)
	timeCell(p, i.StartedAt, now)
	if v, _ := sternest(i); v > allowed { // it matters more than the cost
		sign, style := v.sign()
		p.Cell(paint.Plain, printable.Line(modelOf(i)), max(l.width-p.Width()-1-rulingCells, 4))
		p.Gap(1)
		p.Cell(style, sign, rulingCells)
		return
	}
	p.Cell(paint.Plain, printable.Line(modelOf(i)), max(l.width-32, 4))
	p.Right(paint.Plain, costText(i), costCells)
}

func statusText(i *llm.Interaction) printable.Text {
	if i.Status == 0 {
		return paint.Words("···")
	}
	return line("%d", i.Status)
}

// tokens writes input→output. While nothing was stated the output is guessed
// from the text, four bytes a token, and marked as a guess.
func tokens(r *row) printable.Text {
	in, out := none, none
	if u := r.i.Usage; u != nil {
		if u.InputTokens != nil {
			in = count(*u.InputTokens)
		}
		if u.OutputTokens != nil {
			out = count(*u.OutputTokens)
		}
	}
	if !r.i.State.Final() && r.written > 0 {
		if u := r.i.Usage; u == nil || u.OutputTokens == nil || *u.OutputTokens < int64(r.written/4) {
			out = "≈" + count(int64(r.written+3)/4)
		}
	}
	return printable.Line(in + "→" + out)
}

// costText prints "~" for what is not known, and nothing where nothing was used.
func costText(i *llm.Interaction) printable.Text {
	if i.CostUSD == nil && i.Usage == nil && i.State.Final() {
		return paint.Words("–")
	}
	return printable.Line(money(i.CostUSD))
}

func verdictCell(p *paint.Line, i *llm.Interaction) {
	v, call := sternest(i)
	switch {
	case v > allowed:
		sign, style := v.sign()
		p.Add(style, printable.Line(sign.String()+" "+call.Name))
	case i.State == llm.StateRefused:
		p.Say(paint.Bad, "✗ REFUSED")
	case i.Error != nil:
		p.Add(paint.Warn, printable.Line(strings.ToLower(string(i.Error.Source))+" "+i.Error.Type))
	case len(i.ToolCalls) == 1:
		if v == allowed {
			p.Say(paint.Dim, "allow ")
		}
		p.Add(paint.Plain, printable.Line(i.ToolCalls[0].Name))
	case len(i.ToolCalls) > 1:
		if v == allowed {
			p.Say(paint.Dim, "allow ")
		}
		p.Add(paint.Plain, line("%d tools", len(i.ToolCalls)))
	}
}
