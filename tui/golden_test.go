package tui

import (
	"fmt"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// busy is a screen with one of everything, and two exchanges that run.
func busy(t testing.TB, w, h int, look paint.Look) *screen {
	f := newFake()
	f.all = traffic()
	for _, i := range f.all {
		f.conv[i.ID] = talkOf()
	}
	older := talkOf()
	older.System[0].Text = "You are an engineer."
	older.Messages = older.Messages[:2]
	f.conv[id(0)] = older
	f.bodies[control.SideRequest] = []byte(`{"model":"claude-opus-4-6","messages":[{"role":"user","content":"fix the flaky test"}]}`)
	f.bodies[control.SideResponse] = []byte("event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n")
	s := newScreen(t, f, w, h, look)
	s.attach(f.all...)
	sent := sample(50)
	sent.State, sent.Status, sent.FirstTokenAt, sent.TTFTMS, sent.Usage, sent.CostUSD, sent.Text = llm.StateStreaming, 0, nil, nil, nil, nil, ""
	runs := *sent
	runs.ID, runs.StartedAt, runs.Status = id(51), noon.Add(-9*time.Second), 200
	runs.FirstTokenAt, runs.TTFTMS = ptr(noon.Add(-8*time.Second)), llm.MillisOf(900*time.Millisecond)
	s.send(batchMsg{attached: true, changes: []change{{i: sent, fresh: true, whole: true}, {i: &runs, fresh: true, text: "Running the tests now, all of them."}}})
	return s
}

// simulated is a screen of which nothing is real.
func simulated(make func(testing.TB, int, int, paint.Look) *screen) func(testing.TB, int, int, paint.Look) *screen {
	return func(t testing.TB, w, h int, look paint.Look) *screen {
		s := make(t, w, h, look)
		s.m.opts.Simulated = true
		return s
	}
}

var sizes = [][2]int{{160, 45}, {110, 35}, {80, 24}, {50, 20}}

// TestGolden compares every view at every size. -update writes the files anew:
// read them before they are committed.
func TestGolden(t *testing.T) {
	views := []struct {
		name string
		make func(t testing.TB, w, h int, look paint.Look) *screen
		keys []string
	}{
		{"list", busy, nil},
		{"filter", busy, []string{"/", "p", "r", "o"}},
		{"filter-error", busy, []string{"/", "x", "y", ":", "z"}},
		{"sidebar", busy, []string{"tab", "down", "space"}},
		{"talk", busy, []string{"g", "down", "enter", "g"}},
		{"tools", busy, []string{"g", "down", "enter", "2"}},
		{"raw", busy, []string{"g", "down", "enter", "3"}},
		{"time", busy, []string{"g", "down", "enter", "4"}},
		{"policy", busy, []string{"g", "down", "down", "down", "enter", "5"}},
		{"judged", judged, []string{"g", "enter", "5", "g"}},
		{"findings", judged, []string{"g", "down", "enter", "5", "g"}},
		{"ask", asked, nil},
		{"ask-detail", asked, []string{"g", "down", "enter", "g"}},
		{"ask-filter", asked, []string{"/", "p", "r", "o"}},
		{"ask-whole", asked, []string{"v"}},
		{"running", busy, []string{"enter"}},
		{"simulated", simulated(busy), nil},
		{"simulated-detail", simulated(busy), []string{"g", "down", "enter", "g"}},
		{"simulated-ask", simulated(asked), []string{"v"}},
		{"simulated-help", simulated(busy), []string{"?"}},
		{"compare", busy, []string{"g", "down", "="}},
		{"copy", busy, []string{"y"}},
		{"help", busy, []string{"?"}},
		{"empty", func(t testing.TB, w, h int, look paint.Look) *screen {
			s := newScreen(t, newFake(), w, h, look)
			s.attach()
			return s
		}, nil},
		{"waiting", func(t testing.TB, w, h int, look paint.Look) *screen { return newScreen(t, newFake(), w, h, look) }, nil},
		{"lost", func(t testing.TB, w, h int, look paint.Look) *screen {
			s := busy(t, w, h, look)
			s.send(batchMsg{lastErr: control.ErrNoServer})
			return s
		}, nil},
	}
	looks := []struct {
		name string
		look paint.Look
	}{{"plain", paint.Look{Dark: true}}, {"colour", paint.Look{Color: true, Dark: true}}}
	for _, v := range views {
		for _, size := range sizes {
			for _, look := range looks {
				t.Run(fmt.Sprintf("%s/%dx%d/%s", v.name, size[0], size[1], look.name), func(t *testing.T) {
					s := v.make(t, size[0], size[1], look.look)
					s.press(v.keys...)
					out := s.view()
					exact(t, out, size[0], size[1])
					if look.name == "plain" { // what remains is bold, faint and reversed: read as text
						out = ansi.Strip(out)
					}
					golden.RequireEqual(t, []byte(out))
				})
			}
		}
	}
}

// TestGoldenASCII draws the list, a conversation, a question and its verdict
// without a sign beyond ASCII, and on a light background.
func TestGoldenASCII(t *testing.T) {
	type view struct {
		make func(t testing.TB, w, h int, look paint.Look) *screen
		w, h int
		keys []string
	}
	views := map[string]view{
		"list":   {busy, 110, 35, nil},
		"talk":   {busy, 110, 35, []string{"g", "down", "enter", "g"}},
		"judged": {judged, 110, 35, []string{"g", "enter", "5", "g"}},
	}
	for _, size := range sizes {
		views[fmt.Sprintf("ask/%dx%d", size[0], size[1])] = view{asked, size[0], size[1], nil}
	}
	for name, v := range views {
		t.Run(name, func(t *testing.T) {
			s := v.make(t, v.w, v.h, paint.Look{ASCII: true, Color: true})
			s.press(v.keys...)
			out := s.view()
			exact(t, out, v.w, v.h)
			for _, r := range out {
				if r > 0x7e {
					t.Fatalf("%q is not ASCII", r)
				}
			}
			golden.RequireEqual(t, []byte(out))
		})
	}
}
