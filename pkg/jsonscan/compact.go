package jsonscan

import "bytes"

// AppendCompact appends value, which must be one JSON value, without the white
// space that stands outside of its strings. It fails, and returns dst, where value
// is anything else.
func AppendCompact(dst, value []byte) ([]byte, error) {
	s := New(value)
	s.Skip()
	if err := s.End(); err != nil {
		return dst, err
	}
	for {
		n := inside(value)
		dst = append(dst, value[:n]...)
		if n == len(value) {
			return dst, nil
		}
		value = bytes.TrimLeft(value[n:], " \t\r\n")
	}
}

// inside returns how many bytes of grammatical JSON come before its next white
// space outside of a string.
func inside(value []byte) int {
	for i := 0; i < len(value); {
		switch value[i] {
		case ' ', '\t', '\r', '\n':
			return i
		case '"':
			i += literalLen(value[i:])
		default:
			i++
		}
	}
	return len(value)
}

// literalLen is the length of the string that grammatical JSON begins with, its
// quotes included.
func literalLen(value []byte) int {
	for i := 1; ; i += 2 { // past an escape, and what it escapes
		if i = plainEnd(value, i); i >= len(value) || value[i] == '"' {
			return min(i+1, len(value))
		}
	}
}
