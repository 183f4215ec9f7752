package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// behind is the handler behind the door: it keeps what it was given.
type behind struct {
	mu   sync.Mutex
	seen []*http.Request
	do   func(w http.ResponseWriter, r *http.Request)
}

func (b *behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.seen = append(b.seen, r)
	do := b.do
	b.mu.Unlock()
	if do != nil {
		do(w, r)
		return
	}
	if _, err := provider.Resolve(r.Method, r.URL.EscapedPath()); err != nil {
		var e *provider.Error
		if errors.As(err, &e) {
			w.WriteHeader(e.Status)
			_, _ = w.Write(e.Format.Error(e.Status, e.LLM("http://localhost:9000")))
			return
		}
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	fmt.Fprint(w, "behind")
}

func (b *behind) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.seen)
}

// lockedBuffer is a log that a test reads while the server writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// served is a running server.
type served struct {
	t      *testing.T
	behind *behind
	log    *lockedBuffer
	ln     *Listeners
	stop   func() error
}

func settings(t *testing.T, vars map[string]string) *config.Config {
	t.Helper()
	empty := t.TempDir()
	cfg, err := config.Load(func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		if strings.HasPrefix(name, "XDG_") {
			return empty, true
		}
		return map[string]string{"ARCHESTRA_PORT": "0"}[name], true
	}, empty, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func serve(t *testing.T, vars map[string]string) *served {
	t.Helper()
	cfg := settings(t, vars)
	ln, err := Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, cfg, ln)
}

