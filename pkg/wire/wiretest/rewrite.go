package wiretest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Edit sends a streamed response through a rewriter in pieces whose lengths size tells.
func Edit(format wire.Rewriting, contentType string, body []byte, size func() int, editor func(wire.TextKind) wire.TextEditor) (out []byte) {
	framer := format.NewFramer(contentType, Limit)
	rewriter := format.NewRewriter(contentType, wire.RewriteOptions{Editor: editor})
	teacher := teacher{framer: framer, stream: format.NewStream(Limit)}
	drain := func() {
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			out = append(out, rewriter.Frame(f)...)
			teacher.stream.Frame(f)
			teacher.saw(f)
		}
	}
	var buf []byte
	for len(body) > 0 {
		n := min(max(1, size()), len(body))
		teacher.idle = teacher.idle || buf == nil && n == len(body)
		buf = append(buf[:0], body[:n]...)
		framer.Write(buf)
		drain()
		for i := range buf {
			buf[i] = '#'
		}
		body = body[n:]
	}
	framer.Close()
	drain()
	return append(out, rewriter.Close()...)
}

func leave(wire.TextKind) wire.TextEditor { return same{} }

// Order lists what is wrong with a stream beyond what its decoder sees. An edited
// stream may have no fault that it did not come with.
type Order func(frames []sse.Frame) (faults []string)

// Rewrite checks what holds for every response: left alone, or held back and not
// changed, it leaves as it came, and edited its decoder reads the edited texts and else what it read before,
// however the stream is cut.
func Rewrite(t *testing.T, format wire.Rewriting, cases []GateCase, order Order) {
	edited := 0
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			streamed := c.ContentType != "" && format.NewFramer(c.ContentType, Limit) != nil
			edit := func(editor func(wire.TextKind) wire.TextEditor) []byte {
				if !streamed {
					return format.Rewrite(c.Body, wire.RewriteOptions{Editor: editor})
				}
				out := Edit(format, c.ContentType, c.Body, func() int { return len(c.Body) }, editor)
				for name, size := range cuttings() {
					if got := Edit(format, c.ContentType, c.Body, size, editor); !bytes.Equal(got, out) {
						t.Fatalf("cut %s the output differs:\n%s", name, cmp.Diff(string(out), string(got)))
					}
				}
				return out
			}
			for _, e := range []func(wire.TextKind) wire.TextEditor{nil, leave, func(wire.TextKind) wire.TextEditor { return nil }} {
				if out := edit(e); !bytes.Equal(out, c.Body) {
					t.Fatalf("left alone, the bytes differ:\n%s", cmp.Diff(string(c.Body), string(out)))
				}
			}
			want := gateAnswer(format, c, c.Body)
			for _, e := range editings(word(want.Text(), want.Reasoning)) {
				out := edit(e.editor)
				if e.same && !bytes.Equal(out, c.Body) {
					t.Errorf("%s: the texts are as they came, the bytes differ:\n%s", e.name, cmp.Diff(string(c.Body), string(out)))
				}
				if !bytes.Equal(out, c.Body) {
					edited++
				}
				wellFormed(t, format, c, out, streamed, order)
				got := gateAnswer(format, c, out)
				if diff := cmp.Diff(expected(format, want, e), compact(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s\n%s", e.name, diff, out)
				}
			}
		})
	}
	if edited == 0 {
		t.Error("no response was edited")
	}
	t.Logf("%d responses, edited %d times", len(cases), edited)
}

// expected returns an answer as an editing makes it.
func expected(format wire.Format, a llm.Answer, e editing) llm.Answer {
	a.Reasoning = e.text(a.Reasoning)
	if api := format.API(); api == llm.APIChatCompletions || api == llm.APIResponses { // others tell why they refused
		a.Refusal = e.text(a.Refusal)
	}
	a.Choices = append([]llm.Choice(nil), a.Choices...)
	for i := range a.Choices {
		a.Choices[i].Text = e.text(a.Choices[i].Text)
	}
	a = compact(a)
	for i := range a.ToolCalls {
		c := &a.ToolCalls[i]
		if c.Arguments != nil {
			c.Arguments = json.RawMessage(e.arguments(string(c.Arguments)))
		}
		c.ArgumentsText = e.arguments(c.ArgumentsText)
	}
	return a
}

// compact returns an answer with arguments that have no white space around them,
// for edited ones have none.
func compact(a llm.Answer) llm.Answer {
	a.ToolCalls = append([]llm.ToolCall(nil), a.ToolCalls...)
	for i := range a.ToolCalls {
		var b bytes.Buffer
		if json.Compact(&b, a.ToolCalls[i].Arguments) == nil {
			a.ToolCalls[i].Arguments = b.Bytes()
		}
	}
	return a
}

