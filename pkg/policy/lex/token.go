package lex

import (
	"unicode"
	"unicode/utf8"
)

// tokenise appends the tokens of cell i, and what is hidden in it.
func (d *Doc) tokenise(i int) {
	c := d.Cells[i]
	w := writer{d: d, cell: uint32(i)}
	text := d.Text
	tags := false
	for p := int(c.Start); p < int(c.End); {
		b := text[p]
		if b < utf8.RuneSelf {
			if c.escaped && b == '\\' && p+1 < int(c.End) {
				n, r := escape(text[p:c.End])
				if r != 0 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
					f, _, _ := fold(r)
					w.put(f, p, p+n, true)
				} else {
					w.end()
				}
				p += n
				continue
			}
			if letters[b] == 0 {
				w.end()
				p++
				continue
			}
			if tags {
				w.end()
				tags = false
			}
			p = w.run(p, int(c.End))
			continue
		}
		r, n := utf8.DecodeRuneInString(text[p:c.End])
		f, changed, hidden := fold(r)
		if hidden {
			d.hide(r, p, p+n)
			if isTag := r >= 0xE0000 && r <= 0xE007F; isTag != tags {
				w.end()
				tags = isTag
			}
			if w.form = max(w.form, Normalised); tags {
				w.form = Encoded
			}
		}
		switch {
		case f == 0:
			if !tags {
				w.changed = true
			}
		case ideograph(f):
			w.end()
			w.put(f, p, p+n, changed)
			w.end()
		case unicode.IsLetter(f) || unicode.IsDigit(f) || unicode.Is(unicode.Mn, f):
			w.put(f, p, p+n, changed)
			if tags {
				w.form = Encoded
			}
		default:
			w.end()
		}
		p += n
	}
	w.end()
}

// letters holds the ASCII letters, in lower case, and digits; 0 stands for the others.
var letters = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			t[c] = b
		case 'A' <= b && b <= 'Z':
			t[c] = b + 'a' - 'A'
		}
	}
	return t
}()

func alnum(b byte) (byte, bool) { return letters[b], letters[b] != 0 }

func ideograph(r rune) bool {
	return r >= 0x2E80 && (unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r) || unicode.Is(unicode.Hangul, r)) ||
		r >= 0x0E00 && r <= 0x0EFF
}

// writer puts one token together.
type writer struct {
	d           *Doc
	cell        uint32
	hash        uint64
	start, stop int
	open        bool
	changed     bool // a rune that shows nothing stood before or in the token
	form        Form
}

// begin opens a token where none is open.
func (w *writer) begin(start int, changed bool) {
	if !w.open {
		w.open, w.start, w.hash = true, start, fnvOffset
		w.form = Exact
		w.changed = false
	}
	if changed || w.changed {
		w.form = max(w.form, Normalised)
	}
}

// run puts the ASCII letters and digits that stand at a place, one at least, and
// returns the place behind them.
func (w *writer) run(at, end int) int {
	w.begin(at, false)
	h := w.hash
	for text := w.d.Text; at < end; at++ {
		c := letters[text[at]]
		if c == 0 {
			break
		}
		h = (h ^ uint64(c)) * fnvPrime
	}
	w.hash, w.stop = h, at
	return at
}

func (w *writer) put(r rune, start, end int, changed bool) {
	w.begin(start, changed)
	w.stop = end
	if r < utf8.RuneSelf {
		w.hash = (w.hash ^ uint64(byte(r))) * fnvPrime
		return
	}
	var buf [utf8.UTFMax]byte
	for _, b := range buf[:utf8.EncodeRune(buf[:], r)] {
		w.hash = (w.hash ^ uint64(b)) * fnvPrime
	}
}

func (w *writer) end() {
	if w.open {
		w.d.Tokens = append(w.d.Tokens, Token{Hash: w.hash, Start: uint32(w.start), End: uint32(w.stop), Cell: w.cell, Form: w.form})
	}
	w.open, w.changed, w.form = false, false, Exact
}

// escape reads the backslash escape at the beginning of s: its length, and the
// character where it stands for a visible one.
func escape(s string) (int, rune) {
	switch s[1] {
	case 'u', 'x', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
		if len(s) < 2+digits {
			return len(s), 0
		}
		var r rune
		for i := 2; i < 2+digits; i++ {
			v := hexValue(s[i])
			if v < 0 {
				return 2, 0
			}
			r = r<<4 | rune(v)
		}
		return 2 + digits, r
	}
	return 2, 0
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// hide notes a character that does not show, where it has no honest business:
// joiners and variation selectors belong to scripts and emoji.
func (d *Doc) hide(r rune, start, end int) {
	what := ""
	switch {
	case r >= 0xE0000 && r <= 0xE007F:
		what = "tag characters"
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		what = "bidirectional override"
	case r == 0x200B, r >= 0x2060 && r <= 0x2064, r == 0x00AD, r == 0xFEFF && start > 0, r == 0x200C, r == 0x200D:
		// Between two ASCII letters nothing of this kind is needed.
		if start == 0 || end >= len(d.Text) {
			return
		}
		_, before := alnum(d.Text[start-1])
		_, after := alnum(d.Text[end])
		if !before || !after || r == 0x00AD {
			return
		}
		what = "zero-width characters"
	default:
		return
	}
	if n := len(d.Hidden); n > 0 && d.Hidden[n-1].What == what && d.Hidden[n-1].End == uint32(start) {
		d.Hidden[n-1].End = uint32(end)
		return
	}
	d.Hidden = append(d.Hidden, Mark{Start: uint32(start), End: uint32(end), What: what})
}