func serveOn(t *testing.T, cfg *config.Config, ln *Listeners) *served {
	t.Helper()
	s := &served{t: t, behind: &behind{}, log: &lockedBuffer{}, ln: ln}
	srv := New(cfg, ln, s.behind, slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	var once sync.Once
	var end error
	s.stop = func() error {
		once.Do(func() {
			cancel()
			select {
			case end = <-done:
			case <-time.After(time.Minute):
				end = errors.New("the server does not stop")
			}
		})
		return end
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw sends bytes as they are and returns the first answer, or an error where
// the connection ended without one.
func (s *served) raw(request string) (*http.Response, string, error) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.ln.list[0].Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	// Of a request that is refused early the rest cannot be sent; the answer is there.
	_, unsent := io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, "", errors.Join(unsent, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// post is a plain request, with lines of header changed: "Name: value" replaces
// or adds, "Name:" removes.
func post(target string, changes ...string) string {
	const body = `{"model":"m"}`
	lines := []string{"Host: localhost:9000", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}
	for _, c := range changes {
		name, value, _ := strings.Cut(c, ":")
		kept := lines[:0:0]
		for _, l := range lines {
			if n, _, _ := strings.Cut(l, ":"); !strings.EqualFold(n, name) {
				kept = append(kept, l)
			}
		}
		lines = kept
		if strings.TrimSpace(value) != "" {
			lines = append(lines, c)
		}
	}
	if !strings.Contains(target, " ") {
		target = "POST " + target
	}
	return target + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

const chat = "/v1/openai/default/chat/completions"

func TestDoor(t *testing.T) {
	s := serve(t, map[string]string{
		"ARCHESTRA_ALLOWED_HOSTS": "host.docker.internal,tunnel.test:8443", "ARCHESTRA_ALLOWED_ORIGINS": "app://desktop",
	})
	own := fmt.Sprint(s.ln.Port)
	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"localhost", post(chat), 200},
		{"localhost in capitals", post(chat, "Host: LocalHost:9000"), 200},
		{"no port", post(chat, "Host: localhost"), 200},
		{"own port", post(chat, "Host: 127.0.0.1:"+own), 200},
		{"IPv6", post(chat, "Host: [::1]:9000"), 200},
		{"IPv6 without a port", post(chat, "Host: [::1]"), 200},
		{"an allowed host", post(chat, "Host: host.docker.internal:9000"), 200},
		{"an allowed host with its port", post(chat, "Host: tunnel.test:8443"), 200},
		{"an allowed host with another port", post(chat, "Host: tunnel.test"), 403},
		{"another port", post(chat, "Host: localhost:80"), 403},
		{"another name", post(chat, "Host: evil.test"), 403},
		{"a name that begins like one", post(chat, "Host: localhost.evil.test:9000"), 403},
		{"an address that begins like one", post(chat, "Host: 127.0.0.1.evil.test:9000"), 403},
		{"a trailing dot", post(chat, "Host: localhost.:9000"), 403},
		{"the unspecified address", post(chat, "Host: 0.0.0.0:9000"), 403},
		{"the unspecified IPv6 address", post(chat, "Host: [::]:9000"), 403},
		{"another spelling of loopback", post(chat, "Host: [0:0:0:0:0:0:0:1]:9000"), 403},
		{"loopback as a number", post(chat, "Host: 2130706433:9000"), 403},
		{"loopback mapped", post(chat, "Host: [::ffff:127.0.0.1]:9000"), 403},
		{"another loopback address", post(chat, "Host: 127.0.0.2:9000"), 403},
		{"a look-alike", post(chat, "Host: xn--lcalhost-9xa:9000"), 403},
		{"metadata", post(chat, "Host: 169.254.169.254"), 403},
		{"no Host", post(chat, "Host:"), 400},
		{"two Hosts", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n", 400},
		{"HTTP/1.0 without Host", "GET /health HTTP/1.0\r\n\r\n", 400},
		{"Host with a user", post(chat, "Host: localhost@evil.test"), 400},
		{"Host with a path", post(chat, "Host: localhost/evil"), 400},
		{"Host with an empty port", post(chat, "Host: localhost:"), 400},
		{"Host with a strange port", post(chat, "Host: localhost:9000x"), 400},
		{"Host with a large port", post(chat, "Host: localhost:99999"), 400},
		{"Host with two ports", post(chat, "Host: localhost:9000:9000"), 400},
		{"Host with half a bracket", post(chat, "Host: [::1"), 400},
		{"Host with more after a bracket", post(chat, "Host: [::1]evil"), 400},

		{"own origin", post(chat, "Origin: http://localhost:9000"), 200},
		{"an allowed origin", post(chat, "Origin: app://desktop", "Sec-Fetch-Site: cross-site"), 200},
		{"own name, another port", post(chat, "Origin: http://localhost:3000"), 403},
		{"own name by TLS", post(chat, "Origin: https://localhost:9000"), 403},
		{"another loopback name", post(chat, "Origin: http://127.0.0.1:9000"), 403},
		{"a page", post(chat, "Origin: https://evil.test"), 403},
		{"a sandboxed page", post(chat, "Origin: null"), 403},
		{"an extension", post(chat, "Origin: chrome-extension://abcdef"), 403},
		{"two origins", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nOrigin: app://desktop\r\nOrigin: https://evil.test\r\nContent-Length: 0\r\n\r\n", 403},
		{"an empty origin", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nOrigin:\r\nContent-Length: 0\r\n\r\n", 403},
		{"a page's image", post("GET /v1/openai/default/models", "Content-Length: 0", "Content-Type:", "Sec-Fetch-Site: cross-site"), 403},
		{"a page next door", post(chat, "Sec-Fetch-Site: same-site"), 403},
		{"an unknown site", post(chat, "Sec-Fetch-Site: somewhere"), 403},
		{"typed by the user", post("GET /v1/openai/default/models", "Content-Length: 0", "Content-Type:", "Sec-Fetch-Site: none"), 200},
		{"a page asks for health", post("GET /health", "Content-Length: 0", "Content-Type:", "Origin: https://evil.test"), 403},
		{"a page opens a WebSocket", post("GET /v1/openai/default/responses", "Content-Length: 0", "Content-Type:", "Connection: Upgrade", "Upgrade: websocket", "Origin: https://evil.test"), 403},

		{"preflight", post("OPTIONS "+chat, "Content-Length: 0", "Content-Type:", "Origin: https://evil.test", "Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true"), 403},
		{"preflight of the own origin", post("OPTIONS "+chat, "Content-Length: 0", "Content-Type:", "Origin: http://localhost:9000", "Access-Control-Request-Method: POST"), 403},
		{"preflight of an allowed origin", post("OPTIONS "+chat, "Content-Length: 0", "Content-Type:", "Origin: app://desktop", "Access-Control-Request-Method: POST"), 403},
		{"OPTIONS", post("OPTIONS "+chat, "Content-Length: 0", "Content-Type:"), 405},
		{"OPTIONS *", post("OPTIONS *", "Content-Length: 0", "Content-Type:"), 400},
		{"CONNECT", "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n", 405},
		{"TRACE", post("TRACE "+chat, "Content-Length: 0", "Content-Type:"), 405},
		{"a method in lower case", post("post " + chat), 405},
		{"absolute form", post("GET http://evil.test/v1/openai/p/models", "Content-Length: 0", "Content-Type:"), 400},
		{"absolute form to itself", post("POST http://localhost:9000" + chat), 400},

		{"JSON with a charset", post(chat, "Content-Type: application/json; charset=utf-8"), 200},
		{"JSON of a kind", post(chat, "Content-Type: application/vnd.api+json"), 200},
		{"an upload", post("/v1/openai/p/files", "Content-Type: multipart/form-data; boundary=x"), 200},
		{"lines of JSON", post("/v1/openai/p/files", "Content-Type: application/x-ndjson"), 200},
		{"sound", post("/v1/openai/p/audio", "Content-Type: audio/wav"), 200},
		{"nothing", post("/v1/openai/p/responses/r/cancel", "Content-Type:", "Content-Length: 0"), 200},
		{"text", post(chat, "Content-Type: text/plain"), 415},
		{"text that looks like JSON", post(chat, "Content-Type: text/plain; application/json"), 415},
		{"two types in one", post(chat, "Content-Type: application/json, text/plain"), 415},
		{"a form", post(chat, "Content-Type: application/x-www-form-urlencoded"), 415},
		{"an empty form", post(chat, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 0"), 415},
		{"JSON that is not", post(chat, "Content-Type: application/json+protobuf"), 415},
		{"no type", post(chat, "Content-Type:"), 415},
		{"two types", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 400},
		{"DELETE with a body of a form", post("DELETE /v1/openai/p/files/f", "Content-Type: text/plain"), 415},
		{"too large", post(chat, "Content-Length: 134217729"), 413},

		{"health", post("GET /health", "Content-Length: 0", "Content-Type:"), 200},
		{"health of another name", post("GET /health", "Content-Length: 0", "Content-Type:", "Host: evil.test"), 403},
		{"health by POST", post("/health"), 405},

		{"two lengths", post(chat, "Content-Length: 5", "content-Length : 6"), 400},
		{"length and chunks", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400},
		{"an unknown encoding", post(chat, "Transfer-Encoding: gzip"), 501},
		{"chunks and more", post(chat, "Content-Length:", "Transfer-Encoding: chunked, identity"), 501},
		{"a header that is none", "POST " + chat + " HTTP/1.1\r\nHost: localhost:9000\r\nX Y: 1\r\n\r\n", 400},
		{"a header too large", post(chat, "X-Large: "+strings.Repeat("x", 100<<10)), 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.behind.count()
			resp, body, err := s.raw(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Fatalf("%d %s, want %d", resp.StatusCode, body, c.status)
			}
			for name := range resp.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s is granted", name)
				}
			}
			if reached := s.behind.count() > before; reached != (body == "behind") {
				t.Errorf("reached: %v, answered %q", reached, body)
			}
		})
	}
}

// TestRefusalsAreTyped: each provider's SDK gets an error in the shape it reads.
func TestRefusalsAreTyped(t *testing.T) {
	s := serve(t, nil)
	for path, kind := range map[string]string{
		chat: "openai", "/v1/anthropic/p/v1/messages": "anthropic", "/v1/gemini/p/v1beta/models/m:generateContent": "gemini", "/anything": "openai",
	} {
		resp, body, err := s.raw(post(path, "Host: evil.test"))
		if err != nil {
			t.Fatal(err)
		}
		var e struct {
			Type  string `json:"type"`
			Error struct {
				Type    string `json:"type"`
				Status  string `json:"status"`
				Code    any    `json:"code"`
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatalf("%s: %v in %q", path, err, body)
		}
		ok := map[string]bool{
			"openai":    e.Error.Type == "permission_error" && e.Error.Code == "host_not_allowed",
			"anthropic": e.Type == "error" && e.Error.Type == "permission_error",
			"gemini":    e.Error.Status == "PERMISSION_DENIED" && e.Error.Code == 403.0,
		}[kind]
		if !ok || !strings.Contains(e.Error.Message, "ARCHESTRA_ALLOWED_HOSTS") || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v %s", path, resp.Header, body)
		}
	}
}

func TestToken(t *testing.T) {
	const token = "swordfish-0123456789"
	s := serve(t, map[string]string{"ARCHESTRA_HOST": "0.0.0.0", "ARCHESTRA_ALLOW_REMOTE": "true", "ARCHESTRA_TOKEN": token})
	for name, c := range map[string]struct {
		raw    string
		status int
	}{
		"the token":      {post(chat, "X-Archestra-Token: "+token), 200},
		"none":           {post(chat), 401},
		"a beginning":    {post(chat, "X-Archestra-Token: "+token[:10]), 401},
		"more":           {post(chat, "X-Archestra-Token: "+token+"x"), 401},
		"another header": {post(chat, "Authorization: Bearer "+token), 401},
		"health":         {post("GET /health", "Content-Type:", "Content-Length: 0"), 200},
		"the wildcard":   {post(chat, "Host: 0.0.0.0", "X-Archestra-Token: "+token), 403},
	} {
		resp, body, err := s.raw(c.raw)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s: %v %q %v", name, resp, body, err)
		}
	}
	for _, r := range s.behind.seen {
		if r.Header.Get(TokenHeader) != "" {
			t.Error("the token went on")
		}
	}
	if log := s.log.String(); strings.Contains(log, "swordfish") || !strings.Contains(log, "beyond this machine") {
		t.Errorf("log: %s", log)
	}
}

func FuzzHostAndOrigin(f *testing.F) {
	for _, s := range [][2]string{{"localhost:9000", ""}, {"[::1]", "http://[::1]"}, {"localhost.", "null"}, {"evil.test:9000", "http://localhost:9000"}, {"[::1]:9000:1", "app://x"}, {"localhost:09000", "a"}} {
		f.Add(s[0], s[1])
	}
	d := NewDoor(&config.Config{}, 1234, nil, slog.New(slog.DiscardHandler))
	names := map[string]bool{}
	for _, name := range []string{"localhost", "127.0.0.1", "[::1]"} {
		for _, port := range []string{"", ":9000", ":1234"} {
			names[name+port] = true
		}
	}
	f.Fuzz(func(t *testing.T, host, origin string) {
		r := &http.Request{Host: host, Header: http.Header{}}
		if in := d.host(r) == nil; in != names[strings.ToLower(host)] {
			t.Errorf("Host %q: let in %v", host, in)
		}
		r.Header["Origin"] = []string{origin}
		if in := d.origin(r) == nil; in != strings.EqualFold(origin, "http://"+host) {
			t.Errorf("Host %q, Origin %q: let in %v", host, origin, in)
		}
	})
}
