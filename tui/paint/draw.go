package paint

import (
	"strings"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// Draw writes the lines as a frame of exactly height lines, each exactly width
// cells wide.
func (t *Theme) Draw(lines []Line, width, height int) string {
	var b strings.Builder
	b.Grow(width * height * 2)
	for y := range height {
		if y > 0 {
			b.WriteByte('\n')
		}
		var l Line
		if y < len(lines) {
			l = lines[y]
		}
		l.Fit(width)
		t.line(&b, &l)
	}
	return b.String()
}

const reset = "\x1b[0m"

func (t *Theme) line(b *strings.Builder, l *Line) {
	now := ""
	for i := range l.spans {
		s := &l.spans[i]
		open := ""
		if !t.plain {
			open = t.open[s.back][s.style]
		}
		if open != now {
			if now != "" {
				b.WriteString(reset)
			}
			b.WriteString(open)
			now = open
		}
		if t.ascii {
			writeASCII(b, s.text.String())
		} else {
			b.WriteString(s.text.String())
		}
	}
	if now != "" {
		b.WriteString(reset)
	}
}

// writeASCII keeps every character's cells: what has no ASCII sign becomes
// question marks.
func writeASCII(b *strings.Builder, s string) {
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		if c, ok := asASCII[r]; ok {
			b.WriteByte(c)
			continue
		}
		for range printable.Line(string(r)).Width() {
			b.WriteByte('?')
		}
	}
}

// Beside lays columns of lines side by side; each column is widths[i] cells wide.
func Beside(height int, widths []int, columns ...[]Line) []Line {
	out := make([]Line, height)
	for y := range out {
		for i, col := range columns {
			var l Line
			if y < len(col) {
				l = col[y]
			}
			l.Fit(widths[i])
			out[y].Append(l)
		}
	}
	return out
}

// Box frames lines: exactly width cells by height lines, with a title above and
// a foot below.
func Box(title, foot Line, body []Line, width, height int, focused bool) []Line {
	style := Dim
	if focused {
		style = Good
	}
	edge := func(left, right constant, words Line) Line {
		var l Line
		l.Say(style, left)
		words.cutTo(width - 2)
		l.Append(words)
		l.Fill(style, "─", width-1)
		l.Say(style, right)
		return l
	}
	out := make([]Line, 0, height)
	out = append(out, edge("┌", "┐", title))
	for y := range max(height-2, 0) {
		var in Line
		if y < len(body) {
			in = body[y]
		}
		in.Fit(width - 2)
		var l Line
		l.Say(style, "│")
		l.Append(in)
		l.Say(style, "│")
		out = append(out, l)
	}
	return append(out, edge("└", "┘", foot))
}

func (l *Line) cutTo(width int) {
	if l.width > width {
		l.cut(width)
	}
}
