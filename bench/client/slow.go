package client

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Streams are open streams whose events come at their own pace.
type Streams struct {
	conns  []*Conn
	events atomic.Int64
	open   atomic.Int64
	failed atomic.Int64
	wg     sync.WaitGroup

	mu  sync.Mutex
	err error
}

// dialing is how many streams are opened at once: more would only queue.
const dialing = 64

// OpenStreams opens n streams and returns when each has had an event, or has failed.
func OpenStreams(ctx context.Context, t *Target, n int, source payload.Source) *Streams {
	s := &Streams{}
	gate := make(chan struct{}, dialing)
	var begun sync.WaitGroup
	for range n {
		if ctx.Err() != nil {
			break
		}
		c, r := NewConn(t), source()
		s.conns = append(s.conns, c)
		gate <- struct{}{}
		begun.Add(1)
		s.wg.Go(func() { s.read(c, &r, sync.OnceFunc(func() { <-gate; begun.Done() })) })
	}
	begun.Wait()
	return s
}

func (s *Streams) read(c *Conn, r *payload.Request, begun func()) {
	defer begun()
	res, err := c.send(r)
	if err == nil && res.StatusCode != 200 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.failed.Add(1)
		s.mu.Lock()
		if s.err == nil {
			s.err = err
		}
		s.mu.Unlock()
		return
	}
	s.open.Add(1)
	c.buf = c.buf[:4096]
	_ = c.conn.SetDeadline(time.Time{}) // only a closed connection fails, and the read says so
	for newline := false; ; {
		n, err := res.Body.Read(c.buf)
		if n > 0 {
			var ended int
			ended, newline = blankLines(c.buf[:n], newline)
			s.events.Add(int64(ended))
			begun()
		}
		if err != nil {
			s.open.Add(-1)
			return
		}
	}
}

// Events is how many events have come on all streams.
func (s *Streams) Events() int64 { return s.events.Load() }

// Open is how many streams are open, and Failed how many never were.
func (s *Streams) Open() int64 { return s.open.Load() }

// Failed returns how many streams could not be opened, and why the first was not.
func (s *Streams) Failed() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed.Load(), s.err
}

// Close leaves every stream, as a client does that is interrupted.
func (s *Streams) Close() {
	for _, c := range s.conns {
		if c.conn != nil {
			_ = c.conn.Close() // the readers see it
		}
	}
	s.wg.Wait()
}

// Beginning reads the first n bytes of an answer and leaves. With n 0 it leaves
// when the header has come.
func (c *Conn) Beginning(r *payload.Request, n int) error {
	defer c.Close()
	res, err := c.send(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	_, err = io.CopyN(&b, res.Body, int64(n))
	return err
}
