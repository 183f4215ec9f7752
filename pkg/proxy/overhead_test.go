//go:build unix

package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/store"
)

// cpu is the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tunedReverseProxy is the floor of the language: net/http's own proxy with a
// transport of its own, that reads the body first.
func tunedReverseProxy(b *testing.B, upstream string) http.Handler {
	to, err := url.Parse(upstream)
	if err != nil {
		b.Fatal(err)
	}
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 128}
	b.Cleanup(tr.CloseIdleConnections)
	rp := &httputil.ReverseProxy{
		Rewrite:   func(pr *httputil.ProxyRequest) { pr.SetURL(to); pr.Out.URL.Path = "/v1/chat/completions" },
		Transport: tr, FlushInterval: -1,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rp.ServeHTTP(w, r)
	})
}

// agentTurn is a request of a coding agent without its newest message: 64 messages
// with tool calls and results, and 16 tools, 200 kB in all.
func agentTurn() (head, tail string) {
	var b strings.Builder
	b.WriteString(`{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"You are a coding agent."},{"role":"user","content":"Fix the tests in ./pkg and tell me what was wrong."}`)
	line := "func (s *Server) handle(w http.ResponseWriter, r *http.Request) error { return s.next.handle(w, r) } // nothing to see\\n"
	for i := range 31 {
		id := strconv.Itoa(i)
		b.WriteString(`,{"role":"assistant","content":"Let me look.","tool_calls":[{"id":"call_` + id + `","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"pkg/server/file` + id + `.go\"}"}}]}`)
		b.WriteString(`,{"role":"tool","tool_call_id":"call_` + id + `","content":"// file ` + id + `\n` + strings.Repeat(line, 50) + `"}`)
	}
	var tools strings.Builder
	for i := range 16 {
		if i > 0 {
			tools.WriteByte(',')
		}
		tools.WriteString(`{"type":"function","function":{"name":"tool_` + strconv.Itoa(i) + `","description":"` + strings.Repeat("Does something useful. ", 20) + `","parameters":{"type":"object","properties":{"path":{"type":"string","description":"where"}}}}}`)
	}
	return b.String(), `],"tools":[` + tools.String() + `]}`
}

// BenchmarkOverhead compares the CPU time of a request that goes straight to the
// provider, through a plain reverse proxy, and through archestra with everything recorded. All three
// include the client's and the provider's own work; cpu-µs/op tells the three
// apart, and (archestra - direct) / (reverseproxy - direct) is the ratio to look at.
func BenchmarkOverhead(b *testing.B) {
	message := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	var history strings.Builder
	for i := range 50 {
		if i > 0 {
			history.WriteByte(',')
		}
		history.WriteString(`{"role":"` + []string{"assistant", "user"}[i%2] + `","content":"` + message + `"}`)
	}
	answer := `{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"` + message + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}}`
	var words strings.Builder // chunks as OpenAI sends them
	for i := range 200 {
		words.WriteString(`data: {"id":"c1","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" word` + strconv.Itoa(i) + `"},"finish_reason":null}]}` + "\n\n")
	}
	events := words.String() + chunkStop + chunkDone
	same := func(body string) func(int) string { return func(int) string { return body } }
	head, tail := agentTurn()
	for _, load := range []struct {
		name          string
		body          func(i int) string
		answer, media string
	}{
		{"agent-200kB", func(i int) string {
			return head + `,{"role":"user","content":"Question ` + strconv.Itoa(i) + `: ` + message + `"}` + tail
		}, events, "text/event-stream"},
		{"chat-1kB", same(`{"model":"gpt-4o","messages":[{"role":"user","content":"` + message + `"}]}`), answer, "application/json"},
		{"request-50kB", same(`{"model":"gpt-4o","messages":[` + history.String() + `]}`), answer, "application/json"},
		{"stream-200", same(chatBody), events, "text/event-stream"},
		{"burst-200", same(chatBody), events, "text/event-stream; charset=utf-8"},
	} {
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", load.media)
			if load.media != "text/event-stream" { // the body in one piece
				_, _ = io.WriteString(w, load.answer)
				return
			}
			rc := http.NewResponseController(w)
			for _, e := range strings.SplitAfter(load.answer, "\n\n") {
				_, _ = io.WriteString(w, e)
				_ = rc.Flush()
			}
		}))
		rp := httptest.NewServer(tunedReverseProxy(b, up.URL))
		kept, err := store.Open(b.Context(), b.TempDir(), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		own, _ := start(b, up.URL, func(o *proxy.Options) {
			o.Recorder = record.New(record.Options{Sink: kept, Feed: feed.New()})
		})
		for _, way := range []struct{ name, url string }{
			{"direct", up.URL + "/v1/chat/completions"}, {"reverseproxy", rp.URL + "/"}, {"archestra", own + "/v1/openai/p/chat/completions"},
		} {
			b.Run(load.name+"/"+way.name, func(b *testing.B) {
				c := client(b)
				b.ReportAllocs()
				began := cpu(b)
				for i := 0; b.Loop(); i++ {
					res, err := c.Post(way.url, "application/json", strings.NewReader(load.body(i)))
					if err != nil {
						b.Fatal(err)
					}
					if n, err := io.Copy(io.Discard, res.Body); err != nil || n != int64(len(load.answer)) {
						b.Fatal(n, err)
					}
					res.Body.Close()
				}
				b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
		rp.Close()
		up.Close()
		if err := kept.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
