package proxy_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// The wire facts of PROVIDERS.md section 3, by their numbers, through the front
// door. W2, W3, W4 and W5 are the decoders' and stand with them.

const chatBody = `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// serve runs an upstream of one handler behind a proxy.
func serve(t *testing.T, h http.HandlerFunc, change func(*proxy.Options)) (base string, sink *memory) {
	t.Helper()
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	return start(t, up.URL, change)
}

func post(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	res, err := client(t).Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func stream(w http.ResponseWriter, parts ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, p := range parts {
		_, _ = io.WriteString(w, p)
		_ = http.NewResponseController(w).Flush()
	}
}

const (
	chunkHi    = `data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}` + "\n\n"
	chunkStop  = `data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	chunkUsage = `data: {"id":"c1","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}` + "\n\n"
	chunkDone  = "data: [DONE]\n\n"
)

func TestW01UsageIsAskedForAndTakenOut(t *testing.T) {
	withNull := func(s string) string { return strings.Replace(s, "}\n\n", `,"usage":null}`+"\n\n", 1) }
	var asked atomic.Int32
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte(`"stream_options":{"include_usage":true}`)) {
			asked.Add(1)
			stream(w, withNull(chunkHi), withNull(chunkStop), chunkUsage, chunkDone)
			return
		}
		stream(w, chunkHi, chunkStop, chunkDone)
	}, func(o *proxy.Options) { o.IncludeUsage = true })
	_, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
	if want := chunkHi + chunkStop + chunkDone; got != want {
		t.Errorf("the client's stream is not as if nothing had been asked:\n%s\nwant:\n%s", got, want)
	}
	e := sink.last(t, 1)
	if u := e.Interaction.Usage; u == nil || u.InputTokens == nil || *u.InputTokens != 3 {
		t.Errorf("usage %+v", u)
	}
	if e.Interaction.State != llm.StateDone {
		t.Errorf("state %s", e.Interaction.State)
	}
	if asked.Load() != 1 {
		t.Error("usage was not asked for")
	}
}

func TestW01AServerThatRejectsTheFieldIsRemembered(t *testing.T) {
	var rejected, plain atomic.Int32
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte("stream_options")) {
			rejected.Add(1)
			http.Error(w, `{"error":{"message":"unknown field stream_options"}}`, http.StatusBadRequest)
			return
		}
		if string(b) == chatBody {
			plain.Add(1)
		}
		stream(w, chunkHi, chunkStop, chunkDone)
	}, func(o *proxy.Options) { o.IncludeUsage = true })
	for range 2 {
		if res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody); res.StatusCode != 200 || got != chunkHi+chunkStop+chunkDone {
			t.Fatalf("%d %s", res.StatusCode, got)
		}
	}
	if rejected.Load() != 1 || plain.Load() != 2 {
		t.Errorf("asked %d times, sent the client's own bytes %d times", rejected.Load(), plain.Load())
	}
}

func TestW06ALineOfSixteenMegabytesPasses(t *testing.T) {
	big := `data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("é", 15<<19) + `"},"finish_reason":"stop"}]}` + "\r\n\r\n"
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, p := range pieces([]byte(big+chunkDone), 65521) { // an odd length cuts characters in two
			_, _ = w.Write(p)
		}
	}, nil)
	_, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
	if got != big+chunkDone {
		t.Fatal("the client got other bytes")
	}
	if e := sink.last(t, 1); e.Interaction.State != llm.StateDone || len(e.Interaction.Text) != 15<<20 {
		t.Fatalf("state %s, %d bytes of text", e.Interaction.State, len(e.Interaction.Text))
	}
}

func TestW06ALineOverTheLimitEndsTheStreamWithAnError(t *testing.T) {
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: ")
		for range 64 {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	}, func(o *proxy.Options) {
		o.MaxFrame = 1 << 20
		o.Recorder = record.New(record.Options{Sink: newMemory(), MaxFrame: 1 << 20})
	})
	_ = sink
	_, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
	if len(got) > 2<<20 || !strings.Contains(got[max(0, len(got)-400):], "event_too_large") {
		t.Fatalf("%d bytes, ending in %q", len(got), got[max(0, len(got)-200):])
	}
}

