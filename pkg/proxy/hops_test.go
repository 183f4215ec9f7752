package proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// answers makes a proxy to which every provider answers with what is returned, as it
// is: an HTTP/2 connection, for one, gives the last bytes before it tells of the end.
func answers(answer func(r *http.Request) *http.Response) func(*proxy.Options) {
	return func(o *proxy.Options) {
		o.Tape = func(out proxy.Outgoing, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			res := answer(out.Request)
			res.Request, res.ProtoMajor, res.ProtoMinor = out.Request, 2, 0
			return res, nil
		}
	}
}

// all has changes made one after the other.
func all(changes ...func(*proxy.Options)) func(*proxy.Options) {
	return func(o *proxy.Options) {
		for _, change := range changes {
			if change != nil {
				change(o)
			}
		}
	}
}

// The last bytes of a body of known length do not wait for its formal end, which on
// HTTP/2 is a frame of its own.
func TestTheLastBytesDoNotWaitForTheEnd(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		end, over := io.Pipe()
		defer over.Close()
		base, _ := start(t, "http://127.0.0.1:1", all(change, answers(func(*http.Request) *http.Response {
			return &http.Response{
				StatusCode: http.StatusOK, ContentLength: 4, Header: http.Header{"Content-Type": {"audio/mpeg"}, "Content-Length": {"4"}},
				Body: struct {
					io.Reader
					io.Closer
				}{io.MultiReader(strings.NewReader("abcd"), end), end},
			}
		})))
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "POST /v1/openai/p/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4)
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != "abcd" {
			t.Errorf("%q %v", got, err)
		}
	})
}

// A trailer is not joined with the header of its name, and what must not reach a client
// does not as a trailer either.
func TestTrailersAreFiltered(t *testing.T) {
	for name, announced := range map[string]string{"announced": "Trailer: X-Sum, Access-Control-Allow-Origin, X-Api-Key\r\n", "unannounced": "", "announced in part": "Trailer: X-Sum\r\n"} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				up := rawUpstream(t, func(c *net.TCPConn) {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Sum: head\r\n"+announced+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: a\r\nX-Sum: b\r\nAccess-Control-Allow-Origin: *\r\nX-Api-Key: leaked\r\nConnection: close\r\n\r\n")
				})
				base, _ := start(t, up, change)
				res, _ := post(t, base+"/v1/openai/p/files", "{}")
				if diff := cmp.Diff(http.Header{"X-Sum": {"a", "b"}}, res.Trailer); diff != "" {
					t.Errorf("trailers (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"head"}, res.Header["X-Sum"]); diff != "" {
					t.Errorf("the header (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What no provider may get of a request's header, it does not get as a trailer.
func TestRequestTrailersAreFiltered(t *testing.T) {
	got := make(chan http.Header, 1)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer
		_, _ = io.WriteString(w, "{}")
	}, nil)
	exchangeRaw(t, base, "POST /v1/anthropic/p/v1/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"+
		"Trailer: X-Sum, Authorization, X-Goog-Api-Key, Cookie, X-Forwarded-For, X-Archestra-Token, X_Api_Key\r\n\r\n2\r\n{}\r\n0\r\n"+
		"X-Sum: 1\r\nAuthorization: Bearer sk-other\r\nX-Goog-Api-Key: AIza\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Archestra-Token: t\r\nX_Api_Key: k\r\n\r\n")
	if diff := cmp.Diff(http.Header{"X-Sum": {"1"}}, <-got); diff != "" {
		t.Errorf("the provider got trailers (-want +got):\n%s", diff)
	}
}

// A client of HTTP/1.0 knows no responses before the final one (RFC 9110 section 15.2),
// and what is of the provider's connection does not pass with any.
func TestInterimResponses(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nConnection: X-Hop, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nLink: </a>\r\n\r\n"
	up := rawUpstream(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, hints+"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\n{}")
	})
	base, _ := start(t, up, nil)
	for version, want := range map[string]string{
		"1.0": "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nDate: x\r\n\r\n{}",
		"1.1": "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: x\r\nConnection: close\r\n\r\n{}",
	} {
		got := exchangeRaw(t, base, "POST /v1/openai/p/files HTTP/"+version+"\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("HTTP/%s (-want +got):\n%s", version, diff)
		}
	}
}

