package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestListenOnBothLoopbackAddresses(t *testing.T) {
	ln, err := Listen(t.Context(), settings(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addrs := ln.Addrs()
	if ln.Port == 0 || len(addrs) == 0 {
		t.Fatalf("%v", addrs)
	}
	for _, a := range addrs {
		if !a.Addr().IsLoopback() || int(a.Port()) != ln.Port {
			t.Errorf("%s", a)
		}
	}
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	probe.Close()
	if len(addrs) != 2 {
		t.Errorf("%v: IPv6 is missing", addrs)
	}
}

// TestPortTakenOnOneAddress: another program on [::1] would get the calls, and
// keys, of clients that try it first.
func TestPortTakenOnOneAddress(t *testing.T) {
	for _, taken := range []string{"127.0.0.1:0", "[::1]:0"} {
		other, err := net.Listen("tcp", taken)
		if err != nil {
			t.Skipf("no %s: %v", taken, err)
		}
		cfg := settings(t, map[string]string{"ARCHESTRA_PORT": fmt.Sprint(portOf(other))})
		ln, err := Listen(t.Context(), cfg)
		if err == nil {
			ln.Close()
			t.Errorf("%s is taken and nothing is said", taken)
		} else if !strings.Contains(err.Error(), "--port") {
			t.Errorf("%v", err)
		}
		other.Close()
	}
}

func TestListenBeyondLoopback(t *testing.T) {
	cfg := settings(t, nil)
	cfg.Host = "0.0.0.0" // as a host name would that resolves so
	if ln, err := Listen(t.Context(), cfg); err == nil {
		ln.Close()
		t.Error("it listens")
	}
}

func TestHTTP2WithoutTLS(t *testing.T) {
	s := serve(t, nil)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	defer tr.CloseIdleConnections()
	for origin, want := range map[string]int{"": 200, "https://evil.test": 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://localhost:%d%s", s.ln.Port, chat), strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != want {
			t.Errorf("%s: %s %d", origin, resp.Proto, resp.StatusCode)
		}
	}
}

// dial opens a connection with a deadline.
func dial(t *testing.T, s *served) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.ln.list[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

func TestSlowHeader(t *testing.T) {
	s := serve(t, map[string]string{"ARCHESTRA_HEADER_TIMEOUT": "100ms"})
	conn := dial(t, s)
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost:9000\r\nX-a: "); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the server waits on: %v", err)
	}
}

// drip sends a byte now and then until the connection fails.
func drip(conn net.Conn, every time.Duration) {
	for {
		if _, err := conn.Write([]byte(" ")); err != nil {
			return
		}
		time.Sleep(every)
	}
}

// TestSlowBody: a body that stops, one that drips, and one that a refused
// request never sends, all end; the connection is closed.
func TestSlowBody(t *testing.T) {
	const timeout = 200 * time.Millisecond
	s := serve(t, map[string]string{"ARCHESTRA_BODY_TIMEOUT": timeout.String()})
	for name, c := range map[string]struct {
		head   string
		drip   bool
		status int
	}{
		"stops":               {post(chat, "Content-Length: 100"), false, 408},
		"drips":               {post(chat, "Content-Length: 100000"), true, 408},
		"drips in chunks":     {post(chat, "Content-Length:", "Transfer-Encoding: chunked"), false, 408},
		"is refused":          {post(chat, "Content-Length: 100", "Host: evil.test"), false, 403},
		"is refused, dripped": {post(chat, "Content-Length: 100000", "Host: evil.test"), true, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, s)
			defer conn.Close()
			head := c.head
			if name == "drips in chunks" {
				head, _, _ = strings.Cut(head, "\r\n\r\n")
				head += "\r\n\r\n5\r\n{}"
			}
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			if c.drip {
				go drip(conn, 10*time.Millisecond)
			}
			start := time.Now()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("status %d", resp.StatusCode)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("the connection stays open")
			} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Errorf("the connection stays open for %s", time.Since(start))
			}
		})
	}
}

// TestSteadyBody: a body that comes at a fair pace may take longer than the pause
// allowed, and the answer longer than both. The clock is a false one: on a busy
// machine no pace is fair.
func TestSteadyBody(t *testing.T) { synctest.Test(t, steadyBody) }

