package simulate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

func TestTurns(t *testing.T) {
	_, url := newTestServer(t, Options{})
	const script = `Do it. [[sim: call read {"p":1} | then | text "Now the second." | call write {} | then | text "Done."]]`
	user := `{"role":"user","content":` + quote(script) + `}`
	call := func(name string) string {
		return `{"role":"assistant","content":null,"tool_calls":[{"id":"c-` + name + `","type":"function","function":{"name":"` + name + `","arguments":"{}"}}]}`
	}
	result := func(name string) string {
		return `{"role":"tool","tool_call_id":"c-` + name + `","content":"the result of ` + name + `"}`
	}
	tests := []struct{ history, want string }{
		{user, `read`},
		{user + "," + call("read") + "," + result("read"), "write"},
		{user + "," + call("read") + "," + result("read") + "," + call("write") + "," + result("write"), "Done."},
		{user + "," + call("a") + "," + result("a") + "," + call("b") + "," + result("b") + "," + call("c") + "," + result("c"), "c returned: the result of c"},
		{user + "," + call("a") + "," + result("a") + `,{"role":"user","content":"And now?"}`, "You said: And now?"},
	}
	for _, tt := range tests {
		res := post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+tt.history+`]}`)
		if !strings.Contains(res.body, tt.want) {
			t.Errorf("no %q in\n%s", tt.want, res.body)
		}
	}
}

// TestTurnsBesideReminders: Claude Code puts text beside its tool results.
func TestTurnsBesideReminders(t *testing.T) {
	_, url := newTestServer(t, Options{})
	res := post(t, url+"/v1/messages", `{"model":"m","max_tokens":9,"messages":[
		{"role":"user","content":[{"type":"text","text":"[[sim: call ls {} | then | text \"Second turn.\"]]"}]},
		{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"ls","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"a b"}]},{"type":"text","text":"<system-reminder>be brief</system-reminder>"}]}]}`)
	if !strings.Contains(res.body, "Second turn.") {
		t.Error(res.body)
	}
}

func TestKeptHistory(t *testing.T) {
	_, url := newTestServer(t, Options{})
	first := parse(t, post(t, url+"/v1/responses", `{"model":"m","input":"[[sim: call look {} | then | text \"Seen.\"]]"}`).body)
	id := text(first, "id")
	callID := text(first, "output", 0, "call_id")
	second := post(t, url+"/v1/responses", `{"model":"m","previous_response_id":"`+id+`","input":[{"type":"function_call_output","call_id":"`+callID+`","output":"x"}]}`)
	if !strings.Contains(second.body, "Seen.") {
		t.Errorf("the second turn does not know the first: %s", second.body)
	}
	if res := do(t, "GET", url+"/v1/responses/"+id, ""); text(parse(t, res.body), "id") != id {
		t.Errorf("GET: %d %s", res.status, res.body)
	}
	if res := post(t, url+"/v1/responses", `{"model":"m","previous_response_id":"resp_none","input":"x"}`); res.status != 400 || text(parse(t, res.body), "error", "code") != "previous_response_not_found" {
		t.Errorf("an unknown id: %d %s", res.status, res.body)
	}
	stored := parse(t, post(t, url+"/v1/responses", `{"model":"m","store":false,"input":"x"}`).body)
	if res := do(t, "GET", url+"/v1/responses/"+text(stored, "id"), ""); res.status != 404 {
		t.Errorf("not to be stored, and yet: %d", res.status)
	}
}

func TestAnswerFunc(t *testing.T) {
	var seen []Request
	_, url := newTestServer(t, Options{Answer: func(r Request) Script {
		seen = append(seen, r)
		return Turns(Say(Call("transfer", `{"to":"x"}`)), Say(Text("Transferred.")))(r)
	}})
	const history = `{"role":"user","content":"Pay."}`
	res := post(t, url+"/v1/chat/completions", `{"model":"m","tools":[{"type":"function","function":{"name":"transfer"}}],"messages":[{"role":"system","content":"Be kind."},`+history+`]}`)
	if !strings.Contains(res.body, `"transfer"`) {
		t.Error(res.body)
	}
	want := Request{
		Provider: OpenAI, Format: ChatCompletions, Model: "m", System: "Be kind.", Choices: 1,
		Messages: []Message{{Role: RoleUser, Text: "Pay."}}, Tools: []string{"transfer"},
	}
	seen[0].Header, seen[0].body = nil, nil
	if d := cmp.Diff(want, seen[0], cmp.AllowUnexported(Request{})); d != "" {
		t.Error(d)
	}
	res = post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+history+`,{"role":"assistant","content":"a"},{"role":"tool","tool_call_id":"1","content":"ok"}]}`)
	if !strings.Contains(res.body, "Transferred.") {
		t.Error(res.body)
	}
	if res := post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+history+`]}`, "X-Simulate", "error 503"); res.status != 503 {
		t.Errorf("the header does not win: %d", res.status)
	}
}

