package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// attacks are raw requests at a local proxy, if they lie beside the repository.
const attacks = "../../../shared/security/local-attacks.jsonl"

// TestLocalAttacks sends the cases that concern the door and the routes through
// a socket, to a handler that routes and filters as the proxy does.
func TestLocalAttacks(t *testing.T) {
	data, err := os.ReadFile(attacks)
	if err != nil {
		t.Skip("no attacks here")
	}
	cfg := settings(t, map[string]string{"ARCHESTRA_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
	upstreams, err := provider.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out http.Header // what would leave for the provider
	s := serve(t, map[string]string{"ARCHESTRA_PORT": "0"})
	slow := serve(t, map[string]string{"ARCHESTRA_PORT": "0", "ARCHESTRA_HEADER_TIMEOUT": "200ms"})
	s.behind.do = func(w http.ResponseWriter, r *http.Request) {
		target, err := provider.Resolve(r.Method, r.URL.EscapedPath())
		var e *provider.Error
		if errors.As(err, &e) {
			w.WriteHeader(e.Status)
			_, _ = w.Write(e.Format.Error(e.Status, e.LLM("http://localhost:9000")))
			return
		}
		u, err := upstreams.Get(target.Provider)
		if err != nil {
			t.Error(err)
			return
		}
		req := httptest.NewRequest(r.Method, "/", nil)
		req.URL, req.Header = u.URL(target.Rest, r.URL.RawQuery), r.Header.Clone()
		provider.FilterRequestHeader(req.Header)
		if err := u.Authorize(r.Context(), req); err != nil {
			t.Error(err)
		}
		out = req.Header
	}
	ran := 0
	for line := range strings.Lines(string(data)) {
		var c struct{ Cat, Name, Raw, Expect, Send string }
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if !map[string]bool{"host": true, "origin": true, "profile_id": true, "smuggling": true, "headers": true}[c.Cat] && c.Name != "slow headers" {
			continue
		}
		ran++
		t.Run(c.Cat+"/"+c.Name, func(t *testing.T) {
			if c.Name == "slow headers" {
				if resp, _, err := slow.raw(c.Raw); err == nil && resp.StatusCode < 400 {
					t.Errorf("answered %d", resp.StatusCode)
				}
				return
			}
			out = nil
			before := s.behind.count()
			resp, body, err := s.raw(c.Raw)
			if err != nil {
				t.Fatal(err)
			}
			reached := s.behind.count() > before
			is := func(statuses ...int) {
				t.Helper()
				for _, want := range statuses {
					if resp.StatusCode == want {
						return
					}
				}
				t.Errorf("%d %s; expected %s", resp.StatusCode, body, c.Expect)
			}
			switch {
			case c.Cat == "headers":
				is(200)
				for name := range out {
					n := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
					if strings.HasPrefix(n, "x-forwarded") || strings.HasPrefix(n, "x-archestra") || n == "forwarded" || n == "x-original-url" || n == "cookie" || n == "x-api-key" || n == "x-goog-api-key" {
						t.Errorf("%s leaves", name)
					}
				}
				if out.Get("Authorization") != "Bearer sk-test" {
					t.Errorf("the client's own key is %q", out.Get("Authorization"))
				}
			case c.Name == "obs-fold":
				if reached && out.Get("X-A") != "b c" {
					t.Errorf("X-A is %q", out.Get("X-A"))
				}
			case c.Name == "CONNECT":
				is(405)
			case c.Cat == "smuggling":
				is(400)
			case c.Expect == "allow":
				is(200)
			case strings.HasPrefix(c.Expect, "403"):
				is(403)
			case strings.HasPrefix(c.Expect, "400/404"):
				is(400, 404)
				if len(c.Name) > 2 && strings.Contains(body, c.Name) {
					t.Errorf("%s repeats the id", body)
				}
			default:
				t.Errorf("no check for %q", c.Expect)
			}
			if resp.StatusCode == 403 && reached {
				t.Error("a refused request went on")
			}
			for name := range resp.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s is granted", name)
				}
			}
		})
	}
	if ran < 40 {
		t.Errorf("only %d cases", ran)
	}
}
