package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

func tableScreen(width int, colour bool) (*screen, *bytes.Buffer) {
	var b bytes.Buffer
	return &screen{w: &b, terminal: width > 0, colour: colour, width: func() int { return width }}, &b
}

func TestTableFits(t *testing.T) {
	columns := []column{{title: "NAME", cut: 4}, {title: "N", right: true, drop: 2}, {title: "NOTE", drop: 1}}
	for width, want := range map[int]string{
		0:  "NAME           N  NOTE\nfirst          7  a note\nthe second  1234\n",
		30: "NAME           N  NOTE\nfirst          7  a note\nthe second  1234\n",
		22: "NAME         N  NOTE\nfirst        7  a note\nthe sec…  1234\n",
		14: "NAME         N\nfirst        7\nthe sec…  1234\n",
		8:  "NAME\nfirst\nthe sec…\n",
		2:  "N…\nf…\nt…\n",
	} {
		out, got := tableScreen(width, false)
		table := newTable(out, columns...)
		for _, r := range [][]cell{{cellOf("first"), cellOf("7"), cellOf("a note")}, {cellOf("the second"), cellOf("1234"), cellOf("")}} {
			if err := table.row(r...); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("width %d: %s", width, diff)
		}
		for line := range strings.Lines(got.String()) {
			if w := printable.New(strings.TrimSuffix(line, "\n")).Width(); width > 0 && w > width {
				t.Errorf("width %d: %q takes %d cells", width, line, w)
			}
		}
	}
}

func TestTableDoesNotWaitForItsEnd(t *testing.T) {
	out, got := tableScreen(0, false)
	table := newTable(out, column{title: "A"}, column{title: "B"})
	for i := range settle + 5 {
		if err := table.row(cellOf(fmt.Sprint(i)), cellOf("b")); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(got.String(), "\n"); n != settle+6 {
		t.Errorf("%d lines are out, want %d", n, settle+6)
	}
	// Wider than what came before: whole in a pipe, all the same.
	if err := table.row(cellOf("0123456789"), cellOf("b")); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got.String(), "\n0123456789  b\n") {
		t.Errorf("the last line is %q", got.String()[got.Len()-20:])
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
}

func TestTableColour(t *testing.T) {
	for colour, want := range map[bool]string{false: "A    B\nbad  x\n", true: "\x1b[2mA\x1b[0m    \x1b[2mB\x1b[0m\n\x1b[31mbad\x1b[0m  x\n"} {
		out, got := tableScreen(80, colour)
		table := newTable(out, column{title: "A"}, column{title: "B"})
		if err := table.row(cell{printable.Line("bad"), red}, cellOf("x")); err != nil {
			t.Fatal(err)
		}
		if err := table.flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("colour %v: %s", colour, diff)
		}
	}
}

func TestEmptyTablePrintsNothing(t *testing.T) {
	out, got := tableScreen(80, false)
	if err := newTable(out, column{title: "A"}).flush(); err != nil || got.Len() > 0 {
		t.Errorf("%q, %v", got.String(), err)
	}
}
