package simulate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options configures a Server; the zero value is ready.
type Options struct {
	// Answer gives the answers; nil means the scripts in the requests. A request
	// with the header X-Simulate is answered as that says. Where Answer returns the
	// zero Script, the script in the request is used.
	Answer Func
	// Keys holds the one key that a provider takes; a provider without an entry
	// takes any, or none. Vertex takes the tokens that this server issued.
	Keys map[string]string
	// Strict asks for what a provider refuses to do without, such as the header
	// anthropic-version and the member max_tokens.
	Strict bool
	// Models are the ids that model lists show; nil means one a provider.
	Models []string
	// Now is the clock of what is said and noted; nil means time.Now.
	Now func() time.Time
	// TokenTTL is how long a Google access token lives; 0 means an hour.
	TokenTTL time.Duration
	// MaxBody is the largest body that is read, decompressed; 0 means 128 MiB.
	MaxBody int64
	// KeepBody is how much of a body the journal keeps; 0 means 1 MiB.
	KeepBody int
	// KeepRequests is how many requests the journal keeps; 0 means 4096.
	KeepRequests int
}

// Server is a simulated provider. It is an http.Handler; Listen and Start serve it.
type Server struct {
	o        Options
	google   identity
	history  history
	files    fileStore
	journal  journal
	arrivals int // under journal.mu

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	mu      sync.Mutex
	closed  bool
	servers []*http.Server
	drops   sync.Map       // net.Conn → struct{}: to be closed when idle
	running sync.WaitGroup // listeners and answers
}

// New returns a Server that is not listening.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenTTL == 0 {
		o.TokenTTL = time.Hour
	}
	if o.MaxBody == 0 {
		o.MaxBody = 128 << 20
	}
	if o.KeepBody == 0 {
		o.KeepBody = 1 << 20
	}
	if o.KeepRequests == 0 {
		o.KeepRequests = 4096
	}
	s := &Server{o: o}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func (s *Server) now() time.Time { return s.o.Now() }

// connKey finds a request's connection in its context.
type connKey struct{}

// Listen serves on an address such as 127.0.0.1:0 until Close, over HTTP/1.1 and
// unencrypted HTTP/2, and returns the base URL.
func (s *Server) Listen(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("simulate: %w", err)
	}
	if err := s.Serve(l); err != nil {
		return "", err
	}
	return "http://" + l.Addr().String(), nil
}

// Serve serves on a listener until Close, and returns at once.
func (s *Server) Serve(l net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	h := &http.Server{
		Handler:     s,
		Protocols:   &protocols,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: s.connState,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return errors.New("simulate: the server is closed")
	}
	s.servers = append(s.servers, h)
	s.running.Go(func() { _ = h.Serve(l) }) // it ends by Close, which is no error
	return nil
}

// connState closes the connections that a script has dropped, once idle: the
// response has left, and nothing told the client.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateIdle:
		if _, drop := s.drops.LoadAndDelete(c); drop {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.drops.Delete(c)
	}
}

// Close ends all listeners, connections and answers, and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.servers = nil
	s.mu.Unlock()
	s.cancel()
	var errs []error
	for _, h := range servers {
		errs = append(errs, h.Close())
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// tester is what Start needs of a *testing.T.
type tester interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start listens on a free port of 127.0.0.1 for the time of a test and returns
// the base URL.
func (s *Server) Start(t tester) string {
	t.Helper()
	url, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return url
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	t := route(r)
	e := s.arrived(r, t)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	stop := context.AfterFunc(r.Context(), func() {
		if s.ctx.Err() == nil { // else it is Close that ends the request
			e.disconnected()
		}
	})
	whole := false // not where a script cuts the answer short
	x := &exchange{s: s, w: w, r: r, ctx: ctx, t: t, e: e}
	defer func() {
		switch {
		case !stop(): // told already
		case (x.left || r.Context().Err() != nil) && !x.lost && s.ctx.Err() == nil:
			// net/http has not noticed yet, or is about to tell.
			e.disconnected()
		case whole:
			e.set(func(r *Received) { r.Ended = s.now() })
		}
	}()
	x.serve()
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler) // what was not sent must not look sent
	}
	whole = !x.lost
}
