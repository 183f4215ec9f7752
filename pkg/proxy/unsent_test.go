package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// media is the media type of a dialect's answers.
func (d dialect) media(stream bool) string {
	switch {
	case !stream:
		return "application/json"
	case d.name == "ollama_chat":
		return "application/x-ndjson"
	}
	return "text/event-stream"
}

// TestAnAnswerOfWhichNothingCame: a provider that sends a header, and then breaks off,
// says nothing, or is no HTTP server at all, is answered for in the shape of its
// errors. A client would else take the status for the answer's, or the break for that
// of a connection that was idle too long.
func TestAnAnswerOfWhichNothingCame(t *testing.T) {
	for name, c := range map[string]struct {
		says, header string
		rest         func(net.Conn)
		status       int
		code         string
	}{
		"breaks off":                {"closed the connection", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", nil, http.StatusBadGateway, "upstream_closed"},
		"breaks off, by its length": {"closed the connection", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 99\r\n\r\n", nil, http.StatusBadGateway, "upstream_closed"},
		"is reset":                  {"closed the connection", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, http.StatusBadGateway, "upstream_closed"},
		"no chunk":                  {"no proper HTTP response", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", nil, http.StatusBadGateway, "upstream_bad_response"},
		"says nothing":              {"sent nothing for too long", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, http.StatusGatewayTimeout, "response_idle_timeout"},
		"no HTTP":                   {"no proper HTTP response", "SSH-2.0-OpenSSH_9.9 %s\r\n", nil, http.StatusBadGateway, "upstream_bad_response"},
		"a header without an end":   {"closed the connection", "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n", nil, http.StatusBadGateway, "upstream_closed"},
		"no status":                 {"no proper HTTP response", "HTTP/1.1 fine\r\nContent-Type: %s\r\n\r\n", nil, http.StatusBadGateway, "upstream_bad_response"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				media := make(chan string, 1)
				up := rawUpstream(t, func(conn *net.TCPConn) {
					_, _ = fmt.Fprintf(conn, c.header, <-media)
					if c.rest != nil {
						c.rest(conn)
					}
				})
				base, sink := start(t, up, func(o *proxy.Options) {
					if c.code == "response_idle_timeout" {
						o.ResponseIdle = 60 * time.Millisecond
					}
					if change != nil {
						change(o)
					}
				})
				for _, d := range dialects {
					for _, stream := range []bool{true, false} {
						media <- d.media(stream)
						res, got := post(t, base+"/v1"+d.where(stream), jsonOf(t, object{"model": "m", "stream": stream, "tools": []any{}}))
						message, kind := failureOf(d, []byte(got))
						if res.StatusCode != c.status || !strings.Contains(message, c.says) || kind == "" || res.Header.Get("Content-Type") != "application/json" {
							t.Errorf("%s, stream %v: %d %s", d.name, stream, res.StatusCode, got)
						}
						if i := sink.newest(t).Interaction; i.State != llm.StateFailed || i.Status != c.status || i.Error == nil || i.Error.Code != c.code || i.Error.Source != llm.SourceArchestra {
							t.Errorf("%s, stream %v: recorded as %s, %d, %+v", d.name, stream, i.State, i.Status, i.Error)
						}
					}
				}
			})
		})
	}
}

// A provider's own error keeps its status, whatever becomes of its body.
func TestAnErrorWhoseBodyBreaksOffKeepsItsStatus(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		up := rawUpstream(t, func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n")
		})
		base, _ := start(t, up, change)
		res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "7" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
	})
}

// A stream's header leaves before long. What breaks off then is one that has begun.
func TestAnAnswerThatBreaksOffBehindItsHeader(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		there := make(chan struct{})
		up := rawUpstream(t, func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
			<-there
		})
		base, sink := start(t, up, change)
		res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		close(there)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); err == nil || len(got) > 0 {
			t.Errorf("%q was taken for whole", got)
		}
		if i := sink.last(t, 1).Interaction; i.State != llm.StateIncomplete {
			t.Errorf("recorded as %s", i.State)
		}
	})
}

