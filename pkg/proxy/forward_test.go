package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// both runs a test with the guard in the way of the bytes, and without.
func both(t *testing.T, test func(t *testing.T, change func(*proxy.Options))) {
	t.Run("guarded", func(t *testing.T) { test(t, nil) })
	t.Run("unguarded", func(t *testing.T) { test(t, func(o *proxy.Options) { o.Guard = nil }) })
}

// The header of a stream is there before its first event.
func TestAHeaderDoesNotWaitForTheBody(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		there := make(chan struct{})
		base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			stream(w, "")
			select {
			case <-there:
			case <-r.Context().Done():
				return
			}
			stream(w, chunkHi, chunkStop, chunkDone)
		}, change)
		c := client(t)
		c.Transport.(*http.Transport).ResponseHeaderTimeout = time.Minute
		res, err := c.Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		close(there)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || string(got) != chunkHi+chunkStop+chunkDone {
			t.Errorf("%q %v", got, err)
		}
	})
}

// writes counts what a server writes to its connections.
type writes struct {
	net.Listener
	n atomic.Int64
}

func (l *writes) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countedConn{c, &l.n}, err
}

type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

// counted runs a proxy of which each write is counted.
func counted(t *testing.T, up http.HandlerFunc, change func(*proxy.Options)) (base string, n *atomic.Int64) {
	t.Helper()
	var p *proxy.Proxy
	serve(t, up, func(o *proxy.Options) {
		if change != nil {
			change(o)
		}
		p = proxy.New(*o)
	})
	s := httptest.NewUnstartedServer(p)
	l := &writes{Listener: s.Listener}
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, &l.n
}

// What is at hand leaves together: a small answer is one packet, its header included.
// Whether the body is at hand with the header is the network's matter, so it may take
// several attempts.
func TestASmallAnswerIsOneWrite(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"by its length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, smallWhole)
		},
		"in chunks": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Transfer-Encoding", "chunked")
			_, _ = io.WriteString(w, smallWhole)
		},
		"without a body": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				base, n := counted(t, answer, change)
				least := int64(100)
				for range 20 {
					before := n.Load()
					res, got := post(t, base+"/v1/openai/p/chat/completions", `{"model":"m","messages":[]}`)
					if res.StatusCode == http.StatusOK && got != smallWhole {
						t.Fatal(got)
					}
					if chunked := slices.Equal(res.TransferEncoding, []string{"chunked"}); chunked != (name == "in chunks") {
						t.Fatalf("transfer encoding %v", res.TransferEncoding)
					}
					if least = min(least, n.Load()-before); least == 1 {
						return
					}
				}
				t.Errorf("at the least %d writes", least)
			})
		})
	}
}

const smallWhole = `{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`

// Each chunk of a stream leaves when it comes, in one write.
func TestAChunkIsOneWrite(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		read := make(chan struct{})
		const events = 50
		base, n := counted(t, func(w http.ResponseWriter, r *http.Request) {
			stream(w, chunkHi)
			for range events {
				<-read
				stream(w, chunkHi)
			}
			<-read
			stream(w, chunkStop, chunkDone)
		}, change)
		res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		event := make([]byte, len(chunkHi))
		if _, err := io.ReadFull(res.Body, event); err != nil {
			t.Fatal(err)
		}
		before := n.Load()
		for range events {
			read <- struct{}{}
			if _, err := io.ReadFull(res.Body, event); err != nil || string(event) != chunkHi {
				t.Fatalf("%q %v", event, err)
			}
		}
		if got := n.Load() - before; got != events {
			t.Errorf("%d writes for %d events", got, events)
		}
		close(read)
		if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != chunkStop+chunkDone {
			t.Errorf("%q %v", rest, err)
		}
	})
}

func TestEarlyHintsPass(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.Header().Set("X-Api-Key", "leaked")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, smallWhole)
	}, nil)
	var early http.Header
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code == http.StatusEarlyHints {
			early = http.Header(maps.Clone(h))
		}
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/openai/p/chat/completions", strings.NewReader(`{"model":"m","messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if diff := cmp.Diff(http.Header{"Link": {"</a>; rel=preload"}}, early); diff != "" {
		t.Errorf("the early hints (-want +got):\n%s", diff)
	}
	if got, _ := io.ReadAll(res.Body); string(got) != smallWhole || res.Header.Get("Link") != "" || res.Header.Get("X-Api-Key") != "" {
		t.Errorf("%s %v", got, res.Header)
	}
}