// TestErrors checks the documented shape of each provider's errors.
func TestErrors(t *testing.T) {
	_, url := newTestServer(t, Options{})
	paths := map[string]struct {
		path string
		typ  []any // where the type or status stands
		msg  []any
		want map[int]string
	}{
		"openai": {"/v1/chat/completions", []any{"error", "type"}, []any{"error", "message"}, map[int]string{
			400: "invalid_request_error", 401: "invalid_request_error", 403: "invalid_request_error", 404: "invalid_request_error",
			413: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error",
		}},
		"anthropic": {"/v1/messages", []any{"error", "type"}, []any{"error", "message"}, map[int]string{
			400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
			413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
		}},
		"gemini": {"/v1beta/models/m:generateContent", []any{"error", "status"}, []any{"error", "message"}, map[int]string{
			400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
			429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
		}},
		"xai":      {"/xai/chat/completions", []any{"code"}, []any{"error"}, map[int]string{503: "The service is currently unavailable"}},
		"cerebras": {"/cerebras/chat/completions", []any{"code"}, []any{"message"}, map[int]string{401: "wrong_api_key", 404: "model_not_found"}},
		"vllm":     {"/vllm/chat/completions", []any{"error", "type"}, []any{"error", "message"}, map[int]string{404: "NotFoundError"}},
		"native":   {"/api/chat", nil, []any{"error"}, map[int]string{404: "", 500: ""}},
	}
	for name, p := range paths {
		for status, typ := range p.want {
			res := post(t, url+p.path, "{}", "X-Simulate", "error "+strconv.Itoa(status))
			v := parse(t, res.body)
			if res.status != status || (p.typ != nil && text(v, p.typ...) != typ) || text(v, p.msg...) == "" {
				t.Errorf("%s %d: %d %s", name, status, res.status, res.body)
			}
			if status == 429 && name != "gemini" && res.header.Get("Retry-After") == "" {
				t.Errorf("%s: 429 without Retry-After", name)
			}
			said := post(t, url+p.path, "{}", "X-Simulate", `error `+strconv.Itoa(status)+` "my own words"`)
			if got := text(parse(t, said.body), p.msg...); got != "my own words" {
				t.Errorf("%s %d: message %q", name, status, got)
			}
		}
	}
	if v := parse(t, post(t, url+"/v1/messages", "{}", "X-Simulate", "error 529").body); text(v, "type") != "error" || !strings.HasPrefix(text(v, "request_id"), "req_01") {
		t.Errorf("Anthropic's envelope: %v", v)
	}
}

func TestBadRequests(t *testing.T) {
	_, url := newTestServer(t, Options{Strict: true, MaxBody: 1 << 16})
	tests := []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v1/chat/completions", `{"model":`, 400, "could not be parsed"},
		{"/v1/chat/completions", `{"model":"m"}`, 400, "messages"},
		{"/v1/chat/completions", `{"messages":[]}`, 400, "model"},
		{"/v1/messages", `{"model":"m","max_tokens":1,"messages":[]}`, 400, "anthropic-version"},
		{"/v1beta/models/m:generateContent", `{}`, 400, "contents"},
		{"/api/chat", `{}`, 400, "model is required"},
		{"/v1/chat/completions", strings.Repeat(" ", 1<<17), 413, "too large"},
		{"/v1/nothing", `{}`, 404, "Invalid URL"},
		{"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"[[sim: dance]]"}]}`, 400, `unknown instruction \"dance\"`},
	}
	for _, tt := range tests {
		res := post(t, url+tt.path, tt.body)
		if res.status != tt.status || !strings.Contains(res.body, tt.want) || !json.Valid([]byte(res.body)) {
			t.Errorf("%s %.40s: %d %s", tt.path, tt.body, res.status, res.body)
		}
	}
	if res := do(t, "GET", url+"/v1/chat/completions", ""); res.status != 405 {
		t.Errorf("GET: %d", res.status)
	}
}

