package lex

import (
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FNV-1a, 64 bits: a hash that can be carried on byte by byte, so that the
// hashes of all beginnings of a word cost one walk. It begins with another value in
// each process: words are compared by it, and nobody is to prepare one that is taken
// for a word of the user's.
const fnvPrime = 1099511628211

var fnvOffset = maphash.String(maphash.MakeSeed(), "offset")

// Hash returns the token hash of a text that is already folded. It is another one in
// each process.
func Hash(folded string) uint64 {
	h := fnvOffset
	for i := 0; i < len(folded); i++ {
		h = (h ^ uint64(folded[i])) * fnvPrime
	}
	return h
}

// Hasher hashes a folded text byte by byte: after each, Add returns the Hash of what
// was added so far.
type Hasher struct {
	sum     uint64
	started bool
}

// Add adds a byte.
func (h *Hasher) Add(b byte) uint64 {
	if !h.started {
		h.sum, h.started = fnvOffset, true
	}
	h.sum = (h.sum ^ uint64(b)) * fnvPrime
	return h.sum
}

// fold returns what a rune is read as: lower case, without accent, a look-alike
// as the Latin letter that it looks like. changed tells that more than case
// was folded; hidden that the rune shows nothing (out is then 0, or for a tag
// character the ASCII that it stands for).
func fold(r rune) (out rune, changed, hidden bool) {
	switch {
	case r < utf8.RuneSelf:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r, false, false
	case r >= 0xE0000 && r <= 0xE007F: // Unicode, Tags: a hidden copy of ASCII
		if r >= 0xE0020 && r < 0xE007F {
			out, _, _ = fold(r - 0xE0000)
		}
		return out, true, true
	case invisible(r):
		return 0, true, true
	case r >= 0xFF01 && r <= 0xFF5E: // full-width forms
		out, _, _ = fold(r - 0xFF01 + '!')
		return out, true, false
	case r >= 0x1D400 && r <= 0x1D6A3: // mathematical letters, 26 capitals and 26 small each
		return 'a' + (r-0x1D400)%26, true, false
	case r >= 0x1D7CE && r <= 0x1D7FF: // mathematical digits
		return '0' + (r-0x1D7CE)%10, true, false
	case r >= 0x24B6 && r <= 0x24E9: // circled letters
		return 'a' + (r-0x24B6)%26, true, false
	case r >= 0x0300 && r <= 0x036F: // combining accents
		return 0, true, false
	}
	if l, ok := lookAlike[r]; ok {
		return l, true, false
	}
	if l := unicode.ToLower(r); l != r {
		if k, ok := lookAlike[l]; ok {
			return k, true, false
		}
		return l, false, false
	}
	return r, false, false
}

// invisible tells of format characters that change or hide text. The joiners
// U+200C and U+200D are letters' business in many scripts; they are dropped
// in folding but say nothing by themselves.
func invisible(r rune) bool {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x061C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x180E, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return false
}

// lookAlike maps letters to the Latin letter that they are taken for: the
// confusables of Unicode TR 39 that are single Latin letters, Cyrillic and Greek
// and the accented letters of Latin-1 and Latin Extended-A.
var lookAlike = func() map[rune]rune {
	m := map[rune]rune{}
	for latin, others := range map[rune]string{
		'a': "аαàáâãäåāăąǎ", 'b': "ьЬ", 'c': "сϲçćĉċč", 'd': "ԁďđ", 'e': "еєëèéêēĕėęěҽ", 'f': "ſ",
		'g': "ɡĝğġģ", 'h': "һհĥħ", 'i': "іıιìíîïĩīĭį", 'j': "јϳĵ", 'k': "кκķ", 'l': "ӏĺļľłⅼ", 'm': "м", 'n': "ոñńņňŉ",
		'o': "оοօòóôõöøōŏő", 'p': "рρ", 'q': "ԛ", 'r': "гŕŗř", 's': "ѕśŝşšș", 't': "тτţťŧț", 'u': "υսùúûüũūŭůűų",
		'v': "ѵν", 'w': "ԝωŵ", 'x': "хχ", 'y': "уүγýÿŷ", 'z': "źżžζ",
	} {
		for _, r := range others {
			m[r] = latin
		}
	}
	// Capitals that look Latin where their small letters do not.
	for r, latin := range map[rune]rune{'В': 'b', 'Н': 'h', 'М': 'm', 'Т': 't', 'Β': 'b', 'Η': 'h', 'Μ': 'm', 'Ν': 'n', 'Ζ': 'z', 'Υ': 'y', 'Ρ': 'p', 'Ε': 'e', 'Ι': 'i'} {
		m[r] = latin
	}
	return m
}()

// Fold returns the folded text of s, what is hidden left out.
func Fold(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if out, _, _ := fold(r); out != 0 {
			b.WriteRune(out)
		}
	}
	return b.String()
}
