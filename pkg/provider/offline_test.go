package provider

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

func TestOffline(t *testing.T) {
	vars := map[string]string{"HOME": t.TempDir(), "ARCHESTRA_VLLM_BASE_URL": "http://localhost:1"}
	cfg, err := config.Load(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	ollama, vllm := providers["ollama"], providers["vllm"]
	if _, err := set.Get(ollama); err == nil {
		t.Fatal("ollama is on without its variable")
	}
	set.Offline()
	u, err := set.Get(ollama)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.URL = u.URL("/chat/completions", "")
	if got := req.URL.String(); got != "http://ollama.invalid/v1/chat/completions" {
		t.Error(got)
	}
	if err := u.Authorize(t.Context(), req); err != nil {
		t.Error(err)
	}
	_, err = u.Transport().RoundTrip(req)
	var e *Error
	if !errors.As(err, &e) || e.Code != "provider_off" || e.Format == nil {
		t.Errorf("a call of it: %v", err)
	}
	if u, err := set.Get(vllm); err != nil || u.Base() != "http://localhost:1/v1" || u.instead != nil {
		t.Errorf("vllm changed: %v, %v", u.Base(), err)
	}
}
