package fold

import "bytes"

// Alike knows a frame that only adds to a text, so that the next ones that say the
// same, but for the text, need not be walked: most frames of a stream do. Two frames
// are alike if they are equal byte for byte outside the text and outside the members
// that mean nothing here: padding, sequence numbers, clocks. Its zero value knows none.
type Alike struct {
	parts []part
	buf   []byte // the parts' bytes
	event []byte // the event's name beside the data
}

// part is a fixed piece of a frame, and what follows it.
type part struct {
	from, to int
	hole     hole
}

type hole byte

const (
	atEnd  hole = iota // nothing
	text               // the text's string
	word               // any string
	number             // any digits
)

// idle are the members that may differ: OpenAI's obfuscation and sequence_number,
// and the clock of Ollama's lines.
var idle = [...]struct {
	name []byte // with what stands before the value
	hole hole
}{
	{[]byte(`"obfuscation":"`), word},
	{[]byte(`"created_at":"`), word},
	{[]byte(`"sequence_number":`), number},
}

// Forget makes no frame alike.
func (a *Alike) Forget() { a.parts = a.parts[:0] }

// Learn takes a frame, by its event's name and its data, whose only effect was to add the text of a literal, which is a
// part of data. Its strings must have no escapes to be known.
func (a *Alike) Learn(event, data, literal []byte) {
	a.Forget()
	at := index(data, literal)
	if at < 0 || len(literal) < 2 {
		return
	}
	a.buf, a.event = append(a.buf[:0], data...), append(a.event[:0], event...)
	from := 0
	for from <= len(data) {
		next, end, h := len(data), len(data), atEnd
		if at >= from {
			next, end, h = at+1, at+len(literal)-1, text
		}
		for _, m := range idle {
			i := bytes.Index(data[from:next], m.name)
			if i < 0 {
				continue
			}
			begin := from + i + len(m.name)
			stop := close(data, begin, m.hole)
			if stop < 0 {
				a.Forget()
				return
			}
			next, end, h = begin, stop, m.hole
		}
		a.parts = append(a.parts, part{from, next, h})
		if h == atEnd {
			return
		}
		from = end
	}
}

// index finds where a part of data begins: the same bytes may stand elsewhere, too.
func index(data, of []byte) int {
	for at := 0; len(of) > 0; {
		i := bytes.Index(data[at:], of)
		if i < 0 {
			return -1
		}
		if at += i; &data[at] == &of[0] {
			return at
		}
		at++
	}
	return -1
}

// close returns where a value ends that begins at from: a string without escapes
// before its quote, a number behind its digits. It is negative where it is neither.
func close(data []byte, from int, h hole) int {
	if h == number {
		to := from
		for to < len(data) && data[to] >= '0' && data[to] <= '9' {
			to++
		}
		if to == from || to-from > 1 && data[from] == '0' {
			return -1
		}
		return to
	}
	for to := from; to < len(data); to++ {
		switch c := data[to]; {
		case c == '"':
			return to
		case c == '\\' || c < ' ':
			return -1
		}
	}
	return -1
}

// Text returns the text's literal, quotes included, if a frame is alike.
func (a *Alike) Text(event, data []byte) (literal []byte, ok bool) {
	if len(a.parts) == 0 || string(event) != string(a.event) {
		return nil, false
	}
	at := 0
	for _, p := range a.parts {
		fixed := a.buf[p.from:p.to]
		if len(data)-at < len(fixed) || string(data[at:at+len(fixed)]) != string(fixed) {
			return nil, false
		}
		at += len(fixed)
		if p.hole == atEnd {
			break
		}
		to := close(data, at, p.hole)
		if to < 0 {
			return nil, false
		}
		if p.hole == text {
			literal = data[at-1 : to+1]
		}
		at = to
	}
	return literal, at == len(data) && len(literal) > 2
}