func encoded(t *testing.T, coding, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestW07CompressedBothWays(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			answer := encoded(t, coding, chunkHi+chunkStop+chunkUsage+chunkDone)
			ask := encoded(t, coding, chatBody)
			base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if !bytes.Equal(b, ask) || r.Header.Get("Content-Encoding") != coding || r.Header.Get("Accept-Encoding") != coding {
					http.Error(w, "{}", http.StatusTeapot)
					return
				}
				w.Header().Set("Content-Encoding", coding)
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = w.Write(answer)
			}, func(o *proxy.Options) { o.Guard = newGuard(t, func(g *guard.Options) { g.Links = guard.Report }) })
			req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", bytes.NewReader(ask))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Encoding", coding)
			req.Header.Set("Accept-Encoding", coding) // W17
			req.Header.Set("Content-Type", "application/json")
			res, err := client(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got, _ := io.ReadAll(res.Body)
			if res.StatusCode != 200 || !bytes.Equal(got, answer) {
				t.Fatalf("status %d, %d bytes", res.StatusCode, len(got))
			}
			i := sink.last(t, 1).Interaction
			if i.Text != "hi" || i.RequestModel != "gpt-4o" || i.State != llm.StateDone || i.Usage == nil {
				t.Errorf("%+v", i)
			}
		})
	}
}

func TestW08ErrorsInsideA200AndStreamsWithoutEnd(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want llm.State
	}{
		"error":   {chunkHi + `data: {"error":{"message":"overloaded","type":"server_error"}}` + "\n\n", llm.StateFailed},
		"cut":     {chunkHi, llm.StateIncomplete},
		"nothing": {"", llm.StateIncomplete},
		"whole":   {chunkHi + chunkStop + chunkDone, llm.StateDone},
	} {
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) { stream(w, c.body) }, nil)
		_, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
		if i := sink.last(t, 1).Interaction; got != c.body || i.State != c.want {
			t.Errorf("%s: state %s, want %s", name, i.State, c.want)
		}
	}
}

func TestW08AnAbortedResponseReachesTheClientAsOne(t *testing.T) {
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w, chunkHi)
		panic(http.ErrAbortHandler)
	}, nil)
	res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the client took a broken answer for whole")
	}
	if i := sink.last(t, 1).Interaction; i.State != llm.StateIncomplete || i.Text != "hi" {
		t.Errorf("state %s, text %q", i.State, i.Text)
	}
}

func TestW09TheClientGoesAway(t *testing.T) {
	for _, when := range []string{"mid-stream", "before the first byte"} {
		t.Run(when, func(t *testing.T) {
			gone, arrived := make(chan struct{}), make(chan struct{})
			base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if when == "mid-stream" {
					stream(w, chunkHi)
				}
				if when != "mid-stream" {
					close(arrived)
				}
				<-r.Context().Done()
				close(gone)
			}, nil)
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(chatBody))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			done, c := make(chan struct{}), client(t)
			go func() {
				defer close(done)
				if res, err := c.Do(req); err == nil {
					_, _ = io.ReadFull(res.Body, make([]byte, len(chunkHi)))
					close(arrived)
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}()
			<-arrived
			cancel()
			<-done
			select {
			case <-gone:
			case <-time.After(time.Minute):
				t.Fatal("the provider never saw it")
			}
			i := sink.last(t, 1).Interaction
			if i.State != llm.StateCancelled {
				t.Errorf("state %s", i.State)
			}
			if when == "mid-stream" && i.Text != "hi" {
				t.Errorf("text %q", i.Text)
			}
		})
	}
}

func TestW10AnErrorKeepsStatusBodyAndHeaders(t *testing.T) {
	const body = `{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}`
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-Ratelimit-Remaining-Requests", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, body)
	}, nil)
	res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
	if res.StatusCode != 429 || got != body || res.Header.Get("Retry-After") != "7" || res.Header.Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Errorf("%d %s %v", res.StatusCode, got, res.Header)
	}
	i := sink.last(t, 1).Interaction
	if i.State != llm.StateFailed || i.Error == nil || i.Error.Code != "rate_limit_exceeded" || i.Error.Source != llm.SourceUpstream {
		t.Errorf("%+v", i.Error)
	}
}

func TestW11OnlySilenceIsBounded(t *testing.T) {
	cfg, err := config.Load(func(name string) (string, bool) { return t.TempDir(), name == "HOME" }, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const thought = 35 * time.Minute
	if h, i := cfg.Timeouts.ResponseHeader, cfg.Timeouts.ResponseIdle; h != 0 && h <= thought || i != 0 && i <= thought {
		t.Errorf("by default a model may think for %s before its answer and %s inside it; reasoning models need more than %s", h, i, thought)
	}
	// The limit itself, where one is set, ends what is silent and nothing else.
	release := make(chan struct{})
	defer close(release)
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w, chunkHi)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}, func(o *proxy.Options) { o.ResponseIdle = time.Second })
	res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("a silent answer was taken for whole")
	}
	if i := sink.last(t, 1).Interaction; i.State != llm.StateIncomplete || i.Error == nil || i.Error.Code != "response_idle_timeout" {
		t.Errorf("state %s, error %+v", i.State, i.Error)
	}
}

