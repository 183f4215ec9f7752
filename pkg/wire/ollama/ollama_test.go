package ollama_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind: "ollama-native",
		Format: func(x wiretest.Exchange) wire.Format {
			if strings.Contains(string(x.Request), `"prompt"`) {
				return ollama.Generate()
			}
			return ollama.Chat()
		},
	}.Run(t)
}

func TestCases(t *testing.T) {
	wiretest.GoldenBy(t, "ollama", func(file string) wire.Format {
		if strings.HasPrefix(filepath.Base(file), "generate") {
			return ollama.Generate()
		}
		return ollama.Chat()
	})
}

func TestAPI(t *testing.T) {
	if c, g := ollama.Chat().API(), ollama.Generate().API(); c != llm.APIOllamaChat || g != llm.APIOllamaGenerate {
		t.Fatal(c, g)
	}
}

func TestScan(t *testing.T) {
	for body, want := range map[string]wire.Request{
		`{"model":"m"}`:                             {Model: "m", Stream: true},
		`{"model":"m","stream":null,"tools":[]}`:    {Model: "m", Stream: true},
		`{"model":"m","stream":false,"tools":[{}]}`: {Model: "m", Tools: true},
		`{"stream":true}`:                           {Stream: true},
	} {
		if got := ollama.Chat().Scan([]byte(body)); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{``, `[]`, `{"model":"m"`, `{} {}`} {
		if ollama.Chat().Scan([]byte(body)).Err == nil {
			t.Errorf("%q was taken for a request", body)
		}
	}
}

func TestFramer(t *testing.T) {
	for contentType, stream := range map[string]bool{
		"application/x-ndjson": true, "Application/X-NDJSON; charset=utf-8": true, "application/json": false, "text/event-stream": false, "": false,
	} {
		if got := ollama.Chat().NewFramer(contentType, 1) != nil; got != stream {
			t.Errorf("%q: a stream is %v", contentType, got)
		}
	}
}

func TestError(t *testing.T) {
	f := ollama.Chat()
	e := llm.Error{Source: llm.SourceUpstream, Type: "t", Code: "c", Message: "no \"x\"\n"}
	if got, want := string(f.Error(403, e)), `{"error":"no \"x\"\n"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	read := llm.Error{Source: llm.SourceUpstream, Message: e.Message}
	if d := cmp.Diff(&read, f.Answer(403, f.Error(403, e)).Error); d != "" {
		t.Error(d)
	}
	a, deltas := wiretest.Decode(f, "application/x-ndjson", f.StreamError("application/x-ndjson", e), func() int { return 3 })
	if d := cmp.Diff(&read, a.Error); d != "" || a.Complete || wiretest.Deltas(deltas) != "E" {
		t.Errorf("%s%+v %s", d, a, wiretest.Deltas(deltas))
	}
}

func TestSpans(t *testing.T) {
	body := []byte(`{"messages":[ {"role":"user","content":"a\"b","images":["AA=="]} ,{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}],"tools":[ {"function":{"name":"f"}} ]}`)
	c, err := ollama.Chat().Conversation(body)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s llm.Span) string { return string(body[s.Start:s.End]) }
	for _, x := range [][2]string{
		{at(c.Messages[0].Span), `{"role":"user","content":"a\"b","images":["AA=="]}`},
		{at(c.Messages[0].Parts[0].Span), `"a\"b"`},
		{at(c.Messages[0].Parts[1].Span), `"AA=="`},
		{at(c.Messages[1].Parts[0].Span), `{"a":1}`},
		{at(c.Tools[0].Span), `{"function":{"name":"f"}}`},
	} {
		if x[0] != x[1] {
			t.Errorf("got %s, want %s", x[0], x[1])
		}
	}
	if c, err := ollama.Chat().Conversation([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}`)); err == nil || len(c.Messages) != 1 {
		t.Errorf("of a broken body %d messages and error %v", len(c.Messages), err)
	}
}

func TestLimit(t *testing.T) {
	st := ollama.Chat().NewStream(100)
	for range 100 {
		st.Frame(sse.Frame{Data: []byte(`{"message":{"content":"é0123456789"}}`)})
	}
	st.Frame(sse.Frame{Data: []byte(`{"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}}`)})
	a := st.End()
	if !a.Truncated || len(a.Text()) > 100 || !utf8.ValidString(a.Text()) || !strings.HasPrefix(a.Text(), "é0123456789é") {
		t.Errorf("truncated %v, %d bytes: %q", a.Truncated, len(a.Text()), a.Text())
	}
	if len(a.ToolCalls) != 1 || string(a.ToolCalls[0].Arguments) != "{}" {
		t.Errorf("long text crowded out the tool call: %+v", a.ToolCalls)
	}
	st = ollama.Chat().NewStream(100)
	st.Frame(sse.Frame{Raw: []byte("{"), Err: sse.ErrTooLong})
	if !st.End().Truncated {
		t.Error("a line that could not be read is not told")
	}
}

func TestLiveText(t *testing.T) {
	st := ollama.Generate().NewStream(0)
	st.Frame(sse.Frame{Data: []byte(`{"response":"ab","thinking":"x"}`)})
	before := st.Answer()
	st.Frame(sse.Frame{Data: []byte(`{"response":"cd","thinking":"y"}`)})
	if st.Text(0) != "abcd" || st.Text(2) != "cd" || st.Text(4) != "" || st.Text(-1) != "" || st.Reasoning(1) != "y" {
		t.Errorf("%q %q %q", st.Text(0), st.Text(2), st.Reasoning(1))
	}
	if before.Text() != "ab" || before.Complete {
		t.Errorf("an answer changed after it was given out: %+v", before)
	}
}

func TestFramesDoNotAllocate(t *testing.T) {
	st := ollama.Chat().NewStream(1 << 30)
	f := sse.Frame{Data: []byte(`{"model":"llama3.2","created_at":"2023-08-04T08:52:19.385406Z","message":{"role":"assistant","content":" The"},"done":false}`)}
	st.Frame(f)
	// The text grows by doubling: a hundred thousand frames grow it some thirty times.
	if n := testing.AllocsPerRun(1, func() {
		for range 100_000 {
			st.Frame(f)
		}
	}); n > 60 {
		t.Errorf("%v allocations in 100000 frames", n)
	}
}

func FuzzStream(f *testing.F) { wiretest.FuzzStream(f, "ollama", ollama.Chat()) }

func FuzzChatBody(f *testing.F) { wiretest.FuzzBody(f, "ollama", ollama.Chat()) }

func FuzzGenerateBody(f *testing.F) { wiretest.FuzzBody(f, "ollama", ollama.Generate()) }