func TestKeys(t *testing.T) {
	_, url := newTestServer(t, Options{Keys: map[string]string{OpenAI: "sk-right", Anthropic: "ant-right", Gemini: "goog-right", XAI: "xai-right"}})
	const chat, messages, gemini = `/v1/chat/completions`, `/v1/messages`, `/v1beta/models/m:generateContent`
	tests := []struct {
		path   string
		header []string
		status int
	}{
		{chat, []string{"Authorization", "Bearer sk-right"}, 200},
		{chat, []string{"Authorization", "Bearer sk-wrong-key"}, 401},
		{chat, nil, 401},
		{messages, []string{"X-Api-Key", "ant-right"}, 200},
		{messages, []string{"Authorization", "Bearer ant-right"}, 200},
		{messages, []string{"X-Api-Key", "sk-right"}, 401},
		{gemini, []string{"X-Goog-Api-Key", "goog-right"}, 200},
		{gemini + "?key=goog-right", nil, 200},
		{gemini, []string{"X-Goog-Api-Key", "sk-right"}, 400},
		{gemini, nil, 403},
		{"/xai" + chat, []string{"Authorization", "Bearer xai-wrong"}, 400},
		{"/vllm" + chat, nil, 200},
	}
	for _, tt := range tests {
		body := `{"model":"m","messages":[],"contents":[]}`
		if res := post(t, url+tt.path, body, tt.header...); res.status != tt.status {
			t.Errorf("%s %v: %d, want %d\n%s", tt.path, tt.header, res.status, tt.status, res.body)
		}
	}
}