// A request is sent again where a connection that was idle turns out to be closed. One
// that a provider may be at work on is not (RFC 9110 section 9.2.2).
func TestARequestIsSentAgainAtOnceOrNever(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			var asked atomic.Int64
			up := connections(t, func(c *net.TCPConn) {
				br := bufio.NewReader(c)
				for n := 0; ; n++ {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					asked.Add(1)
					if n == 1 {
						if late {
							time.Sleep(3 * time.Second)
						}
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			})
			base, _ := start(t, up, nil)
			if res, _ := post(t, base+"/v1/openai/p/files", "{}"); res.StatusCode != http.StatusOK {
				t.Fatal(res.Status)
			}
			res, got := post(t, base+"/v1/openai/p/files", "{}")
			if late && (res.StatusCode != http.StatusBadGateway || asked.Load() != 2 || !strings.Contains(got, "closed the connection")) ||
				!late && (res.StatusCode != http.StatusOK || asked.Load() != 3) {
				t.Errorf("%d %s, and the provider was asked %d times", res.StatusCode, got, asked.Load())
			}
		})
	}
}

// What comes leaves at once, whatever it is: comments and keep-alives of a stream, JSON
// in pieces, a slow body of a known length, a compressed one.
func TestWhatComesLeavesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		path, media, encoding string
		length                bool
		parts                 []string
	}{
		"comments":          {"/v1/openai/p/chat/completions", "text/event-stream", "", false, []string{": OPENROUTER PROCESSING\n\n", ": ping\n\n", chunkHi, ":\n\n", chunkHi, chunkStop, chunkDone}},
		"events in one":     {"/v1/openai/p/chat/completions", "text/event-stream", "", false, []string{chunkHi + chunkHi, chunkHi + chunkStop, chunkDone}},
		"anthropic's pings": {"/v1/anthropic/p/v1/messages", "text/event-stream", "", false, []string{"event: ping\ndata: {\"type\": \"ping\"}\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n"}},
		"events unobserved": {"/v1/openai/p/threads/t/runs", "text/event-stream", "", false, []string{"event: x\ndata: {}\n\n", ": ping\n\n"}},
		"JSON in pieces":    {"/v1/openai/p/files", "application/json", "", false, []string{"{\"a\":", " ", "1}"}},
		"JSON of a length":  {"/v1/openai/p/files", "application/json; charset=utf-8", "", true, []string{"{\"a\":", " ", "1}"}},
		"a slow file":       {"/v1/openai/p/files/f/content", "application/octet-stream", "", true, []string{"abc", "d", "efgh"}},
		"what is encoded":   {"/v1/openai/p/files/f/content", "application/json", "gzip", false, []string{"\x1f\x8b\x08", "x", "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				read := make(chan struct{})
				base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
					h := w.Header()
					h.Set("Content-Type", c.media)
					if c.encoding != "" {
						h.Set("Content-Encoding", c.encoding)
					}
					if c.length {
						h.Set("Content-Length", fmt.Sprint(len(strings.Join(c.parts, ""))))
					}
					for _, part := range c.parts {
						_, _ = io.WriteString(w, part)
						_ = http.NewResponseController(w).Flush()
						select {
						case <-read:
						case <-r.Context().Done():
							return
						}
					}
				}, change)
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+c.path, strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
				req.Header.Set("Content-Type", "application/json")
				res, err := client(t).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				for k, part := range c.parts {
					got := make([]byte, len(part))
					late := time.AfterFunc(10*time.Second, func() { res.Body.Close() })
					if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != part {
						t.Fatalf("part %d: %q %v", k, got, err)
					}
					late.Stop()
					read <- struct{}{}
				}
				if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
					t.Errorf("%q %v", rest, err)
				}
			})
		})
	}
}

