package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// spoolFrom is the size from which a body waits in a file instead of memory:
// larger than what an agent sends with a few images, small enough that many
// uploads at once do not fill a machine.
const spoolFrom = 24 << 20

// body is a client's request body, read whole before the provider is called:
// a response that begins before the request is read would be cut by the
// transport (golang/go#40747), and a body that is at hand can be sent again.
type body struct {
	data    []byte
	file    *os.File
	spooled *os.File // what other bytes took the place of
	size    int64
	length  int64 // as the client declared it: -1 for chunked, 0 for none
}

// intake reads the request's body. Errors are those of the client's connection,
// *http.MaxBytesError, or the spool's.
func (p *Proxy) intake(w http.ResponseWriter, r *http.Request) (*body, error) {
	b := &body{length: r.ContentLength}
	if r.Body == nil || r.Body == http.NoBody {
		return b, nil
	}
	if p.opts.MaxBody > 0 {
		if r.ContentLength > p.opts.MaxBody {
			return nil, &http.MaxBytesError{Limit: p.opts.MaxBody}
		}
		r.Body = http.MaxBytesReader(w, r.Body, p.opts.MaxBody)
	}
	if n := r.ContentLength; n >= 0 && n < spoolFrom {
		b.data = make([]byte, n)
		if _, err := io.ReadFull(r.Body, b.data); err != nil {
			return nil, err
		}
		b.size = n
		return b, nil
	}
	var buf bytes.Buffer
	if r.ContentLength < 0 {
		if _, err := io.CopyN(&buf, r.Body, spoolFrom); errors.Is(err, io.EOF) {
			b.data, b.size = buf.Bytes(), int64(buf.Len())
			return b, nil
		} else if err != nil {
			return nil, err
		}
	}
	return b, b.spool(p.opts.SpoolDir, &buf, r.Body)
}

// spool writes the body to a file that has no name any more where the system
// allows it, so that nothing of it outlives the process.
func (b *body) spool(dir string, head *bytes.Buffer, rest io.Reader) error {
	f, err := os.CreateTemp(dir, "body-*")
	if err != nil {
		return &spoolError{err}
	}
	_ = os.Remove(f.Name()) // on Windows an open file stays: close removes it
	b.file = f
	n, err := io.Copy(f, io.MultiReader(head, rest))
	b.size = n
	if err == nil && b.length >= 0 && n != b.length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.close()
		var path *os.PathError
		if errors.As(err, &path) {
			return &spoolError{err}
		}
	}
	return err
}

// replace puts other bytes in the body's place.
func (b *body) replace(data []byte) {
	b.data, b.size = data, int64(len(data))
	if b.length >= 0 {
		b.length = b.size
	}
	// A file is the record's until the exchange ends.
	b.spooled, b.file = b.file, nil
}

func (b *body) close() {
	for _, f := range [...]*os.File{b.file, b.spooled} {
		if f != nil {
			_ = f.Close() // nothing is read from it any more
			_ = os.Remove(f.Name())
		}
	}
}

// attach gives the body to an outgoing request, with the client's own framing.
func (b *body) attach(out *http.Request) {
	if b.size == 0 {
		out.Body, out.GetBody = http.NoBody, nil
		out.ContentLength = 0
		if b.length != 0 {
			out.ContentLength = -1 // a chunked body that was empty
		}
		if out.ContentLength == -1 {
			out.Body = io.NopCloser(bytes.NewReader(nil))
		}
		return
	}
	open := func() (io.ReadCloser, error) {
		if b.file != nil {
			return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
		}
		return io.NopCloser(bytes.NewReader(b.data)), nil
	}
	out.Body, _ = open()
	began := time.Now()
	out.GetBody = func() (io.ReadCloser, error) {
		if time.Since(began) > resendWithin {
			return nil, errNotAgain
		}
		return open()
	}
	out.ContentLength = b.size
}

// resendWithin is how long after it was first sent a request may be sent again by
// net/http, because its connection closed before anything was answered. That an idle
// connection had been closed shows within a round trip; behind that the provider may
// have worked on the request, and been paid for it (RFC 9110 section 9.2.2).
const resendWithin = 2 * time.Second

// errNotAgain is why a request is not sent again.
var errNotAgain = fmt.Errorf("the connection was closed while the provider may have been at work: %w", io.ErrUnexpectedEOF)

type spoolError struct{ err error }

func (e *spoolError) Error() string { return fmt.Sprintf("keep a large request body: %v", e.err) }
func (e *spoolError) Unwrap() error { return e.err }
