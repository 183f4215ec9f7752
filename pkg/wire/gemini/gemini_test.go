package gemini_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind:   "gemini",
		Format: func(wiretest.Exchange) wire.Format { return gemini.New() },
	}.Run(t)
}

func TestCases(t *testing.T) { wiretest.Golden(t, "gemini", gemini.New()) }

func FuzzStream(f *testing.F) { wiretest.FuzzStream(f, "gemini", gemini.New()) }

func FuzzBody(f *testing.F) { wiretest.FuzzBody(f, "gemini", gemini.New()) }

func frames(st wire.Stream, data ...string) {
	for _, d := range data {
		st.Frame(sse.Frame{Data: []byte(d)})
	}
}

// The framer cannot tell one whole object from a growing array by the media
// type, so both ways to decode it must agree.
func TestWholeAndStreamAgree(t *testing.T) {
	for _, x := range wiretest.Corpus(t, "gemini") {
		if x.Expect.Stream || x.Status >= 400 {
			continue
		}
		f := gemini.New()
		whole := f.Answer(x.Status, x.Body)
		streamed, _ := wiretest.Decode(f, "application/json", x.Body, func() int { return 1000 })
		if diff := cmp.Diff(whole, streamed); diff != "" {
			t.Errorf("%s (-whole +streamed):\n%s", x.Name, diff)
		}
	}
}

func TestLimit(t *testing.T) {
	st := gemini.New().NewStream(200)
	for range 100 {
		frames(st, `{"candidates":[{"content":{"parts":[{"text":"é0123456789"}]}}]}`)
	}
	frames(st, `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}}]}}]}`)
	a := st.End()
	if !a.Truncated || len(a.Text()) > 200 || !strings.HasPrefix(a.Text(), "é0123456789é") || !utf8.ValidString(a.Text()) {
		t.Errorf("truncated %v, %d bytes: %q", a.Truncated, len(a.Text()), a.Text())
	}
	if len(a.ToolCalls) != 1 || string(a.ToolCalls[0].Arguments) != `{"a":1}` {
		t.Errorf("long text crowded out the tool call: %+v", a.ToolCalls)
	}
	st = gemini.New().NewStream(200)
	st.Frame(sse.Frame{Raw: []byte("data: …"), Err: sse.ErrSyntax})
	if st.End().Truncated {
		t.Error("a stream that was cut counts as cut by a limit")
	}
	st.Frame(sse.Frame{Raw: []byte("data: …"), Err: sse.ErrTooLong})
	if !st.End().Truncated {
		t.Error("a frame that could not be read is not told")
	}
}

// What a server streams without end must not fill our memory.
func TestBounds(t *testing.T) {
	const limit = 1 << 20
	st := gemini.New().NewStream(limit)
	for i := range 20_000 {
		frames(st, fmt.Sprintf(`{"candidates":[{"index":%d,"content":{"parts":[{"functionCall":{"name":"f","willContinue":true,"partialArgs":[`+
			`{"jsonPath":"$.k%d","numberValue":1},{"jsonPath":"$.list[%d]","stringValue":"x"}]}}]}}]}`, i%1000, i, i))
	}
	a := st.End()
	size := 0
	for _, c := range a.ToolCalls {
		size += len(c.ArgumentsText)
		if c.Arguments != nil {
			t.Fatalf("arguments that are not all there are given as JSON: %+v", c)
		}
	}
	if !a.Truncated || size > limit || len(a.Choices) > 64 {
		t.Fatalf("%d choices, %d bytes of arguments, truncated %v", len(a.Choices), size, a.Truncated)
	}
}

func TestLiveText(t *testing.T) {
	st := gemini.New().NewStream(0)
	if st.Text(0) != "" || st.Reasoning(0) != "" {
		t.Fatal("text before the first frame")
	}
	frames(st, `{"candidates":[{"content":{"parts":[{"text":"xy","thought":true},{"thought":false,"text":"ab"}]}}]}`)
	before := st.Answer()
	frames(st, `{"candidates":[{"content":{"parts":[{"text":"cd"}]}}]}`)
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
	raw := `{ "promptTokenCount":1,"candidatesTokenCount":2.0,"x":1e-5 ,"thoughtsTokenCount":-3}`
	for _, body := range []string{`{"usageMetadata":` + raw + ` }`, `[{"usageMetadata":{"promptTokenCount":7}}, {"usageMetadata":` + raw + "\n}, {\"usageMetadata\":{\"trafficType\":\"X\"}}]"} {
		u := gemini.New().Answer(200, []byte(body)).Usage
		if string(u.Raw) != raw || *u.InputTokens != 1 || *u.OutputTokens != 2 || u.ReasoningTokens != nil {
			t.Errorf("%+v, raw %s", u, u.Raw)
		}
	}
}

