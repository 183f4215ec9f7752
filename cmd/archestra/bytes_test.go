package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNothingIsAddedUnlessTheUserSaysSo sends a stream that does not ask for its
// usage through the program as it comes, and through one that was told to ask.
func TestNothingIsAddedUnlessTheUserSaysSo(t *testing.T) {
	const ask = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	got := make(chan string, 1)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}))
	defer up.Close()
	for setting, added := range map[string]bool{"ARCHESTRA_LOG_LEVEL=info": false, "ARCHESTRA_INCLUDE_USAGE=true": true} {
		r := startServer(t, t.TempDir(), up.URL, setting)
		res, err := http.Post(r.base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(ask))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if sent := <-got; (sent != ask) != added {
			t.Errorf("%s: the provider got %s", setting, sent)
		}
	}
}
