package printable

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// TabWidth is how far apart tab stops are, in cells.
const TabWidth = 4

// Width returns how many terminal cells the widest line takes. Tabs are counted
// to the next tab stop, as [Text.Lines] expands them.
func (t Text) Width() int {
	widest := 0
	for line := range strings.SplitSeq(t.s, "\n") {
		widest = max(widest, width(expand(line)))
	}
	return widest
}

// Lines returns the lines, each with its tabs expanded to spaces.
func (t Text) Lines() []Text {
	lines := strings.Split(t.s, "\n")
	texts := make([]Text, len(lines))
	for i, line := range lines {
		texts[i].s = expand(line)
	}
	return texts
}

// Truncate cuts each line that is wider than that many cells and ends it with
// "…". No line of the result is wider than cells, which may be 0.
func (t Text) Truncate(cells int) Text {
	cells = max(cells, 0)
	if len(t.s) <= cells && !strings.Contains(t.s, "\t") {
		return t // a byte takes no more than one cell
	}
	lines := strings.Split(t.s, "\n")
	for i, line := range lines {
		lines[i] = truncate(expand(line), cells)
	}
	return Text{strings.Join(lines, "\n")}
}

func truncate(line string, cells int) string {
	if width(line) <= cells {
		return line
	}
	if cells == 0 {
		return ""
	}
	head, _ := cut(line, cells-1)
	return head + "…"
}

// Wrap breaks the text into lines of at most cells cells, at spaces where it
// can. A character that is wider than cells is replaced by "…"; cells below 1
// count as 1.
func (t Text) Wrap(cells int) []Text {
	cells = max(cells, 1)
	var out []Text
	for line := range strings.SplitSeq(t.s, "\n") {
		line = expand(line)
		for {
			head, rest := wrapOnce(line, cells)
			out = append(out, Text{head})
			if rest == "" {
				break
			}
			line = rest
		}
	}
	return out
}

// wrapOnce takes the first row from line. Its cost follows the row's length.
func wrapOnce(line string, cells int) (head, rest string) {
	head, rest = cut(line, cells)
	if rest == "" {
		return head, ""
	}
	if head == "" { // the first character alone is too wide
		g := displaywidth.StringGraphemes(line)
		g.Next()
		return "…", line[len(g.Value()):]
	}
	if i := strings.LastIndexByte(head, ' '); rest[0] != ' ' && strings.TrimLeft(head[:i+1], " ") != "" {
		head, rest = head[:i], line[i+1:]
	}
	return strings.TrimRight(head, " "), strings.TrimLeft(rest, " ")
}

// cut splits line behind as many whole characters as fit into that many cells.
func cut(line string, cells int) (head, rest string) {
	g := displaywidth.StringGraphemes(line)
	at := 0
	for g.Next() {
		cells -= clusterWidth(g.Value(), g.Width())
		if cells < 0 {
			break
		}
		at += len(g.Value())
	}
	return line[:at], line[at:]
}

// width returns the cells of one line without tabs.
func width(line string) int {
	for i := 0; i < len(line); i++ {
		if line[i] >= 0x80 {
			sum := 0
			g := displaywidth.StringGraphemes(line)
			for g.Next() {
				sum += clusterWidth(g.Value(), g.Width())
			}
			return sum
		}
	}
	return len(line) // printable ASCII takes a cell a byte
}

// clusterWidth returns the cells of one grapheme cluster that takes asOne where
// the terminal draws it as one character. Terminals that do not know a conjunct,
// a skin tone or old Hangul draw the parts side by side; the wider reading
// counts, so that no line outgrows its room on either kind. Flags alone are
// taken as one everywhere: their halves would make every table uneven.
func clusterWidth(cluster string, asOne int) int {
	if len(cluster) <= 3 {
		return asOne
	}
	sum := 0
	for _, r := range cluster {
		switch {
		case r >= 0x1F1E6 && r <= 0x1F1FF: // regional indicators
			return asOne
		case !isJamoTail(r):
			sum += displaywidth.Rune(r)
		}
	}
	return max(sum, asOne)
}

func expand(line string) string {
	if !strings.Contains(line, "\t") {
		return line
	}
	var b strings.Builder
	col := 0
	for i, piece := range strings.Split(line, "\t") {
		if i > 0 {
			n := TabWidth - col%TabWidth
			b.WriteString("        "[:n])
			col += n
		}
		b.WriteString(piece)
		col += width(piece)
	}
	return b.String()
}
