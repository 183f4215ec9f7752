package tui

import (
	"encoding/json"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// TestAskSizes shows the question at every size that has room for it, with its
// call, its reason, its time and its keys; and what is cut says so.
func TestAskSizes(t *testing.T) {
	for w := promptWidth; w <= 170; w += 5 {
		for h := promptHeight; h <= 50; h += 3 {
			s := asked(t, w, h, paint.Look{})
			for _, keys := range [][]string{nil, {"enter"}, {"?"}, {"v"}} {
				s.press(keys...)
				s.shows("? ASK", "27s left", "+1 more", "Bash", "why", "a ", " d ")
			}
		}
	}
	long := ask(1)
	long.Arguments = json.RawMessage(`{"command":"` + strings.Repeat("echo harmless; ", 9000) + `rm -rf ~"}`)
	for _, size := range sizes {
		s := busy(t, size[0], size[1], paint.Look{})
		s.question(long)
		s.shows("this is not all of its 135kB: v shows the whole", "why", "untrusted-identifier", "was", " deny")
		s.press("v", "G")
		s.shows("rm -rf ~")
	}
	small := busy(t, 39, 20, paint.Look{})
	small.question(ask(1))
	small.wait(deaf)
	small.press("a", "d", "v")
	small.gave()
	small.shows("needs a larger window")
	small.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	small.press("a")
	small.gave() // it has only just appeared
	small.wait(deaf)
	small.press("a")
	small.gave("q1 allow")
}

// TestAskWhateverTheFilter shows the question where the list is empty.
func TestAskWhateverTheFilter(t *testing.T) {
	s := busy(t, 80, 24, paint.Look{})
	s.press("/")
	s.typed("provider:nobody")
	s.press("enter")
	s.question(ask(1))
	s.shows("? ASK", "Bash", "27s left")
}

// TestAskNames quotes what could be taken for more than a tool's name.
func TestAskNames(t *testing.T) {
	s := busy(t, 110, 35, paint.Look{})
	a := ask(1)
	a.Tool = "Read  (safe, press a)"
	s.question(a)
	s.shows(`"Read  (safe, press a)" {"command"`)
}
