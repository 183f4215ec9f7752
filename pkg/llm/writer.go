package llm

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// writer appends JSON as encoding/json writes it. Methods called some… and those
// that take a reference write no member where there is no value. The first error
// stays.
type writer struct {
	b   []byte
	err error
}

// end returns what was written, or dst and why it could not be.
func (w *writer) end(dst []byte) ([]byte, error) {
	if w.err != nil {
		return dst, w.err
	}
	return w.b, nil
}

func (w *writer) open(c byte)  { w.b = append(w.b, c) }
func (w *writer) close(c byte) { w.b = append(w.b, c) }

// element comes before each element of an array, and before each member. No value
// ends with a bracket that opens.
func (w *writer) element() {
	if c := w.b[len(w.b)-1]; c != '{' && c != '[' {
		w.b = append(w.b, ',')
	}
}

// name begins a member. No name of ours needs an escape.
func (w *writer) name(name string) {
	w.element()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) text(name, s string) {
	w.name(name)
	w.b = appendText(w.b, s)
}

func (w *writer) someText(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *writer) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.name(name)
	w.open('[')
	for _, s := range list {
		w.element()
		w.b = appendText(w.b, s)
	}
	w.close(']')
}

func (w *writer) number(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }

func (w *writer) int(name string, n int64) {
	w.name(name)
	w.number(n)
}

func (w *writer) someInt(name string, n int64) {
	if n != 0 {
		w.int(name, n)
	}
}

func (w *writer) unsigned(name string, n uint64) {
	w.name(name)
	w.b = strconv.AppendUint(w.b, n, 10)
}

func (w *writer) count(name string, n *int64) {
	if n != nil {
		w.int(name, *n)
	}
}

func (w *writer) bool(name string, v bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, v)
}

func (w *writer) millis(name string, m *Millis) {
	if m != nil {
		w.name(name)
		w.b = m.append(w.b)
	}
}

func (w *writer) time(name string, t *time.Time) {
	if t == nil {
		return
	}
	w.name(name)
	w.open('"')
	b, err := t.AppendText(w.b) // RFC 3339, as MarshalJSON writes it
	w.fail(name, err)
	w.b = append(b, '"')
}

// raw writes JSON that came from somewhere else, without its white space.
func (w *writer) raw(name string, value json.RawMessage) {
	if len(value) == 0 {
		return
	}
	w.name(name)
	b, err := jsonscan.AppendCompact(w.b, value)
	w.fail(name, err)
	w.b = b
}

func (w *writer) fail(name string, err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
	}
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string. Beside what must be, U+2028 and U+2029 are
// escaped, which JavaScript once took for the end of a line; broken UTF-8 becomes
// U+FFFD.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // what stands in dst
	for i := plainEnd(s, 0); i < len(s); i = plainEnd(s, i) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			switch {
			case r == utf8.RuneError && n == 1:
				dst = append(append(dst, s[done:i-n]...), `\ufffd`...)
				done = i
			case r == '\u2028' || r == '\u2029':
				dst = append(append(dst, s[done:i-n]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
				done = i
			}
			continue
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

// plainEnd returns the first index from i on of a byte that may not stand for itself
// in a JSON string: a quote, a backslash, a control character, or a part of what is
// not ASCII. It looks at eight bytes at a time.
func plainEnd(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		v := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := v^(ones*'"'), v^(ones*'\\')
		// Bits above the lowest may be false.
		if m := (v | (v - ones*' ') | (quote - ones) | (slash - ones)) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
