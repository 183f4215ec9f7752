package tui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// exact checks that a frame is as large as the terminal, line by line.
func exact(t testing.TB, frame string, w, h int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != h {
		t.Fatalf("the frame has %d lines, the terminal %d", len(lines), h)
	}
	for k, l := range lines {
		if n := ansi.StringWidth(l); n != w {
			t.Errorf("line %d is %d cells wide, the terminal %d: %q", k, n, w, ansi.Strip(l))
		}
	}
}
