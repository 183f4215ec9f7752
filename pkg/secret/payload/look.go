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
	l.buf = l.buf[:0]
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

// message looks at JSON whose names are a protocol's: what one of them says of its
// value (key, token) is the protocol's affair.
func (l *look) message(unit []byte) (all []found) {
	for lex := (lexer{data: unit}); ; {
		switch c := lex.next(); {
		case c == 0:
			return all
		case c == '{' && isData(lex.name):
			start := lex.start
			end := lex.skip()
			all = append(all, shift(l.data(unit[start:end], 0), start)...)
		case c == '{' && isGiven(lex.name):
			lex.skip()
		case c == '{', c == '[':
			lex.name = nil
		case c != '"':
		case lex.isName:
			lex.name = unit[lex.start:lex.end]
			all = l.member(all, lex.name, lex.start)
		case !isKept(lex.name):
			all = append(all, shift(l.literal(unit[lex.start:lex.end], nil, 0), lex.start)...)
		}
	}
}

// data looks at JSON whose names are chosen as those of variables are: they tell
// what their values may be.
func (l *look) data(text []byte, level int) (all []found) {
	for lex := (lexer{data: text}); ; {
		switch c := lex.next(); {
		case c == 0:
			return all
		case c == '{', c == '[':
			lex.name = nil
		case c != '"':
		case lex.isName:
			lex.name = text[lex.start:lex.end]
			all = l.member(all, lex.name, lex.start)
		default:
			all = append(all, shift(l.literal(text[lex.start:lex.end], lex.name, level), lex.start)...)
		}
	}
}

// member looks at the name of a member.
func (l *look) member(all []found, name []byte, at int) []found {
	if len(name) < longName {
		return all
	}
	return append(all, shift(l.literal(name, nil, maxNesting), at)...)
}

// literal looks at the text of one string, given as it is spelled, with the name
// of its member, or nil where that says nothing.
func (l *look) literal(lit, name []byte, level int) []found {
	if len(lit) < shortest || isMedia(lit) {
		return nil
	}
	if bytes.IndexByte(lit, '\\') < 0 {
		return l.text(lit, name)
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
	} else {
		all = l.text(text, name)
	}
	l.buf = l.buf[:base]
	if len(all) > 0 {
		all = settle(all) // the speller goes forward only
		sp := speller{lit: lit}
		for i := range all {
			all[i].Start, all[i].End = sp.place(all[i].Start, all[i].End)
		}
	}
	return all
}

// maxValue is how long a value may be of which a name tells what it is. Longer
// ones, and those with white space in them, no rule takes for one.
const maxValue = 256

// text gives a text to the detector: alone, as rules ask for what a text begins
// and ends with, and behind its name.
func (l *look) text(text, name []byte) (all []found) {
	for _, f := range l.detector.Scan(borrow(text)) {
		all = append(all, found{f, 1})
	}
	if name == nil || len(text) > maxValue || bytes.ContainsAny(bytes.TrimSpace(text), " \t\r\n") {
		return all
	}
	base := len(l.buf)
	l.buf = append(append(append(l.buf, '"'), name...), `": "`...)
	at := len(l.buf) - base
	l.buf = append(append(l.buf, text...), '"')
	for _, f := range l.detector.Scan(borrow(l.buf[base:])) {
		if f.Start, f.End = max(f.Start-at, 0), min(f.End-at, len(text)); f.Start < f.End {
			all = append(all, found{f, 1})
		}
	}
	l.buf = l.buf[:base]
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

func shift(all []found, by int) []found {
	for i := range all {
		all[i].Start += by
		all[i].End += by
	}
	return all
}
