package rewrite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// plain is a format whose frames have texts a, b, a call's arguments, and ends.
type plain struct{}

func (plain) Keep(name string, _ bool) bool { return name == "id" || name == "list" }
func (plain) Idle(name []byte) bool         { return string(name) == "n" }

func (plain) Read(f *Frame) bool {
	s := jsonscan.New(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "a", "b":
			f.Delta(Key{Field: key[0]}, wire.TextAnswer, hold.Value(f.Data, s))
		case "in":
			for key := range s.Object() {
				f.Delta(Key{Field: key[0]}, wire.TextAnswer, hold.Value(f.Data, s))
			}
		case "piece":
			f.Piece(Key{Field: 'p'}, hold.Value(f.Data, s))
		case "args":
			f.Value(hold.Value(f.Data, s))
		case "end":
			f.End(Key{Field: s.Text()[0]})
		case "many":
			n, _ := s.Int()
			f.Delta(Key{Part: n, Field: 'm'}, wire.TextAnswer, hold.Value(f.Data, jsonscan.At(f.Data, strings.Index(string(f.Data), `"x":`)+len(`"x":`))))
		}
	}
	return s.End() == nil
}

// star replaces "cat" by "dog\n", and holds back what may be its beginning.
type star struct{ held string }

func (e *star) Write(text string) string {
	text = strings.ReplaceAll(e.held+text, "cat", "dog\n")
	e.held = ""
	for _, s := range []string{"ca", "c"} {
		if rest, ok := strings.CutSuffix(text, s); ok {
			e.held = s
			return rest
		}
	}
	return text
}

func (e *star) Flush() string { return e.held }

func edit(framing hold.Framing, framer sse.Framer, in string) string {
	r := New(plain{}, framing, wire.RewriteOptions{Editor: func(k wire.TextKind) wire.TextEditor { return &star{} }})
	var out strings.Builder
	framer.Write([]byte(in))
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		out.Write(r.Frame(f))
	}
	out.Write(r.Close())
	return out.String()
}

