package store

import (
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

var errShort = errors.New("a record ends early")

func appendBytes[T ~string | ~[]byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// reader takes apart what the append functions put together. The first error
// stays, and everything read after it is zero.
type reader struct {
	b      []byte
	err    error
	intern map[string]string // shares the texts that come again and again
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// int reads a number that is a length, a count or an offset.
func (r *reader) int() int {
	v := r.uvarint()
	if v > 1<<62 {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) bytes() []byte { return r.take(r.int()) }

func (r *reader) text() string {
	b := r.bytes()
	if len(b) == 0 {
		return ""
	}
	if len(b) > 64 || r.intern == nil {
		return string(b)
	}
	if s, ok := r.intern[string(b)]; ok {
		return s
	}
	if len(r.intern) >= 1024 {
		clear(r.intern)
	}
	s := string(b)
	r.intern[s] = s
	return s
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errShort
	}
	r.b = nil
}

// maybe is a number that may be unknown.
type maybe struct {
	n     int64
	known bool
}

// value returns what a database takes: the number, or nil.
func (m maybe) value() any {
	if !m.known {
		return nil
	}
	return m.n
}

func appendMaybe(dst []byte, m maybe) []byte {
	if !m.known {
		return append(dst, 0)
	}
	// A sign does not occur but in a broken clock's durations.
	return binary.AppendUvarint(append(dst, 1), uint64(m.n))
}

func (r *reader) maybe() maybe {
	if r.byte() == 0 {
		return maybe{}
	}
	return maybe{int64(r.uvarint()), r.err == nil}
}

// appendHeader writes a header's fields in a fixed order.
func appendHeader(dst []byte, h record.Header) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(h)))
	for _, f := range h {
		dst = appendBytes(dst, f.Name)
		dst = binary.AppendUvarint(dst, uint64(len(f.Values)))
		for _, v := range f.Values {
			dst = appendBytes(dst, v)
		}
	}
	return dst
}

func (r *reader) header() http.Header {
	n := r.int()
	if n == 0 {
		return nil
	}
	h := make(http.Header, min(n, 64))
	for ; n > 0 && r.err == nil; n-- {
		name := r.text()
		var values []string
		for k := r.int(); k > 0 && r.err == nil; k-- {
			values = append(values, r.text())
		}
		h[name] = values
	}
	return h
}