func TestEncodings(t *testing.T) {
	_, url := newTestServer(t, Options{})
	open := map[string]func(io.Reader) (io.Reader, error){
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		"br":      func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd":    func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for name, reader := range open {
		for _, stream := range []bool{false, true} {
			body := chatBody("m")("[[sim: text \"Hello there, friend.\" | "+name+"]]", stream)
			res := post(t, url+"/v1/chat/completions", body)
			if got := res.header.Get("Content-Encoding"); got != name {
				t.Errorf("Content-Encoding %q, want %q", got, name)
			}
			r, err := reader(strings.NewReader(res.body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if z, ok := r.(*zstd.Decoder); ok {
				z.Close()
			}
			got := said{}
			if stream {
				got = chatStreamSaid(t, string(plain))
			} else {
				got = chatSaid(t, parse(t, string(plain)))
			}
			if got.Text != "Hello there, friend." {
				t.Errorf("%s, stream %v: %+v", name, stream, got)
			}
		}
	}
}

func TestCompressedRequests(t *testing.T) {
	s, url := newTestServer(t, Options{})
	body := []byte(chatBody("m")("Hi there", false))
	for _, name := range []string{"gzip", "deflate", "br", "zstd"} {
		var buf bytes.Buffer
		enc := newEncoder(name, &buf)
		_, _ = enc.Write(body)
		_ = enc.Close()
		wire := buf.String()
		res := post(t, url+"/v1/chat/completions", wire, "Content-Encoding", name)
		if res.status != 200 || !strings.Contains(res.body, "You said: Hi there") {
			t.Errorf("%s: %d %s", name, res.status, res.body)
		}
		got := s.Requests()
		sum := sha256.Sum256([]byte(wire))
		if last := got[len(got)-1]; string(last.Body) != wire || last.SHA256 != hex.EncodeToString(sum[:]) || last.Size != int64(len(wire)) {
			t.Errorf("%s: the journal does not have the bytes of the wire", name)
		}
	}
	if res := post(t, url+"/v1/chat/completions", "x", "Content-Encoding", "lzma"); res.status != 400 {
		t.Errorf("an unknown encoding: %d", res.status)
	}
}

// TestSpoiled checks what the failing instructions leave of a stream.
func TestSpoiled(t *testing.T) {
	_, url := newTestServer(t, Options{})
	ask := func(instructions string) reply {
		return post(t, url+"/v1/chat/completions", chatBody("m")("[[sim: text \"one two three four\" | "+instructions+"]]", true))
	}
	whole := ask("lf")
	if n := len(events(t, whole.body)); n != 8 { // role, four words, finish, usage, [DONE]
		t.Fatalf("%d events\n%s", n, whole.body)
	}
	if res := ask("cut 3"); res.err == nil || len(events(t, res.body)) != 3 {
		t.Errorf("cut 3: %v\n%s", res.err, res.body)
	}
	if res := ask("noterminal"); res.err != nil || len(events(t, res.body)) != 5 {
		t.Errorf("noterminal: %v\n%s", res.err, res.body)
	}
	if res := ask("garbage"); !strings.Contains(res.body, "data: {\"garbage\":tru\n\n") || len(events(t, res.body)) != 9 {
		t.Errorf("garbage:\n%s", res.body)
	}
	res := ask(`error-midstream 500 "broke"`)
	all := events(t, res.body)
	if res.status != 200 || res.err != nil || len(all) != 4 || text(parse(t, all[3].data), "error", "message") != "broke" {
		t.Errorf("error-midstream: %d %v\n%s", res.status, res.err, res.body)
	}
	if res := ask("crlf"); strings.Count(res.body, "\r\n") != strings.Count(res.body, "\n") || len(events(t, res.body)) != 8 {
		t.Errorf("crlf:\n%q", res.body)
	}
	if res := ask("comments"); strings.Count(res.body, ": keep-alive") != 8 || len(events(t, res.body)) != 8 {
		t.Errorf("comments:\n%s", res.body)
	}
	if res := ask("nospace"); strings.Contains(res.body, "data: ") || len(events(t, res.body)) != 8 {
		t.Errorf("nospace:\n%s", res.body)
	}
	if res := ask("nolastblank"); strings.HasSuffix(res.body, "\n\n") || !strings.HasSuffix(res.body, "data: [DONE]\n") {
		t.Errorf("nolastblank:\n%s", res.body)
	}
	if res := ask("events 2"); len(events(t, res.body)) != 6 || chatStreamSaid(t, res.body).Text != "one two three four" {
		t.Errorf("events 2:\n%s", res.body)
	}
	for _, n := range []string{"1", "7"} {
		if res := ask("chunk " + n); res.err != nil || res.body != whole.body {
			// The body differs in nothing but the ids, which follow from the request.
			if len(events(t, res.body)) != 8 || chatStreamSaid(t, res.body).Text != "one two three four" {
				t.Errorf("chunk %s: %v\n%s", n, res.err, res.body)
			}
		}
	}
	req := post(t, url+"/v1/chat/completions", chatBody("m")("[[sim: cut 1]]", false))
	if !errors.Is(req.err, io.ErrUnexpectedEOF) {
		t.Errorf("a whole body that is cut: %v", req.err)
	}
	if _, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(chatBody("m")("[[sim: abort]]", false))); err == nil { //nolint:noctx,bodyclose // there is no response
		t.Error("abort gave a response")
	}
	if res := post(t, url+"/v1/messages", chatBody("m")(`[[sim: text "a b c d" | error-midstream 529]]`, true)); !strings.Contains(res.body, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"") {
		t.Errorf("Anthropic's error event:\n%s", res.body)
	}
	if res := post(t, url+"/v1/responses", responsesBodyOf(`[[sim: text "a b c d" | error-midstream 429]]`, true)); !strings.Contains(res.body, "event: response.failed\n") {
		t.Errorf("the responses' error events:\n%s", res.body)
	} else {
		for i, v := range values(t, events(t, res.body)) {
			if number(v, "sequence_number") != i {
				t.Errorf("event %d has number %v", i, v["sequence_number"])
			}
		}
	}
	if res := post(t, url+"/v1beta/models/m:streamGenerateContent", geminiBodyOf(`[[sim: text "a b c" | noterminal]]`, true)); json.Valid([]byte(res.body)) {
		t.Errorf("an array without its end is valid:\n%s", res.body)
	}
}

func TestChoices(t *testing.T) {
	_, url := newTestServer(t, Options{})
	res := post(t, url+"/v1/chat/completions", `{"model":"m","n":2,"stream":true,"messages":[{"role":"user","content":"[[sim: text \"a b\"]]"}]}`)
	texts := map[int]string{}
	for _, v := range values(t, events(t, res.body)) {
		texts[number(v, "choices", 0, "index")] += text(v, "choices", 0, "delta", "content")
		if v["usage"] != nil {
			t.Error("usage that was not asked for")
		}
	}
	if texts[0] != "a b" || texts[1] != "a b" {
		t.Errorf("%v", texts)
	}
	v := parse(t, post(t, url+"/v1/chat/completions", `{"model":"m","n":3,"messages":[]}`).body)
	if n := len(at(v, "choices").([]any)); n != 3 {
		t.Errorf("%d choices", n)
	}
}

func TestDeterminism(t *testing.T) {
	_, url := newTestServer(t, Options{})
	for _, sp := range speakers {
		body := sp.body("[[sim: text hello | reason why | call x {}]]", true)
		if a, b := post(t, url+sp.path, body), post(t, url+sp.path, body); a.body != b.body {
			t.Errorf("%s: the same question, another answer", sp.name)
		}
	}
}

// TestPace checks the waits on a fake clock.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		w := &recorder{header: http.Header{}, wrote: func() { at = append(at, time.Since(start)) }}
		d := &delivery{w: w, ctx: t.Context(), d: Delivery{
			Hold: 2 * time.Second, TTFT: 100 * time.Millisecond, Delay: 10 * time.Millisecond, PauseAfter: 3, Pause: time.Hour,
		}}
		d.stream(framingSSE, []frame{opening("", 0), content("", 1), content("", 2), content("", 3), terminal("", 4)})
		ms := time.Millisecond
		want := []time.Duration{2000 * ms, 2100 * ms, 2110 * ms, time.Hour + 2120*ms, time.Hour + 2130*ms}
		if d := cmp.Diff(want, at); d != "" {
			t.Error(d)
		}
	})
}

