package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// column is a column of a table.
type column struct {
	title string
	right bool // numbers stand at the right
	// drop says which columns go first where the line is short: 1 before 2.
	// Those with 0 stay, and are cut.
	drop int
	// cut is how narrow the column may become before any is dropped; 0 keeps it whole.
	cut int
	// whole text is never cut, though the line then outgrows the screen: it is
	// there to be copied.
	whole bool
}

// cell is what stands in a row's column.
type cell struct {
	text  printable.Text
	style style
}

func cellOf(s string) cell { return cell{text: printable.Line(s)} }

// settle is after how many rows the widths are fixed, so that a long table
// does not wait for its end.
const settle = 1000

// table prints rows in aligned columns that fit the screen.
type table struct {
	out     *screen
	columns []column
	rows    [][]cell
	widths  []int // of the columns once they are fixed; -1 is left out
	room    int
}

func newTable(out *screen, columns ...column) *table {
	return &table{out: out, columns: columns, room: out.width()}
}

func (t *table) row(cells ...cell) error {
	if t.widths != nil {
		return t.print(cells)
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) < settle {
		return nil
	}
	return t.flush()
}

// flush prints what has been collected. A table without rows prints nothing.
func (t *table) flush() error {
	if t.widths != nil || len(t.rows) == 0 {
		return nil
	}
	t.fit()
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{printable.Line(c.title), dim}
	}
	if err := t.print(head); err != nil {
		return err
	}
	for _, r := range t.rows {
		if err := t.print(r); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

const gap = 2 // cells between columns

// fit chooses the widths: as wide as the cells, then narrower where a column
// may be cut, then without those that may be dropped.
func (t *table) fit() {
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		t.widths[i] = printable.Line(c.title).Width()
		for _, r := range t.rows {
			t.widths[i] = max(t.widths[i], r[i].text.Width())
		}
	}
	if t.room == 0 {
		return
	}
	for {
		whole := slices.Clone(t.widths)
		for t.total() > t.room && t.narrow() {
		}
		if t.total() <= t.room {
			return
		}
		narrow := t.widths
		t.widths = whole // with one column less, the others may be wider again
		if !t.dropOne() {
			t.widths = narrow
			return
		}
	}
}

func (t *table) total() int {
	sum := -gap
	for _, w := range t.widths {
		if w >= 0 {
			sum += w + gap
		}
	}
	return sum
}

// narrow takes a cell from the widest column that may give one.
func (t *table) narrow() bool {
	widest := -1
	for i, w := range t.widths {
		if c := t.columns[i].cut; c > 0 && w > c && (widest < 0 || w > t.widths[widest]) {
			widest = i
		}
	}
	if widest >= 0 {
		t.widths[widest]--
	}
	return widest >= 0
}

func (t *table) dropOne() bool {
	first := -1
	for i, c := range t.columns {
		if t.widths[i] >= 0 && c.drop > 0 && (first < 0 || c.drop < t.columns[first].drop) {
			first = i
		}
	}
	if first >= 0 {
		t.widths[first] = -1
	}
	return first >= 0
}

func (t *table) print(cells []cell) error {
	var b strings.Builder
	used, pending := 0, 0 // cells printed, and spaces owed before the next
	for i, c := range cells {
		w := t.widths[i]
		if w < 0 {
			continue
		}
		if used+pending > 0 {
			pending += gap
		}
		text := c.text
		if t.room > 0 && !t.columns[i].whole { // what nothing could make fit ends at the edge
			w = max(0, min(w, t.room-used-pending))
			text = text.Truncate(w)
		}
		blank := max(0, w-text.Width())
		if t.columns[i].right {
			pending += blank
			blank = 0
		}
		if !text.Empty() {
			b.WriteString(strings.Repeat(" ", pending))
			b.WriteString(t.out.paint(c.style, text))
			used += pending + text.Width()
			pending = 0
		}
		pending += blank
	}
	b.WriteByte('\n')
	_, err := io.WriteString(t.out, b.String())
	return err
}
