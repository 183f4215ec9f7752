package sse

import "bytes"

// NewEvents returns a framer of server-sent events, as the WHATWG HTML standard
// defines them in section 9.2: lines end in LF, CRLF or CR, a blank line ends an
// event, a byte-order mark may come first.
//
// A frame reaches to the end of its blank line. A frame of comments or of a
// blank line alone has no Data; an event whose data is empty has Data that is
// empty and not nil. What the stream ends with and no blank line closes is a
// frame too, though the standard has a browser drop it.
//
// A limit of zero or less is none. A longer frame comes in pieces of limit bytes
// with Err set; the frame that follows it is whole again.
func NewEvents(limit int) Framer { return newFramer(&events{lf: unknown, cr: unknown}, limit) }

const unknown = -1

// How the line before ended.
const (
	endedLF = iota // in LF or CRLF, or there was none
	endedCR
)

type events struct {
	pos    int // there is no end of line between line and pos
	line   int // where the present line starts
	lf, cr int // the first of each at or behind pos, the length of b where there is none
	ended  byte
	skipLF bool // a CR has just ended a line: an LF belongs to it
	begun  bool // the first line, which may have a byte-order mark, is read
	long   bool // a part of the frame was given out: its fields do not matter

	data  span // the only data line
	event span
	lines int // data lines
	// joined holds the data of frames of several lines, the present one's from
	// join on.
	joined []byte
	join   int
}

type span struct{ start, end int }

var bom = []byte("\xef\xbb\xbf")

func (e *events) scan(b []byte, last bool) int {
	for {
		if e.skipLF {
			if e.pos == len(b) {
				break
			}
			e.skipLF, e.ended = false, endedCR
			if b[e.pos] == '\n' {
				e.pos++
				e.ended = endedLF
			}
			e.line = e.pos
		}
		i := e.endOfLine(b)
		if i == len(b) {
			e.pos = i
			break
		}
		if i == e.line {
			if end := e.blank(b, i, last); end > 0 {
				return end
			}
			e.pos = i
			break
		}
		e.field(b, e.line, i)
		e.skipLF, e.ended = b[i] == '\r', endedLF
		e.pos, e.line = i+1, i+1
	}
	if last {
		if e.line < len(b) {
			e.field(b, e.line, len(b))
		}
		return len(b)
	}
	return -1
}

// blank returns the end of the blank line at i, 0 if it may not be whole yet.
// Behind a line that ended in a lone CR a CR is taken for whole at once, so that
// such a stream does not lag behind by one event.
func (e *events) blank(b []byte, i int, last bool) int {
	switch {
	case b[i] == '\n':
		e.ended = endedLF
		return i + 1
	case e.ended == endedCR:
		e.skipLF = true
		return i + 1
	case i+1 < len(b) && b[i+1] == '\n':
		return i + 2
	case i+1 < len(b) || last:
		e.ended = endedCR
		return i + 1
	}
	return 0
}

// endOfLine returns the index of the first CR or LF from pos on, or len(b).
func (e *events) endOfLine(b []byte) int {
	if e.lf < e.pos {
		e.lf = index(b, e.pos, '\n')
	}
	if e.cr < e.pos {
		e.cr = index(b, e.pos, '\r')
	}
	return min(e.lf, e.cr)
}

func index(b []byte, from int, c byte) int {
	if i := bytes.IndexByte(b[from:], c); i >= 0 {
		return from + i
	}
	return len(b)
}

// field reads the line b[start:end].
func (e *events) field(b []byte, start, end int) {
	if e.long {
		return
	}
	if !e.begun {
		e.begun = true
		if bytes.HasPrefix(b[start:end], bom) {
			start += len(bom)
		}
	}
	line := b[start:end]
	switch {
	case bytes.HasPrefix(line, []byte("data")):
		v, ok := fieldValue(b, start+len("data"), end)
		if !ok {
			return
		}
		switch e.lines++; e.lines {
		case 1:
			e.data = v
			return
		case 2:
			e.join = len(e.joined)
			e.joined = append(e.joined, b[e.data.start:e.data.end]...)
		}
		e.joined = append(e.joined, '\n')
		e.joined = append(e.joined, b[v.start:v.end]...)
	case bytes.HasPrefix(line, []byte("event")):
		if v, ok := fieldValue(b, start+len("event"), end); ok {
			e.event = v
		}
	}
}

// fieldValue returns what follows a field's name: nothing, or a colon, a space that
// may be left out, and the value. It is not ok if the name goes on.
func fieldValue(b []byte, i, end int) (v span, ok bool) {
	if i == end {
		return span{i, i}, true
	}
	if b[i] != ':' {
		return span{}, false
	}
	if i++; i < end && b[i] == ' ' {
		i++
	}
	return span{i, end}, true
}

func (e *events) frame(raw []byte) Frame {
	f := Frame{Raw: raw}
	if e.event.end > 0 {
		f.Event = raw[e.event.start:e.event.end:e.event.end]
	}
	switch {
	case e.lines == 1:
		f.Data = raw[e.data.start:e.data.end:e.data.end]
	case e.lines > 1:
		f.Data = e.joined[e.join:len(e.joined):len(e.joined)]
	}
	return f
}

func (e *events) next(n int) {
	e.move(n)
	e.pos, e.line = 0, 0
	e.lines, e.data, e.event = 0, span{}, span{}
	e.join = len(e.joined)
	e.long = false
}

// alone holds for frames that end in two ends of line which are no lone CR, and begin
// with neither a byte-order mark nor the LF of a CR before them.
func (e *events) alone(raw []byte) bool {
	return e.lines == 1 && raw[0] != '\n' && !bytes.HasPrefix(raw, bom) && (bytes.HasSuffix(raw, []byte("\n\n")) || bytes.HasSuffix(raw, []byte("\r\n\r\n")))
}

func (e *events) skip() {
	*e = events{lf: unknown, cr: unknown, begun: true, joined: e.joined[:e.join], join: e.join}
}

func (e *events) drop(n int) {
	e.move(n)
	e.pos -= n
	e.line -= n
	e.joined = e.joined[:e.join]
	e.begun, e.long = true, true
}

func (e *events) move(n int) { e.lf, e.cr = e.lf-n, e.cr-n }

func (e *events) grow() {
	e.lf, e.cr = unknown, unknown
	if e.join > 0 {
		e.joined = append(e.joined[:0], e.joined[e.join:]...)
		e.join = 0
	}
	if len(e.joined) == 0 && cap(e.joined) > keep {
		e.joined = nil
	}
}
