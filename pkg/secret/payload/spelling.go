package payload

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// speller tells where in a literal the bytes of its text are spelled. It moves
// forward only.
type speller struct {
	lit       []byte
	raw, text int // the beginning of one byte or escape, in the literal and in its text
}

// to moves to the byte or escape that holds a byte of the text.
func (s *speller) to(pos int) {
	for s.raw < len(s.lit) {
		n := bytes.IndexByte(s.lit[s.raw:], '\\')
		if n < 0 {
			n = len(s.lit) - s.raw
		}
		if pos < s.text+n {
			s.raw, s.text = s.raw+pos-s.text, pos
			return
		}
		s.raw, s.text = s.raw+n, s.text+n
		raw, text := escape(s.lit[s.raw:])
		if pos < s.text+text || raw == 0 {
			return
		}
		s.raw, s.text = s.raw+raw, s.text+text
	}
}

// place returns where the bytes [from, to) of the text are spelled, with whole
// escapes.
func (s *speller) place(from, to int) (start, end int) {
	s.to(from)
	start = s.raw
	s.to(to - 1)
	end = s.raw + 1
	if raw, _ := escape(s.lit[s.raw:]); raw > 0 {
		end = s.raw + raw
	}
	return start, end
}

// escape returns how long the escape is with which a literal begins, and how long
// its text, as [jsonscan.AppendUnescaped] writes it; 0 where there is none.
func escape(lit []byte) (raw, text int) {
	switch {
	case len(lit) < 2 || lit[0] != '\\':
		return 0, 0
	case lit[1] != 'u' || len(lit) < 6:
		return 2, 1
	case len(lit) >= 12 && surrogate(lit, "89abAB") && surrogate(lit[6:], "cdefCDEF"):
		return 12, 4
	}
	var buf [8]byte
	return 6, len(jsonscan.AppendUnescaped(buf[:0], lit[:6]))
}

// surrogate tells whether a literal begins with one half of a pair.
func surrogate(lit []byte, which string) bool {
	return lit[0] == '\\' && lit[1] == 'u' && lit[2]|0x20 == 'd' && bytes.IndexByte([]byte(which), lit[3]) >= 0
}

// value returns the text that is spelled in a body, unescaped as often as its
// depth says.
func value(spelled []byte, depth uint8) string {
	for range depth {
		if bytes.IndexByte(spelled, '\\') < 0 {
			break
		}
		spelled = jsonscan.AppendUnescaped(nil, spelled)
	}
	return string(spelled)
}