// Clients that leave at any time have the provider's connection released at once.
func TestAClientThatLeavesReleasesTheProvider(t *testing.T) {
	for name, says := range map[string][]string{
		"before the header": nil,
		"in the header":     {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"in a whole body":   {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"},
		"in a stream":       {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(chunkHi), chunkHi)},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				asked, left := make(chan struct{}), make(chan time.Time, 1)
				up := rawUpstream(t, func(c *net.TCPConn) {
					for _, s := range says {
						_, _ = io.WriteString(c, s)
					}
					close(asked)
					_, _ = io.Copy(io.Discard, c)
					left <- time.Now()
				})
				base, sink := start(t, up, change)
				c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "POST /v1/openai/p/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(chatBody), chatBody)
				<-asked
				gone := time.Now()
				c.Close()
				if took := (<-left).Sub(gone); took > 5*time.Second {
					t.Errorf("released after %s", took)
				}
				if i := sink.last(t, 1).Interaction; i.State != llm.StateCancelled {
					t.Errorf("recorded as %s", i.State)
				}
			})
		})
	}
}

// panics is a body that panics, as no body of net/http's does.
type panics struct{ io.Reader }

func (p panics) Read(b []byte) (int, error) {
	if n, err := p.Reader.Read(b); !errors.Is(err, io.EOF) {
		return n, err
	}
	panic("a defect")
}
func (panics) Close() error { return nil }

// A defect that shows before anything of an answer has left is told in words; behind
// that the answer breaks off.
func TestAPanicAmidAnAnswer(t *testing.T) {
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		for _, began := range []string{"", chunkHi} {
			base, sink := start(t, "http://127.0.0.1:1", all(change, answers(func(*http.Request) *http.Response {
				return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: panics{strings.NewReader(began)}}
			})))
			res, err := client(t).Post(base+"/v1/openai/p/chat/completions", "application/json", strings.NewReader(chatBody))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if began == "" && (err != nil || res.StatusCode != http.StatusInternalServerError || !bytes.Contains(got, []byte("internal_error"))) {
				t.Errorf("%d %s %v", res.StatusCode, got, err)
			}
			if began != "" && (err == nil || string(got) != began) {
				t.Errorf("%q %v", got, err)
			}
			if i := sink.last(t, 1).Interaction; i.State == llm.StateDone {
				t.Errorf("recorded as %s", i.State)
			}
		}
	})
}

// A stream of HTTP/2 that is reset is a connection that closed, and no other protocol.
func TestAStreamThatIsReset(t *testing.T) {
	for name, header := range map[string]bool{"before the header": false, "behind it": true} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, change func(*proxy.Options)) {
				up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if header {
						stream(w, "")
					}
					panic(http.ErrAbortHandler)
				}))
				up.Config.Protocols = new(http.Protocols)
				up.Config.Protocols.SetUnencryptedHTTP2(true)
				up.Start()
				defer up.Close()
				tr := &http.Transport{Protocols: up.Config.Protocols}
				defer tr.CloseIdleConnections()
				base, sink := start(t, up.URL, all(change, func(o *proxy.Options) {
					o.Tape = func(out proxy.Outgoing, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
						return tr.RoundTrip(out.Request)
					}
				}))
				res, got := post(t, base+"/v1/openai/p/chat/completions", chatBody)
				if res.StatusCode != http.StatusBadGateway || !strings.Contains(got, "closed the connection") {
					t.Errorf("%d %s", res.StatusCode, got)
				}
				if i := sink.last(t, 1).Interaction; i.Error == nil || i.Error.Code != "upstream_closed" {
					t.Errorf("recorded %+v", i.Error)
				}
			})
		})
	}
}