func steadyBody(t *testing.T) {
	const timeout = 150 * time.Millisecond
	pipe := make(pipes)
	s := serveOn(t, settings(t, map[string]string{"ARCHESTRA_BODY_TIMEOUT": timeout.String()}), &Listeners{Port: 9000, list: []net.Listener{pipe}})
	s.behind.do = func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done(): // a deadline that was left would look like a client that went away
			err = errors.Join(err, context.Cause(r.Context()))
		case <-time.After(2 * timeout):
		}
		fmt.Fprint(w, n, err)
	}
	conn := pipe.dial()
	defer conn.Close()
	head, _, _ := strings.Cut(post(chat, "Content-Length: 8192"), "\r\n\r\n")
	if _, err := io.WriteString(conn, head+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := io.WriteString(conn, strings.Repeat(" ", 1024)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(timeout / 3)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "8192<nil>" && string(body) != "8192 <nil>" {
		t.Errorf("%q", body)
	}
}

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p <- server
	return client
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }
func (p pipes) Close() error   { close(p); return nil }

func TestPanicCostsOneRequest(t *testing.T) {
	s := serve(t, nil)
	s.behind.do = func(http.ResponseWriter, *http.Request) { panic("canary-content") }
	if _, _, err := s.raw(post(chat)); err == nil {
		t.Error("the panic gave an answer")
	}
	s.behind.mu.Lock()
	s.behind.do = nil
	s.behind.mu.Unlock()
	if resp, _, err := s.raw(post(chat)); err != nil || resp.StatusCode != 200 {
		t.Errorf("the next request: %v, %v", resp, err)
	}
	if log := s.log.String(); !strings.Contains(log, "a request panicked") || strings.Contains(log, "canary-content") {
		t.Errorf("log: %s", log)
	}
}

func TestShutdownLetsExchangesEnd(t *testing.T) {
	s := serve(t, map[string]string{"ARCHESTRA_SHUTDOWN_TIMEOUT": "1m"})
	began, finish := make(chan struct{}), make(chan struct{})
	s.behind.do = func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		close(began)
		<-finish
		fmt.Fprint(w, "whole")
	}
	got := make(chan string, 1)
	go func() {
		_, body, err := s.raw(post(chat))
		got <- fmt.Sprint(body, err)
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	// The sockets close first; then a new client is turned away.
	for {
		conn, err := net.Dial("tcp", s.ln.list[0].Addr().String())
		if err != nil {
			break
		}
		conn.Close()
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-stopped:
		t.Fatalf("it stopped under a running exchange: %v", err)
	default:
	}
	close(finish)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if body := <-got; body != "whole<nil>" {
		t.Errorf("%q", body)
	}
}

// TestShutdownIsBounded: what does not end is cancelled, and waited for.
func TestShutdownIsBounded(t *testing.T) {
	s := serve(t, map[string]string{"ARCHESTRA_SHUTDOWN_TIMEOUT": "50ms"})
	began := make(chan struct{})
	cause := make(chan error, 1)
	s.behind.do = func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		close(began)
		<-r.Context().Done()
		cause <- context.Cause(r.Context())
	}
	go func() { _, _, _ = s.raw(post(chat)) }()
	<-began
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-cause:
		if !errors.Is(err, ErrShutdown) {
			t.Errorf("cancelled by %v", err)
		}
	default:
		t.Error("it stopped before the exchange had returned")
	}
}

// TestShutdownWaitsForUpgradedConnections: net/http forgets them.
func TestShutdownWaitsForUpgradedConnections(t *testing.T) {
	s := serve(t, map[string]string{"ARCHESTRA_SHUTDOWN_TIMEOUT": "50ms"})
	began, ended := make(chan struct{}), make(chan struct{})
	s.behind.do = func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		close(began)
		<-r.Context().Done()
		close(ended)
	}
	conn := dial(t, s)
	defer conn.Close()
	if _, err := io.WriteString(conn, post("GET /v1/openai/p/responses", "Content-Length: 0", "Content-Type:", "Connection: Upgrade", "Upgrade: websocket")); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	default:
		t.Error("it stopped before the upgraded connection had ended")
	}
}
