package openairesponses_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	const client = "the client executes it, whatever expect.json files it under"
	wiretest.Suite{
		Kind:   "responses",
		Format: func(wiretest.Exchange) wire.Format { return openairesponses.New() },
		Extra:  status,
		Known: map[string]string{
			"openai-responses/007-openai-responses-apply-patch-toolset-stream-i2 number of tool calls": client,
			"openai-responses/012-openai-client-tool-search-streaming-i1 number of tool calls":         client,
			"openai-responses/013-openai-local-shell-tool-1 number of tool calls":                      client,
		},
	}.Run(t)
}

// status compares the finish reason with the status or the reason for being
// incomplete.
func status(x wiretest.Exchange, a llm.Answer) (fields int, diffs []wiretest.Difference) {
	var want string
	for _, member := range []string{"incomplete_reason", "status"} {
		if err := json.Unmarshal(x.Expect.Members[member], &want); err == nil && want != "" {
			break
		}
	}
	if want == "" {
		return 0, nil
	}
	if got := a.FinishReasons; len(got) != 1 || got[0] != want {
		diffs = append(diffs, wiretest.Difference{Field: "status", Want: want, Got: got})
	}
	return 1, diffs
}

func TestCases(t *testing.T) { wiretest.Golden(t, "openairesponses", openairesponses.New()) }

func FuzzStream(f *testing.F) { wiretest.FuzzStream(f, "openairesponses", openairesponses.New()) }

func FuzzBody(f *testing.F) { wiretest.FuzzBody(f, "openairesponses", openairesponses.New()) }

func frames(st wire.Stream, data ...string) {
	for _, d := range data {
		st.Frame(sse.Frame{Data: []byte(d)})
	}
}

func TestLimit(t *testing.T) {
	st := openairesponses.New().NewStream(300)
	for range 100 {
		frames(st, `{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"é0123456789"}`)
	}
	frames(st, `{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f"}}`,
		`{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"a\":1}"}`,
		`{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[]},{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}]}}`)
	a := st.End()
	if !a.Truncated || len(a.Text()) > 300 || !strings.HasPrefix(a.Text(), "é0123456789é") || !utf8.ValidString(a.Text()) {
		t.Errorf("truncated %v, %d bytes: %q", a.Truncated, len(a.Text()), a.Text())
	}
	if len(a.ToolCalls) != 1 || string(a.ToolCalls[0].Arguments) != `{"a":1}` {
		t.Errorf("long text crowded out the tool call: %+v", a.ToolCalls)
	}
	st = openairesponses.New().NewStream(300)
	st.Frame(sse.Frame{Raw: []byte("data: …"), Err: sse.ErrTooLong})
	if !st.End().Truncated {
		t.Error("a frame that could not be read is not told")
	}
}

// A server that adds items without end must not fill our memory, nor make each
// frame slower than the one before.
func TestItemsAreBounded(t *testing.T) {
	st := openairesponses.New().NewStream(1 << 20)
	for i := range 50_000 {
		frames(st, fmt.Sprintf(`{"type":"response.output_item.added","output_index":%d,"item":{"type":"function_call","call_id":"c","name":"f"}}`, i))
	}
	a := st.End()
	if !a.Truncated || len(a.ToolCalls)*64 > 1<<20 {
		t.Fatalf("%d calls, truncated %v", len(a.ToolCalls), a.Truncated)
	}
}

func TestLiveText(t *testing.T) {
	st := openairesponses.New().NewStream(0)
	if st.Text(0) != "" || st.Reasoning(0) != "" {
		t.Fatal("text before the first frame")
	}
	frames(st, `{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"xy"}`,
		`{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"ab"}`)
	before := st.Answer()
	frames(st, `{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"cd"}`)
	for from, want := range map[int][2]string{0: {"abcd", "xy"}, 1: {"bcd", "y"}, 2: {"cd", ""}, 4: {}, 9: {}, -1: {}} {
		if got := [2]string{st.Text(from), st.Reasoning(from)}; got != want {
			t.Errorf("from %d: got %q, want %q", from, got, want)
		}
	}
	if before.Text() != "ab" || before.Complete || before.FinishReasons[0] != "" {
		t.Errorf("an answer changed after it was given out: %+v", before)
	}
}

func TestUsageIsVerbatim(t *testing.T) {
	raw := `{ "input_tokens":1,"output_tokens":2.0,"x":1e-5 ,"total_tokens":-3,"input_tokens_details":{"cached_tokens":-1,"cache_write_tokens":4}}`
	a := openairesponses.New().Answer(200, []byte(`{"status":"completed","usage":`+raw+`,"service_tier":"flex"}`))
	u := a.Usage
	if string(u.Raw) != raw || *u.InputTokens != 1 || *u.OutputTokens != 2 || u.CacheReadTokens != nil || *u.CacheWriteTokens != 4 || u.ServiceTier != "flex" {
		t.Fatalf("%+v, raw %s", u, u.Raw)
	}
}

