// Package jsonscan reads JSON by walking it: no tree, no reflection, and no
// allocation but for strings that the caller asks for.
//
// A [Scanner] stands before one value and moves forward only. Objects and
// arrays are range loops; what the loop's body does not read is skipped and
// still checked for grammar:
//
//	s := jsonscan.New(body)
//	for key := range s.Object() {
//		switch string(key) {
//		case "model":
//			model = s.Text()
//		case "messages":
//			for range s.Array() {
//				message := s.Raw()
//				…
//			}
//		}
//	}
//	err := s.End()
//
// Readers are tolerant of types: asked for text where a number stands, they
// skip it and return nothing, since providers and clients do send surprises.
// They are not tolerant of grammar: the first breach of RFC 8259 stops the
// scanner, every later call does nothing, and Err tells where it was.
//
// The scanner does not look for duplicate names or broken UTF-8; [Check] does.
package jsonscan

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strconv"
)

// MaxDepth bounds how deeply arrays and objects may nest. encoding/json has the
// same bound.
const MaxDepth = 10_000

// Kind is the kind of a JSON value.
type Kind byte

// The kinds. Invalid also means that nothing is left or that the scanner failed.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// SyntaxError is a breach of the JSON grammar at a byte offset.
type SyntaxError struct {
	Offset int
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("JSON offset %d: %s", e.Offset, e.Msg) }

var errEnd = errors.New("unexpected end")

// Scanner walks one JSON text. The zero value is an empty text.
type Scanner struct {
	data  []byte
	pos   int
	depth int
	err   error
	known bool   // the text is known to be grammatical
	key   []byte // reused for names that hold escapes
}

// New returns a scanner before the first value of data. It does not copy data.
func New(data []byte) *Scanner { return &Scanner{data: data} }

// At returns a scanner before the value at offset pos of data, so that its
// offsets stay those of the whole text.
func At(data []byte, pos int) *Scanner { return &Scanner{data: data, pos: pos} }

// Again returns a scanner before the value at offset pos of data, which was read
// before: its grammar is known to be right, so that strings are skipped faster.
func Again(data []byte, pos int) *Scanner { return &Scanner{data: data, pos: pos, known: true} }

// Reset makes s scan data from its start, and forgets any error.
func (s *Scanner) Reset(data []byte) { s.data, s.pos, s.depth, s.err, s.known = data, 0, 0, nil, false }

// Seek makes s stand at offset pos of its text, outside of any container.
func (s *Scanner) Seek(pos int) { s.pos, s.depth = pos, 0 }

// Err returns the first breach of grammar, or nil.
func (s *Scanner) Err() error { return s.err }

// End checks that nothing but white space is left, and returns Err.
func (s *Scanner) End() error {
	s.space()
	if s.err == nil && s.pos < len(s.data) {
		s.fail("something follows the value")
	}
	return s.err
}

// Jump moves to offset end, where a value ends that begins at Pos. It is for
// values whose bytes were read before: nothing of them is checked.
func (s *Scanner) Jump(end int) {
	if s.err == nil {
		s.pos = end
	}
}

// Pos returns the offset of the next value (white space skipped).
func (s *Scanner) Pos() int {
	s.space()
	return s.pos
}

// Kind tells the kind of the next value without reading it.
func (s *Scanner) Kind() Kind {
	s.space()
	if s.err != nil || s.pos >= len(s.data) {
		return Invalid
	}
	switch c := s.data[s.pos]; {
	case c == '"':
		return String
	case c == '{':
		return Object
	case c == '[':
		return Array
	case c == 't', c == 'f':
		return Bool
	case c == 'n':
		return Null
	case c == '-', c >= '0' && c <= '9':
		return Number
	}
	return Invalid
}

// Object ranges over the names of the next value if it is an object, and skips
// it if it is not. A name is unescaped; it is valid until the next step.
func (s *Scanner) Object() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if s.Kind() != Object {
			s.Skip()
			return
		}
		if !s.enter() {
			return
		}
		if s.space(); s.peek() == '}' {
			s.leave()
			return
		}
		for {
			if s.space(); s.peek() != '"' {
				s.fail("a name is expected")
				return
			}
			key := s.name()
			if s.space(); !s.expect(':') {
				return
			}
			s.space()
			at, depth := s.pos, s.depth
			if !yield(key) {
				s.finish(depth - 1)
				return
			}
			if s.pos == at {
				s.Skip()
			} else if s.depth > depth {
				s.finish(depth)
			}
			if s.err != nil || !s.more('}') {
				return
			}
		}
	}
}

