package payload

import (
	"bytes"
	"slices"
	"sync"
	"unsafe"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// maxNesting bounds how deeply JSON in strings is read as JSON. Each level doubles
// the backslashes of the one below, so that real ones are few.
const maxNesting = 6

// look is the work on one unit.
type look struct {
	detector *secret.Detector
	buf      []byte // unescaped texts, one behind the other
	spans    []span // of the texts that are being rendered
}

// found is a finding in some text, and how often that text must be unescaped
// there to be the value.
type found struct {
	secret.Finding
	depth uint8
}

var looks = sync.Pool{New: func() any { return new(look) }}

// maxPooled bounds the buffer that one unit leaves to the next.
const maxPooled = 1 << 20

// look returns what is found in a unit, with places and paths inside of it.
func (s *Scanner) look(unit []byte, data bool) []Hit {
	l := looks.Get().(*look)
	l.detector = s.detector
	var all []found
	if data {
		all = l.data(unit, 0)
	} else {
		all = l.message(unit)
	}
	if l.detector = nil; cap(l.buf) > maxPooled {
		l.buf = nil
	}
	l.buf, l.spans = l.buf[:0], l.spans[:0]
	looks.Put(l)
	if len(all) == 0 {
		return nil
	}
	all = settle(all)
	hits := make([]Hit, len(all))
	for i, f := range all {
		hits[i] = Hit{Finding: f.Finding, Start: f.Start, End: f.End, depth: f.depth}
		for hits[i].Start > 0 && unit[hits[i].Start]&0xc0 == 0x80 { // never half a character
			hits[i].Start--
		}
		for hits[i].End < len(unit) && unit[hits[i].End]&0xc0 == 0x80 {
			hits[i].End++
		}
	}
	wheres(s.detector, unit, hits)
	return hits
}

// settle sorts findings and makes one of those that overlap. These lie in the
// same string.
func settle(all []found) []found {
	slices.SortStableFunc(all, func(a, b found) int { return a.Start - b.Start })
	out := all[:1]
	for _, f := range all[1:] {
		if last := &out[len(out)-1]; f.Start < last.End {
			last.End = max(last.End, f.End)
		} else {
			out = append(out, f)
		}
	}
	return out
}

// message looks at JSON whose names are a protocol's: at each string alone, since
// what a name says of a value (token, key) is the protocol's affair.
func (l *look) message(unit []byte) (all []found) {
	lex := lexer{data: unit}
	for {
		switch c := lex.next(); {
		case c == 0:
			return all
		case c == '{' && isData(lex.name):
			start := lex.start
			end := lex.skip()
			all = append(all, shift(l.data(unit[start:end], 0), start)...)
			lex.name = nil
		case c == '{' && isGiven(lex.name):
			lex.skip()
			lex.name = nil
		case c == '{', c == '[':
			lex.name = nil
		case c != '"':
		case lex.isName:
			if lex.name = unit[lex.start:lex.end]; len(lex.name) >= longName {
				all = append(all, shift(l.literal(lex.name, 0), lex.start)...)
			}
		case !isKept(lex.name):
			all = append(all, shift(l.literal(unit[lex.start:lex.end], 0), lex.start)...)
		}
	}
}

// literal looks at the text of one string, given as it is spelled.
func (l *look) literal(lit []byte, level int) []found {
	if len(lit) < shortest || isMedia(lit) {
		return nil
	}
	if bytes.IndexByte(lit, '\\') < 0 {
		return l.text(lit)
	}
	base := len(l.buf)
	l.buf = jsonscan.AppendUnescaped(l.buf, lit)
	text := l.buf[base:]
	var all []found
	if level < maxNesting && isJSON(text) {
		all = l.data(text, level+1)
		for i := range all {
			all[i].depth++
		}
		if len(all) > 0 {
			all = settle(all) // the speller goes forward only
		}
	} else {
		all = l.text(text)
	}
	l.buf = l.buf[:base]
	sp := speller{lit: lit}
	for i := range all {
		all[i].Start, all[i].End = sp.place(all[i].Start, all[i].End)
	}
	return all
}

// text gives a text to the detector.
func (l *look) text(text []byte) []found {
	list := l.detector.Scan(borrow(text))
	if len(list) == 0 {
		return nil
	}
	all := make([]found, len(list))
	for i, f := range list {
		all[i] = found{f, 1}
	}
	return all
}

// borrow makes a string of bytes without a copy. The detector keeps nothing of a
// text that it was given, and the bytes do not change while it reads.
func borrow(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// isJSON tells whether a text is one JSON object, array or string.
func isJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	if len(text) < shortest+2 {
		return false
	}
	switch first, last := text[0], text[len(text)-1]; {
	case first == '{' && last == '}', first == '[' && last == ']', first == '"' && last == '"':
		var js jsonscan.Scanner
		js.Reset(text)
		js.Skip()
		return js.End() == nil
	}
	return false
}

// span is a string of a rendered text.
type span struct {
	from, to   int // in the rendered text
	start, end int // in the JSON text, without the quotes
	escaped    bool
}

// data looks at JSON whose names are chosen as those of variables are: at all of
// it in one piece, with the strings unescaped in their places, so that a name
// tells what its value is. Places are in the JSON text.
func (l *look) data(text []byte, level int) (all []found) {
	base, first := len(l.buf), len(l.spans)
	copied := 0
	for lex := (lexer{data: text}); ; {
		c := lex.next()
		if c == 0 {
			break
		}
		if c != '"' {
			continue
		}
		lit := text[lex.start:lex.end]
		l.buf = append(l.buf, text[copied:lex.start]...)
		copied = lex.end
		sp := span{from: len(l.buf) - base, start: lex.start, end: lex.end}
		switch {
		case isMedia(lit):
			continue
		case bytes.IndexByte(lit, '\\') < 0:
			l.buf = append(l.buf, lit...)
		default:
			sp.escaped = true
			at := len(l.buf)
			l.buf = jsonscan.AppendUnescaped(l.buf, lit)
			if level < maxNesting && isJSON(l.buf[at:]) {
				l.buf = l.buf[:at]
				all = append(all, shift(l.literal(lit, level), lex.start)...)
				continue
			}
		}
		sp.to = len(l.buf) - base
		l.spans = append(l.spans, sp)
	}
	l.buf = append(l.buf, text[copied:]...)
	list := l.detector.Scan(borrow(l.buf[base:]))
	if len(list) > 0 {
		all = l.place(all, text, list, l.spans[first:], level)
	}
	l.buf, l.spans = l.buf[:base], l.spans[:first]
	return all
}

// place puts findings of a rendered text where they stand in the JSON text. One
// that reaches from one string into another was none, but may have hidden one:
// such strings are looked at alone.
func (l *look) place(all []found, text []byte, list []secret.Finding, spans []span, level int) []found {
	i, alone := 0, -1
	sp := speller{}
	for _, f := range list {
		for i < len(spans) && spans[i].to <= f.Start {
			i++
			sp = speller{}
		}
		if i == len(spans) {
			break
		}
		s := &spans[i]
		if f.Start >= s.from && f.End <= s.to {
			start, end := f.Start-s.from, f.End-s.from
			if s.escaped {
				if sp.lit == nil {
					sp.lit = text[s.start:s.end]
				}
				start, end = sp.place(start, end)
			}
			f.Start, f.End = s.start+start, s.start+end
			all = append(all, found{f, 1})
			continue
		}
		for k := max(i, alone+1); k < len(spans) && spans[k].from < f.End; k++ {
			alone = k
			all = append(all, shift(l.literal(text[spans[k].start:spans[k].end], level), spans[k].start)...)
		}
	}
	return all
}

func shift(all []found, by int) []found {
	for i := range all {
		all[i].Start += by
		all[i].End += by
	}
	return all
}
