package payload

import "bytes"

// lexer walks the tokens of JSON text that is known to be grammatical, and skips
// what is neither a string nor a bracket.
type lexer struct {
	data []byte
	pos  int
	name []byte // the member whose value is next, as it is spelled; nil in arrays
	// Of a string: its place without the quotes, and whether it is a name. Of a
	// bracket: start is its place.
	start, end int
	isName     bool
}

// next returns the first byte of the next token, or 0.
func (l *lexer) next() byte {
	for data := l.data; l.pos < len(data); {
		c := data[l.pos]
		l.pos++
		switch c {
		case '"':
			l.start = l.pos
			l.end = literalEnd(data, l.pos)
			l.pos = min(l.end+1, len(data))
			for l.pos < len(data) && (data[l.pos] == ' ' || data[l.pos] == '\n' || data[l.pos] == '\t' || data[l.pos] == '\r') {
				l.pos++
			}
			l.isName = l.pos < len(data) && data[l.pos] == ':'
			return c
		case '{', '[', '}', ']':
			l.start = l.pos - 1
			return c
		case ',':
			l.name = nil
		}
	}
	return 0
}

// skip goes to the end of the object or array whose bracket was returned last,
// and returns the place behind it.
func (l *lexer) skip() int {
	for depth := 1; depth > 0; {
		switch l.next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case 0:
			return len(l.data)
		}
	}
	return l.pos
}

// literalEnd returns the place of the quote that closes the literal which begins
// at a place.
func literalEnd(data []byte, start int) int {
	for i := start; ; {
		q := bytes.IndexByte(data[i:], '"')
		if q < 0 {
			return len(data)
		}
		if q += i; backslashes(data, i, q)%2 == 0 {
			return q
		}
		i = q + 1
	}
}

// backslashes counts those right before a place, down to another.
func backslashes(data []byte, from, i int) (n int) {
	for i > from && data[i-1] == '\\' {
		n++
		i--
	}
	return n
}
