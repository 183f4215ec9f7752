package tui

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// TestSimulated finds the word in the first line of every view, at every size: no
// screen of a demo may be taken for a real one.
func TestSimulated(t *testing.T) {
	for _, size := range append(sizes, [2]int{30, 8}) {
		for _, keys := range [][]string{nil, {"enter"}, {"enter", "2"}, {"enter", "3"}, {"enter", "4"}, {"enter", "5"}, {"?"}, {"/"}, {"g", "down", "="}, {"y"}, {"tab"}} {
			s := simulated(busy)(t, size[0], size[1], paint.Look{})
			s.press(keys...)
			if first, _, _ := strings.Cut(s.text(), "\n"); !strings.Contains(first, "SIMULATED") {
				t.Errorf("%v, after %q: the first line is %q", size, keys, first)
			}
		}
	}
	s := busy(t, 110, 35, paint.Look{})
	s.hides("SIMULATED")
}
