package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

// connections is a server below HTTP, which gives each connection to serve and
// closes it then. It returns the server's base URL.
func connections(t *testing.T, serve func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// rawUpstream is such a server: answer gets each connection when its first request
// was read.
func rawUpstream(t *testing.T, answer func(c *net.TCPConn)) string {
	t.Helper()
	return connections(t, func(c *net.TCPConn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		answer(c)
	})
}

// An upstream that takes a request and never answers it holds nobody longer than
// the setting says, and lets go of a client that leaves at once.
func TestAnUpstreamThatNeverAnswers(t *testing.T) {
	left := make(chan struct{}, 2)
	up := rawUpstream(t, func(c *net.TCPConn) {
		_, _ = io.Copy(io.Discard, c) // until the other side goes
		left <- struct{}{}
	})
	base, sink := start(t, up, func(o *proxy.Options) {
		vars := map[string]string{"HOME": t.TempDir(), "XDG_CONFIG_HOME": t.TempDir(), "XDG_STATE_HOME": t.TempDir(), "ARCHESTRA_RESPONSE_HEADER_TIMEOUT": "200ms"}
		for _, p := range provider.All() {
			vars[p.BaseURLVar] = up
		}
		cfg, err := config.Load(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if o.Upstreams, err = provider.Prepare(cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Upstreams.Close)
	})
	for _, d := range dialects {
		body := object{"model": "m", "stream": true}
		res, got := post(t, base+"/v1"+d.where(true), jsonOf(t, body))
		message, _ := failureOf(d, []byte(got))
		if res.StatusCode != http.StatusGatewayTimeout || !strings.Contains(message, "did not answer in time") {
			t.Errorf("%s: %d %s", d.name, res.StatusCode, got)
		}
		if i := sink.newest(t).Interaction; i.State != llm.StateFailed || i.Error == nil || i.Error.Code != "upstream_timeout" || i.Error.Source != llm.SourceArchestra {
			t.Errorf("%s: recorded as %s, %+v", d.name, i.State, i.Error)
		}
		<-left
	}
}

// The other way round: a client that waits for such an upstream and leaves.
func TestAClientLeavesAnUpstreamThatNeverAnswers(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	up := rawUpstream(t, func(c *net.TCPConn) {
		close(arrived)
		_, _ = io.Copy(io.Discard, c)
		close(left)
	})
	base, sink := start(t, up, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(chatBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c, done := client(t), make(chan struct{})
	go func() {
		defer close(done)
		if res, err := c.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	<-arrived
	cancel()
	<-done
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Fatal("the upstream was not let go")
	}
	if i := sink.last(t, 1).Interaction; i.State != llm.StateCancelled {
		t.Errorf("recorded as %s", i.State)
	}
}

// An answer that is reset after each of its bytes: a part of it is never taken for
// the whole, by the client or in the record.
func TestAnUpstreamThatResetsAtEveryByte(t *testing.T) {
	stream := chunkHi + chunkStop + chunkDone
	whole := `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`
	for name, x := range map[string]struct{ answer, body, request string }{
		"stream, chunked": {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(stream), stream), stream, chatBody},
		"whole, by its length": {
			fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(whole), whole), whole, `{"model":"m","messages":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step := 1
			if testing.Short() {
				step = 13
			}
			at := make(chan int, 1)
			up := rawUpstream(t, func(c *net.TCPConn) {
				_, _ = io.WriteString(c, x.answer[:<-at])
				_ = c.SetLinger(0) // the close that follows is a reset
			})
			base, sink := start(t, up, nil)
			c := client(t)
			for n := 0; n <= len(x.answer); n += step {
				at <- n
				res, err := c.Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(x.request))
				i := sink.newest(t).Interaction
				if err != nil {
					// The provider's header was on its way, and nothing behind it.
					if n < strings.Index(x.answer, "\r\n\r\n") || i.State != llm.StateIncomplete {
						t.Errorf("reset at %d: %v, recorded as %s", n, err, i.State)
					}
					continue
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				i = sink.newest(t).Interaction
				switch {
				case res.StatusCode == http.StatusBadGateway:
					if err != nil || !bytes.Contains(got, []byte(`"error"`)) {
						t.Errorf("reset at %d: %v, %s", n, err, got)
					}
					if i.State != llm.StateFailed {
						t.Errorf("reset at %d: recorded as %s", n, i.State)
					}
				case res.StatusCode != http.StatusOK, !strings.HasPrefix(x.body, string(got)):
					t.Errorf("reset at %d: status %d, %s", n, res.StatusCode, got)
				case err == nil && string(got) != x.body:
					t.Errorf("reset at %d: a part was taken for the whole: %q", n, got)
				case i.State == llm.StateDone && i.ResponseBytes < int64(strings.LastIndex(x.body, "stop")):
					t.Errorf("reset at %d: %d bytes were recorded as done", n, i.ResponseBytes)
				case i.State != llm.StateDone && i.State != llm.StateIncomplete:
					t.Errorf("reset at %d: recorded as %s", n, i.State)
				}
				if n == 0 && (i.Error == nil || i.Error.Code != "upstream_closed") {
					t.Errorf("reset without an answer: %+v", i.Error)
				}
			}
		})
	}
}

// TestAnUpstreamThatSendsGarbage: whatever comes back, the client gets an answer,
// the exchange is on record, and nothing panics. ARCHESTRA_TEST_ALL takes other garbage
// each time.
func TestAnUpstreamThatSendsGarbage(t *testing.T) {
	seed := uint64(1)
	if os.Getenv(wiretest.AllVariable) != "" {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	garbage := func() string {
		b := make([]byte, r.IntN(600))
		words := []string{"data: ", "\n", "\r\n\r\n", "{", "}", "[", "]", `"`, "event: ", `"choices":`, `"tool_calls":[`, `"delta":`, "null", "\x00", "\xff\xfe", "[DONE]", `"type":"message_stop"`, ","}
		var s strings.Builder
		for _, c := range b {
			if r.IntN(3) == 0 {
				s.WriteByte(c ^ byte(r.IntN(256)))
			} else {
				s.WriteString(words[r.IntN(len(words))])
			}
		}
		return s.String()
	}
	answer := make(chan string, 1)
	up := rawUpstream(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, <-answer) })
	var recorder *record.Recorder
	sink := newMemory()
	base, _ := start(t, up, func(o *proxy.Options) {
		recorder = record.New(record.Options{Sink: sink})
		o.Recorder = recorder
	})
	c := client(t)
	n := 0
	for _, head := range []string{
		"", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: br\r\n\r\n", "HTTP/1.1 429 Slow\r\nContent-Type: application/json\r\n\r\n",
	} {
		for _, d := range dialects {
			for range 3 {
				sent := head + garbage()
				answer <- sent
				res, err := c.Post(base+"/v1"+d.where(true), "application/json", strings.NewReader(`{"model":"m","stream":true,"tools":[{}]}`))
				status := 0 // where the connection was cut before any of the answer was out
				if err == nil {
					_, _ = io.Copy(io.Discard, res.Body) // it may be cut
					res.Body.Close()
					status = res.StatusCode
				}
				n++
				i := sink.last(t, n).Interaction
				if status == http.StatusInternalServerError || status == 0 && i.State != llm.StateIncomplete || i.State == llm.StateStreaming {
					t.Errorf("%s: status %d, recorded as %s: %q", d.name, status, i.State, sent)
				}
			}
		}
	}
	if p := recorder.Counters.Panics.Load(); p != 0 {
		t.Errorf("%d panics", p)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
