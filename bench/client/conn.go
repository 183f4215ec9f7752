// Package client makes the load. It speaks HTTP/1.1 over its own connections:
// http.Transport would hand each exchange between three goroutines, and that
// waiting would be measured.
package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Target is where requests go: how a subject is called.
type Target struct {
	Addr   string                    // host:port
	Paths  map[payload.Format]string // the subject's path for each format
	Header map[string]string         // what the subject needs beside the usual
}

// Outcome is what a client saw of one exchange.
type Outcome struct {
	Latency time.Duration // from the intended start to the last byte
	First   time.Duration // from the intended start to the first token of a stream
	Events  int
	Whole   bool // everything came that was to come
	Altered bool // it came, and is not byte for byte what the upstream sent
	Err     error
}

// limit bounds one exchange, so that a subject that hangs fails and the run goes on.
const limit = 2 * time.Minute

// Conn is one client: a connection that is made when it is needed and kept.
type Conn struct {
	target *Target
	head   map[payload.Format]string // the request's header up to its length
	conn   net.Conn
	r      *bufio.Reader
	buf    []byte
	pieces net.Buffers
}

// NewConn makes a client of a target.
func NewConn(t *Target) *Conn {
	c := &Conn{target: t, buf: make([]byte, 32<<10), head: map[payload.Format]string{}}
	for f, path := range t.Paths {
		var b strings.Builder
		fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: archestra-bench\r\nAccept: */*\r\nContent-Type: application/json\r\n", path, t.Addr)
		if f == payload.Messages {
			b.WriteString("Anthropic-Version: 2023-06-01\r\nX-Api-Key: sk-ant-bench\r\n")
		} else {
			b.WriteString("Authorization: Bearer sk-bench\r\n")
		}
		for name, value := range t.Header {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
		b.WriteString("Content-Length: ")
		c.head[f] = b.String()
	}
	return c
}

// Close ends the connection.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is to be saved
		c.conn = nil
	}
}

// connect dials where there is no connection.
func (c *Conn) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := net.DialTimeout("tcp", c.target.Addr, 10*time.Second)
	if err != nil {
		return err
	}
	c.conn = conn
	if c.r == nil {
		c.r = bufio.NewReaderSize(conn, 16<<10)
	} else {
		c.r.Reset(conn)
	}
	return nil
}

// post is the request that a response is read for.
var post = &http.Request{Method: http.MethodPost}

// send writes a request and reads the response's header.
func (c *Conn) send(r *payload.Request) (*http.Response, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, "%s%d\r\n\r\n", c.head[r.Format], r.Size())
	c.pieces = append(append(c.pieces[:0], head), r.Body...)
	all := c.pieces // WriteTo consumes it
	if _, err := all.WriteTo(c.conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.r, post)
}

// Do sends a request that was to start at intended, and reads its answer.
func (c *Conn) Do(r *payload.Request, intended time.Time) (o Outcome) {
	res, err := c.send(r)
	if err != nil {
		c.Close()
		return Outcome{Err: err}
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // what it says is for the error alone
		c.Close()
		return Outcome{Err: fmt.Errorf("status %d: %s", res.StatusCode, bytes.TrimSpace(text))}
	}
	at, newline, want := 0, false, r.Answer.Body
	for {
		n, err := res.Body.Read(c.buf)
		part := c.buf[:n]
		if !o.Altered && (at+n > len(want) || !bytes.Equal(part, want[at:at+n])) {
			o.Altered = true
		}
		at += n
		if r.Answer.Stream() {
			var ended int
			ended, newline = blankLines(part, newline)
			o.Events += ended
			if o.First == 0 && o.Events >= r.Answer.First {
				o.First = time.Since(intended)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			o.Err = fmt.Errorf("behind %d bytes: %w", at, err)
			c.Close()
			return o
		}
	}
	o.Latency = time.Since(intended)
	if r.Answer.Stream() {
		o.Whole = o.Events >= r.Answer.Events
	} else {
		o.Whole = at > 0 // a body that is cut ends in an error
	}
	if at != len(want) {
		o.Altered = true
	}
	if !o.Whole {
		o.Err = fmt.Errorf("the answer ended behind %d bytes and %d events", at, o.Events)
	}
	if res.Close {
		c.Close()
	}
	return o
}

// blankLines counts the blank lines in b, and tells whether it ends with a
// newline; newline tells whether what came before it did.
func blankLines(b []byte, newline bool) (int, bool) {
	n := 0
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return n, false
		}
		if i == 0 && newline {
			n++
		}
		newline, b = true, b[i+1:]
	}
	return n, newline
}
