package openaichat_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind:   "chat",
		Format: func(wiretest.Exchange) wire.Format { return openaichat.New() },
	}.Run(t)
}

func TestCases(t *testing.T) { wiretest.Golden(t, "openaichat", openaichat.New()) }

func frames(st wire.Stream, data ...string) (deltas []wire.Delta) {
	for _, d := range data {
		deltas = append(deltas, st.Frame(sse.Frame{Data: []byte(d)}))
	}
	return deltas
}

// A rule must not be led to judge half a call: what comes behind the finish
// reason makes the call unfinished again.
func TestFinishedGoesBack(t *testing.T) {
	st := openaichat.New().NewStream(0)
	got := wiretest.Deltas(frames(st,
		`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
		`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]}`,
		`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}`,
		`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"!"}}]}}]}`,
		`[DONE]`,
	))
	if want := "TC1 TC TC2 TC0 $2"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if calls := st.End().ToolCalls; calls[0].ArgumentsText != "{}!" || calls[0].Arguments != nil {
		t.Fatalf("%+v", calls[0])
	}
}

func TestLimit(t *testing.T) {
	st := openaichat.New().NewStream(100)
	for range 1000 {
		frames(st, `{"id":"x","choices":[{"index":0,"delta":{"content":"é0123456789"}}]}`)
	}
	frames(st, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}`)
	a := st.End()
	if !a.Truncated || len(a.Text()) > 100 || !strings.HasPrefix(a.Text(), "é0123456789é") || !utf8.ValidString(a.Text()) {
		t.Errorf("truncated %v, %d bytes: %q", a.Truncated, len(a.Text()), a.Text())
	}
	if len(a.ToolCalls) != 1 || string(a.ToolCalls[0].Arguments) != "{}" {
		t.Errorf("long text crowded out the tool call: %+v", a.ToolCalls)
	}
	st = openaichat.New().NewStream(100)
	st.Frame(sse.Frame{Raw: []byte("data: ..."), Err: sse.ErrTooLong})
	if !st.End().Truncated {
		t.Error("a frame that could not be read is not told")
	}
}

func TestLiveText(t *testing.T) {
	st := openaichat.New().NewStream(0)
	if st.Text(0) != "" || st.Reasoning(0) != "" {
		t.Fatal("text before the first frame")
	}
	frames(st, `{"choices":[{"index":0,"delta":{"content":"ab","reasoning":"xy"}}]}`)
	before := st.Answer()
	frames(st, `{"choices":[{"index":0,"delta":{"content":"cd","reasoning":"z"}}]}`)
	for from, want := range map[int][2]string{0: {"abcd", "xyz"}, 2: {"cd", "z"}, 4: {"", ""}, 9: {"", ""}, -1: {"", ""}} {
		if got := [2]string{st.Text(from), st.Reasoning(from)}; got != want {
			t.Errorf("from %d: got %q, want %q", from, got, want)
		}
	}
	if before.Text() != "ab" || before.Complete {
		t.Errorf("an answer changed after it was given out: %+v", before)
	}
}

func TestUsageIsVerbatim(t *testing.T) {
	raw := `{ "prompt_tokens":1,"completion_tokens":2.0,"x":1e-5 ,"total_tokens":-3}`
	a := openaichat.New().Answer(200, []byte(`{"choices":[],"usage":`+raw+`}`))
	if string(a.Usage.Raw) != raw || *a.Usage.InputTokens != 1 || *a.Usage.OutputTokens != 2 || a.Usage.CacheReadTokens != nil {
		t.Fatalf("%+v, raw %s", a.Usage, a.Usage.Raw)
	}
}

