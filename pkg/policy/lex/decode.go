package lex

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minBlob is how long a run of base64 or hexadecimal digits must be to be tried:
// sixteen digits hold twelve bytes, less than any address or URL.
const minBlob = 16

// maxDecoded bounds what is decoded of one text.
const maxDecoded = 1 << 16

// decode reads what stands behind encodings and appends its tokens and
// identifiers, marked Encoded, at the place of the whole encoded run.
func (d *Doc) decode() {
	budget := maxDecoded
	for i := range d.Cells {
		c := &d.Cells[i]
		Decoded(d.Text[c.Start:c.End], func(start, end int, text string) {
			if budget -= len(text); budget < 0 {
				return
			}
			d.encoded(uint32(i), c.Start+uint32(start), c.Start+uint32(end), text)
		})
	}
}

func (d *Doc) encoded(cell, start, end uint32, text string) {
	inner := Doc{Text: text, Cells: []Cell{{End: uint32(len(text))}}}
	inner.tokenise(0)
	// A gap, so that no phrase runs over the edge.
	d.Tokens = append(d.Tokens, Token{Start: start, End: start, Cell: cell, Form: Encoded})
	for _, t := range inner.Tokens {
		d.Tokens = append(d.Tokens, Token{Hash: t.Hash, Start: start, End: end, Cell: cell, Form: Encoded})
	}
	if d.bare {
		return
	}
	EachIdent(text, false, func(id Ident) {
		d.Idents = append(d.Idents, Ident{Kind: id.Kind, Key: id.Key, Start: start, End: end, Cell: cell, Form: Encoded})
	})
}

// Decoded calls f with every readable text that stands encoded in s.
func Decoded(s string, f func(start, end int, text string)) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '\\') < 0 {
		blobs(s, f)
		return
	}
	for at := 0; at < len(s); {
		if s[at] == '\\' {
			at += 2 // the letter of an escape is no digit of a code
			continue
		}
		end := at
		percent := false
		for end < len(s) && blob[s[end]] {
			percent = percent || s[end] == '%'
			end++
		}
		if end == at {
			at++
			continue
		}
		if run := s[at:end]; len(run) >= minBlob {
			if text, ok := decodeBlob(run); ok {
				f(at, end, text)
			}
		}
		if percent {
			if text, ok := decodePercent(s[at:end]); ok {
				f(at, end, text)
			}
		}
		at = end
	}
}

// blobs is Decoded for a text without percent signs and escapes. Whether a long run
// begins at a place is asked from its far end, so that most bytes are not looked at.
func blobs(s string, f func(start, end int, text string)) {
	for at := 0; at+minBlob <= len(s); {
		i := at + minBlob - 1
		for i >= at && blob[s[i]] {
			i--
		}
		if i >= at {
			at = i + 1
			continue
		}
		end := at + minBlob
		for end < len(s) && blob[s[end]] {
			end++
		}
		if text, ok := decodeBlob(s[at:end]); ok {
			f(at, end, text)
		}
		at = end
	}
}

// blob holds the bytes that codes are written with.
var blob = func() (t [256]bool) {
	for c, letter := range letters {
		t[c] = letter != 0
	}
	for _, c := range []byte("+/-_=%.") {
		t[c] = true
	}
	return t
}()

func decodeBlob(run string) (string, bool) {
	run = strings.Trim(run, ".=%")
	if strings.ContainsAny(run, "%.") {
		return "", false
	}
	if i := strings.LastIndexByte(run, '='); i >= 0 {
		run = run[i+1:] // data=…
	}
	if len(run) < minBlob {
		return "", false
	}
	if len(run)%2 == 0 && strings.Trim(run, "0123456789abcdefABCDEF") == "" {
		if b, err := hex.DecodeString(run); err == nil && readable(b) {
			return string(b), true
		}
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(run, "-_") {
		enc = base64.RawURLEncoding
	}
	b, err := enc.DecodeString(run)
	if err != nil && len(run)%4 == 1 {
		b, err = enc.DecodeString(run[:len(run)-1])
	}
	if err != nil || !readable(b) {
		return "", false
	}
	return string(b), true
}

// readable tells whether bytes are text: words of prose that happen to be
// base64 digits decode to noise.
func readable(b []byte) bool {
	if len(b) < 4 || !utf8.Valid(b) {
		return false
	}
	letters := 0
	for _, r := range string(b) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' '):
			letters++
		case unicode.IsPrint(r), r == '\n', r == '\t', r == '\r':
		default:
			return false
		}
	}
	return letters*10 >= len(b)*7
}

func decodePercent(run string) (string, bool) {
	b := make([]byte, 0, len(run))
	at := 0
	for i := 0; i+2 < len(run); i++ {
		if run[i] != '%' {
			continue
		}
		if h, l := hexValue(run[i+1]), hexValue(run[i+2]); h >= 0 && l >= 0 {
			b = append(append(b, run[at:i]...), byte(h<<4|l))
			i += 2
			at = i + 1
		}
	}
	if at == 0 {
		return "", false
	}
	b = append(b, run[at:]...)
	return string(b), utf8.Valid(b)
}