type recorder struct {
	header http.Header
	wrote  func()
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(b []byte) (int, error) { r.wrote(); return len(b), nil }

func TestDisconnects(t *testing.T) {
	s, url := newTestServer(t, Options{Now: time.Now})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, instructions := range []string{"hold 1h", "ttft 1h", "text \"a b c\" | delay 1h"} {
		for j, stream := range []bool{true, false} {
			if instructions[0] == 't' && instructions[1] == 'e' && !stream {
				continue // a whole body has no events to wait between
			}
			reqCtx, leave := context.WithCancel(ctx)
			req, err := http.NewRequestWithContext(reqCtx, http.MethodPost, url+"/v1/chat/completions",
				strings.NewReader(chatBody("m")("[[sim: "+instructions+"]]", stream)))
			if err != nil {
				t.Fatal(err)
			}
			n := len(s.Requests()) + 1
			done := make(chan error, 1)
			c := client(t)
			go func() {
				res, err := c.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				done <- err
			}()
			if err := s.AwaitRequests(ctx, n); err != nil {
				t.Fatal(err)
			}
			left := time.Now()
			leave()
			if err := <-done; err == nil {
				t.Errorf("%s: the client got a whole answer", instructions)
			}
			if err := s.AwaitDisconnects(ctx, i*2+j+1); err != nil {
				t.Fatalf("%s: %v", instructions, err)
			}
			gone := s.Disconnects()
			if last := gone[len(gone)-1]; last.N != n || last.At.Before(left) || last.At.Sub(left) > time.Second {
				t.Errorf("%s: %+v, left at %v", instructions, last, left)
			}
		}
	}
	before := len(s.Disconnects())
	post(t, url+"/v1/chat/completions", chatBody("m")("hello", true))
	if got := s.Requests(); got[len(got)-1].Ended.IsZero() || len(s.Disconnects()) != before {
		t.Error("an answer that was whole counts as cut off")
	}
}

// TestDrop: the connection is closed after the answer, and nothing said so
// (PROVIDERS.md W15).
func TestDrop(t *testing.T) {
	_, url := newTestServer(t, Options{})
	for _, tt := range []struct {
		instruction string
		says        bool
	}{{"drop", false}, {"close", true}} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions",
			strings.NewReader(chatBody("m")("[[sim: "+tt.instruction+"]]", true)))
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
		_ = res.Body.Close()
		if res.Close != tt.says {
			t.Errorf("%s: Close %v", tt.instruction, res.Close)
		}
	}
	// By hand: after a whole answer the connection ends.
	host := strings.TrimPrefix(url, "http://")
	c, err := net.Dial("tcp", host) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := chatBody("m")("[[sim: drop]]", false)
	_, _ = io.WriteString(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	all, err := io.ReadAll(c)
	if err != nil || strings.Contains(string(all), "Connection: close") || !strings.Contains(string(all), "200 OK") {
		t.Errorf("%v\n%s", err, all)
	}
}