func TestScan(t *testing.T) {
	for body, want := range map[string]wire.Request{
		`{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1},"tools":[{}]}`: {Model: "m", Stream: true, IncludeUsage: true, HasStreamOptions: true, Tools: true},
		`{"stream":"yes","model":7,"stream_options":[],"tools":[],"functions":null}`:             {HasStreamOptions: true},
		`{"functions":[{"name":"f"}],"user":"u","safety_identifier":"s"}`:                        {Tools: true, Session: "u"},
		`{"prompt_cache_key":"k","user":"u","metadata":{"user_id":"m"}}`:                         {Session: "k"},
		`{"metadata":{"user_id":"m","session_id":"n"},"user":"u"}`:                               {Session: "n"},
		`{"safety_identifier":"s","user":""}`:                                                    {Session: "s"},
	} {
		got := openaichat.New().Scan([]byte(body))
		if got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{``, `[]`, `"x"`, `{"model":"m"`, `{"model":"m"} x`, `{"model":"m",}`} {
		if r := openaichat.New().Scan([]byte(body)); r.Err == nil {
			t.Errorf("%q was taken for a request", body)
		}
	}
	if r := openaichat.New().Scan([]byte(`{"model":"m","stream":true,"messages":[`)); r.Model != "m" || !r.Stream {
		t.Errorf("what stood before the breach is lost: %+v", r)
	}
}

func TestSpans(t *testing.T) {
	body := []byte(`{"messages":[ {"role":"user","content":"a\"b"} ,{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":1}"}}]}],"tools":[ {"type":"function","function":{"name":"f"}} ]}`)
	c, err := openaichat.New().Conversation(body)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s llm.Span) string { return string(body[s.Start:s.End]) }
	for _, x := range [][2]string{
		{at(c.Messages[0].Span), `{"role":"user","content":"a\"b"}`},
		{at(c.Messages[0].Parts[0].Span), `"a\"b"`},
		{at(c.Messages[1].Parts[0].Span), `"{\"a\":1}"`},
		{at(c.Tools[0].Span), `{"type":"function","function":{"name":"f"}}`},
	} {
		if x[0] != x[1] {
			t.Errorf("got %s, want %s", x[0], x[1])
		}
	}
	if c, err := openaichat.New().Conversation([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}`)); err == nil || len(c.Messages) != 1 {
		t.Errorf("of a broken body %d messages and error %v", len(c.Messages), err)
	}
}

func TestError(t *testing.T) {
	f := openaichat.New()
	for status, want := range map[int]string{
		400: `{"error":{"message":"no \"x\"","type":"invalid_request_error","param":null,"code":null}}`,
		401: `{"error":{"message":"no \"x\"","type":"authentication_error","param":null,"code":null}}`,
		403: `{"error":{"message":"no \"x\"","type":"permission_error","param":null,"code":null}}`,
		429: `{"error":{"message":"no \"x\"","type":"rate_limit_error","param":null,"code":null}}`,
		502: `{"error":{"message":"no \"x\"","type":"server_error","param":null,"code":null}}`,
	} {
		if got := string(f.Error(status, llm.Error{Message: `no "x"`})); got != want {
			t.Errorf("%d: got %s", status, got)
		}
	}
	e := llm.Error{Source: llm.SourceUpstream, Type: "t", Code: "c", Message: "m", Param: "p"}
	if got := f.Answer(400, f.Error(400, e)).Error; got == nil || *got != e {
		t.Errorf("an error does not read as it was written: %+v", got)
	}
	a, _ := wiretest.Decode(f, "text/event-stream", f.StreamError("text/event-stream", e), func() int { return 3 })
	if a.Error == nil || *a.Error != e || a.Complete {
		t.Errorf("a stream's error does not read as it was written: %+v", a)
	}
}

func TestFramer(t *testing.T) {
	for contentType, stream := range map[string]bool{
		"text/event-stream": true, "Text/Event-Stream; charset=utf-8": true, "application/json": false, "": false, "text/plain": false,
	} {
		if got := openaichat.New().NewFramer(contentType, 1) != nil; got != stream {
			t.Errorf("%q: a stream is %v", contentType, got)
		}
	}
}

func FuzzStream(f *testing.F) { wiretest.FuzzStream(f, "openaichat", openaichat.New()) }

func FuzzBody(f *testing.F) { wiretest.FuzzBody(f, "openaichat", openaichat.New()) }

// A client reads the message of a whole response and the delta of a chunk, so
// a call in the other is none; one in the right place must not be missed.
func TestMessageOrDelta(t *testing.T) {
	both := `{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"d","function":{"name":"d","arguments":"{}"}}]},"message":{"tool_calls":[{"id":"m","function":{"name":"m","arguments":"{}"}}]}}]}`
	if a := openaichat.New().Answer(200, []byte(both)); len(a.ToolCalls) != 1 || a.ToolCalls[0].Name != "m" {
		t.Errorf("whole: %+v", a.ToolCalls)
	}
	st := openaichat.New().NewStream(0)
	frames(st, both)
	if a := st.End(); len(a.ToolCalls) != 1 || a.ToolCalls[0].Name != "d" {
		t.Errorf("streamed: %+v", a.ToolCalls)
	}
}

func TestTooManyCalls(t *testing.T) {
	st := openaichat.New().NewStream(0)
	var last wire.Delta
	for i := range 5000 {
		last = frames(st, fmt.Sprintf(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,"id":"c","function":{"name":"f"}}]}}]}`, i))[0]
	}
	if a := st.End(); !a.Truncated || len(a.ToolCalls) >= 5000 || !last.ToolCall {
		t.Errorf("%d calls, truncated %v", len(a.ToolCalls), a.Truncated)
	}
}