func TestScan(t *testing.T) {
	for body, want := range map[string]wire.Request{
		`{"model":"m","stream":true,"stream_options":{},"tools":[{}]}`:               {Model: "m", Stream: true, HasStreamOptions: true, Tools: true},
		`{"stream":"yes","model":7,"tools":[],"metadata":[]}`:                        {},
		`{"prompt_cache_key":"k","user":"u","metadata":{"session_id":"n"}}`:          {Session: "k"},
		`{"safety_identifier":"s","user":"u","metadata":{"session_id":"n","x":[1]}}`: {Session: "n"},
		`{"safety_identifier":"s","user":"u"}`:                                       {Session: "u"},
		`{"safety_identifier":"s","user":""}`:                                        {Session: "s"},
	} {
		if got := openairesponses.New().Scan([]byte(body)); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{``, `[]`, `"x"`, `{"model":"m"`, `{"model":"m"} x`, `{"model":"m",}`} {
		if r := openairesponses.New().Scan([]byte(body)); r.Err == nil {
			t.Errorf("%q was taken for a request", body)
		}
	}
	if r := openairesponses.New().Scan([]byte(`{"model":"m","stream":true,"input":[`)); r.Model != "m" || !r.Stream {
		t.Errorf("what stood before the breach is lost: %+v", r)
	}
}

func TestSpans(t *testing.T) {
	body := []byte(`{"instructions":"s\"","input":[ {"role":"user","content":"a\"b"} ,{"type":"function_call","call_id":"c","name":"f","arguments": "{\"a\":1}" },` +
		`{"type":"function_call_output","call_id":"c","output":"r"},{"type":"function_call_output","output":[{"text":"x\n","type":"input_text"}],"call_id":"c"}],` +
		`"tools":[ {"type":"namespace","name":"n","tools":[ {"type":"function","name":"f"} ]} ]}`)
	c, err := openairesponses.New().Conversation(body)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s llm.Span) string { return string(body[s.Start:s.End]) }
	for _, x := range [][2]string{
		{at(c.System[0].Span), `"s\""`},
		{at(c.Messages[0].Span), `{"role":"user","content":"a\"b"}`},
		{at(c.Messages[0].Parts[0].Span), `"a\"b"`},
		{at(c.Messages[1].Parts[0].Span), `"{\"a\":1}"`},
		{at(c.Messages[2].Parts[0].Span), `"r"`},
		{at(c.Messages[3].Parts[0].Span), `"x\n"`},
		{at(c.Tools[0].Span), `{"type":"function","name":"f"}`},
	} {
		if x[0] != x[1] {
			t.Errorf("got %s, want %s", x[0], x[1])
		}
	}
	body = []byte(`{"input": "hi" }`)
	if c, err := openairesponses.New().Conversation(body); err != nil || string(body[c.Messages[0].Span.Start:c.Messages[0].Span.End]) != `"hi"` {
		t.Errorf("%+v, error %v", c, err)
	}
	if c, err := openairesponses.New().Conversation([]byte(`{"model":"m","input":[{"role":"user","content":"hi"}`)); err == nil || len(c.Messages) != 1 {
		t.Errorf("of a broken body %d messages and error %v", len(c.Messages), err)
	}
}

func TestError(t *testing.T) {
	f := openairesponses.New()
	for status, want := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "invalid_request_error",
		429: "rate_limit_error", 500: "server_error", 502: "server_error",
	} {
		if got, want := string(f.Error(status, llm.Error{Message: `no "x"`})), `{"error":{"message":"no \"x\"","type":"`+want+`","param":null,"code":null}}`; got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
	e := llm.Error{Source: llm.SourceUpstream, Type: "t", Code: "c", Message: "m\n", Param: "p"}
	if got := f.Answer(400, f.Error(400, e)).Error; got == nil || *got != e {
		t.Errorf("an error does not read as it was written: %+v", got)
	}
	a, deltas := wiretest.Decode(f, "text/event-stream", f.StreamError("text/event-stream", e), func() int { return 3 })
	if a.Error == nil || *a.Error != e || a.FinishReasons[0] != "failed" || wiretest.Deltas(deltas) != "E E$" {
		t.Errorf("a stream's error does not read as it was written: %+v, frames %s", a, wiretest.Deltas(deltas))
	}
}

func TestFramer(t *testing.T) {
	for contentType, stream := range map[string]bool{
		"text/event-stream": true, "Text/Event-Stream; charset=utf-8": true, "application/json": false, "": false, "text/plain": false,
	} {
		if got := openairesponses.New().NewFramer(contentType, 1) != nil; got != stream {
			t.Errorf("%q: a stream is %v", contentType, got)
		}
	}
}
