package simulate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// delivery sends one response as its script says. Its methods return early,
// with nothing more sent, when the client has gone.
type delivery struct {
	w   http.ResponseWriter
	ctx context.Context
	d   Delivery
	out io.Writer
	enc encoder // nil where nothing is compressed
}

// encoder is a compressor that can be flushed between events.
type encoder interface {
	io.WriteCloser
	Flush() error
}

func newEncoder(name string, w io.Writer) encoder {
	switch name {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate": // the zlib format, RFC 9110 section 8.4.1.2
		return zlib.NewWriter(w)
	case "br":
		return brotli.NewWriter(w)
	case "zstd":
		if e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); err == nil {
			return e
		}
	}
	return nil
}

// wait sleeps for d, and reports whether the client is still there.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// begin waits, and sets what headers the script asks for. It reports whether
// there is still something to send.
func (s *delivery) begin() bool {
	if !wait(s.ctx, s.d.Hold) {
		return false
	}
	if s.d.Abort {
		panic(http.ErrAbortHandler)
	}
	h := s.w.Header()
	if s.d.Encoding != "" {
		h.Set("Content-Encoding", s.d.Encoding)
	}
	if s.d.Close {
		h.Set("Connection", "close")
	}
	for name, values := range s.d.Header {
		h[name] = append([]string(nil), values...)
	}
	s.out = s.w
	return true
}

// whole sends a body of known length.
func (s *delivery) whole(status int, contentType string, body []byte) {
	if !s.begin() || !wait(s.ctx, s.d.TTFT) {
		return
	}
	if s.d.Encoding != "" {
		var buf bytes.Buffer
		if enc := newEncoder(s.d.Encoding, &buf); enc != nil {
			_, _ = enc.Write(body) // a bytes.Buffer takes everything
			_ = enc.Close()
			body = buf.Bytes()
		}
	}
	h := s.w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	s.w.WriteHeader(status)
	if s.d.Cut > 0 {
		s.write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	s.write(body)
}

// stream sends frames one by one.
func (s *delivery) stream(f framing, frames []frame) {
	if !s.begin() {
		return
	}
	h := s.w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", f.contentType())
	}
	s.w.WriteHeader(http.StatusOK)
	if s.enc = newEncoder(s.d.Encoding, s.w); s.enc != nil {
		s.out = s.enc
	}
	if s.d.TTFT > 0 && !s.flush() {
		return
	}
	l := layout{framing: f, d: s.d}
	var buf []byte
	begun := false
	for i, fr := range frames {
		switch {
		case fr.kind == frameContent && !begun:
			begun = true
			if !wait(s.ctx, s.d.TTFT) {
				return
			}
		case i > 0 && !wait(s.ctx, s.d.Delay):
			return
		}
		buf = l.appendFrame(buf[:0], fr, i == len(frames)-1)
		if !s.write(buf) {
			return
		}
		if s.d.Cut > 0 && i+1 == s.d.Cut {
			panic(http.ErrAbortHandler)
		}
		if s.d.Pause > 0 && i+1 == s.d.PauseAfter && !wait(s.ctx, s.d.Pause) {
			return
		}
	}
	if s.enc != nil {
		_ = s.enc.Close() // a client that has gone is seen by its context
	}
}

// write sends b, in the script's pieces, and flushes; it reports whether the
// client is still there.
func (s *delivery) write(b []byte) bool {
	for s.d.Chunk > 0 && len(b) > s.d.Chunk {
		if _, err := s.out.Write(b[:s.d.Chunk]); err != nil || !s.flush() {
			return false
		}
		b = b[s.d.Chunk:]
		if !wait(s.ctx, s.d.Delay) {
			return false
		}
	}
	_, err := s.out.Write(b)
	return err == nil && s.flush()
}

func (s *delivery) flush() bool {
	if s.enc != nil && s.enc.Flush() != nil {
		return false
	}
	if f, ok := s.w.(http.Flusher); ok {
		f.Flush()
	}
	return s.ctx.Err() == nil
}
