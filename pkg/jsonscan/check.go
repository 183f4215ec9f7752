package jsonscan

import "unicode/utf8"

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
	s.unique()
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

// fewNames is how many names are compared one by one before a set is made.
const fewNames = 16

func (s *Scanner) unique() {
	switch s.Kind() {
	case Object:
		var few [fewNames]string
		names := few[:0]
		var set map[string]struct{}
		for key := range s.Object() {
			k := string(key)
			if seen(names, set, k) {
				s.fail("the name " + string(AppendString(nil, k)) + " stands twice in one object")
				return
			}
			switch {
			case set != nil:
				set[k] = struct{}{}
			case len(names) < fewNames:
				names = append(names, k)
			default:
				set = map[string]struct{}{k: {}}
				for _, n := range names {
					set[n] = struct{}{}
				}
			}
			s.unique()
		}
	case Array:
		for range s.Array() {
			s.unique()
		}
	default:
		s.Skip()
	}
}

func seen(names []string, set map[string]struct{}, k string) bool {
	if set != nil {
		_, ok := set[k]
		return ok
	}
	for _, n := range names {
		if n == k {
			return true
		}
	}
	return false
}
