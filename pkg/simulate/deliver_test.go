package simulate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
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
	if res := ask("blanks"); strings.Count(res.body, "\n\n\n\n") != 7 || len(events(t, res.body)) != 8 {
		t.Errorf("blanks:\n%q", res.body)
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
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
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
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
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
