package printable

import "unicode/utf8"

// EscapeJSON appends src, which is JSON, to dst and writes each rune of its
// strings that is not fit to print as a \u escape. The value stays the same,
// but for invalid UTF-8, which becomes U+FFFD as JSON readers make it.
//
// encoding/json alone leaves DEL, C1 controls, bidi and zero-width characters
// as they are, and a terminal obeys some of them.
func EscapeJSON(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c == 0x7f {
				dst = appendEscape(dst, 0x7f)
			} else {
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 || isTag(r) || invisible(r) {
			dst = appendEscape(dst, r)
		} else {
			dst = append(dst, src[i:i+n]...)
		}
		i += n
	}
	return dst
}

func appendEscape(dst []byte, r rune) []byte {
	if r > 0xFFFF {
		r -= 0x10000
		dst = appendEscape(dst, 0xD800+r>>10)
		r = 0xDC00 + r&0x3FF
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