// An answer of which it is not known whether it is a stream, and which cannot be read,
// is refused in words: nothing of it has reached the client.
func TestAnUndecidedAnswerIsRefusedInWords(t *testing.T) {
	const canary = "CANARY-ARGUMENT"
	for _, d := range dialects[:4] { // Ollama's answers are lines, whatever the header says
		for media, body := range map[string]string{
			"":                         `{"tool_calls":[{"function_call":{"tool_use":"` + canary + `","functionCall`,
			"text/plain":               `x {"tool_calls":[{"function_call":{"tool_use":"` + canary + `","functionCall"`,
			"application/octet-stream": "{}" + `{"tool_calls":[{"function_call":{"tool_use":"` + canary + `","functionCall`,
		} {
			base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				if media != "" {
					w.Header().Set("Content-Type", media)
				}
				_, _ = io.WriteString(w, body)
			}, nil)
			res, got := post(t, base+"/v1"+d.where(true), jsonOf(t, object{"model": "m", "stream": true, "tools": []any{}}))
			message, kind := failureOf(d, []byte(got))
			if res.StatusCode != http.StatusBadGateway || kind == "" || !strings.Contains(message, "cannot be judged") || strings.Contains(got, canary) {
				t.Errorf("%s, %q: %d %s", d.name, media, res.StatusCode, got)
			}
			if i := sink.newest(t).Interaction; i.State != llm.StateFailed || i.Error == nil || i.Error.Code != "unreadable_answer" {
				t.Errorf("%s, %q: recorded as %s, %+v", d.name, media, i.State, i.Error)
			}
		}
	}
}

// full is a sink that keeps nothing.
type full struct{ *memory }

func (full) Finish(context.Context, *record.Entry) error { return errors.New("the disk is full") }

// Where what cannot be recorded must not pass, an answer that comes whole is refused,
// and a stream is cut before its end: no client takes it for whole.
func TestAnAnswerThatCannotBeRecorded(t *testing.T) {
	whole := map[string]string{
		"chat_completions": `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"CANARY"},"finish_reason":"stop"}]}`,
		"responses":        `{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"CANARY"}]}]}`,
		"messages":         `{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"CANARY"}],"stop_reason":"end_turn"}`,
		"generate_content": `{"candidates":[{"content":{"role":"model","parts":[{"text":"CANARY"}]},"finishReason":"STOP"}]}`,
		"ollama_chat":      `{"model":"m","message":{"role":"assistant","content":"CANARY"},"done":true}`,
	}
	for _, g := range []func(*proxy.Options){nil, reports(t), func(o *proxy.Options) { o.Guard = nil },
		func(o *proxy.Options) { o.Guard = newGuard(t, func(g *guard.Options) { g.Links = guard.Off }) }} {
		closed := func(o *proxy.Options) {
			if g != nil {
				g(o)
			}
			o.Recorder = record.New(record.Options{Sink: full{newMemory()}, FailClosed: true})
		}
		for _, d := range dialects {
			base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, whole[d.name])
			}, closed)
			res, got := post(t, base+"/v1"+d.where(false), jsonOf(t, object{"model": "m"}))
			message, kind := failureOf(d, []byte(got))
			if res.StatusCode != http.StatusInsufficientStorage || kind == "" || !strings.Contains(message, "record-failure") || strings.Contains(got, "CANARY") || res.Header.Get("X-Should-Retry") != "false" {
				t.Errorf("%s: %d %v %s", d.name, res.StatusCode, res.Header, got)
			}
		}
		base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { stream(w, chunkHi, chunkStop, chunkDone) }, closed)
		res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil && res.StatusCode == http.StatusOK || strings.Contains(string(got), "[DONE]") {
			t.Errorf("a stream came to its end: %d %q", res.StatusCode, got)
		}
	}
}
