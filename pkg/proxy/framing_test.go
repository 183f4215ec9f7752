package proxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// rawExchange sends what is written, and returns what comes until the connection ends,
// however it does.
func rawExchange(t *testing.T, base, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, request)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, _ := io.ReadAll(c)
	return string(got)
}

// A provider whose framing is wrong does not make a client take a part for the whole,
// or one answer for another (RFC 9112 sections 6.3 and 8).
func TestAnAnswerOfWrongFraming(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\n"
	for name, c := range map[string]struct{ answer, want string }{
		"too few bytes":         {ok + "Content-Length: 10\r\n\r\n12345", ok + "Content-Length: 10\r\n\r\n12345"},
		"too many":              {ok + "Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ok + "Content-Length: 2\r\n\r\n{}"},
		"two lengths":           {ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", ""},
		"the same length twice": {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", ok + "Content-Length: 2\r\n\r\n{}"},
		"a length and chunks":   {ok + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
		"ends mid-chunk":        {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n5\r\nab", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n2\r\nab\r\n"},
		"no last chunk":         {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"},
		"by its end":            {ok + "\r\n{}", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
		"its length is a hop's": {ok + "Connection: Content-Length\r\nContent-Length: 2\r\n\r\n{}", ok + "Content-Length: 2\r\n\r\n{}"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				base, sink := start(t, rawUpstream(t, func(conn *net.TCPConn) { _, _ = io.WriteString(conn, c.answer) }), change)
				got := rawExchange(t, base, "POST /v1/openai/p/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				if c.want == "" {
					if !strings.HasPrefix(got, "HTTP/1.1 502") {
						t.Errorf("the client got %q", got)
					}
				} else if want := strings.Replace(c.want, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1); joined(got) != joined(want) {
					t.Errorf("the client got %q\nwant %q", got, want)
				}
				sink.last(t, 1)
			})
		})
	}
}

// joined is a message as lines has it, and its chunks as one: how bytes meet is the
// network's matter.
func joined(message string) string {
	head, body, _ := strings.Cut(lines(message), "\n\n")
	if !strings.Contains(head, "chunked") {
		return head + "\n\n" + body
	}
	out, end := "", "open"
	for body != "" {
		size, rest, _ := strings.Cut(body, "\r\n")
		n := 0
		_, _ = fmt.Sscanf(size, "%x", &n)
		if n == 0 {
			end = "closed"
			break
		}
		if len(rest) < n+2 {
			break
		}
		out, body = out+rest[:n], rest[n+2:]
	}
	return head + "\n\n" + out + " " + end
}

// What clients may do with their connection (RFC 9112 section 9).
func TestClientsOfAllKinds(t *testing.T) {
	up := rawUpstream(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
	})
	const (
		post   = "POST /v1/openai/p/files HTTP/1.1\r\nHost: localhost\r\n"
		chunks = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
		last   = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
	)
	for name, c := range map[string]struct{ request, want string }{
		"pipelined":       {post + "Content-Length: 2\r\n\r\n{}" + post + "Content-Length: 2\r\nConnection: close\r\n\r\n{}", chunks + last},
		"HTTP/1.0":        {"POST /v1/openai/p/files HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nDate: x\r\n\r\n{}"},
		"HTTP/1.0, alive": {"POST /v1/openai/p/files HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nDate: x\r\n\r\n{}"},
		"expects":         {post + "Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 100 Continue\r\n\r\n" + last},
		"trailers":        {post + "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n", last},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				base, _ := start(t, up, change)
				if got := rawExchange(t, base, c.request); got != c.want {
					t.Errorf("the client got %q\nwant %q", got, c.want)
				}
			})
		})
	}
}
