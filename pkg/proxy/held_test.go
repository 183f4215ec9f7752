package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// While a person is asked the provider's silence is not measured, answers come in
// any order, and a client that leaves ends the questions and the record: an answer
// that it never had is not done.
func TestAnAnswerIsHeldForAPerson(t *testing.T) {
	const (
		call   = `{"index":%[1]d,"id":"call_%[1]d","type":"function","function":{"name":"evil_tool","arguments":"{\"n\":%[1]d}"}}`
		first  = `{"model":"m","choices":[{"index":0,`
		finish = `,"finish_reason":"tool_calls"}]}`
	)
	calls := fmt.Sprintf(call, 0) + "," + fmt.Sprintf(call, 1)
	whole := first + `"message":{"role":"assistant","content":"Hi","tool_calls":[` + calls + `]}` + finish
	stream := "data: " + first + `"delta":{"role":"assistant","content":"Hi"}}]}` + "\n\ndata: " + first + `"delta":{"tool_calls":[` + calls + `]}` + finish + "\n\ndata: [DONE]\n\n"
	for _, media := range []string{"text/event-stream", "application/json", "text/plain"} {
		for _, leaves := range []bool{false, true} {
			t.Run(fmt.Sprint(media, ", leaves ", leaves), func(t *testing.T) {
				t.Parallel()
				const idle = 2 * time.Second // a busy machine makes a provider silent, too
				desk := ask.New(ask.Options{Default: ask.Queue})
				t.Cleanup(desk.Close)
				base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					w.Header().Set("Content-Type", media)
					_, _ = io.WriteString(w, map[bool]string{true: stream, false: whole}[media == "text/event-stream"])
				}, func(o *proxy.Options) {
					ruled(t, askEvil, func(g *guard.Options) { g.Asks = desk })(o)
					o.ResponseIdle = idle
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body := fmt.Sprintf(`{"model":"m","stream":%v,"tools":[]}`, media != "application/json")
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				got := make(chan string, 1)
				go func() {
					res, err := client(t).Do(req)
					if err != nil {
						got <- err.Error()
						return
					}
					defer res.Body.Close()
					b, _ := io.ReadAll(res.Body)
					got <- string(b)
				}()
				until(t, "two questions", func() bool { return len(desk.List()) == 2 })
				if leaves {
					cancel()
					<-got
				} else {
					time.Sleep(idle + idle/2) // silence that is not the provider's
					for k, a := range []llm.Action{llm.ActionBlock, llm.ActionAllow} {
						if _, err := desk.Settle(desk.List()[1-k].ID, llm.AskAnswer{Action: a}); err != nil {
							t.Fatal(err)
						}
					}
					if b := <-got; strings.Count(b, "evil_tool") != 2 || !strings.Contains(b, "call_0") || strings.Contains(b, "call_1") || !strings.Contains(b, "denied") {
						t.Errorf("the client got %s", b)
					}
				}
				until(t, "no question", func() bool { return len(desk.List()) == 0 })
				i := sink.last(t, 1).Interaction
				want, verdicts := llm.StateDone, []string{"terminal", "terminal"}
				if leaves {
					want, verdicts = llm.StateCancelled, []string{"client_gone", "client_gone"}
				}
				if i.State != want || len(i.ToolCalls) != 2 || i.ToolCalls[0].By != verdicts[0] || i.ToolCalls[1].By != verdicts[1] || i.ToolCalls[1].Answer != llm.ActionBlock {
					t.Errorf("recorded as %s, %+v", i.State, i.ToolCalls)
				}
			})
		}
	}
}

// A compressed stream is read on while a person is asked. A client that leaves then
// closes it under the one who reads.
func TestACompressedStreamIsLeftWhileItIsHeld(t *testing.T) {
	const first = `data: {"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"evil_tool","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}` + "\n\n"
	for range 8 {
		desk := ask.New(ask.Options{Default: ask.Queue})
		t.Cleanup(desk.Close)
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Encoding", "zstd")
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Error(err)
				return
			}
			for text := first; r.Context().Err() == nil; text = ": more\n\n" {
				_, _ = io.WriteString(z, text) // a client that is gone ends the loop
				_ = z.Flush()
				w.(http.Flusher).Flush()
			}
		}, ruled(t, askEvil, func(o *guard.Options) { o.Asks = desk }))
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(`{"model":"m","stream":true,"tools":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		done := make(chan struct{})
		go func() {
			defer close(done)
			if res, err := client(t).Do(req); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}()
		until(t, "a question", func() bool { return len(desk.List()) > 0 })
		cancel()
		<-done
		if i := sink.last(t, 1).Interaction; i.State != llm.StateCancelled {
			t.Errorf("recorded as %s", i.State)
		}
	}
}
