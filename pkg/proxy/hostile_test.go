package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

func TestARedirectIsTheClientsMatter(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusFound)
	}, nil)
	c := client(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(chatBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk-canary")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound || elsewhere.Load() != 0 {
		t.Errorf("status %d, %d requests elsewhere", res.StatusCode, elsewhere.Load())
	}
}

// faulty is a sink that panics for as long as it is broken.
type faulty struct {
	*memory
	broken *atomic.Bool
}

func (f faulty) Finish(ctx context.Context, e *record.Entry) error {
	if f.broken.Load() {
		panic("a defect")
	}
	return f.memory.Finish(ctx, e)
}

func TestAPanicCostsOneRequest(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}`)
	}, func(o *proxy.Options) {
		o.Recorder = record.New(record.Options{Sink: faulty{newMemory(), &broken}})
	})
	c := client(t)
	if res, err := c.Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody)); err == nil {
		if got, err := io.ReadAll(res.Body); err == nil && (res.StatusCode != http.StatusInternalServerError || !strings.Contains(string(got), "internal_error")) {
			t.Errorf("an answer that broke off was taken for whole: %d %s", res.StatusCode, got)
		}
		res.Body.Close()
	}
	broken.Store(false)
	if res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody); res.StatusCode != 200 {
		t.Errorf("the next request got %d %s", res.StatusCode, got)
	}
}

func TestAnUpgradeIsAGetWithoutABody(t *testing.T) {
	var reached atomic.Int32
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			t.Error("a request that is not a WebSocket's asks the provider for an upgrade")
		}
		reached.Add(1)
	}, nil)
	for _, connection := range []string{"Upgrade", "keep-alive"} {
		req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(`{"model":"m","model":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Upgrade", "websocket")
		req.Header.Set("Connection", connection)
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest || reached.Load() != 0 {
			t.Errorf("%s: status %d; a header switched the judging off", connection, res.StatusCode)
		}
	}
	if i := sink.last(t, 2).Interaction; i.RequestBytes == 0 || i.State != llm.StateRefused {
		t.Errorf("recorded as %s with %d bytes", i.State, i.RequestBytes)
	}
}

func TestAKeyEchoedInACompressedAnswerIsNotRecorded(t *testing.T) {
	const key = "sk-canary-0123456789abcdef"
	answer := encoded(t, "gzip", `{"error":{"message":"wrong key `+key+`"}}`)
	for _, path := range []string{"/v1/openai/p/chat/completions", "/v1/openai/p/files"} {
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write(answer)
		}, nil)
		req, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Accept-Encoding", "gzip")
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		e := sink.last(t, 1)
		plain, err := record.Decode(e.Response.Data, e.Response.Encoding, 1<<20)
		if err != nil || bytes.Contains(plain, []byte("canary")) || !bytes.Contains(plain, []byte("wrong key")) || !bytes.Equal(got, answer) {
			t.Errorf("%s: kept %q (%v)", path, plain, err)
		}
	}
}

func TestAnEchoedKeyIsNotRecorded(t *testing.T) {
	const key = "sk-canary-0123456789abcdef"
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided: `+key+`","type":"invalid_request_error","code":"invalid_api_key"}}`)
	}, nil)
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) },
		func(r *http.Request) { r.Header.Set("X-Custom", key) },
		func(r *http.Request) { r.Header.Set("Api_Key", key) },
		func(r *http.Request) { r.URL.RawQuery = "api_key=" + key },
		func(r *http.Request) { r.URL.RawQuery = "x=1&KEY=" + key + "&y=2" },
		func(r *http.Request) { r.URL.RawQuery = "q=sk%2Dcanary-0123456789abcdef" },
	} {
		req, err := http.NewRequest(http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		set(req)
		res, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !bytes.Contains(got, []byte(key)) {
			t.Error("the client's own answer was changed")
		}
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	for _, e := range sink.entries {
		whole, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		whole = append(append(whole, e.Response.Data...), e.Request.Data...)
		if bytes.Contains(whole, []byte("canary")) {
			t.Errorf("a key was recorded: %s", whole)
		}
	}
}

// FuzzRequest throws anything at the proxy: it answers, and does not panic.
func FuzzRequest(f *testing.F) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("X-Media"))
		_, _ = w.Write(b) // the answer is as strange as the question
	}))
	f.Cleanup(up.Close)
	base, _ := start(f, up.URL, reports(f))
	c := client(f)
	for _, path := range []string{"/v1/openai/p/chat/completions", "/v1/anthropic/p/messages", "/v1/gemini/p/models/m:streamGenerateContent", "/v1/ollama/api/chat", "/v1/openai/p/responses", "/v1//..%2f", "/"} {
		f.Add("POST", path, "text/event-stream", []byte(chunkHi+chunkDone))
		f.Add("POST", path, "application/json", []byte(chatBody))
		f.Add("GET", path, "application/x-ndjson", []byte("{}\n{"))
	}
	f.Fuzz(func(t *testing.T, method, path, media string, body []byte) {
		req, err := http.NewRequest(method, base, bytes.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		req.URL.Opaque = path
		req.Header.Set("X-Media", strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return -1
			}
			return r
		}, media))
		res, err := c.Do(req)
		if err != nil {
			return // the path or the method cannot be written as HTTP
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusInternalServerError {
			t.Fatalf("%s %q: archestra failed", method, path)
		}
	})
}
