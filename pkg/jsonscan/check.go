package jsonscan

import (
	"bytes"
	"unicode/utf8"
)

// Check tells whether data is one strict JSON value: the grammar of RFC 8259,
// valid UTF-8 without a byte-order mark, and no object that holds a name twice.
//
// Parsers disagree on what breaks these rules: of a name given twice some take
// the first and some the last. A rule that read one value while the provider
// reads the other would be a hole, so such a body is not judged but refused
// (PROVIDERS.md W18).
func Check(data []byte) error {
	if !utf8.Valid(data) {
		return &SyntaxError{Offset: invalidUTF8(data), Msg: "not valid UTF-8"}
	}
	s := New(data)
	s.SkipUnique()
	return s.End()
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// SkipUnique is Skip, and fails where an object holds a name twice.
func (s *Scanner) SkipUnique() {
	var few [32][]byte
	s.unique(few[:0])
}

// fewNames is how many names are compared one by one before a set is made.
const fewNames = 16

// unique reads past the next value. What is behind the length of names is free
// for the names of the objects within.
func (s *Scanner) unique(names [][]byte) {
	switch s.space(); s.peek() {
	case '{':
		s.uniqueObject(names)
	case '[':
		if !s.enter() {
			return
		}
		if s.space(); s.peek() == ']' {
			s.leave()
			return
		}
		for {
			s.unique(names)
			if s.err != nil || !s.more(']') {
				return
			}
		}
	default:
		if s.err == nil {
			s.scalar()
		}
	}
}

func (s *Scanner) uniqueObject(names [][]byte) {
	if !s.enter() {
		return
	}
	if s.space(); s.peek() == '}' {
		s.leave()
		return
	}
	base := len(names)
	var set map[string]struct{}
	for {
		if s.space(); s.peek() != '"' {
			s.fail("a name is expected")
			return
		}
		name, _ := s.text(nil) // an escaped one is a copy
		if s.err == nil && (set == nil && holds(names[base:], name) || set != nil && inSet(set, name)) {
			s.fail("the name " + string(AppendString(nil, string(name))) + " stands twice in one object")
		}
		if s.err != nil {
			return
		}
		switch {
		case set != nil:
			set[string(name)] = struct{}{}
		case len(names)-base < fewNames:
			names = append(names, name)
		default:
			set = make(map[string]struct{}, 2*fewNames)
			for _, n := range names[base:] {
				set[string(n)] = struct{}{}
			}
			set[string(name)] = struct{}{}
		}
		if s.space(); !s.expect(':') {
			return
		}
		s.unique(names)
		if s.err != nil || !s.more('}') {
			return
		}
	}
}

func holds(names [][]byte, name []byte) bool {
	for _, n := range names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	return false
}

func inSet(set map[string]struct{}, name []byte) bool {
	_, ok := set[string(name)]
	return ok
}
