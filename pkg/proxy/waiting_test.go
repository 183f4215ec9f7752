//go:build !race

package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// silent is a body that says one thing and then waits.
type silent struct {
	said    string
	waiting func()
	end     <-chan struct{}
}

func (s *silent) Read(p []byte) (int, error) {
	if s.said != "" {
		n := copy(p, s.said)
		s.said = s.said[n:]
		return n, nil
	}
	s.waiting()
	<-s.end
	return 0, io.EOF
}

func (s *silent) Close() error { return nil }

// within2K calls f as deep in the stack as net/http has a stream wait: the server calls
// the handler, and the body reads the connection.
//
//go:noinline
func within2K(f func()) byte {
	var deep [2200]byte
	deep[runtime.NumCPU()] = 1 // so that it is there
	f()
	return deep[0]
}

// TestAStreamThatWaitsHoldsASmallStack: of thousands of open streams, the stacks are the
// largest part of what they hold. The collector halves one of which less than a quarter
// is in use, so a stream has to wait in a shallow place: within 4 kB, the last 800 bytes
// of which are the runtime's.
func TestAStreamThatWaitsHoldsASmallStack(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("how large a frame is, is the compiler's matter; it was counted for amd64")
	}
	both(t, func(t *testing.T, change func(*proxy.Options)) {
		const n = 500
		var waiting, ended sync.WaitGroup
		end := make(chan struct{})
		var p *proxy.Proxy
		start(t, "http://127.0.0.1:1", func(o *proxy.Options) {
			if change != nil {
				change(o)
			}
			o.Tape = func(out proxy.Outgoing, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
				return &http.Response{
					StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: out.Request, ContentLength: -1,
					Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: &silent{chunkHi, sync.OnceFunc(waiting.Done), end},
				}, nil
			}
			p = proxy.New(*o)
		})
		stacks := func() uint64 {
			for range 3 { // a stack is halved once a collection
				runtime.GC()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.StackInuse
		}
		before := stacks()
		waiting.Add(n)
		for range n {
			ended.Go(func() {
				within2K(func() {
					r := httptest.NewRequest(http.MethodPost, "http://localhost:9000/v1/openai/p/chat/completions", strings.NewReader(chatBody))
					r.Header.Set("Content-Type", "application/json")
					p.ServeHTTP(&sponge{header: http.Header{}}, r)
				})
			})
		}
		waiting.Wait()
		each := (int64(stacks()) - int64(before)) / n
		close(end)
		ended.Wait()
		t.Logf("%d bytes of stack a stream", each)
		if each > 12<<10 {
			t.Errorf("a stream that waits holds %d bytes of stack", each)
		}
	})
}
