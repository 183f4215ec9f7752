package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// outlet is the way of one answer to its client. Bytes leave as they come, and each
// time in as few packets as there can be. Until the first of them the header is here,
// so that another answer can take this one's place.
type outlet struct {
	w       http.ResponseWriter
	control *http.ResponseController
	res     *http.Response
	trailed []string // the trailers that were announced
	buffer  *buffer  // what the body is copied through

	mu   sync.Mutex // the header may leave from aside
	out  bool       // the header has left, or leaves with what was written
	kept bool       // it stays
}

// newOutlet returns the way of a response to the client.
func newOutlet(w http.ResponseWriter, res *http.Response) *outlet {
	// Whoever reads the body to its end adds the trailers to res.Trailer, beside a header
	// that leaves late.
	o := &outlet{w: w, control: http.NewResponseController(w), res: res, trailed: slices.Sorted(maps.Keys(res.Trailer))}
	if late, ok := res.Body.(interface{ late(o *outlet) }); ok {
		late.late(o)
	}
	return o
}

// begin gives the header to the server.
func (o *outlet) begin() {
	if o.out {
		return
	}
	o.out = true
	h, res := o.w.Header(), o.res
	maps.Copy(h, res.Header)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess one
	}
	if res.ContentLength < 0 {
		// What came in chunks leaves in chunks. net/http would measure a short body,
		// and takes the header away where it has no place.
		h["Transfer-Encoding"] = chunked
	}
	if len(o.trailed) > 0 {
		h["Trailer"] = []string{strings.Join(o.trailed, ", ")}
	}
	o.w.WriteHeader(res.StatusCode)
}

// chunked is the value of a header; nobody changes it.
var chunked = []string{"chunked"}

// header lets the header leave alone.
func (o *outlet) header() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.out && !o.kept {
		o.begin()
		_ = o.control.Flush() // the next write says what is wrong
	}
}

// keep keeps the header here, and tells whether it still was.
func (o *outlet) keep() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = !o.out
	return o.kept
}

// empty lets the header leave when the handler returns: there is no body.
func (o *outlet) empty() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
}

// close tells that nothing more is written. It returns when nobody writes any more.
func (o *outlet) close() {
	o.mu.Lock()
	o.kept = true
	o.mu.Unlock()
	_ = o.res.Body.Close() // it has recorded how it ended
	if o.buffer != nil {
		o.buffer.giveBack()
	}
}

// write writes bytes behind the header. Those that are the last leave when the
// handler returns, which is at once, and with what ends the body.
func (o *outlet) write(p []byte, last bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
	if _, err := o.w.Write(p); err != nil {
		return err
	}
	if last {
		return nil
	}
	return o.control.Flush()
}

// unsent is why there is no answer, where nothing of it has reached the client: it is
// given another in its place, which is also what is recorded.
type unsent struct{ error }

// Unwrap returns what went wrong.
func (u unsent) Unwrap() error { return u.error }

// copyBody passes the body. An error leaves the answer broken off.
func (o *outlet) copyBody() error {
	body := o.res.Body
	o.buffer = lend(o.res.ContentLength)
	for {
		n, err := body.Read(o.buffer.data)
		if n > 0 {
			// That a length is reached is not yet the end: HTTP/2 tells that apart, and may late.
			if failed := o.write(o.buffer.data[:n], errors.Is(err, io.EOF)); failed != nil {
				return failed
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			o.empty()
			return nil
		case err != nil:
			o.header() // so that the client sees an answer that broke off, and not none
			return err
		}
		if n == len(o.buffer.data) {
			o.buffer = o.buffer.larger()
		}
	}
}

// finish ends an answer whose body has ended, with an error or nil. It panics with
// http.ErrAbortHandler where the answer broke off: net/http's own way to keep a part from
// being taken for the whole.
func (o *outlet) finish(p *Proxy, x *exchange, err error) {
	if err != nil {
		if u := (unsent{}); errors.As(err, &u) {
			p.failed(o.w, x, u.error)
			return
		}
		p.log.Debug("an answer broke off", "interaction", x.record.ID(), "error", err)
		panic(http.ErrAbortHandler)
	}
	stripTrailer(o.res.Trailer)
	if len(o.res.Trailer) == 0 {
		return
	}
	_ = o.control.Flush() // trailers follow a body in chunks, however short it is
	h := o.w.Header()
	clear(h) // it has left, and would be taken for a part of trailers of the same names
	for name, values := range o.res.Trailer {
		if len(o.res.Trailer) != len(o.trailed) {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
}

// copyBytes passes what is read to its end.
func copyBytes(to io.Writer, from io.Reader) error {
	b := lend(0)
	defer func() { b.giveBack() }()
	for {
		n, err := from.Read(b.data)
		if n > 0 {
			if _, failed := to.Write(b.data[:n]); failed != nil {
				return failed
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if n == len(b.data) {
			b = b.larger()
		}
	}
}

// sizes are those of the buffers that bodies are copied through. Thousands of open
// streams hold one each, whose events are small; of a large body, each read is a
// system call or two. net/http's own buffer of 4 kB has room for the middle one as a
// chunk, which so is one write.
var sizes = [...]int{512, 4<<10 - 16, 32 << 10}

// lent are the buffers that nobody has, by size.
var lent [len(sizes)]sync.Pool

// buffer is a copy buffer. It never leaves who copies.
type buffer struct {
	data []byte
	size int // which of sizes
}

// lend returns a buffer for a body of that length.
func lend(length int64) *buffer {
	size := 0
	for size < len(sizes)-1 && length > int64(sizes[size]) {
		size++
	}
	return lendSize(size)
}

func lendSize(size int) *buffer {
	if b, ok := lent[size].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, sizes[size]), size}
}

// larger returns a buffer for a body whose reads fill this one, which is left to the
// collector: what a body still holds back may lie in it.
func (b *buffer) larger() *buffer {
	if b.size == len(sizes)-1 {
		return b
	}
	return lendSize(b.size + 1)
}

func (b *buffer) giveBack() { lent[b.size].Put(b) }