func TestScan(t *testing.T) {
	for body, want := range map[string]wire.Request{
		`{"model":"m","stream":true,"tools":[{}]}`: {Tools: true},
		`{"tools":[]}`: {},
		`{"tools":{"functionDeclarations":[{}]}}`: {Tools: true},
	} {
		if got := gemini.New().Scan([]byte(body)); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{``, `[]`, `"x"`, `{"model":"m"`, `{"model":"m"} x`, `{"model":"m",}`} {
		if r := gemini.New().Scan([]byte(body)); r.Err == nil {
			t.Errorf("%q was taken for a request", body)
		}
	}
}

func TestSpans(t *testing.T) {
	body := []byte(`{"system_instruction":{"parts":[{"text":"s\""}]},"contents":[ {"role":"user","parts":[{"text":"a\"b"}]} ,{"role":"model","parts":[{"functionCall":{"name":"f","args": {"a":1} }}]},` +
		`{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output": "r\n" }}},{"functionResponse":{"name":"f","response": {"a":1,"b":2} }}]}],"tools":[{"functionDeclarations":[ {"name":"f"} ]}]}`)
	c, err := gemini.New().Conversation(body)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s llm.Span) string { return string(body[s.Start:s.End]) }
	for _, x := range [][2]string{
		{at(c.System[0].Span), `"s\""`},
		{at(c.Messages[0].Span), `{"role":"user","parts":[{"text":"a\"b"}]}`},
		{at(c.Messages[0].Parts[0].Span), `"a\"b"`},
		{at(c.Messages[1].Parts[0].Span), `{"a":1}`},
		{at(c.Messages[2].Parts[0].Span), `"r\n"`},
		{at(c.Messages[2].Parts[1].Span), `{"a":1,"b":2}`},
		{at(c.Tools[0].Span), `{"name":"f"}`},
	} {
		if x[0] != x[1] {
			t.Errorf("got %s, want %s", x[0], x[1])
		}
	}
	if c, err := gemini.New().Conversation([]byte(`{"contents":[{"role":"user","parts":[{"text":"hi"}]}`)); err == nil || len(c.Messages) != 1 {
		t.Errorf("of a broken body %d messages and error %v", len(c.Messages), err)
	}
}

func TestError(t *testing.T) {
	f := gemini.New()
	for status, want := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
		429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 502: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
	} {
		if got, want := string(f.Error(status, llm.Error{Message: `no "x"`})), fmt.Sprintf("{\"error\":{\"code\":%d,\"message\":\"no \\\"x\\\"\",\"status\":\"%s\"}}\n", status, want); got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
	if got, want := string(f.Error(403, llm.Error{Type: "policy", Message: "m"})),
		`{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"policy","domain":"archestra"}]}}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := llm.Error{Source: llm.SourceUpstream, Type: "PERMISSION_DENIED", Code: "403", Message: "m\n"}
	if got := f.Answer(403, f.Error(403, llm.Error{Message: "m\n"})).Error; got == nil || *got != want {
		t.Errorf("an error does not read as it was written: %+v", got)
	}
	first := map[string]string{
		"text/event-stream":               `data: {"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}` + "\r\n\r\n",
		"application/json; charset=UTF-8": `[{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}`,
	}
	for contentType, begun := range first {
		body := begun + string(f.StreamError(contentType, llm.Error{Type: "PERMISSION_DENIED", Message: "m\n"}))
		a, _ := wiretest.Decode(f, contentType, []byte(body), func() int { return 3 })
		if a.Error == nil || *a.Error != want || a.Text() != "Hel" || a.Complete {
			t.Errorf("%s: a stream's error does not read as it was written: %+v", contentType, a)
		}
		if strings.HasPrefix(contentType, "application/json") {
			if a := f.Answer(200, []byte(body)); a.Error == nil || *a.Error != want {
				t.Errorf("the whole is no array: %s", body)
			}
		}
	}
}

func TestFramer(t *testing.T) {
	for contentType, stream := range map[string]bool{
		"text/event-stream": true, "Text/Event-Stream; charset=utf-8": true, "application/json": true, "application/json; charset=UTF-8": true, "": false, "text/html": false,
	} {
		if got := gemini.New().NewFramer(contentType, 1) != nil; got != stream {
			t.Errorf("%q: a stream is %v", contentType, got)
		}
	}
}
