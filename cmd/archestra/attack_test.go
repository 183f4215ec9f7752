package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// attack is a line of local-attacks.jsonl: a raw request and what must come of it.
type attack struct {
	Cat, Name, Raw, Expect, Upstream, Generate, Send string
}

func attacks(t *testing.T) []attack {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "security", "local-attacks.jsonl"))
	if err != nil {
		t.Skip("the labelled attacks are not here; the door's and the proxy's own tables stand in their packages")
	}
	defer f.Close()
	var all []attack
	s := bufio.NewScanner(f)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		var a attack
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	if s.Err() != nil || len(all) == 0 {
		t.Fatal(s.Err(), len(all))
	}
	return all
}

// TestLocalAttacks sends each attack to the real program, byte for byte.
func TestLocalAttacks(t *testing.T) {
	var mu sync.Mutex
	var reached []*http.Request
	var bodies []string
	redirect := false
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		reached, bodies = append(reached, r), append(bodies, string(b))
		if redirect {
			w.Header().Set("Location", "http://169.254.169.254/")
			w.WriteHeader(http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"c","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}`)
	}))
	defer up.Close()
	dir := t.TempDir()
	r := startServer(t, dir, up.URL, "ARCHESTRA_HEADER_TIMEOUT=1s", "ARCHESTRA_BODY_TIMEOUT=1s")
	base, err := url.Parse(r.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attacks(t) {
		if a.Generate != "" {
			continue // these need an upstream of their own: see pkg/proxy
		}
		t.Run(a.Cat+"/"+a.Name, func(t *testing.T) {
			mu.Lock()
			reached, bodies, redirect = nil, nil, a.Upstream != ""
			mu.Unlock()
			raw := strings.ReplaceAll(a.Raw, ":9000", ":"+base.Port())
			if !strings.Contains(raw, " HTTP/1.1\r\n") { // a body alone
				raw = fmt.Sprintf("POST /v1/openai/default/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(raw), raw)
			}
			status, header, answer := exchangeRaw(t, net.JoinHostPort("127.0.0.1", base.Port()), raw, a.Send != "")
			mu.Lock()
			defer mu.Unlock()
			fail := func(why string) {
				t.Errorf("%s: %d %.300q; expected: %s; %d requests reached the provider", why, status, answer, a.Expect, len(reached))
			}
			for name := range header {
				if strings.HasPrefix(name, "Access-Control-") {
					fail("a CORS header")
				}
			}
			switch {
			case a.Expect == "allow":
				if status != 200 || len(reached) != 1 {
					fail("not let in")
				}
			case strings.HasPrefix(a.Expect, "403"):
				if status != 403 || len(reached) != 0 {
					fail("let in")
				}
			case strings.HasPrefix(a.Expect, "405"):
				if status != 405 || len(reached) != 0 {
					fail("not refused")
				}
			case a.Cat == "profile_id":
				if status != 400 && status != 404 || len(reached) != 0 {
					fail("not refused")
				}
				if strings.Contains(string(answer), a.Name) && len(a.Name) > 3 && strings.ContainsAny(a.Name, "{}<%\\/ ") {
					fail("the id is echoed raw")
				}
			case a.Cat == "headers":
				if status != 200 || len(reached) != 1 {
					fail("not relayed")
					return
				}
				for name, values := range reached[0].Header {
					low := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
					if strings.HasPrefix(low, "x-forwarded") || strings.HasPrefix(low, "x-archestra") || low == "forwarded" || low == "x-original-url" || low == "cookie" || low == "x-api-key" || low == "x-goog-api-key" {
						fail("passed on: " + name + " " + values[0])
					}
				}
			case a.Cat == "ssrf":
				if status != 302 || len(reached) != 1 {
					fail("followed")
				}
			case a.Send != "":
				if status == 200 || len(reached) != 0 {
					fail("a slow request was served")
				}
			case a.Name == "CL.TE":
				if status != 400 && len(reached) > 1 {
					fail("smuggled")
				}
			case strings.HasPrefix(a.Expect, "400"):
				if status != 400 && !strings.Contains(a.Expect, " or ") || status == 500 || status == 0 {
					fail("not refused")
				}
				for _, q := range reached {
					if q.Header.Get("X-A") == "b\r\n c" {
						fail("a folded header passed")
					}
				}
			case a.Name == "duplicate keys":
				if status != 400 || len(reached) != 0 {
					fail("a body that parsers read differently passed")
				}
			default: // strange but strict JSON: it passes as it is, and nothing breaks
				if status != 200 || len(bodies) != 1 || !strings.HasSuffix(raw, bodies[0]) {
					fail("not relayed as it was")
				}
			}
		})
	}
	if strings.Contains(r.stderr.String(), "panic") {
		t.Errorf("the log tells of a panic: %s", r.stderr)
	}
}

// exchangeRaw sends bytes, at once or one a tenth of a second, and reads what
// comes. A connection that is closed without an answer gives status 0.
func exchangeRaw(t *testing.T, addr, raw string, slowly bool) (int, http.Header, []byte) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if slowly {
		// The head at once where it is the body that is slow; then too little to
		// keep a request alive.
		if i := strings.Index(raw, "\r\n\r\n"); i > 0 {
			_, _ = io.WriteString(c, raw[:i+6])
		} else {
			_, _ = io.WriteString(c, raw)
		}
	} else if _, err := io.WriteString(c, raw); err != nil {
		t.Logf("the server closed while it was sent to: %v", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil, nil
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if n, _ := strconv.Atoi(res.Header.Get("Content-Length")); n > 0 {
		_, _ = io.CopyN(&b, res.Body, int64(n))
	}
	return res.StatusCode, res.Header, b.Bytes()
}