func TestW12WhatPassesAndWhatGoes(t *testing.T) {
	var got http.Header
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header().Set("X-Api-Key", "leaked")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("X-Request-Id", "req_1")
		_, _ = io.WriteString(w, "{}")
	}, nil)
	req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/embeddings?a=b;c&x=%2F", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{
		"Authorization": "Bearer sk-canary-openai", "X-Api-Key": "sk-ant-canary", "X-Goog-Api-Key": "AIza-canary", "Cookie": "s=1",
		"Connection": "X-Hop", "X-Hop": "1", "X-Stainless-Lang": "go", "OpenAI-Beta": "v2", "Content-Type": "application/json",
	} {
		req.Header.Set(name, v)
	}
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key", "Cookie", "Connection", "X-Hop", "Accept-Encoding", "Idempotency-Key", "X-Forwarded-For"} {
		if got.Get(name) != "" {
			t.Errorf("%s reached the provider", name)
		}
	}
	for name, want := range map[string]string{"Authorization": "Bearer sk-canary-openai", "X-Stainless-Lang": "go", "Openai-Beta": "v2"} {
		if got.Get(name) != want {
			t.Errorf("%s is %q at the provider", name, got.Get(name))
		}
	}
	if res.Header.Get("X-Api-Key") != "" || res.Header.Get("Access-Control-Allow-Origin") != "" || res.Header.Get("X-Request-Id") != "req_1" {
		t.Errorf("the client got %v", res.Header)
	}
	e := sink.last(t, 1)
	for _, f := range e.RequestHeader {
		if strings.Contains(strings.Join(f.Values, " "), "canary") {
			t.Errorf("%s was recorded", f.Name)
		}
	}
	if e.Interaction.Path != "/v1/openai/p/embeddings?a=b;c&x=%2F" {
		t.Errorf("path %s", e.Interaction.Path)
	}
}

func TestW14AResponseThatBeginsBeforeTheRequestIsRead(t *testing.T) {
	body := `{"model":"m","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("x", 256<<10) + `"}]}`
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		stream(w, chunkHi, chunkStop, chunkDone)
		// A server that closes with a request unread may have its answer lost on the
		// way (RFC 9112 section 9.6): that is another matter.
		_, _ = io.Copy(io.Discard, r.Body)
	}, nil)
	c := client(t)
	for range 200 {
		res, err := c.Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != chunkHi+chunkStop+chunkDone {
			t.Fatalf("cut: %q %v", got, err)
		}
	}
}

// TestW15AServerThatClosesAfterEachStream is such a server: it answers one
// request a connection and does not say that it will.
func TestW15AServerThatClosesAfterEachStream(t *testing.T) {
	up := rawUpstream(t, func(c *net.TCPConn) {
		answer := chunkHi + chunkStop + chunkDone
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	})
	base, _ := start(t, up, nil)
	for n := range 50 {
		if res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody); res.StatusCode != 200 || got != chunkHi+chunkStop+chunkDone {
			t.Fatalf("request %d: %d %s", n, res.StatusCode, got)
		}
	}
}

func TestW18ABodyThatCannotBeJudged(t *testing.T) {
	for _, body := range []string{
		`{"model":"a","model":"b"}`, "\ufeff{}", `{"temperature":NaN}`, "{\"a\":\"\xff\"}", `{"model":`, ``, `[1,2`, `{"a":1} {"b":2}`,
	} {
		var reached atomic.Int32
		up := func(w http.ResponseWriter, r *http.Request) { reached.Add(1); _, _ = io.WriteString(w, "{}") }
		base, sink := serve(t, up, nil)
		for path, typed := range map[string]string{
			"/v1/openai/p/chat/completions": `"error"`, "/v1/anthropic/p/v1/messages": `"type":"error"`,
			"/v1/gemini/p/v1beta/models/m:generateContent": `"INVALID_ARGUMENT"`, "/v1/openai/p/responses": `"error"`,
		} {
			res, got := post(t, base+path, body)
			if res.StatusCode != 400 || !strings.Contains(got, typed) {
				t.Errorf("%q to %s: %d %s", body, path, res.StatusCode, got)
			}
		}
		if reached.Load() != 0 {
			t.Errorf("%q reached the provider under enforcement", body)
		}
		if i := sink.last(t, 4).Interaction; i.State != llm.StateRefused || len(i.Findings) == 0 {
			t.Errorf("recorded as %s with %v", i.State, i.Findings)
		}
		base, sink = serve(t, up, reports(t))
		if res, _ := post(t, base+"/v1/openai/p/chat/completions", body); res.StatusCode != 200 {
			t.Errorf("%q did not pass in report mode", body)
		}
		if i := sink.last(t, 1).Interaction; len(i.Findings) == 0 {
			t.Errorf("%q passed in report mode and was not noted", body)
		}
	}
}