func TestTrailersPass(t *testing.T) {
	for name, announced := range map[string]bool{"announced": true, "unannounced": false} {
		for kind, events := range map[string][]string{"with events": {chunkHi, chunkStop, chunkDone}, "alone": nil} {
			t.Run(name+", "+kind, func(t *testing.T) {
				base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
					prefix := http.TrailerPrefix
					if announced {
						prefix = ""
						w.Header().Set("Trailer", "X-Sum, X-Cost")
					}
					stream(w, append(events, "")...)
					w.Header().Set(prefix+"X-Sum", "1")
					w.Header().Set(prefix+"X-Cost", "2")
				}, nil)
				res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
				if diff := cmp.Diff(http.Header{"X-Sum": {"1"}, "X-Cost": {"2"}}, res.Trailer); diff != "" || got != strings.Join(events, "") {
					t.Errorf("%q, and trailers (-want +got):\n%s", got, diff)
				}
			})
		}
	}
}

// The same over HTTP/2, where nothing is chunked.
func TestTheSameOverHTTP2(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		var p *proxy.Proxy
		serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			stream(w, chunkHi, chunkStop, chunkDone)
			w.Header().Set("X-Sum", "1")
			w.Header().Set(http.TrailerPrefix+"X-Cost", "2")
		}, func(o *proxy.Options) {
			if change != nil {
				change(o)
			}
			p = proxy.New(*o)
		})
		s := httptest.NewUnstartedServer(p)
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
		defer s.Close()
		tr := &http.Transport{DisableCompression: true, Protocols: s.Config.Protocols}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Post(s.URL+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || res.ProtoMajor != 2 || string(got) != chunkHi+chunkStop+chunkDone {
			t.Errorf("%s %q %v", res.Proto, got, err)
		}
		if diff := cmp.Diff(http.Header{"X-Sum": {"1"}, "X-Cost": {"2"}}, res.Trailer); diff != "" {
			t.Errorf("trailers (-want +got):\n%s", diff)
		}
	})
}

// exchangeRaw sends a request as it is written, and returns the whole answer.
func exchangeRaw(t *testing.T, base, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%q %v", got, err)
	}
	return string(got)
}

// What the provider answers is what the client gets: nothing is guessed, measured or
// added, and what was of the provider's connection stays there.
func TestAnAnswerIsGivenAsItCame(t *testing.T) {
	const date = "Date: Tue, 24 Nov 2026 00:00:00 GMT\r\n"
	for name, x := range map[string]struct{ method, answer, want string }{
		"no content type": {"POST", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + date + "\r\n{}"},
		"chunks, and hop-by-hop headers": {
			"POST", "HTTP/1.1 200 OK\r\n" + date + "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\nX-Two: a\r\nX-Two: b\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
			"HTTP/1.1 200 OK\r\n" + date + "X-Two: a\r\nX-Two: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		},
		"an empty body in chunks": {
			"POST", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		},
		"head":         {"HEAD", "HTTP/1.1 200 OK\r\n" + date + "Content-Type: a/b\r\nContent-Length: 12345\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nContent-Type: a/b\r\n" + date + "\r\n"},
		"no content":   {"POST", "HTTP/1.1 204 No Content\r\n" + date + "\r\n", "HTTP/1.1 204 No Content\r\n" + date + "\r\n"},
		"not modified": {"GET", "HTTP/1.1 304 Not Modified\r\n" + date + "Etag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n" + date + "Etag: x\r\n\r\n"},
		"an odd status": {
			"POST", "HTTP/1.1 529 Overloaded\r\n" + date + "Content-Length: 0\r\n\r\n", "HTTP/1.1 529 status code 529\r\nContent-Length: 0\r\n" + date + "\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				up := rawUpstream(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, x.answer) })
				base, sink := start(t, up, change)
				got := exchangeRaw(t, base, x.method+" /v1/openai/p/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				want := strings.Replace(x.want, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
				if lines(got) != lines(want) {
					t.Errorf("the client got %q\nwant %q", got, want)
				}
				sink.last(t, 1)
			})
		})
	}
}

