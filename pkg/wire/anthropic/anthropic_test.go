package anthropic_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind:   "anthropic",
		Format: func(wiretest.Exchange) wire.Format { return anthropic.New() },
	}.Run(t)
}

func TestCases(t *testing.T) { wiretest.Golden(t, "anthropic", anthropic.New()) }

func FuzzStream(f *testing.F) { wiretest.FuzzStream(f, "anthropic", anthropic.New()) }

func FuzzBody(f *testing.F) { wiretest.FuzzBody(f, "anthropic", anthropic.New()) }

func frames(st wire.Stream, data ...string) {
	for _, d := range data {
		st.Frame(sse.Frame{Data: []byte(d)})
	}
}

func TestLimit(t *testing.T) {
	st := anthropic.New().NewStream(200)
	frames(st, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	for range 100 {
		frames(st, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é0123456789"}}`)
	}
	frames(st, `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}`)
	a := st.End()
	if !a.Truncated || len(a.Text()) > 200 || !strings.HasPrefix(a.Text(), "é0123456789é") || !utf8.ValidString(a.Text()) {
		t.Errorf("truncated %v, %d bytes: %q", a.Truncated, len(a.Text()), a.Text())
	}
	if len(a.ToolCalls) != 1 || string(a.ToolCalls[0].Arguments) != `{"a":1}` {
		t.Errorf("long text crowded out the tool call: %+v", a.ToolCalls)
	}
	st = anthropic.New().NewStream(200)
	st.Frame(sse.Frame{Raw: []byte("data: …"), Err: sse.ErrTooLong})
	if !st.End().Truncated {
		t.Error("a frame that could not be read is not told")
	}
}

// A server that opens blocks without end must not fill our memory, nor make each
// frame slower than the one before.
func TestBlocksAreBounded(t *testing.T) {
	st := anthropic.New().NewStream(1 << 20)
	for range 100_000 {
		frames(st, `{"type":"content_block_start","index":7,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`)
	}
	a := st.End()
	if !a.Truncated || len(a.ToolCalls)*64 > 1<<20 {
		t.Fatalf("%d calls, truncated %v", len(a.ToolCalls), a.Truncated)
	}
}

func TestLiveText(t *testing.T) {
	st := anthropic.New().NewStream(0)
	if st.Text(0) != "" || st.Reasoning(0) != "" {
		t.Fatal("text before the first frame")
	}
	frames(st, `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"xy"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ab"}}`)
	before := st.Answer()
	frames(st, `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"cd"}}`)
	for from, want := range map[int][2]string{0: {"abcd", "xy"}, 1: {"bcd", "y"}, 2: {"cd", ""}, 4: {}, 9: {}, -1: {}} {
		if got := [2]string{st.Text(from), st.Reasoning(from)}; got != want {
			t.Errorf("from %d: got %q, want %q", from, got, want)
		}
	}
	if before.Text() != "ab" || before.Complete {
		t.Errorf("an answer changed after it was given out: %+v", before)
	}
}

func TestUsageIsVerbatim(t *testing.T) {
	raw := `{ "input_tokens":1,"output_tokens":2.0,"x":1e-5 ,"cache_read_input_tokens":-3}`
	a := anthropic.New().Answer(200, []byte(`{"type":"message","usage":`+raw+`}`))
	if string(a.Usage.Raw) != raw || *a.Usage.InputTokens != 1 || *a.Usage.OutputTokens != 2 || a.Usage.CacheReadTokens != nil {
		t.Fatalf("%+v, raw %s", a.Usage, a.Usage.Raw)
	}
	st := anthropic.New().NewStream(0)
	frames(st, `{"type":"message_start","message":{"usage":`+raw+`}}`)
	if got := string(st.Answer().Usage.Raw); got != raw {
		t.Errorf("of message_start alone: %s", got)
	}
	frames(st, `{"type":"message_delta","usage":{"output_tokens":7 ,"x":null,"y":null,"z": [1 ]}}`)
	if got, want := string(st.Answer().Usage.Raw), `{"input_tokens":1,"output_tokens":7,"x":1e-5,"cache_read_input_tokens":-3,"z":[1 ]}`; got != want {
		t.Errorf("merged: %s, want %s", got, want)
	}
}

func TestScan(t *testing.T) {
	for body, want := range map[string]wire.Request{
		`{"model":"m","stream":true,"tools":[{}]}`:                     {Model: "m", Stream: true, Tools: true},
		`{"stream":"yes","model":7,"tools":[],"metadata":[]}`:          {},
		`{"metadata":{"user_id":"user_1_account__session_abc"}}`:       {Session: "abc"},
		`{"metadata":{"user_id":"{\"session_id\":\"s\",\"x\":[1]}"}}`:  {Session: "s"},
		`{"metadata":{"user_id":"{\"session_id\":\"s\""}}`:             {Session: `{"session_id":"s"`},
		`{"metadata":{"user_id":"plain","x":1},"anthropic_version":1}`: {Session: "plain"},
		`{"metadata":{"user_id":"ends_in_session_"}}`:                  {Session: "ends_in_session_"},
	} {
		if got := anthropic.New().Scan([]byte(body)); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{``, `[]`, `"x"`, `{"model":"m"`, `{"model":"m"} x`, `{"model":"m",}`} {
		if r := anthropic.New().Scan([]byte(body)); r.Err == nil {
			t.Errorf("%q was taken for a request", body)
		}
	}
	if r := anthropic.New().Scan([]byte(`{"model":"m","stream":true,"messages":[`)); r.Model != "m" || !r.Stream {
		t.Errorf("what stood before the breach is lost: %+v", r)
	}
}

func TestSpans(t *testing.T) {
	body := []byte(`{"system":"s\"","messages":[ {"role":"user","content":"a\"b"} ,{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input": {"a":1} }]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"r"},{"type":"tool_result","content":[{"text":"x\n","type":"text"}],"tool_use_id":"c"}]}],"tools":[ {"name":"f"} ]}`)
	c, err := anthropic.New().Conversation(body)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s llm.Span) string { return string(body[s.Start:s.End]) }
	for _, x := range [][2]string{
		{at(c.System[0].Span), `"s\""`},
		{at(c.Messages[0].Span), `{"role":"user","content":"a\"b"}`},
		{at(c.Messages[0].Parts[0].Span), `"a\"b"`},
		{at(c.Messages[1].Parts[0].Span), `{"a":1}`},
		{at(c.Messages[2].Parts[0].Span), `"r"`},
		{at(c.Messages[2].Parts[1].Span), `"x\n"`},
		{at(c.Tools[0].Span), `{"name":"f"}`},
	} {
		if x[0] != x[1] {
			t.Errorf("got %s, want %s", x[0], x[1])
		}
	}
	if c, err := anthropic.New().Conversation([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}`)); err == nil || len(c.Messages) != 1 {
		t.Errorf("of a broken body %d messages and error %v", len(c.Messages), err)
	}
}

// Content that nests without end must cost no more than it is long.
func TestNestedContent(t *testing.T) {
	const depth = 3000
	body := `{"messages":[{"role":"user","content":` + strings.Repeat(`[{"type":"tool_result","tool_use_id":"c","content":`, depth) + `"x"` + strings.Repeat(`}]`, depth) + `}]}`
	c, err := anthropic.New().Conversation([]byte(body))
	if err != nil || len(c.Messages) != 1 || len(c.Messages[0].Parts) != 1 {
		t.Fatalf("%+v, error %v", c, err)
	}
	if p := c.Messages[0].Parts[0]; p.Kind != llm.PartToolResult || !strings.Contains(p.Text, `"x"`) {
		t.Errorf("what stands deep inside is lost: %s %d bytes", p.Kind, len(p.Text))
	}
}

func TestError(t *testing.T) {
	f := anthropic.New()
	for status, want := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
		413: "request_too_large", 422: "invalid_request_error", 429: "rate_limit_error", 500: "api_error", 502: "api_error", 529: "overloaded_error",
	} {
		if got, want := string(f.Error(status, llm.Error{Message: `no "x"`})), `{"type":"error","error":{"type":"`+want+`","message":"no \"x\""}}`; got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
	e := llm.Error{Source: llm.SourceUpstream, Type: "t", Message: "m\n"}
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
		if got := anthropic.New().NewFramer(contentType, 1) != nil; got != stream {
			t.Errorf("%q: a stream is %v", contentType, got)
		}
	}
}
