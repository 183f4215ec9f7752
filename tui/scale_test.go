package tui

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"

	tea "github.com/charmbracelet/bubbletea"
)

// many is a screen with n rows, as a server would have told them.
func many(t testing.TB, n int) *screen {
	s := newScreen(t, newFake(), 160, 45, paint.Look{Color: true, Dark: true})
	for from := 0; from < n; from += 1000 {
		b := batchMsg{attached: true}
		for k := from; k < min(from+1000, n); k++ {
			i := sample(k)
			i.Client.Session = fmt.Sprint("session-", k/50)
			if k%20 == 0 {
				i.State = llm.StateFailed
			}
			b.changes = append(b.changes, change{i: i, whole: true})
		}
		s.m.Update(b)
	}
	return s
}

// BenchmarkKey presses one key and draws one frame with 100,000 rows.
func BenchmarkKey(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := many(b, maxRows)
	runtime.GC()
	runtime.ReadMemStats(&after)
	up, down := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("k")}, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("j")}
	s.press("ctrl+d")
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		k++
		if k%1000 < 500 {
			s.m.Update(up)
		} else {
			s.m.Update(down)
		}
		if s.m.View() == "" {
			b.Fatal("no frame")
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB")
}

// BenchmarkNews takes a new row in and draws a frame, with 100,000 rows of which
// the oldest gives way.
func BenchmarkNews(b *testing.B) {
	s := many(b, maxRows)
	n := maxRows
	for b.Loop() {
		n++
		s.m.Update(batchMsg{attached: true, changes: []change{{i: sample(n), whole: true}}})
		if s.m.View() == "" {
			b.Fatal("no frame")
		}
	}
}

// long is a conversation of about n bytes.
func long(n int) *llm.Conversation {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog and runs on, line after line.\n", 400)
	c := &llm.Conversation{}
	for size := 0; size < n; size += len(text) {
		c.Messages = append(c.Messages, llm.Message{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}})
	}
	return c
}

// BenchmarkConversation scrolls through a conversation of 5 MB.
func BenchmarkConversation(b *testing.B) {
	f := newFake()
	f.all = []*llm.Interaction{sample(1)}
	f.conv[id(1)] = long(5 << 20)
	s := newScreen(b, f, 160, 45, paint.Look{Color: true, Dark: true})
	s.attach(f.all...)
	s.press("enter", "g")
	for b.Loop() {
		s.press("ctrl+d")
		if s.m.View() == "" {
			b.Fatal("no frame")
		}
	}
}

// BenchmarkOpen opens a conversation of 5 MB and draws its end.
func BenchmarkOpen(b *testing.B) {
	f := newFake()
	f.all = []*llm.Interaction{sample(1)}
	f.conv[id(1)] = long(5 << 20)
	s := newScreen(b, f, 160, 45, paint.Look{Color: true, Dark: true})
	s.attach(f.all...)
	for b.Loop() {
		s.m.detail = detail{}
		s.press("enter")
		if s.m.View() == "" {
			b.Fatal("no frame")
		}
		s.press("esc")
	}
}

// TestFrameFollowsView asserts that a frame's allocations do not grow with the
// rows that are out of view.
func TestFrameFollowsView(t *testing.T) {
	frame := func(n int) float64 {
		s := many(t, n)
		s.press("k")
		return testing.AllocsPerRun(20, func() {
			s.m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("k")})
			_ = s.m.View()
		})
	}
	few, lots := frame(200), frame(5000)
	if lots > few*1.2 {
		t.Errorf("a frame takes %.0f allocations with 5,000 rows and %.0f with 200", lots, few)
	}
}

// TestOldestGivesWay asserts that the list keeps its bound, and its sums right.
func TestOldestGivesWay(t *testing.T) {
	s := newScreen(t, newFake(), 120, 30, paint.Look{})
	r := s.m.list.rows
	r.most = 100
	for k := range 110 {
		s.attach(sample(k))
		if k == 90 {
			s.press("g", "space") // the selected and marked one gives way later
		}
	}
	if len(r.all) != 100 || len(r.byID) != 100 || len(s.m.list.shown) != 100 || r.total.requests != 100 {
		t.Errorf("%d rows, %d by id, %d shown, %d counted", len(r.all), len(r.byID), len(s.m.list.shown), r.total.requests)
	}
	if r.all[0].i.ID != id(10) || s.m.list.sel != r.all[0] || s.m.list.mark != nil {
		t.Errorf("the oldest is %s, selected is %s", r.all[0].i.ID, s.m.list.sel.i.ID)
	}
	s.shows("100 req", "▼ 19 new")
}

// TestPump floods the pump with 2,000 events a second for two seconds: the
// screen hears of them 30 times a second, and of all of their text.
func TestPump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFake()
		p := newPump()
		p.start(ctx, f, time.Time{})
		<-f.began
		f.hooks.Attached()
		go func() {
			for n := range 4000 {
				i := sample(n % 8)
				i.State = llm.StateStreaming
				f.events <- llm.Event{Seq: uint64(n), Type: llm.EventProgress, Interaction: i, Text: "x"}
				time.Sleep(500 * time.Microsecond)
			}
		}()
		begun := time.Now()
		batches, texts := 0, 0
		for texts < 4000 {
			msg, ok := nextBatch(ctx, p)().(batchMsg)
			if !ok {
				t.Fatal("the pump has ended")
			}
			batches++
			if len(msg.changes) > 8 {
				t.Errorf("%d changes for 8 interactions", len(msg.changes))
			}
			for _, c := range msg.changes {
				texts += len(c.text)
			}
			if !msg.attached {
				t.Error("not attached")
			}
		}
		if most := int(time.Since(begun)/frame) + 1; batches > most {
			t.Errorf("%d batches in %v", batches, time.Since(begun))
		}
		f.hooks.Detached(nil)
		if msg := nextBatch(ctx, p)().(batchMsg); msg.attached {
			t.Error("still attached")
		}
		cancel()
		p.wait()
	})
}

// TestPumpKeepsOrder asserts that what is gathered is the newest state, and that
// nothing overtakes the end.
func TestPumpKeepsOrder(t *testing.T) {
	p := newPump()
	runs, ends := sample(1), sample(1)
	runs.Text = ""
	runs.State = llm.StateStreaming
	p.add(&llm.Event{Type: llm.EventStarted, Interaction: runs})
	p.add(&llm.Event{Type: llm.EventProgress, Interaction: runs, Text: "a"})
	p.add(&llm.Event{Type: llm.EventToolCall, Interaction: runs, ToolCall: &llm.ToolCall{Name: "Bash"}})
	p.add(&llm.Event{Type: llm.EventFinished, Interaction: ends})
	p.add(&llm.Event{Type: llm.EventProgress, Interaction: runs, Text: "late"})
	p.add(&llm.Event{Type: llm.EventLost, Lost: 7})
	b := p.take()
	if len(b.changes) != 1 || b.lost != 7 {
		t.Fatalf("%d changes, %d lost", len(b.changes), b.lost)
	}
	if c := b.changes[0]; c.i != ends || !c.whole || c.text != "a" || c.call == nil {
		t.Errorf("%+v", c)
	}
	if b := p.take(); len(b.changes) != 0 || b.lost != 0 {
		t.Errorf("told twice: %+v", b)
	}
}
