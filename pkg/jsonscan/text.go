package jsonscan

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnescaped appends to dst the text of a JSON string literal given
// without its quotes. The literal must be grammatical, as Raw and Text ensure.
// Unpaired surrogates become U+FFFD.
func AppendUnescaped(dst, lit []byte) []byte {
	for {
		i := bytes.IndexByte(lit, '\\')
		if i < 0 || i+1 >= len(lit) {
			return append(dst, lit...)
		}
		r, n := unescape(lit[i:])
		if n == 0 {
			return append(dst, lit[:i]...)
		}
		dst = utf8.AppendRune(append(dst, lit[:i]...), r)
		lit = lit[i+n:]
	}
}

// Unescape is AppendUnescaped for a string of its own.
func Unescape(lit []byte) string {
	i := bytes.IndexByte(lit, '\\')
	if i < 0 {
		return string(lit)
	}
	var b strings.Builder
	b.Grow(len(lit)) // no text is longer than its literal
	for ; i >= 0 && i+1 < len(lit); i = bytes.IndexByte(lit, '\\') {
		b.Write(lit[:i])
		r, n := unescape(lit[i:])
		if n == 0 {
			return b.String()
		}
		b.WriteRune(r)
		lit = lit[i+n:]
	}
	b.Write(lit)
	return b.String()
}

// unescape reads the escape that lit begins with, and the second of a surrogate
// pair. n is its length, 0 if it is none.
func unescape(lit []byte) (r rune, n int) {
	switch c := lit[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := hex4(lit[2:])
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		low, ok := rune(0), false
		if len(lit) >= 12 && lit[6] == '\\' && lit[7] == 'u' {
			low, ok = hex4(lit[8:])
		}
		if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
			return r, 12
		}
		return utf8.RuneError, 6
	default: // '"', '\\', '/'
		return rune(c), 2
	}
}

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string literal with its quotes. Only what
// RFC 8259 section 7 demands is escaped; broken UTF-8 becomes U+FFFD.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
