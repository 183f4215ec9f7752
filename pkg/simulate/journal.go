package simulate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Received is a request as it arrived.
type Received struct {
	N        int // from 1, in the order of arrival
	At       time.Time
	Provider string
	Format   Format // empty for what is not answered by the model
	Method   string
	Path     string // escaped, as on the wire
	Query    string
	Host     string
	Proto    string
	Header   http.Header
	// Body is the body as on the wire, up to Options.KeepBody bytes; Size and
	// SHA256 (hexadecimal) are of all that was read.
	Body   []byte
	Size   int64
	SHA256 string
	// Ended is when the answer was whole; zero while it runs, or where the client
	// went away first.
	Ended time.Time
}

// Disconnect tells of a client that went away before its answer was whole.
type Disconnect struct {
	N  int // the request's number
	At time.Time
}

// journal keeps what a server saw.
type journal struct {
	mu          sync.Mutex
	changed     chan struct{} // closed, and made anew, at each change
	requests    []Received    // the last ones
	disconnects []Disconnect  // the last ones
	arrived     int           // since the last Reset
	gone        int
}

// trim drops the oldest entries of a list that has outgrown its limit; by
// halves, so that it costs nothing for most.
func trim[T any](list []T, limit int) []T {
	if len(list) <= limit {
		return list
	}
	return append(make([]T, 0, limit), list[len(list)-limit/2:]...)
}

func (j *journal) update(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// await waits until done says yes.
func (j *journal) await(ctx context.Context, done func() bool) error {
	for {
		j.mu.Lock()
		if done() {
			j.mu.Unlock()
			return nil
		}
		if j.changed == nil {
			j.changed = make(chan struct{})
		}
		changed := j.changed
		j.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Requests returns the requests received so far, oldest first: the last
// Options.KeepRequests of them, or at the least half as many.
func (s *Server) Requests() []Received {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.requests)
}

// Disconnects returns the clients that went away before their answer was whole.
func (s *Server) Disconnects() []Disconnect {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.disconnects)
}

// AwaitRequests waits until n requests have arrived since the last Reset.
func (s *Server) AwaitRequests(ctx context.Context, n int) error {
	return s.journal.await(ctx, func() bool { return s.journal.arrived >= n })
}

// AwaitDisconnects waits until n clients have gone away since the last Reset.
func (s *Server) AwaitDisconnects(ctx context.Context, n int) error {
	return s.journal.await(ctx, func() bool { return s.journal.gone >= n })
}

// Reset forgets the requests and disconnects seen so far.
func (s *Server) Reset() {
	s.journal.update(func() {
		s.journal.requests, s.journal.disconnects = nil, nil
		s.journal.arrived, s.journal.gone = 0, 0
	})
}

// arrived notes a request and returns its entry.
func (s *Server) arrived(r *http.Request, t target) *entry {
	e := &entry{s: s}
	s.journal.update(func() {
		s.arrivals++
		e.n = s.arrivals
		s.journal.arrived++
		s.journal.requests = append(trim(s.journal.requests, s.o.KeepRequests), Received{
			N: e.n, At: s.now(), Provider: t.provider, Format: t.format,
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
			Host: r.Host, Proto: r.Proto, Header: r.Header.Clone(),
		})
	})
	return e
}

// entry is one request of the journal.
type entry struct {
	s *Server
	n int
}

// set changes the entry, if it was not forgotten meanwhile.
func (e *entry) set(f func(*Received)) {
	j := &e.s.journal
	j.update(func() {
		for i := len(j.requests) - 1; i >= 0; i-- {
			if j.requests[i].N == e.n {
				f(&j.requests[i])
				return
			}
		}
	})
}

func (e *entry) disconnected() {
	j := &e.s.journal
	j.update(func() {
		j.gone++
		j.disconnects = append(trim(j.disconnects, e.s.o.KeepRequests), Disconnect{N: e.n, At: e.s.now()})
	})
}

// bodyTap counts and hashes a body as it is read, and keeps its beginning.
type bodyTap struct {
	r    io.Reader
	keep int
	kept bytes.Buffer
	size int64
	sum  hash.Hash
	err  error // what ended the body, other than its end
}

func newBodyTap(r io.Reader, keep int) *bodyTap {
	return &bodyTap{r: r, keep: keep, sum: sha256.New()}
}

func (t *bodyTap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && err != io.EOF {
		t.err = err
	}
	t.size += int64(n)
	t.sum.Write(p[:n])
	if room := t.keep - t.kept.Len(); room > 0 {
		t.kept.Write(p[:min(n, room)])
	}
	return n, err
}

// note writes what was read into the journal.
func (t *bodyTap) note(e *entry) {
	e.set(func(r *Received) {
		r.Body, r.Size, r.SHA256 = bytes.Clone(t.kept.Bytes()), t.size, hex.EncodeToString(t.sum.Sum(nil))
	})
}
