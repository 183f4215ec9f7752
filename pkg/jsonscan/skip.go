package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Skip reads past the next value, checking its grammar.
func (s *Scanner) Skip() {
	if s.err != nil {
		return
	}
	base := s.depth
	var stack [64]byte
	open := stack[:0] // the closers that are due
	for {
		s.space()
		switch c := s.peek(); c {
		case '{', '[':
			if !s.enter() {
				return
			}
			closer := c + 2 // '{'+2 is '}', '['+2 is ']'
			if s.space(); s.peek() == closer {
				s.leave()
				break
			}
			open = append(open, closer)
			if c == '{' && !s.skipName() {
				return
			}
			continue
		default:
			s.scalar()
		}
		// A value has ended: close what ends with it.
		for {
			if s.err != nil {
				return
			}
			if s.depth == base {
				return
			}
			closer := open[len(open)-1]
			if !s.more(closer) {
				if s.err != nil {
					return
				}
				open = open[:len(open)-1]
				continue
			}
			if closer == '}' && !s.skipName() {
				return
			}
			break
		}
	}
}

// finish skips the rest of the containers that are open beyond depth. It is for
// loops that were left early, so it cannot know each container's kind; it reads
// the text instead.
func (s *Scanner) finish(depth int) {
	for s.err == nil && s.depth > depth {
		switch s.space(); s.peek() {
		case '}', ']':
			s.leave()
		case ',':
			s.pos++
		case ':':
			s.pos++
		default:
			s.Skip()
		}
	}
}

func (s *Scanner) skipName() bool {
	if s.space(); s.peek() != '"' {
		s.fail("a name is expected")
		return false
	}
	s.skipString()
	s.space()
	return s.err == nil && s.expect(':')
}

func (s *Scanner) scalar() {
	switch c := s.peek(); {
	case c == '"':
		s.skipString()
	case c == '-', c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.fail("a value is expected")
	}
}

func (s *Scanner) word(w string) {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		s.fail("a value is expected")
		return
	}
	s.pos += len(w)
}

func (s *Scanner) number() {
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		s.fail("a digit is expected")
		return
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			s.fail("a digit is expected")
			return
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			s.fail("a digit is expected")
		}
	}
}

func (s *Scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// skipKnown reads past a string of which only the end is to be found: the first
// quote that is not escaped.
func (s *Scanner) skipKnown() {
	first := s.pos + 1
	for i := first; ; {
		n := bytes.IndexByte(s.data[i:], '"')
		if n < 0 {
			s.pos = len(s.data)
			s.fail("a string is not closed")
			return
		}
		i += n
		slashes := i
		for slashes > first && s.data[slashes-1] == '\\' {
			slashes--
		}
		i++
		if (i-1-slashes)%2 == 0 {
			s.pos = i
			return
		}
	}
}

// skipString reads past the string whose opening quote is next, and tells
// whether it holds an escape, unless the text is known.
func (s *Scanner) skipString() (escaped bool) {
	if s.known {
		s.skipKnown()
		return false
	}
	data, i := s.data, s.pos+1
	for {
		i = plainEnd(data, i)
		if i >= len(data) {
			s.pos = i
			s.fail("a string is not closed")
			return escaped
		}
		switch c := data[i]; c {
		case '"':
			s.pos = i + 1
			return escaped
		case '\\':
			escaped = true
			n := escapeLen(data[i:])
			if n == 0 {
				s.pos = i
				s.fail("a wrong escape")
				return escaped
			}
			i += n
		default:
			s.pos = i
			s.fail("a control character in a string")
			return escaped
		}
	}
}

// plainEnd returns the first index from i on of a quote, a backslash or a
// control character. It looks at eight bytes at a time, and in a long string,
// such as an image, at a window.
func plainEnd(data []byte, i int) int {
	const near = 128 // bytes, before a string counts as long
	for far := i + near; i+8 <= len(data); i += 8 {
		if m := special(binary.LittleEndian.Uint64(data[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
		if i == far-8 {
			for i+8+window <= len(data) && plain(data[i+8:i+8+window]) {
				i += window
			}
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

const (
	ones, highs = 0x0101010101010101, 0x8080808080808080
	window      = 1024
)

// special has a high bit at the lowest byte of eight that is a quote, a backslash
// or a control character; bits above it may be false, which the lowest one hides.
func special(v uint64) uint64 {
	quote := v ^ (ones * '"')
	slash := v ^ (ones * '\\')
	return ((v-ones*0x20)&^v | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// plain tells whether a window, a multiple of 32 bytes, holds no special byte.
func plain(w []byte) bool {
	if bytes.IndexByte(w, '"') >= 0 || bytes.IndexByte(w, '\\') >= 0 {
		return false
	}
	var m uint64
	for ; len(w) >= 32; w = w[32:] {
		a, b := binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:])
		c, d := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		m |= (a-ones*0x20)&^a | (b-ones*0x20)&^b | (c-ones*0x20)&^c | (d-ones*0x20)&^d
	}
	return m&highs == 0
}

// escapeLen returns the length of the escape that b begins with, 0 if wrong.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b[2:]); ok {
			return 6
		}
	}
	return 0
}
