package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func event(t llm.EventType, id string) llm.Event {
	return llm.Event{Type: t, At: time.Unix(1, 0), Interaction: &llm.Interaction{ID: id}}
}

func progress(id, text string) llm.Event {
	e := event(llm.EventProgress, id)
	e.Text = text
	return e
}

// words tells events in short: their number, type, interaction and text.
func words(events []llm.Event) []string {
	var out []string
	for _, e := range events {
		w := fmt.Sprint(e.Seq, " ", e.Type)
		if e.Interaction != nil {
			w += " " + e.Interaction.ID
			if t := e.Interaction.Text; t != "" {
				w += " has " + t
			}
		}
		if e.Text != "" {
			w += " +" + e.Text
		}
		if e.Lost > 0 {
			w += fmt.Sprint(" ", e.Lost)
		}
		out = append(out, w)
	}
	return out
}

// drain reads what waits.
func drain(t *testing.T, s *Subscription) []llm.Event {
	t.Helper()
	var events []llm.Event
	for s.Ready() {
		e, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestEverySubscriberSeesEveryEventInOrder(t *testing.T) {
	f := New()
	a, b := f.Subscribe(Options{}), f.Subscribe(Options{})
	defer a.Close()
	defer b.Close()
	f.Publish(event(llm.EventStarted, "x"))
	f.Publish(llm.Event{Type: llm.EventFirstToken}) // tells nothing
	f.Publish(progress("x", "hel"))
	f.Publish(event(llm.EventFinished, "x"))
	want := []string{"1 started x", "2 progress x +hel", "3 finished x"}
	for _, s := range []*Subscription{a, b} {
		if diff := cmp.Diff(want, words(drain(t, s))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCatchUpContinuesExactly(t *testing.T) {
	f := New()
	f.Publish(event(llm.EventStarted, "b"))
	f.Publish(event(llm.EventStarted, "a"))
	f.Publish(event(llm.EventStarted, "over"))
	f.Publish(event(llm.EventFinished, "over"))
	first := f.Subscribe(Options{})
	defer first.Close()
	f.Publish(progress("a", "one "))
	f.Publish(progress("a", "two "))
	late := f.Subscribe(Options{})
	defer late.Close()
	f.Publish(progress("a", "three"))

	if diff := cmp.Diff([]string{"0 started a has one two ", "0 started b", "7 progress a +three"}, words(drain(t, late))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0 started a", "0 started b", "5 progress a +one ", "6 progress a +two ", "7 progress a +three"}, words(drain(t, first))); diff != "" {
		t.Error(diff)
	}
	if n := f.Running(); n != 2 {
		t.Errorf("%d run, want 2", n)
	}
}

func TestCatchUpHoldsCallsAndVerdicts(t *testing.T) {
	call := func(kind llm.EventType, id, args string, v llm.Action) llm.Event {
		e := event(kind, "x")
		e.ToolCall = &llm.ToolCall{ID: id, Name: "Bash", Arguments: []byte(args), Verdict: v}
		return e
	}
	f := New()
	f.Publish(event(llm.EventStarted, "x"))
	f.Publish(call(llm.EventToolCall, "1", `{}`, ""))
	f.Publish(call(llm.EventToolCall, "", `{"a":1}`, ""))
	f.Publish(call(llm.EventToolCall, "", `{"a":2}`, ""))
	f.Publish(call(llm.EventVerdict, "", `{"a":2}`, llm.ActionBlock))
	f.Publish(call(llm.EventVerdict, "1", `{}`, llm.ActionAllow))
	s := f.Subscribe(Options{})
	defer s.Close()
	var got []string
	for _, c := range drain(t, s)[0].Interaction.ToolCalls {
		got = append(got, fmt.Sprint(c.ID, string(c.Arguments), c.Verdict))
	}
	if diff := cmp.Diff([]string{"1{}allow", `{"a":1}`, `{"a":2}block`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCatchUpIsBounded(t *testing.T) {
	f := New()
	f.Publish(event(llm.EventStarted, "x"))
	for range 5 {
		f.Publish(progress("x", strings.Repeat("a", maxText/4+1)))
	}
	s := f.Subscribe(Options{})
	defer s.Close()
	if n := len(drain(t, s)[0].Interaction.Text); n != maxText {
		t.Errorf("the text has %d bytes, want %d", n, maxText)
	}
}

func TestSlowReaderLosesTheOldestAndIsTold(t *testing.T) {
	f := New()
	s := f.Subscribe(Options{Buffer: 3})
	defer s.Close()
	for i := range 10 {
		f.Publish(progress("x", fmt.Sprint("p", i)))
	}
	want := []string{"0 lost 7", "8 progress x +p7", "9 progress x +p8", "10 progress x +p9"}
	if diff := cmp.Diff(want, words(drain(t, s))); diff != "" {
		t.Error(diff)
	}
	f.Publish(progress("x", "next"))
	if diff := cmp.Diff([]string{"11 progress x +next"}, words(drain(t, s))); diff != "" {
		t.Error(diff)
	}
}

func TestAfterTellsWhatWasMissed(t *testing.T) {
	f := New()
	for range 5 {
		f.Publish(progress("x", "p"))
	}
	for after, want := range map[uint64][]string{0: nil, 3: {"0 lost 2"}, 5: nil, 99: nil} {
		s := f.Subscribe(Options{After: after})
		if diff := cmp.Diff(want, words(drain(t, s))); diff != "" {
			t.Errorf("after %d: %s", after, diff)
		}
		s.Close()
	}
}

func TestWatched(t *testing.T) {
	f := New()
	if f.Watched() {
		t.Error("watched by nobody")
	}
	a, b := f.Subscribe(Options{}), f.Subscribe(Options{})
	a.Close()
	a.Close()
	if !f.Watched() {
		t.Error("one of two left, and none is seen")
	}
	b.Close()
	if f.Watched() {
		t.Error("all left, and one is seen")
	}
}

func TestEndOfTheFeed(t *testing.T) {
	f := New()
	s := f.Subscribe(Options{})
	f.Publish(event(llm.EventStarted, "x"))
	f.Close()
	f.Close()
	f.Publish(event(llm.EventFinished, "x"))
	if e, err := s.Next(t.Context()); err != nil || e.Type != llm.EventStarted {
		t.Errorf("what was published before the end: %v, %v", e.Type, err)
	}
	for range 2 {
		if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v, want EOF", err)
		}
	}
	s.Close()
	late := f.Subscribe(Options{})
	defer late.Close()
	if _, err := late.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("a subscription after the end: %v, want EOF", err)
	}
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New()
		s := f.Subscribe(Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing came: %v, want the context's error", err)
		}
		got := make(chan error)
		go func() {
			_, err := s.Next(context.Background())
			got <- err
		}()
		synctest.Wait()
		f.Publish(event(llm.EventStarted, "x"))
		if err := <-got; err != nil {
			t.Errorf("an event came: %v", err)
		}
		go func() {
			_, err := s.Next(context.Background())
			got <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-got; !errors.Is(err, io.EOF) {
			t.Errorf("closed while waiting: %v, want EOF", err)
		}
	})
}

// TestConcurrent has publishers, readers and comers and goers at once: each
// reader that stays sees rising numbers, and every number or its loss.
func TestConcurrent(t *testing.T) {
	const publishers, each, readers = 4, 500, 6
	f := New()
	var reading, publishing sync.WaitGroup
	for r := range readers {
		s := f.Subscribe(Options{Buffer: 16 << r})
		reading.Go(func() {
			defer s.Close()
			var last, seen uint64
			for {
				e, err := s.Next(context.Background())
				switch {
				case errors.Is(err, io.EOF):
					if seen != publishers*each {
						t.Errorf("a reader accounts for %d events, want %d", seen, publishers*each)
					}
					return
				case err != nil:
					t.Error(err)
					return
				case e.Type == llm.EventLost:
					seen += e.Lost
				case e.Seq <= last:
					t.Errorf("event %d after %d", e.Seq, last)
					return
				default:
					last = e.Seq
					seen++
				}
			}
		})
	}
	for p := range publishers {
		publishing.Go(func() {
			for i := range each / 2 {
				id := fmt.Sprint(p, "-", i)
				f.Publish(event(llm.EventStarted, id))
				f.Publish(event(llm.EventFinished, id))
			}
		})
		publishing.Go(func() {
			for range 50 {
				f.Subscribe(Options{Buffer: 1}).Close()
			}
		})
	}
	publishing.Wait()
	f.Close()
	reading.Wait()
	if f.Watched() {
		t.Error("watched, though all have left")
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 1, 8} {
		b.Run(fmt.Sprint(readers, "readers"), func(b *testing.B) {
			f := New()
			var wg sync.WaitGroup
			for range readers {
				s := f.Subscribe(Options{})
				wg.Go(func() {
					defer s.Close()
					for {
						if _, err := s.Next(context.Background()); err != nil {
							return
						}
					}
				})
			}
			e := progress("x", "some words of an answer")
			b.ReportAllocs()
			for b.Loop() {
				f.Publish(e)
			}
			f.Close()
			wg.Wait()
		})
	}
}

func BenchmarkWatched(b *testing.B) {
	f := New()
	for b.Loop() {
		if f.Watched() {
			b.Fatal("watched")
		}
	}
}

// TestOpenQuestions: whoever comes late sees what waits for a person, with what
// is known of the interaction, and not what was settled.
func TestOpenQuestions(t *testing.T) {
	told := func(kind llm.EventType, ask, interaction string) llm.Event {
		return llm.Event{Type: kind, At: time.Unix(1, 0), Ask: &llm.Ask{ID: ask, Interaction: interaction}}
	}
	waits := func(events []llm.Event) (out []string) {
		for i, w := range words(events) {
			if events[i].Ask != nil {
				w += " asks " + events[i].Ask.ID
			}
			out = append(out, w)
		}
		return out
	}
	f := New()
	first := f.Subscribe(Options{})
	defer first.Close()
	f.Publish(event(llm.EventStarted, "x"))
	f.Publish(progress("x", "text"))
	f.Publish(told(llm.EventHeld, "q1", "x"))
	f.Publish(told(llm.EventHeld, "q2", "unheard of"))
	f.Publish(told(llm.EventHeld, "q3", "x"))
	f.Publish(told(llm.EventVerdict, "q1", "x"))
	late := f.Subscribe(Options{})
	defer late.Close()
	f.Publish(event(llm.EventFinished, "x"))
	f.Publish(told(llm.EventVerdict, "q3", "x")) // the client went first
	f.Publish(told(llm.EventVerdict, "q2", ""))
	last := f.Subscribe(Options{})
	defer last.Close()

	end := []string{"7 finished x", "8 verdict asks q3", "9 verdict asks q2"}
	want := append([]string{"1 started x", "2 progress x +text", "3 held x asks q1", "4 held asks q2", "5 held x asks q3", "6 verdict x asks q1"}, end...)
	if diff := cmp.Diff(want, waits(drain(t, first))); diff != "" {
		t.Error(diff)
	}
	want = append([]string{"0 started x has text", "0 held asks q2", "0 held x asks q3"}, end...)
	if diff := cmp.Diff(want, waits(drain(t, late))); diff != "" {
		t.Error(diff)
	}
	if got := waits(drain(t, last)); got != nil {
		t.Errorf("nothing waits, and the last sees %q", got)
	}
}
