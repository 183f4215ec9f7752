package proxy_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// ruled puts other rules in force.
func ruled(t testing.TB, rules string, change func(*guard.Options)) func(*proxy.Options) {
	t.Helper()
	p, err := policy.Load(policy.File{Name: "policy.yaml", Data: []byte(rules)})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *proxy.Options) {
		o.Guard = newGuard(t, func(g *guard.Options) {
			g.Policy = func() *policy.Policy { return p }
			if change != nil {
				change(g)
			}
		})
	}
}

const noEvil = "version: 1\ndeny: [{id: no-evil, tool: evil_tool, match: [{}], not_match: [{tool: fine}]}]\n"

// unpacked takes off what looks like gzip, as often as a client may.
func unpacked(b []byte) []byte {
	for range 3 {
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			b, _ = io.ReadAll(z)
		}
	}
	return b
}

// A refused call does not pass because the header says of an answer what it is not:
// another media type, none, encodings in several lines, a body that is broken off.
func TestACallUnderAWrongHeaderIsJudged(t *testing.T) {
	const canary = "CANARY-ARGUMENT"
	args := `{\"to\":\"` + canary + `\"}`
	chat := `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"evil_tool","arguments":"` + args + `"}}]},"finish_reason":"tool_calls"}]}`
	legacy := `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"function_call":{"name":"evil_tool","arguments":"` + args + `"}},"finish_reason":"function_call"}]}`
	chunks := "data: " + strings.ReplaceAll(chat, `"message"`, `"delta"`) + "\n\ndata: [DONE]\n\n"
	messages := `{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t","name":"evil_tool","input":{"to":"` + canary + `"}}],"stop_reason":"tool_use"}`
	gemini := `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"evil_tool","args":{"to":"` + canary + `"}}}]},"finishReason":"STOP"}]}`
	ollama := `{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"evil_tool","arguments":{"to":"` + canary + `"}}}]},"done":true}`
	responses := `{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"function_call","id":"f","call_id":"c","name":"evil_tool","arguments":"` + args + `"}]}`
	answers := []struct{ path, body string }{
		{"/v1/openai/p/chat/completions", chat}, {"/v1/openai/p/chat/completions", legacy}, {"/v1/openai/p/chat/completions", chunks},
		{"/v1/openai/p/chat/completions", "\n\n " + chat}, {"/v1/openai/p/chat/completions", "\ufeff" + chunks}, {"/v1/openai/p/chat/completions", chat + chat},
		{"/v1/openai/p/chat/completions", strings.ReplaceAll(chat, ",", ",\n\n")}, {"/v1/openai/p/chat/completions", "data: [DONE]\n\n" + chunks},
		{"/v1/vllm/p/v1/chat/completions", chat}, {"/v1/xai/p/chat/completions", chunks}, {"/v1/ollama/p/v1/chat/completions", chat},
		{"/v1/openai/p/responses", responses}, {"/v1/anthropic/p/v1/messages", messages},
		{"/v1/gemini/p/v1/projects/a/locations/b/publishers/anthropic/models/c:rawPredict", messages},
		{"/v1/gemini/p/v1/projects/a/locations/b/publishers/anthropic/models/c:streamRawPredict", messages},
		{"/v1/gemini/p/v1beta/models/g:generateContent", gemini}, {"/v1/gemini/p/v1beta/models/g:streamGenerateContent", "[" + gemini + "]"},
		{"/v1/ollama/p/api/chat", ollama + "\n"},
	}
	encodings := [][]string{nil, {"gzip"}, {"identity", "gzip"}, {"gzip", "identity"}, {"gzip", "gzip"}, {"", "gzip"}, {"utf-8"}, {"identity, gzip"}}
	var media, body string
	var lines []string
	status := http.StatusOK
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		if media != "" {
			w.Header().Set("Content-Type", media)
		}
		out := []byte(body)
		for _, l := range lines {
			w.Header().Add("Content-Encoding", l)
			if strings.Contains(l, "gzip") {
				out = encoded(t, "gzip", string(out))
			}
		}
		w.WriteHeader(status)
		_, _ = w.Write(out)
	}, ruled(t, noEvil, nil))
	c := client(t)
	read, cut := 0, 0
	for _, a := range answers {
		body = a.body
		for _, media = range []string{"", "application/json", "TEXT/Event-Stream; charset=utf-8", "text/plain", "application/x-ndjson"} {
			for k, enc := range encodings {
				if k > 0 && a.body != chat && a.body != chunks {
					continue
				}
				lines, status = enc, []int{http.StatusOK, http.StatusCreated, http.StatusPartialContent}[k%3]
				for _, ask := range []string{`{"model":"m","tools":[]}`, `{"model":"m","stream":true,"tools":[]}`, `{"model":"m","stream":true,"t\u006fols":[]}`} {
					req, err := http.NewRequest(http.MethodPost, base+a.path, strings.NewReader(ask))
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Content-Type", "application/json")
					req.Header.Set("Accept-Encoding", "gzip")
					res, err := c.Do(req)
					if err != nil {
						cut++ // an answer that is cut before its header has left is as good as refused
						continue
					}
					read++
					got, _ := io.ReadAll(res.Body) // and so is one that is cut behind it
					res.Body.Close()
					if bytes.Contains(unpacked(got), []byte(canary)) {
						t.Errorf("%s, %q, encoded %q, asked %s: %d\n%.200s", a.path, media, enc, ask, res.StatusCode, unpacked(got))
					}
				}
			}
		}
	}
	if cut > read/2 {
		t.Errorf("%d answers were cut, %d read", cut, read)
	}
}

// Text that is no call passes whatever the header calls it.
func TestATextUnderAWrongHeaderPasses(t *testing.T) {
	const answer = `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}]}`
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, answer)
	}, ruled(t, noEvil, nil))
	if res, got := post(t, base+"/v1/openai/p/chat/completions", `{"model":"m","tools":[]}`); res.StatusCode != http.StatusOK || got != answer {
		t.Errorf("%d %s", res.StatusCode, got)
	}
}

// What vouches for bytes does not outlive their change.
func TestADigestGoesWithTheBytesItIsOf(t *testing.T) {
	var sent http.Header
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Digest", "sha-256=:x:")
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"index":0,"message":{"tool_calls":[{"id":"c","type":"function","function":{"name":"evil_tool","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)
	}, ruled(t, noEvil, func(o *guard.Options) { o.Secrets = guard.Redact }))
	for _, text := range []string{"hello", "my token is " + token} {
		req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"`+text+`"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-Digest", "sha-256=:y:")
		req.Header.Set("Content-MD5", "z")
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		changed := text != "hello"
		if got := sent.Get("Content-Digest") == "" && sent.Get("Content-MD5") == ""; got != changed {
			t.Errorf("%s: the request's digests are gone: %v", text, got)
		}
		if d := res.Header.Get("Content-Digest"); d != "" {
			t.Errorf("an answer that was changed has the digest %q", d)
		}
	}
}
