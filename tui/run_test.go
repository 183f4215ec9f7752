package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/teatest"
	"go.uber.org/goleak"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// A client of the control socket is a source.
var _ Source = (*control.Client)(nil)

// others are goroutines that are not ours to end: teatest waits for signals for
// ever, and the highlighter's expressions keep a clock for a while.
var others = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/charmbracelet/x/exp/teatest.NewTestModel.func2"),
	goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"),
}

// TestProgram runs the real program: events come through the pump, keys through
// the terminal's input.
func TestProgram(t *testing.T) {
	defer leaktest.None(t, others...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := newFake()
	f.all = traffic()
	f.conv[id(1)] = talkOf()
	m, err := newModel(ctx, Options{Source: f, Since: noon}, paint.NewTheme(paint.Look{}))
	if err != nil {
		t.Fatal(err)
	}
	m.pump.start(ctx, f, noon)
	defer m.pump.wait()
	defer cancel()
	p := teatest.NewTestModel(t, m, teatest.WithInitialTermSize(120, 30))
	until := func(words string) {
		t.Helper()
		teatest.WaitFor(t, p.Output(), func(b []byte) bool { return bytes.Contains(b, []byte(words)) }, teatest.WithDuration(time.Minute), teatest.WithCheckInterval(5*time.Millisecond))
	}
	<-f.began
	until("archestra serve")
	if !f.hooks.Answers {
		t.Error("the server is not told that somebody answers")
	}
	f.hooks.Attached()
	until("ANTHROPIC_BASE_URL=http://localhost:9000/v1/anthropic/default")
	for _, i := range f.all[:2] {
		f.events <- llm.Event{Type: llm.EventFinished, Interaction: i}
	}
	until("allow Bash")
	p.Send(tea.KeyMsg{Type: tea.KeyEnter})
	until("[1 Talk]")
	p.Type("3")
	until("[3 Raw]")
	p.Send(tea.KeyMsg{Type: tea.KeyEsc})
	f.hooks.Detached(control.ErrNoServer)
	until("The server has gone")
	f.hooks.Attached()
	until("attached again")
	p.Type("q")
	p.WaitFinished(t, teatest.WithFinalTimeout(time.Minute))
}

// TestProgramAsks answers questions in the real program: one after it was deaf,
// one with the user's editor, while the countdown ticks.
func TestProgramAsks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the editor is a shell script")
	}
	defer leaktest.None(t, others...)
	dir := t.TempDir()
	script := filepath.Join(dir, "edit")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho '{\"command\": \"ls\"}' >\"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", script)
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := newFake()
	first, second := ask(1), ask(2)
	first.ExpiresAt, second.ExpiresAt = ptr(time.Now().Add(10*time.Minute)), nil
	f.answered = make(chan struct{}, 1)
	f.asks = []llm.Ask{first} // it waits already
	m, err := newModel(ctx, Options{Source: f, Since: noon}, paint.NewTheme(paint.Look{}))
	if err != nil {
		t.Fatal(err)
	}
	m.pump.start(ctx, f, noon)
	defer m.pump.wait()
	defer cancel()
	p := teatest.NewTestModel(t, m, teatest.WithInitialTermSize(120, 30))
	await := func(shown func(b []byte) bool) {
		t.Helper()
		teatest.WaitFor(t, p.Output(), shown, teatest.WithDuration(time.Minute), teatest.WithCheckInterval(5*time.Millisecond))
	}
	until := func(words string) {
		t.Helper()
		await(func(b []byte) bool { return bytes.Contains(b, []byte(words)) })
	}
	press := func(key string) { // it does nothing until it may
		t.Helper()
		for range 3000 {
			p.Type(key)
			select {
			case <-f.answered:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		t.Fatalf("%s does not answer", key)
	}
	<-f.began
	f.hooks.Attached()
	until("evil.example/1")
	await(func(b []byte) bool { // it ticks
		shown := regexp.MustCompile(`9m\d\ds left`).FindAllString(string(b), -1)
		return len(shown) > 0 && shown[0] != shown[len(shown)-1]
	})
	press("d")
	f.asks = []llm.Ask{second}
	f.events <- llm.Event{Type: llm.EventHeld, Ask: &second}
	until("evil.example/2")
	press("e")
	p.Send(tea.KeyMsg{Type: tea.KeyCtrlC})
	p.WaitFinished(t, teatest.WithFinalTimeout(time.Minute))
	s := screen{t: t, f: f}
	s.gave("q1 block", `q2 allow {"command":"ls"}`)
}

// TestRunEnds asserts that Run returns when its context ends, with nothing left
// running, and puts the terminal back.
func TestRunEnds(t *testing.T) {
	defer leaktest.None(t, others...)
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake()
	in, keys := io.Pipe()
	defer keys.Close()
	var out bytes.Buffer
	go func() {
		<-f.began
		cancel()
	}()
	if err := Run(ctx, Options{Source: f, In: in, Out: &out, NoColor: true}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "\x1b[?1049h") != strings.Contains(s, "\x1b[?1049l") {
		t.Errorf("the terminal is not put back: %q", s)
	}
	keys.Close()
}

func TestRunRefusesFilter(t *testing.T) {
	err := Run(t.Context(), Options{Source: newFake(), Filter: "colour:red"})
	if err == nil || !strings.Contains(err.Error(), "--filter") {
		t.Errorf("%v", err)
	}
}

// TestKeys asserts that every key says what it does, that none hides another,
// and that the hints fit.
func TestKeys(t *testing.T) {
	seen := map[string]place{}
	described := map[string]bool{}
	for _, s := range keyTable() {
		if s.do == nil {
			t.Errorf("%v does nothing", s.Keys())
		}
		for _, k := range s.Keys() {
			if both := seen[k] & s.at; both != 0 {
				t.Errorf("%s means two things in %b", k, both)
			}
			seen[k] |= s.at
		}
		described[s.Help().Key] = true
	}
	if len(described) > 45 {
		t.Errorf("%d keys are too many", len(described))
	}
	s := newScreen(t, newFake(), 160, 45, paint.Look{})
	for at := inList; at <= inWhole; at <<= 1 {
		s.m.at = at
		for _, width := range []int{50, 80, 110, 160} {
			l := s.m.hints(width)
			if l.Width() > width+2 || l.Width() < 5 {
				t.Errorf("the hints of %b are %d cells wide at %d", at, l.Width(), width)
			}
		}
	}
}