func TestFrames(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an event", "data: {\"a\":\"cat\"}\n\n", "data: {\"a\":\"dog\\n\"}\n\n"},
		{"what else it has stays", ": {\"a\":\"cat\"}\r\nid: 7\r\ndata:{\"a\":\"cat\"}\r\n: {\"a\":\"cat\"}\r\nevent: x\r\n\r\n", ": {\"a\":\"cat\"}\r\nid: 7\r\ndata:{\"a\":\"dog\\n\"}\r\n: {\"a\":\"cat\"}\r\nevent: x\r\n\r\n"},
		{"a byte-order mark", "\ufeffdata: {\"a\":\"cat\"}\n\n", "\ufeffdata: {\"a\":\"dog\\n\"}\n\n"},
		{"several lines", "id: 1\ndata: {\ndata: \"a\":\"cat\"}\n\n", "id: 1\ndata: {\ndata: \"a\":\"dog\\n\"}\n\n"},
		{"over frames", "data: {\"a\":\"c\"}\n\ndata: {\"a\":\"at\"}\n\n", "data: {\"a\":\"\"}\n\ndata: {\"a\":\"dog\\n\"}\n\n"},
		{"over frames, behind what is the same", "data: {\"a\":\"xc\"}\n\n: b\n\ndata: {\"b\":\"a\"}\n\ndata: {\"a\":\"a\"}\n\ndata: {\"a\":\"ty\"}\n\n", "data: {\"a\":\"x\"}\n\n: b\n\ndata: {\"b\":\"a\"}\n\ndata: {\"a\":\"\"}\n\ndata: {\"a\":\"dog\\ny\"}\n\n"},
		{"held, and the same in the end", "data: {\"a\":\"\\u0063\"}\n\nretry: 7\n\ndata: {\"b\":\"c\"}\n\ndata: {\"a\": \"ar\"}\n\ndata: {\"end\":\"b\"}\n\n", "data: {\"a\":\"\\u0063\"}\n\nretry: 7\n\ndata: {\"b\":\"c\"}\n\ndata: {\"a\": \"ar\"}\n\ndata: {\"end\":\"b\"}\n\n"},
		{"held, and the same until its end", "data: {\"a\":\"xca\"}\n\ndata: {\"end\":\"a\"}\n\n", "data: {\"a\":\"xca\"}\n\ndata: {\"end\":\"a\"}\n\n"},
		{"held, and the same in one of two texts", "data: {\"in\":{\"a\":\"c\",\"b\":\"c\"}}\n\ndata: {\"b\":\"at\"}\n\ndata: {\"a\":\"o\"}\n\n", "data: {\"in\":{\"a\":\"c\",\"b\":\"\"}}\n\ndata: {\"b\":\"dog\\n\"}\n\ndata: {\"a\":\"o\"}\n\n"},
		{"the rest, before its end", "event: e\r\ndata: {\"x\":1,\"id\":\"i\",\"n\":5,\"a\":\"catca\",\"list\":[1],\"o\":{},\"z\":null}\r\n\r\ndata: {\"end\":\"a\"}\r\n\r\n", "event: e\r\ndata: {\"x\":1,\"id\":\"i\",\"n\":5,\"a\":\"dog\\n\",\"list\":[1],\"o\":{},\"z\":null}\r\n\r\nevent: e\r\ndata: {\"id\":\"i\",\"a\":\"ca\",\"list\":[],\"z\":null}\r\n\r\ndata: {\"end\":\"a\"}\r\n\r\n"},
		{"the rest, with its end", "data: {\"a\":\"xca\",\"end\":\"a\"}\n\n", "data: {\"a\":\"xca\",\"end\":\"a\"}\n\n"},
		{"the rest, with its end and changed", "data: {\"a\":\"catca\",\"end\":\"a\"}\n\n", "data: {\"a\":\"dog\\nca\",\"end\":\"a\"}\n\n"},
		{"the rest, in the last frame that waits", "data: {\"a\":\"catca\"}\n\ndata: {\"a\":\"tc\"}\n\ndata: {\"a\":\"a\"}\n\ndata: {\"end\":\"a\"}\n\n", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"ca\"}\n\ndata: {\"end\":\"a\"}\n\n"},
		{"the rest, behind a frame that waits", "data: {\"a\":\"catc\"}\n\ndata: {\"b\":\"c\"}\n\ndata: {\"end\":\"a\"}\n\n", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"b\":\"c\"}\n\ndata: {\"a\":\"c\"}\n\ndata: {\"end\":\"a\"}\n\n"},
		{"the rest, at the end of the stream", "data: {\"a\":\"catc\"}\n\n", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"c\"}\n\n"},
		{"two rests of one frame", "data: {\"in\":{\"a\":\"catc\",\"q\":1,\"b\":\"cat2c\"}}\n\ndata: {}\n\n", "data: {\"in\":{\"a\":\"dog\\n\",\"q\":1,\"b\":\"dog\\n2\"}}\n\ndata: {}\n\ndata: {\"in\":{\"a\":\"c\",\"b\":\"c\"}}\n\n"},
		{"no blank line", "data: {\"a\":\"catc\"}\n\ndata: {\"a\":\"2c\"}", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"c2c\"}"},
		{"a cut frame", "data: {\"a\":\"catc\"}\n\ndata: {\"a\":\"2c", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"c\"}\n\ndata: {\"a\":\"2c"},
		{"a cut comment", "data: {\"a\":\"catc\"}\n\n: still th", "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"c\"}\n\n: still th"},
		{"a cut frame, behind one that waits", "data: {\"a\":\"1c\"}\n\ndata: {\"a\":\"2c", "data: {\"a\":\"1c\"}\n\ndata: {\"a\":\"2c"},
		{"no JSON", "data: {\"a\":\"cat\n\ndata: {\"a\":\"cat\"]\n\n", "data: {\"a\":\"cat\n\ndata: {\"a\":\"cat\"]\n\n"},
		{"alike, but for what is idle", "data: {\"n\":1,\"a\":\"c\"}\n\ndata: {\"n\":\"\\\"\",\"a\":\"at\"}\n\ndata: {\"n\":[{}],\"a\":\"catb\\\"c\"}\n\ndata: {\"n\":4,\"a\":\"\"}\n\n", "data: {\"n\":1,\"a\":\"\"}\n\ndata: {\"n\":\"\\\"\",\"a\":\"dog\\n\"}\n\ndata: {\"n\":[{}],\"a\":\"dog\\nb\\\"\"}\n\ndata: {\"n\":4,\"a\":\"\"}\n\ndata: {\"a\":\"c\"}\n\n"},
		{"nearly alike", "data: {\"a\":\"x\",\"m\":1}\n\ndata: {\"a\":\"c\",\"b\":\"at\",\"m\":1}\n\ndata: {\"a\":\"at\",\"m\":\"\",\"m\":1}\n\n", "data: {\"a\":\"x\",\"m\":1}\n\ndata: {\"a\":\"\",\"b\":\"at\",\"m\":1}\n\ndata: {\"a\":\"dog\\n\",\"m\":\"\",\"m\":1}\n\n"},
		{"escapes", "data: {\"a\":\"\\u0063\\/\\u0063\\u0061t\\ud83d\\ude00\"}\n\n", "data: {\"a\":\"c/dog\\n😀\"}\n\n"},
		{"escapes that stay", "data: {\"a\":\"\\u0064\\/\\ud83d\"}\n\n", "data: {\"a\":\"\\u0064\\/\\ud83d\"}\n\n"},
		{"a piece that is JSON no more", "data: {\"piece\":\"cat\"}\n\n", "data: {\"piece\":\"cat\"}\n\n"},
		{"a piece that is", "data: {\"piece\":\"c\"}\n\ndata: {\"piece\":\"\\\"\"}\n\n", "data: {\"piece\":\"c\"}\n\ndata: {\"piece\":\"\\\"\"}\n\n"},
		{"arguments", "data: {\"args\":{\"x\": \"a\\\"cow\"}}\n\n", "data: {\"args\":{\"x\": \"a\\\"cow\"}}\n\n"},
		{"arguments that are JSON no more", "data: {\"args\":{\"x\":\"cat\"}}\n\n", "data: {\"args\":{\"x\":\"cat\"}}\n\n"},
		{"arguments that still are", "data: {\"args\":[1, true]}\n\n", "data: {\"args\":[1, true]}\n\n"},
		{"arguments as text", "data: {\"args\":\"cat\"}\n\n", "data: {\"args\":\"dog\\n\"}\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, edit(hold.Events, sse.NewEvents(0), c.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOtherFramings(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"[{\"a\":\"c\"},\n {\"a\":\"at ca\"}\n]", "[{\"a\":\"\"},\n {\"a\":\"dog\\n \"},\n{\"a\":\"ca\"}\n]"},
		{"{\"a\":\"cat ca\"}", "{\"a\":\"dog\\n ca\"}"},
		{"[{\"a\":\"catc\"},{\"a\":\"a", "[{\"a\":\"dog\\n\"},\n{\"a\":\"c\"},{\"a\":\"a"},
		{"[{\"a\":\"catc\"},", "[{\"a\":\"dog\\n\"},\n{\"a\":\"c\"},"},
		{"[{\"a\":\"c\"},{\"a\":\"ow\"}]", "[{\"a\":\"c\"},{\"a\":\"ow\"}]"},
	} {
		if diff := cmp.Diff(c.want, edit(hold.Array, sse.NewArray(0), c.in)); diff != "" {
			t.Errorf("%s: %s", c.in, diff)
		}
	}
	for _, c := range []struct{ in, want string }{
		{" {\"a\":\"catc\"}\r\n\n{\"end\":\"a\"}\n", " {\"a\":\"dog\\n\"}\r\n\n{\"a\":\"c\"}\n{\"end\":\"a\"}\n"},
		{"{\"a\":\"c\"}\n{\"a\":\"at ac\"}", "{\"a\":\"\"}\n{\"a\":\"dog\\n ac\"}"},
		{"{\"a\":\"c\"}\r\n\n{\"a\":\"ac\"}", "{\"a\":\"c\"}\r\n\n{\"a\":\"ac\"}"},
		{"{\"a\":\"catc\"}\n{\"a\":\"ac", "{\"a\":\"dog\\n\"}\n{\"a\":\"c\"}\n{\"a\":\"ac"},
	} {
		if diff := cmp.Diff(c.want, edit(hold.Lines, sse.NewLines(0), c.in)); diff != "" {
			t.Errorf("%s: %s", c.in, diff)
		}
	}
	if diff := cmp.Diff("\x81\x0b{\"a\":\"car\"}\x01\x03{\"a\x80\x08\":\"cow\"}\x81\x0d{\"a\":\"dog\\n\"}\x81\x09{\"a\":\"c\"}\x81\x0b{\"end\":\"a\"}",
		edit(hold.Messages, sse.NewMessages(), "\x81\x0b{\"a\":\"car\"}\x01\x03{\"a\x80\x08\":\"cow\"}\x01\x06{\"a\":\"\x80\x06catc\"}\x81\x0b{\"end\":\"a\"}")); diff != "" {
		t.Error(diff)
	}
	if got := string(Body(plain{}, []byte(` {"a":"cat","b":"c"} `), wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &star{} }})); got != ` {"a":"dog\n","b":"c"} ` {
		t.Error(got)
	}
}