// TestEarly: the answer begins before the request's body is read (W14).
func TestEarly(t *testing.T) {
	_, url := newTestServer(t, Options{})
	host := strings.TrimPrefix(url, "http://")
	c, err := net.Dial("tcp", host) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Simulate: early | text hi\r\nContent-Length: 1000000\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 12)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "HTTP/1.1 200" {
		t.Errorf("%v %q", err, buf)
	}
}

func TestRedirectAndHeaders(t *testing.T) {
	_, url := newTestServer(t, Options{})
	res := post(t, url+"/v1/chat/completions", chatBody("m")("[[sim: redirect http://127.0.0.1:1/steal]]", false))
	if res.status != 307 || res.header.Get("Location") != "http://127.0.0.1:1/steal" {
		t.Errorf("%d %v", res.status, res.header)
	}
	res = post(t, url+"/v1/models", "", "X-Simulate", "header X-Custom: yes | gzip")
	if res.header.Get("X-Custom") != "yes" || res.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", res.header)
	}
}

func TestPlainEndpoints(t *testing.T) {
	_, url := newTestServer(t, Options{})
	tests := []struct {
		method, path, body string
		header             []string
		want               string // a part of the answer
	}{
		{"GET", "/v1/models", "", nil, `"owned_by":"openai"`},
		{"GET", "/v1/models/gpt-4o-mini", "", nil, `"id":"gpt-4o-mini"`},
		{"GET", "/v1/models", "", []string{"Anthropic-Version", "2023-06-01"}, `"has_more":false`},
		{"GET", "/anthropic/v1/models", "", nil, `"first_id":"claude-sonnet-4-5"`},
		{"GET", "/v1beta/models", "", nil, `"name": "models/gemini-2.5-flash"`},
		{"GET", "/vllm/v1/models", "", nil, `"max_model_len"`},
		{"GET", "/api/tags", "", nil, `"models":[{"name":"llama3.2:3b"`},
		{"GET", "/ollama/api/version", "", nil, `"version"`},
		{"POST", "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"one two three"}]}`, nil, `{"input_tokens":3}`},
		{"POST", "/v1/responses/input_tokens", `{"model":"m","input":"one two"}`, nil, `"input_tokens":2`},
		{"POST", "/v1beta/models/m:countTokens", `{"contents":[{"parts":[{"text":"one two"}]}]}`, nil, `"totalTokens": 2`},
		{"POST", "/v1/embeddings", `{"model":"e","input":["a","b"],"dimensions":4}`, nil, `"index":1`},
		{"POST", "/v1/embeddings", `{"model":"e","input":[1,2,3],"encoding_format":"base64"}`, nil, `"embedding":"`},
		{"POST", "/v1beta/models/e:embedContent", `{"content":{"parts":[{"text":"a"}]}}`, nil, `"embedding"`},
		{"POST", "/v1beta/models/e:batchEmbedContents", `{"requests":[{"content":{"parts":[{"text":"a"}]}}]}`, nil, `"embeddings"`},
		{"PATCH", "/v1/echo/some/where?a=1;b=2", "abc", nil, `"query":"a=1;b=2"`},
		{"GET", "/ollama/", "", nil, "Ollama is running"},
	}
	for _, tt := range tests {
		res := do(t, tt.method, url+tt.path, tt.body, tt.header...)
		if res.status != 200 || !strings.Contains(res.body, tt.want) {
			t.Errorf("%s %s: %d, no %s in\n%s", tt.method, tt.path, res.status, tt.want, res.body)
		}
	}
}

func TestFiles(t *testing.T) {
	s, url := newTestServer(t, Options{KeepBody: 1 << 10})
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("purpose", "batch")
	part, _ := w.CreateFormFile("file", "lines.jsonl")
	content := strings.Repeat("0123456789abcdef", 1<<10)
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	sum := sha256.Sum256([]byte(content))
	wire := form.Len()
	res := post(t, url+"/openai/v1/files", form.String(), "Content-Type", w.FormDataContentType())
	v := parse(t, res.body)
	if res.status != 200 || number(v, "bytes") != len(content) || text(v, "sha256") != hex.EncodeToString(sum[:]) ||
		text(v, "filename") != "lines.jsonl" || text(v, "purpose") != "batch" {
		t.Fatalf("%d %s", res.status, res.body)
	}
	if got := s.Requests()[0]; got.Size != int64(wire) || len(got.Body) != 1<<10 {
		t.Errorf("the journal has %d of %d bytes, want %d", len(got.Body), got.Size, wire)
	}
	if res := do(t, "GET", url+"/v1/files/"+text(v, "id")+"/content", ""); res.body != content[:1<<10] {
		t.Errorf("content: %d %.100s", res.status, res.body)
	}
	if res := do(t, "GET", url+"/v1/files", ""); !strings.Contains(res.body, text(v, "id")) {
		t.Errorf("list: %s", res.body)
	}
	if res := post(t, url+"/v1/files", "{}"); res.status != 400 {
		t.Errorf("no form: %d", res.status)
	}
}

func TestRoute(t *testing.T) {
	tests := []struct {
		path     string
		provider string
		format   Format
		arg      string
	}{
		{"/v1/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/openai/v1/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/cerebras/chat/completions", Cerebras, ChatCompletions, "completions"},
		{"/gemini/v1beta/openai/chat/completions", Gemini, ChatCompletions, "completions"},
		{"/v1/messages", Anthropic, Messages, ""},
		{"/messages", Anthropic, Messages, ""},
		{"/ollama/v1/messages", Ollama, Messages, ""},
		{"/v1beta/models/gemini-2.5-flash:generateContent", Gemini, GenerateContent, "gemini-2.5-flash"},
		{"/gemini/models/a/b:streamGenerateContent", Gemini, GenerateContent, "a/b"},
		{"/v1/projects/p/locations/l/publishers/google/models/g:generateContent", Vertex, GenerateContent, "g"},
		{"/vertex/v1beta1/projects/p/locations/global/publishers/google/models/g:streamGenerateContent", Vertex, GenerateContent, "g"},
		{"/v1/projects/p/locations/l/publishers/anthropic/models/c@1:rawPredict", Vertex, Messages, "c@1"},
		{"/api/generate", Ollama, OllamaGenerate, "generate"},
		{"/xai/v1/responses", XAI, Responses, ""},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := route(r)
		if got.provider != tt.provider || got.format != tt.format || got.arg != tt.arg || got.endpoint != endpointAnswer {
			t.Errorf("%s: %+v", tt.path, got)
		}
	}
}

func TestCloseEndsAnswers(t *testing.T) {
	s := New(Options{})
	url, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t)
	done := make(chan error, 1)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(chatBody("m")("[[sim: hold 1h]]", false)))
	go func() {
		res, err := c.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		done <- err
	}()
	if err := s.AwaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("an answer after Close")
	}
	if len(s.Disconnects()) != 0 {
		t.Error("Close counts as the client's leaving")
	}
	if _, err := s.Listen("127.0.0.1:0"); err == nil {
		t.Error("a closed server listens again")
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	s, url := newTestServer(t, Options{})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: &p}
	defer tr.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(chatBody("m")("hi", true)))
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.ProtoMajor != 2 || chatStreamSaid(t, string(b)).Text != "You said: hi" {
		t.Errorf("%v %s\n%s", err, res.Proto, b)
	}
	if got := s.Requests()[0].Proto; got != "HTTP/2.0" {
		t.Errorf("the journal says %s", got)
	}
}
