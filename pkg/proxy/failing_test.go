package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// failureOf reads the error of an answer in the format's own shape.
func failureOf(d dialect, body []byte) (message, kind string) {
	var e struct {
		Type  string
		Error json.RawMessage
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	if d.name == "ollama_chat" { // {"error": "…"}
		_ = json.Unmarshal(e.Error, &message) // another shape leaves it empty
		return message, "-"
	}
	var inner struct{ Message, Type, Status string }
	if json.Unmarshal(e.Error, &inner) != nil || d.name == "messages" && e.Type != "error" {
		return "", ""
	}
	if d.name == "generate_content" {
		return inner.Message, inner.Status
	}
	return inner.Message, inner.Type
}

// TestRulesPanic: while the rules fail, no request leaves where they are acted
// upon: each is refused in its format's own shape, and is on record. The server
// lives on, and once the rules are back, so is everything else.
func TestRulesPanic(t *testing.T) {
	broken := new(atomic.Bool)
	rules := policy.Default()
	reached := new(atomic.Int64)
	sim := simulate.New(simulate.Options{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(up.Close)
	change := func(act bool) func(*proxy.Options) {
		return func(o *proxy.Options) {
			o.Guard = newGuard(t, func(g *guard.Options) {
				g.Act = act
				g.Policy = func() *policy.Policy {
					if broken.Load() {
						panic("the rules are gone")
					}
					return rules
				}
			})
		}
	}
	words := "Hello."
	run := &trace.Run{Messages: []trace.Message{{Role: "user", Content: &words}}}
	for _, act := range []bool{true, false} {
		base, sink := start(t, up.URL, change(act))
		for _, d := range dialects {
			for _, stream := range []bool{true, false} {
				for _, failing := range []bool{true, false} {
					broken.Store(failing)
					before := reached.Load()
					body, err := json.Marshal(d.body(run, 1, []llm.Tool{{Name: "look"}}, stream))
					if err != nil {
						t.Fatal(err)
					}
					res, err := http.Post(base+"/v1"+d.where(stream), "application/json", bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err != nil {
						t.Fatal(err)
					}
					recorded := sink.newest(t).Interaction
					if !failing || !act {
						if a := decode(d.format, res.Header.Get("Content-Type"), stream, got); res.StatusCode != http.StatusOK || !a.Complete || a.Text() == "" {
							t.Errorf("%s, act %v, stream %v: status %d: %s", d.name, act, stream, res.StatusCode, got)
						}
						continue
					}
					message, kind := failureOf(d, got)
					if res.StatusCode != http.StatusInternalServerError || message == "" || kind == "" {
						t.Errorf("%s, stream %v: status %d, kind %q: %s", d.name, stream, res.StatusCode, kind, got)
					}
					if n := reached.Load() - before; n != 0 {
						t.Errorf("%s, stream %v: the request reached the provider", d.name, stream)
					}
					if e := recorded.Error; recorded.State != llm.StateRefused || e == nil || e.Source != llm.SourceArchestra || e.Code != "guard_failed" {
						t.Errorf("%s, stream %v: recorded as %s, %+v", d.name, stream, recorded.State, e)
					}
				}
			}
		}
	}
}

// where is the path of a request.
func (d dialect) where(stream bool) string {
	if d.stream == "" {
		return d.path
	}
	if stream {
		return fmt.Sprintf(d.path, d.stream)
	}
	return fmt.Sprintf(d.path, d.whole)
}
