package sse

import "bytes"

// NewLines returns a framer of newline-delimited JSON. A frame reaches to the
// end of its line; Data is the line without the white space around it, nil for
// a blank one. What the stream ends with needs no newline.
//
// A limit of zero or less is none; a longer frame comes in pieces of limit bytes
// with Err set.
func NewLines(limit int) Framer { return newFramer(&lines{}, limit) }

type lines struct{ pos int }

func (l *lines) scan(b []byte, last bool) int {
	i := bytes.IndexByte(b[l.pos:], '\n')
	switch {
	case i >= 0:
		return l.pos + i + 1
	case last:
		return len(b)
	}
	l.pos = len(b)
	return -1
}

func (l *lines) frame(raw []byte) Frame {
	data := bytes.Trim(raw, " \t\r\n")
	if len(data) == 0 {
		data = nil
	}
	return Frame{Raw: raw, Data: data}
}

func (l *lines) next(int)   { l.pos = 0 }
func (l *lines) drop(n int) { l.pos = max(0, l.pos-n) }
func (l *lines) grow()      {}

func (l *lines) alone(raw []byte) bool { return raw[len(raw)-1] == '\n' }
func (l *lines) skip()                 { l.pos = 0 }
