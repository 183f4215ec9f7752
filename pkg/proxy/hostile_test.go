package proxy_test

import (
	"bytes"
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

// panicking panics once it is asked to price an interaction.
type panicking struct{}

func (panicking) Cost(*llm.Interaction) (llm.Decimal, bool) { panic("a defect") }

func TestAPanicCostsOneRequest(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
	}, func(o *proxy.Options) {
		o.Recorder = record.New(record.Options{Sink: newMemory(), Pricer: onlyWhile{&broken}})
	})
	c := client(t)
	if res, err := c.Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody)); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	broken.Store(false)
	if res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody); res.StatusCode != 200 {
		t.Errorf("the next request got %d %s", res.StatusCode, got)
	}
}

type onlyWhile struct{ broken *atomic.Bool }

func (o onlyWhile) Cost(i *llm.Interaction) (llm.Decimal, bool) {
	if o.broken.Load() {
		return panicking{}.Cost(i)
	}
	return 0, false
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
	base, _ := start(f, up.URL, func(o *proxy.Options) { o.Mode = proxy.ModeReport })
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
