package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// A second attempt that comes to nothing costs what it could have given: the client
// reads the refusal, or sees the answer break off, and each attempt has its record.
func TestRetryThatFails(t *testing.T) {
	const call = `{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"evil_tool","arguments":"{\"x\":1}"}}]},"finish_reason":"tool_calls"}]}`
	first := map[bool]string{
		true:  `data: {"id":"c","model":"m","choices":[{"index":0,"delta":` + call + "\n\ndata: [DONE]\n\n",
		false: `{"id":"c","model":"m","choices":[{"index":0,"message":` + call,
	}
	media := map[bool]string{true: "text/event-stream", false: "application/json"}
	for name, second := range map[string]func(w http.ResponseWriter, stream bool){
		"an error": func(w http.ResponseWriter, _ bool) {
			http.Error(w, `{"error":{"message":"no"}}`, http.StatusTooManyRequests)
		},
		"nothing": func(http.ResponseWriter, bool) { panic(http.ErrAbortHandler) },
		"another kind": func(w http.ResponseWriter, stream bool) {
			w.Header().Set("Content-Type", media[!stream])
			_, _ = io.WriteString(w, first[!stream])
		},
		"empty": func(w http.ResponseWriter, stream bool) { w.Header().Set("Content-Type", media[stream]) },
		"a half": func(w http.ResponseWriter, stream bool) {
			w.Header().Set("Content-Type", media[stream])
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, first[stream][:60])
		},
		"a panic": nil,
	} {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, stream %v", name, stream), func(t *testing.T) {
				var n atomic.Int32
				base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if n.Add(1) > 1 {
						if k := r.Header.Get("Idempotency-Key"); k != "" {
							t.Errorf("another request goes out under the key %q", k)
						}
						second(w, stream)
						return
					}
					w.Header().Set("Content-Type", media[stream])
					_, _ = io.WriteString(w, first[stream])
				}, func(o *proxy.Options) {
					ruled(t, noEvil, func(g *guard.Options) { g.OnBlock = guard.Retry })(o)
					if second == nil {
						o.Tape = func(out proxy.Outgoing, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
							if n.Load() > 0 {
								panic("a defect")
							}
							return send(out.Request)
						}
					}
				})
				req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(fmt.Sprintf(`{"model":"m","stream":%v,"messages":[{"role":"user","content":"x"}],"tools":[]}`, stream)))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Idempotency-Key", "once")
				res, err := client(t).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				until(t, "two records", func() bool { sink.mu.Lock(); defer sink.mu.Unlock(); return len(sink.order) == 2 })
				if strings.Contains(string(b), "call_1") || err == nil && !strings.Contains(string(b), "[archestra]") {
					t.Errorf("the client got %d %s", res.StatusCode, b)
				}
			})
		}
	}
}
