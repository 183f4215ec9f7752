package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	const never, private, public = "never", "private", "public"
	for addr, want := range map[string]string{
		"169.254.169.254": never, "169.254.0.1": never, "0.0.0.0": never, "0.1.2.3": never, "224.0.0.1": never, "255.255.255.255": never,
		"100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never,
		"::": never, "fe80::1": never, "fe80::1%eth0": never, "ff02::1": never, "fd00:ec2::254": never, "::ffff:169.254.169.254": never,
		"64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::1": never, "::a9fe:a9fe": never,
		"10.0.0.1": private, "172.16.0.1": private, "192.168.1.1": private, "127.0.0.1": private, "127.9.9.9": private, "100.64.0.1": private,
		"::1": private, "fd12::1": private, "::ffff:127.0.0.1": private, "::ffff:10.0.0.1": private, "64:ff9b::a00:1": private, "2002:7f00:1::": private,
		"1.1.1.1": public, "198.18.0.5": public, "172.32.0.1": public, "2606:4700::1111": public, "::ffff:8.8.8.8": public, "64:ff9b::808:808": public,
	} {
		to := netip.AddrPortFrom(netip.MustParseAddr(addr), 80)
		g := &guard{}
		named, builtin := g.check(to, true) == nil, g.check(to, false) == nil
		got := map[[2]bool]string{{false, false}: never, {true, false}: private, {true, true}: public}[[2]bool{named, builtin}]
		if got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestGuardRefusesArchestraItself(t *testing.T) {
	g := &guard{}
	g.forbid([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9000"), netip.MustParseAddrPort("[::1]:9000")})
	for addr, loop := range map[string]bool{
		"127.0.0.1:9000": true, "[::1]:9000": true, "[::ffff:127.0.0.1]:9000": true, "127.0.0.1:9001": false, "127.0.0.2:9000": false,
	} {
		e := g.check(netip.MustParseAddrPort(addr), true)
		if (e != nil) != loop || loop && e.Code != "upstream_loop" {
			t.Errorf("%s: %v", addr, e)
		}
	}
	g.forbid([]netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:9000")})
	if g.check(netip.MustParseAddrPort("127.0.0.1:9000"), true) == nil || g.check(netip.MustParseAddrPort("[::1]:9000"), true) == nil {
		t.Error("an unspecified address does not stand for loopback")
	}
}

// call sends one request through an upstream's transport.
func call(t *testing.T, u *Upstream) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.URL("/models", "").String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Transport().RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

// TestDialGuard goes through a real transport: the check is on the connection's
// own address, and its error reaches the caller whole.
func TestDialGuard(t *testing.T) {
	served := httptest.NewServer(http.NotFoundHandler())
	defer served.Close()
	at, _ := url.Parse(served.URL)

	set := ready(t, map[string]string{"ARCHESTRA_VLLM_BASE_URL": served.URL})
	p, _ := Lookup("vllm")
	u, err := set.Get(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, u); err != nil {
		t.Fatalf("a local upstream: %v", err)
	}
	u.transport.CloseIdleConnections()
	set.Forbid(netip.MustParseAddrPort(at.Host))
	var e *Error
	if _, err := call(t, u); !errors.As(err, &e) || e.Code != "upstream_loop" || e.Format == nil {
		t.Errorf("itself: %v", err)
	}

	u = upstream(t, "openai", map[string]string{"ARCHESTRA_OPENAI_BASE_URL": "http://169.254.169.254/v1"})
	if _, err := call(t, u); !errors.As(err, &e) || e.Code != "upstream_forbidden" || strings.Contains(e.Message, "169.254") {
		t.Errorf("metadata: %v", err)
	}
	u = upstream(t, "openai", nil)
	u.base = at // as if the provider's own name resolved to loopback
	if _, err := call(t, u); !errors.As(err, &e) || e.Code != "upstream_forbidden" {
		t.Errorf("rebinding: %v", err)
	}
}

// TestLocalhost: a server on either loopback address is found by its name.
func TestLocalhost(t *testing.T) {
	for _, network := range []string{"127.0.0.1:0", "[::1]:0"} {
		ln, err := net.Listen("tcp", network)
		if err != nil {
			t.Skipf("no %s here: %v", network, err)
		}
		srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
		go srv.Serve(ln)
		defer srv.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		u := upstream(t, "ollama", map[string]string{"ARCHESTRA_OLLAMA_BASE_URL": "http://localhost:" + port})
		if _, err := call(t, u); err != nil {
			t.Errorf("%s: %v", network, err)
		}
	}
}

// TestProxyFromEnvironment: the user's own proxy is used though it is at a
// private address, not for local servers, and never one named by .env.
func TestProxyFromEnvironment(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = r.URL.String() }))
	defer proxy.Close()
	local := httptest.NewServer(http.NotFoundHandler())
	defer local.Close()
	vars := map[string]string{
		"HTTP_PROXY": proxy.URL, "ARCHESTRA_OPENAI_BASE_URL": "http://upstream.test/v1", "ARCHESTRA_VLLM_BASE_URL": local.URL,
	}
	if _, err := call(t, upstream(t, "openai", vars)); err != nil || asked != "http://upstream.test/v1/models" {
		t.Errorf("asked %q, %v", asked, err)
	}
	asked = ""
	if _, err := call(t, upstream(t, "vllm", vars)); err != nil || asked != "" {
		t.Errorf("a local server by way of the proxy: %q, %v", asked, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	srv := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/", http.StatusFound))
	defer srv.Close()
	resp, err := call(t, upstream(t, "vllm", map[string]string{"ARCHESTRA_VLLM_BASE_URL": srv.URL}))
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Errorf("%v, %v", resp, err)
	}
}

// TestTransport: HTTP/2 by TLS, and no header that the client did not send.
func TestTransport(t *testing.T) {
	var seen http.Header
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	u := upstream(t, "openai", map[string]string{"ARCHESTRA_OPENAI_BASE_URL": srv.URL})
	u.transport.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	resp, err := call(t, u)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ProtoMajor != 2 || seen.Get("Accept-Encoding") != "" {
		t.Errorf("%s, %v", resp.Proto, seen)
	}
	u.transport.CloseIdleConnections()
}