// A frame that cannot be read ends the texts before it.
func TestUnreadFrame(t *testing.T) {
	long := "data: {\"a\":\"" + strings.Repeat("x", 40) + "\"}\n\n"
	got := edit(hold.Events, sse.NewEvents(32), "data: {\"a\":\"catc\"}\n\n"+long+"data: {\"a\":\"at\"}\n\n")
	want := "data: {\"a\":\"dog\\n\"}\n\ndata: {\"a\":\"c\"}\n\n" + long + "data: {\"a\":\"at\"}\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Of too many texts the oldest ends, and what was held of it is not lost.
func TestTextsAreBounded(t *testing.T) {
	var in strings.Builder
	for i := range maxTexts + 1 {
		fmt.Fprintf(&in, "data: {\"many\":%d,\"x\":\"c\"}\n\n", i)
	}
	r := New(plain{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &star{} }})
	framer := sse.NewEvents(0)
	framer.Write([]byte(in.String()))
	var out strings.Builder
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		out.Write(r.Frame(f))
		if len(r.texts) > maxTexts {
			t.Fatalf("%d texts are open", len(r.texts))
		}
	}
	if n := strings.Count(out.String(), `"x":"c"`); n != 1 {
		t.Errorf("%d texts are over", n)
	}
	out.Write(r.Close())
	if n := strings.Count(out.String(), `"x":"c"`); n != maxTexts+1 {
		t.Errorf("the rests of %d texts", n)
	}
}

func TestNoAllocation(t *testing.T) {
	r := New(plain{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &star{} }})
	frames := make([]sse.Frame, 10)
	for i := range frames {
		data := fmt.Sprintf("{\"n\":%d,\"a\":\"wo\\\"rd\"}", i)
		frames[i] = sse.Frame{Raw: []byte("data: " + data + "\n\n"), Data: []byte(data)}
	}
	r.Frame(frames[0])
	n := testing.AllocsPerRun(10, func() {
		for i := range 1000 {
			f := frames[i%10]
			if out := r.Frame(f); &out[0] != &f.Raw[0] {
				t.Fatalf("%q", out)
			}
		}
	})
	if n > 10 { // texts are allocated by the two thousand bytes
		t.Errorf("%v allocations in 1000 frames", n)
	}
}
