package sse

import "bytes"

// Alike knows a frame that only adds to a text, so that those behind it which say the
// same, but for the text, are known by their bytes: most frames of a stream are. They
// are neither cut line by line nor walked. Two frames are alike if they are equal byte
// for byte outside the text, and outside members that say nothing, of strings without
// escapes. The zero value knows none.
type Alike struct {
	class int
	n     int // of parts; 0 where none is known
	parts [maxParts]part
	fixed []byte // the frame's bytes but for what may differ
	text  int    // the part before the text
	// Where the frame's fields are: the event's name within the first part, the data
	// from there on to so many bytes before the end.
	event      span
	data, tail int
}

// part is a piece that is the same in all frames, and what follows it.
type part struct {
	end    int // in fixed
	digits bool
}

// Member is a member of a JSON object whose value says nothing of a text, such as
// padding or a sequence number.
type Member struct {
	Start  string // its name and what stands before its value, as in `"padding":"`
	Number bool   // the value is a number, and not a string
}

// maxParts is how many pieces a frame may have, one more than values may differ.
// maxValue bounds those values, so that a long frame that comes in many writes is not
// read anew with each.
const (
	maxParts = 5
	maxValue = 1 << 10
)

// Learn takes a frame that begins and ends as it does whatever stands around it, and
// whose only effect was to add a text, whose JSON string is a part of its data. Values
// that may differ must be strings without escapes, and whole numbers, else no frame is
// alike. So it is with data that does not stand in the frame in one piece.
func (a *Alike) Learn(f Frame, text []byte, free []Member) {
	a.n = 0
	data, at := place(f.Raw, f.Data), place(f.Raw, text)
	if data < 0 || at < data || len(text) < 2 || at+len(text) > data+len(f.Data) {
		return
	}
	if a.event = (span{}); len(f.Event) > 0 {
		start := place(f.Raw, f.Event)
		if start < 0 || start > data {
			return
		}
		a.event = span{start, start + len(f.Event)}
	}
	over := data + len(f.Data)
	a.data, a.tail, a.fixed = data, len(f.Raw)-over, a.fixed[:0]
	for n, from := 0, 0; n < maxParts; n++ {
		// The piece from there on to the next value that may differ, or to the end.
		next, end, digits := len(f.Raw), len(f.Raw), false
		if at >= from {
			next, end = at+1, at+len(text)-1
		}
		for _, m := range free {
			begin := max(from, data)
			if i := bytes.Index(f.Raw[begin:min(next, over)], []byte(m.Start)); i >= 0 {
				next, digits = begin+i+len(m.Start), m.Number
				end = next + value(f.Raw[next:over], digits)
			}
		}
		if end < next {
			return
		}
		a.fixed = append(a.fixed, f.Raw[from:next]...)
		a.parts[n] = part{len(a.fixed), digits}
		if next == at+1 {
			a.text = n
		}
		if next == len(f.Raw) {
			a.n = n + 1
			a.class++
			return
		}
		from = end
	}
}

// place returns where a part of raw begins: the same bytes may stand elsewhere, too.
// It is negative for what is no part of raw.
func place(raw, of []byte) int {
	for at := 0; len(of) > 0; at++ {
		i := bytes.Index(raw[at:], of)
		if i < 0 {
			break
		}
		if at += i; &raw[at] == &of[0] {
			return at
		}
	}
	return -1
}

// value returns how long a value is: a string without escapes up to its quote, or
// digits. It is negative for what is neither, or too long.
func value(b []byte, digits bool) int {
	b = b[:min(len(b), maxValue)]
	for n, c := range b {
		switch {
		case digits && (c < '0' || c > '9'):
			if n == 0 || n > 1 && b[0] == '0' {
				return -1
			}
			return n
		case c == '"':
			return n
		case c == '\\' || c < ' ':
			return -1
		}
	}
	return -1
}

// Match returns the frame that b begins with, if it is like the one that was learnt.
func (a *Alike) Match(b []byte) (f Frame, ok bool) {
	var at, from int
	var str span
	for i := range a.n {
		p := a.parts[i]
		fixed := a.fixed[from:p.end]
		if len(b)-at < len(fixed) || string(b[at:at+len(fixed)]) != string(fixed) {
			return Frame{}, false
		}
		if at += len(fixed); i == a.n-1 {
			break
		}
		n := value(b[at:], p.digits)
		if n < 0 || n == 0 && i == a.text {
			return Frame{}, false
		}
		if i == a.text {
			str = span{at - 1 - a.data, at + n + 1 - a.data}
		}
		at, from = at+n, p.end
	}
	if a.n == 0 {
		return Frame{}, false
	}
	f = Frame{Raw: b[:at:at], Data: b[a.data : at-a.tail : at-a.tail], Class: a.class, Free: a.n > 2, TextStart: str.start, TextEnd: str.end}
	if a.event.end > 0 {
		f.Event = b[a.event.start:a.event.end:a.event.end]
	}
	return f, true
}

// Forget makes no frame alike.
func (a *Alike) Forget() { a.n = 0 }
