package record

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// ErrTooLarge tells that a body outgrew its limit when it was decompressed.
var ErrTooLarge = errors.New("the decompressed body is larger than the limit")

// Decode returns body without its content encodings (RFC 9110 section 8.4), the
// last applied taken off first. It stops at limit bytes with ErrTooLarge, and
// returns what it had before any error. Body itself is returned where it is not
// encoded.
func Decode(body []byte, encoding string, limit int64) ([]byte, error) {
	if Identity(encoding) {
		return body, nil
	}
	codings := strings.Split(encoding, ",")
	if len(codings) > 3 {
		return nil, fmt.Errorf("content encoding %q: too many layers", encoding)
	}
	for i := len(codings) - 1; i >= 0; i-- {
		r, err := decoder(strings.ToLower(strings.TrimSpace(codings[i])), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		out, err := io.ReadAll(io.LimitReader(r, limit+1))
		if c, ok := r.(io.Closer); ok {
			_ = c.Close() // a reader over memory: nothing is lost
		}
		if int64(len(out)) > limit {
			return out[:limit], ErrTooLarge
		}
		if err != nil {
			return out, fmt.Errorf("content encoding %s: %w", codings[i], err)
		}
		body = out
	}
	return body, nil
}

// Identity tells that a Content-Encoding value means no encoding.
func Identity(encoding string) bool {
	return encoding == "" || strings.EqualFold(strings.TrimSpace(encoding), "identity")
}

func decoder(coding string, r io.Reader) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("content encoding gzip: %w", err)
		}
		return z, nil
	case "br":
		return brotli.NewReader(r), nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, fmt.Errorf("content encoding zstd: %w", err)
		}
		return z.IOReadCloser(), nil
	case "deflate":
		// RFC 9110 means zlib; some servers send raw deflate.
		b := bufio.NewReader(r)
		if head, err := b.Peek(2); err == nil && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
			z, err := zlib.NewReader(b)
			if err != nil {
				return nil, fmt.Errorf("content encoding deflate: %w", err)
			}
			return z, nil
		}
		return flate.NewReader(b), nil
	case "identity", "":
		return r, nil
	}
	return nil, fmt.Errorf("content encoding %q is not known", coding)
}

// Decoder reads a body without its content encodings as it comes. Closing it does
// not close r.
func Decoder(r io.Reader, encoding string) (io.ReadCloser, error) {
	codings := strings.Split(encoding, ",")
	if len(codings) > 3 {
		return nil, fmt.Errorf("content encoding %q: too many layers", encoding)
	}
	var d decoded
	for i := len(codings) - 1; i >= 0; i-- {
		next, err := decoder(strings.ToLower(strings.TrimSpace(codings[i])), r)
		if err != nil {
			_ = d.Close()
			return nil, err
		}
		if c, ok := next.(io.Closer); ok {
			d.closers = append(d.closers, c)
		}
		r = next
	}
	d.Reader = r
	return &d, nil
}

type decoded struct {
	io.Reader
	closers []io.Closer
}

func (d *decoded) Close() error {
	for _, c := range d.closers {
		_ = c.Close() // readers: nothing is lost
	}
	return nil
}