// wellFormed checks that frames which were JSON still are, and that the events
// are named as they were.
func wellFormed(t *testing.T, format wire.Format, c GateCase, out []byte, streamed bool, order Order) {
	t.Helper()
	if !streamed || c.ContentType == "application/json" {
		if json.Valid(c.Body) != json.Valid(out) {
			t.Errorf("the body is JSON no more: %s", out)
		}
		if !streamed {
			return
		}
	}
	broken := func(frames []sse.Frame) (n int) {
		for _, f := range frames {
			if f.Err != nil || len(f.Data) > 0 && !json.Valid(f.Data) {
				n++
			}
		}
		return n
	}
	in, left := Frames(format, c.ContentType, c.Body), Frames(format, c.ContentType, out)
	if broken(in) != broken(left) {
		t.Errorf("%d frames were no JSON, now %d:\n%s", broken(in), broken(left), out)
	}
	names := map[string]bool{}
	for _, f := range in {
		names[string(f.Event)] = true
	}
	for _, f := range left {
		if len(f.Data) > 0 && !names[string(f.Event)] {
			t.Errorf("an event %q", f.Event)
		}
	}
	if came := order(in); len(came) == 0 {
		for _, fault := range order(left) {
			t.Errorf("%s:\n%s", fault, out)
		}
	}
}

// Frames returns the frames of a stream.
func Frames(format wire.Format, contentType string, body []byte) (frames []sse.Frame) {
	framer := format.NewFramer(contentType, Limit)
	framer.Write(body)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		frames = append(frames, f)
	}
	return frames
}

// taught returns the frames of a body, known by their class where they are alike, as
// the record has them.
func taught(format wire.Format, contentType string, body []byte) (frames []sse.Frame) {
	framer, stream := format.NewFramer(contentType, Limit), format.NewStream(0)
	framer.Write(body)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		frames = append(frames, f)
		stream.Frame(f)
		if text := stream.Adds(); f.Class == 0 && text != nil {
			framer.Learn(f, text, wire.Idle)
		}
	}
	return frames
}

// FuzzRewrite fuzzes a rewriter: it must not panic, the cutting must not matter,
// and a text that is left alone, or held back and not changed, leaves the bytes as
// they came.
func FuzzRewrite(f *testing.F, dir string, format wire.Rewriting) {
	for _, c := range GateCases(f, dir, format) {
		f.Add(c.ContentType, c.Body, uint8(5), uint8(3))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte, size, keep uint8) {
		delaying := func(wire.TextKind) wire.TextEditor { return &late{keep: int(keep), as: asItIs} }
		holding := func(wire.TextKind) wire.TextEditor { return &late{keep: int(keep), as: strings.ToUpper} }
		format.Rewrite(body, wire.RewriteOptions{Editor: holding})
		if out := format.Rewrite(body, wire.RewriteOptions{Editor: leave}); !bytes.Equal(out, body) {
			t.Fatalf("left alone, a body differs:\n%q\n%q", body, out)
		}
		if format.NewFramer(contentType, Limit) == nil {
			return
		}
		cut := func() int { return int(size) }
		if out := Edit(format, contentType, body, cut, leave); !bytes.Equal(out, body) {
			t.Fatalf("left alone, the bytes differ:\n%q\n%q", body, out)
		}
		if out := Edit(format, contentType, body, cut, delaying); !bytes.Equal(out, body) {
			t.Fatalf("held back, the bytes differ:\n%q\n%q", body, out)
		}
		whole := Edit(format, contentType, body, func() int { return len(body) }, holding)
		if out := Edit(format, contentType, body, cut, holding); !bytes.Equal(out, whole) {
			t.Fatalf("the cutting matters:\n%q\n%q", whole, out)
		}
	})
}

// BenchRewrite measures what editors that change nothing cost a stream of frames.
func BenchRewrite(b *testing.B, format wire.Rewriting, contentType string, stream []byte) {
	frames := taught(format, contentType, stream)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := format.NewRewriter(contentType, wire.RewriteOptions{Editor: leave})
		for _, f := range frames {
			if len(r.Frame(f)) != len(f.Raw) {
				b.Fatal("changed")
			}
		}
		n += len(frames)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// Detail compares an edited stream with what it is to be, event by event: in and
// edited are the data of events, a line each; "cat" becomes "dog", in arguments too.
func Detail(t *testing.T, format wire.Rewriting, name, in, edited string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		var body bytes.Buffer
		for line := range strings.Lines(strings.TrimSpace(in)) {
			body.WriteString("data: " + strings.TrimSpace(line) + "\n\n")
		}
		var want, got []string
		for line := range strings.Lines(strings.TrimSpace(edited)) {
			want = append(want, strings.TrimSpace(line))
		}
		out := Edit(format, "text/event-stream", body.Bytes(), body.Len, func(wire.TextKind) wire.TextEditor {
			return &Replacer{With: map[string]string{"cat": "dog"}}
		})
		for _, f := range Frames(format, "text/event-stream", out) {
			got = append(got, string(f.Data))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
