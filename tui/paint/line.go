// Package paint is the only way onto the screen of `archestra tail`. A [Line] is
// made of sanitised text and of the program's own words, and of nothing else:
// what came from outside is a printable.Text or does not compile. Nothing in
// this package takes a string that a program made while it ran.
package paint

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// constant is the program's own words. Being unexported, it can be given from
// outside this package only as a constant that stands in the source.
type constant string

// Words makes a text of words that stand in the source.
func Words(w constant) printable.Text { return printable.Line(string(w)) }

type span struct {
	style Style
	text  printable.Text
	width int // cells
	back  Back
}

// Line is one line of the screen. The zero Line is empty.
type Line struct {
	spans []span
	width int
	back  Back
}

// From begins a line with what another one holds, and leaves that one alone.
func From(lead Line) Line {
	lead.spans = append([]span(nil), lead.spans...)
	return lead
}

// Width returns how many cells the line takes.
func (l *Line) Width() int { return l.width }

// Text returns the line without its styles.
func (l *Line) Text() printable.Text {
	texts := make([]printable.Text, len(l.spans))
	for i := range l.spans {
		texts[i] = l.spans[i].text
	}
	return printable.Join(texts, "")
}

// On sets what is behind all that is put on the line from now on.
func (l *Line) On(b Back) { l.back = b }

// Add puts text behind what is there. Line feeds and tabs in it are shown.
func (l *Line) Add(s Style, t printable.Text) {
	if t.Empty() {
		return
	}
	t = t.Line()
	w := t.Width()
	l.spans = append(l.spans, span{s, t, w, l.back})
	l.width += w
}

// Say puts words behind what is there.
func (l *Line) Say(s Style, w constant) { l.Add(s, Words(w)) }

// Gap puts n spaces behind what is there.
func (l *Line) Gap(n int) {
	if n > 0 {
		l.spans = append(l.spans, span{Plain, blank(n), n, l.back})
		l.width += n
	}
}

// Fill repeats a word of one cell until the line is width cells wide.
func (l *Line) Fill(s Style, w constant, width int) {
	if n := width - l.width; n > 0 {
		l.Add(s, printable.Line(strings.Repeat(string(w), n)))
	}
}

// Cell puts text into exactly width cells, cut or padded on the right.
func (l *Line) Cell(s Style, t printable.Text, width int) {
	at := l.width
	l.Add(s, t.Line().Truncate(width))
	l.Gap(at + width - l.width)
}

// Right puts text into exactly width cells, cut or padded on the left.
func (l *Line) Right(s Style, t printable.Text, width int) {
	t = t.Line().Truncate(width)
	l.Gap(width - t.Width())
	l.Add(s, t)
}

// Append puts another line behind what is there.
func (l *Line) Append(o Line) {
	l.spans = append(l.spans, o.spans...)
	l.width += o.width
}

// Fit cuts or pads the line to exactly width cells.
func (l *Line) Fit(width int) {
	if l.width > width {
		l.cut(width)
	}
	l.Gap(width - l.width)
}

func (l *Line) cut(width int) {
	width = max(width, 0)
	at := 0
	for i, s := range l.spans {
		if at+s.width > width {
			t := s.text.Truncate(width - at)
			spans := append([]span(nil), l.spans[:i]...) // the old ones may be shared
			if w := t.Width(); w > 0 {
				spans = append(spans, span{s.style, t, w, s.back})
				at += w
			}
			l.spans, l.width = spans, at
			return
		}
		at += s.width
	}
}

const spaces = "                                                                                                    "

func blank(n int) printable.Text {
	if n <= len(spaces) {
		return printable.Line(spaces[:n])
	}
	return printable.Line(strings.Repeat(" ", n))
}