// Array ranges over the indexes of the next value if it is an array, and skips
// it if it is not.
func (s *Scanner) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		if s.Kind() != Array {
			s.Skip()
			return
		}
		if !s.enter() {
			return
		}
		if s.space(); s.peek() == ']' {
			s.leave()
			return
		}
		for i := 0; ; i++ {
			s.space()
			at, depth := s.pos, s.depth
			if !yield(i) {
				s.finish(depth - 1)
				return
			}
			if s.pos == at {
				s.Skip()
			} else if s.depth > depth {
				s.finish(depth)
			}
			if s.err != nil || !s.more(']') {
				return
			}
		}
	}
}

// more steps over the comma between two members, or out of the container.
func (s *Scanner) more(closer byte) bool {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		return true
	case closer:
		s.leave()
		return false
	}
	s.fail("a comma or the end of the value is expected")
	return false
}

func (s *Scanner) enter() bool {
	if s.depth++; s.depth > MaxDepth {
		s.fail("nested too deeply")
		return false
	}
	s.pos++
	return true
}

func (s *Scanner) leave() { s.pos++; s.depth-- }

// Text returns the next value if it is a string, unescaped, else "".
// Unpaired surrogates become U+FFFD, as in encoding/json.
func (s *Scanner) Text() string {
	lit, escaped := s.literal()
	if !escaped {
		return string(lit)
	}
	return Unescape(lit)
}

// AppendText appends the next value, if it is a string, unescaped, to dst.
func (s *Scanner) AppendText(dst []byte) []byte {
	b, plain := s.text(dst)
	if plain {
		return append(dst, b...)
	}
	return b
}

// text reads a string: as a part of the data where it holds no escape (plain),
// else unescaped behind dst.
func (s *Scanner) text(dst []byte) (b []byte, plain bool) {
	lit, escaped := s.literal()
	if !escaped {
		return lit, true
	}
	return AppendUnescaped(dst, lit), false
}

// literal reads a string as it is written, without its quotes. What is no string
// is skipped.
func (s *Scanner) literal() (lit []byte, escaped bool) {
	if s.Kind() != String {
		s.Skip()
		return nil, false
	}
	start := s.pos + 1
	escaped = s.skipString()
	if s.err != nil {
		return nil, false
	}
	lit = s.data[start : s.pos-1]
	if s.known {
		escaped = bytes.IndexByte(lit, '\\') >= 0
	}
	return lit, escaped
}

// name reads a member's name. An escaped one is unescaped into s.key.
func (s *Scanner) name() []byte {
	b, plain := s.text(s.key[:0])
	if !plain {
		s.key = b
	}
	return b
}

// Int returns the next value if it is a whole number that fits, else false.
// A number such as 12.0 or 1.2e1 is whole.
func (s *Scanner) Int() (int64, bool) {
	if s.Kind() != Number {
		s.Skip()
		return 0, false
	}
	lit := s.Raw()
	if s.err != nil {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(lit), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(lit), 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -(1<<53) {
		return 0, false
	}
	return int64(f), true
}

// Bool returns the next value if it is true or false; ok tells whether it was.
func (s *Scanner) Bool() (value, ok bool) {
	if s.Kind() != Bool {
		s.Skip()
		return false, false
	}
	lit := s.Raw()
	return len(lit) == 4, s.err == nil
}

// Raw skips the next value and returns its bytes, a part of the data.
func (s *Scanner) Raw() []byte {
	s.space()
	start := s.pos
	s.Skip()
	if s.err != nil {
		return nil
	}
	return s.data[start:s.pos:s.pos]
}

func (s *Scanner) peek() byte {
	if s.err != nil || s.pos >= len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

func (s *Scanner) expect(c byte) bool {
	if s.peek() != c {
		s.fail("'" + string(rune(c)) + "' is expected")
		return false
	}
	s.pos++
	return true
}

func (s *Scanner) fail(msg string) {
	if s.err != nil {
		return
	}
	if s.pos >= len(s.data) {
		msg = errEnd.Error() + ": " + msg
	}
	s.err = &SyntaxError{Offset: s.pos, Msg: msg}
}

func (s *Scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// Offset returns how far the scanner has come: after a value was read, the
// offset behind its last byte.
func (s *Scanner) Offset() int { return s.pos }
