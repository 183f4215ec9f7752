package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadSettings(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want []string
	}{
		"scheme":             {map[string]string{"ARCHESTRA_OPENAI_BASE_URL": "ftp://x"}, []string{"ARCHESTRA_OPENAI_BASE_URL", "http or https"}},
		"password":           {map[string]string{"ARCHESTRA_VLLM_BASE_URL": "http://u:swordfish@x"}, []string{"ARCHESTRA_VLLM_BASE_URL", "password"}},
		"query":              {map[string]string{"ARCHESTRA_XAI_BASE_URL": "http://x/?key=swordfish"}, []string{"query"}},
		"dots":               {map[string]string{"ARCHESTRA_XAI_BASE_URL": "http://x/../y"}, []string{"dot segment"}},
		"a key of two lines": {map[string]string{"XAI_API_KEY": "sword\nfish"}, []string{"xai key", "XAI_API_KEY"}},
	} {
		_, err := Prepare(load(t, c.vars))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", name, err, w)
			}
		}
		if strings.Contains(err.Error(), "swordfish") || strings.Contains(err.Error(), "sword\n") {
			t.Errorf("%s: %q repeats a secret", name, err)
		}
	}
}

func TestFileOfProviders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("providers:\n  ollama: {base-url: 'http://gpu.test:1'}\n  xai: {api-key: swordfish}\n")
	vars := map[string]string{"ARCHESTRA_CONFIG": file}
	if got := upstream(t, "ollama", vars).Base(); got != "http://gpu.test:1/v1" {
		t.Error(got)
	}
	if u := upstream(t, "xai", vars); u.key.Reveal() != "swordfish" || u.KeySource != file || u.State != StateReady || !u.UsesServerKey() {
		t.Errorf("key from %q", u.KeySource)
	}
	vars["XAI_API_KEY"] = "variable"
	if u := upstream(t, "xai", vars); u.key.Reveal() != "variable" || u.KeySource != "XAI_API_KEY" {
		t.Errorf("key from %q", u.KeySource)
	}
	write("providers: {nobody: {}}")
	if _, err := Prepare(load(t, vars)); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}

func TestUpstreamsDoNotPrintKeys(t *testing.T) {
	u := upstream(t, "xai", map[string]string{"XAI_API_KEY": "swordfish"})
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if s := fmt.Sprintf(verb, *u); strings.Contains(s, "swordfish") {
			t.Errorf("%s: %s", verb, s)
		}
	}
}

func TestWarnsOfPlainHTTP(t *testing.T) {
	set := ready(t, map[string]string{
		"ARCHESTRA_OPENAI_BASE_URL": "http://far.test/v1", "ARCHESTRA_VLLM_BASE_URL": "http://gpu:8000", "ARCHESTRA_OLLAMA_BASE_URL": "http://192.168.1.5:11434",
		"ARCHESTRA_XAI_BASE_URL": "http://127.0.0.1:1",
	})
	if len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0], "far.test") {
		t.Errorf("%q", set.Warnings)
	}
}

func TestList(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer local" {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		fmt.Fprint(w, `{"object":"list","data":[{"id":"m-1"},{"id":"m-2"},{"x":1}]}`)
	}))
	defer srv.Close()
	cfg := load(t, map[string]string{
		"ARCHESTRA_PORT": "9100", "ARCHESTRA_VLLM_BASE_URL": srv.URL, "ARCHESTRA_CHAT_VLLM_API_KEY": "local",
		"ARCHESTRA_CHAT_OPENAI_API_KEY": "swordfish",
	})
	rows, err := List(t.Context(), cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Status{}
	for _, r := range rows {
		byName[r.Name] = r
		if strings.Contains(fmt.Sprintf("%+v", r), "swordfish") {
			t.Errorf("%s shows its key", r.Name)
		}
	}
	want := Status{
		Name: "vllm", Title: "vLLM", State: StateReady, BaseURL: "http://localhost:9100/v1/vllm/default", Upstream: srv.URL + "/v1",
		KeySource: "ARCHESTRA_CHAT_VLLM_API_KEY", APIs: byName["vllm"].APIs, Models: []string{"m-1", "m-2"},
	}
	if d := cmp.Diff(want, byName["vllm"]); d != "" {
		t.Error(d)
	}
	if r := byName["openai"]; r.State != StateReady || r.KeySource != "ARCHESTRA_CHAT_OPENAI_API_KEY" {
		t.Errorf("openai: %+v", r)
	}
	if r := byName["anthropic"]; r.State != StateNoKey || !strings.Contains(r.Why, "ARCHESTRA_CHAT_ANTHROPIC_API_KEY") {
		t.Errorf("anthropic: %+v", r)
	}
	if r := byName["ollama"]; r.State != StateOff || r.Upstream != "" || !strings.Contains(r.Why, "ARCHESTRA_OLLAMA_BASE_URL") {
		t.Errorf("ollama: %+v", r)
	}
}

func TestListUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	gone := srv.URL
	srv.Close()
	wrong := httptest.NewServer(http.NotFoundHandler())
	defer wrong.Close()
	cfg := load(t, map[string]string{"ARCHESTRA_VLLM_BASE_URL": gone, "ARCHESTRA_OLLAMA_BASE_URL": wrong.URL})
	rows, err := List(context.Background(), cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		switch r.Name {
		case "vllm":
			if r.State != StateUnreachable || !strings.Contains(r.Why, "cannot be reached") {
				t.Errorf("%+v", r)
			}
		case "ollama":
			if r.State != StateUnreachable || !strings.Contains(r.Why, "404") {
				t.Errorf("%+v", r)
			}
		}
	}
}