// lines sorts the lines of a header, whose order is not told.
func lines(message string) string {
	head, body, _ := strings.Cut(message, "\r\n\r\n")
	l := strings.Split(head, "\r\n")
	slices.Sort(l)
	return strings.Join(l, "\n") + "\n\n" + body
}

// The same on the way out.
func TestARequestIsSentAsItCame(t *testing.T) {
	sent := make(chan string, 1)
	up := connections(t, func(c *net.TCPConn) {
		b := make([]byte, 4096)
		n, _ := io.ReadAtLeast(c, b, 1)
		for !bytes.HasSuffix(b[:n], []byte("END")) && !bytes.HasSuffix(b[:n], []byte("0\r\n\r\n")) {
			m, err := c.Read(b[n:])
			if err != nil {
				break
			}
			n += m
		}
		sent <- string(b[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
	})
	base, _ := start(t, up, nil)
	for name, x := range map[string]struct{ head, want string }{
		"by its length": {
			"Content-Length: 3\r\nTE: trailers, deflate\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nProxy-Connection: close\r\nAccept-Encoding: br\r\n\r\nEND",
			"Content-Length: 3\r\nTe: trailers\r\nAccept-Encoding: br\r\n\r\nEND",
		},
		"in chunks": {"Transfer-Encoding: chunked\r\n\r\n3\r\nEND\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3\r\nEND\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			exchangeRaw(t, base, "POST /v1/openai/p/files?a=%2f&b=;c HTTP/1.1\r\nHost: localhost\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Kept: 1\r\n"+x.head)
			got, want := <-sent, fmt.Sprintf("POST /files?a=%%2f&b=;c HTTP/1.1\r\nHost: %s\r\nX-Kept: 1\r\n%s", strings.TrimPrefix(up, "http://"), x.want)
			if lines(got) != lines(want) {
				t.Errorf("the provider got %q\nwant %q", got, want)
			}
		})
	}
}

// A provider that switches protocols unasked is answered for.
func TestASwitchThatNobodyAskedFor(t *testing.T) {
	for name, asked := range map[string]string{"at all": "POST /v1/openai/p/chat/completions HTTP/1.1\r\n", "to this": "GET /v1/openai/p/responses HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{})
			up := rawUpstream(t, func(c *net.TCPConn) {
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
				_, _ = io.Copy(io.Discard, c)
				close(left)
			})
			base, sink := start(t, up, nil)
			method, _, _ := strings.Cut(asked, " ")
			body := ""
			if method == http.MethodPost {
				body = chatBody
			}
			c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "%sHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", asked, len(body), body)
			res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
			if err != nil || res.StatusCode != http.StatusBadGateway {
				t.Fatal(res, err)
			}
			if i := sink.last(t, 1).Interaction; i.State != llm.StateFailed {
				t.Errorf("recorded as %s", i.State)
			}
			<-left
		})
	}
}

// What a client says together with its request for an upgrade is not lost.
func TestWhatComesWithAnUpgradePasses(t *testing.T) {
	said := frame(1, true, []byte{1, 2, 3, 4}, `{"type":"response.create","response":{"model":"gpt-4o","input":"hi"}}`)
	up := rawUpstream(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		got := make([]byte, len(said))
		_, _ = io.ReadFull(c, got)
		_, _ = c.Write(frame(1, true, nil, fmt.Sprintf(`{"same":%t}`, bytes.Equal(got, said))))
		_, _ = c.Write(frame(8, true, nil, "\x03\xe8bye"))
	})
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		base, _ := start(t, up, change)
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "GET /v1/openai/p/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"+string(said))
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, _ := io.ReadAll(c)
		if !bytes.Contains(got, []byte(`{"same":true}`)) {
			t.Errorf("the client got %q", got)
		}
	})
}
