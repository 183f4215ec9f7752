package hold

import (
	"bytes"
	"encoding/binary"
)

// Framing is how frames stand in a stream.
type Framing byte

// The framings: server-sent events, lines of JSON, elements of an array, a body
// that is in none, and messages of a WebSocket.
const (
	Events Framing = iota
	Lines
	Array
	Bare
	Messages
)

// Out is where an editor writes what leaves.
type Out struct {
	framing Framing
	b       []byte
}

// Keep writes a frame as it came.
func (o *Out) Keep(f *Frame) { o.b = append(o.b, f.Raw...) }

// Replace writes a frame with other data. Its other fields stay; comments go.
func (o *Out) Replace(f *Frame, data []byte) {
	switch o.framing {
	case Bare:
		o.b = append(o.b, data...)
	case Array: // the frame ends with its element
		o.b = append(o.b, f.Raw[:max(0, len(f.Raw)-len(f.Data))]...)
		o.b = append(o.b, data...)
	case Lines:
		o.b = append(o.b, data...)
		o.b = append(o.b, '\n')
	case Messages:
		o.b = AppendMessage(o.b, data)
	default:
		o.replaceEvent(f.Raw, data)
	}
}

// Event writes a server-sent event of our own.
func (o *Out) Event(name string, data []byte) {
	if o.framing == Messages {
		o.b = AppendMessage(o.b, data)
		return
	}
	o.close()
	if name != "" {
		o.b = append(append(append(o.b, "event: "...), name...), '\n')
	}
	o.b = appendData(o.b, data, []byte("\n"))
	o.b = append(o.b, '\n')
}

// AppendMessage appends a text message of a server: one frame, unmasked (RFC 6455
// section 5.2).
func AppendMessage(b, data []byte) []byte {
	b = append(b, 0x81)
	switch n := len(data); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, data...)
}

// close ends an event that the end of the stream left open.
func (o *Out) close() {
	b := bytes.ReplaceAll(o.b[max(0, len(o.b)-4):], []byte("\r\n"), []byte("\n"))
	if n := len(b); n > 0 && !(n > 1 && isEnd(b[n-1]) && isEnd(b[n-2])) {
		o.b = append(o.b, "\n\n"...)
	}
}

// AppendEvent appends a server-sent event with other data. Its other fields stay;
// comments go.
func AppendEvent(b, raw, data []byte) []byte {
	o := Out{b: b}
	o.replaceEvent(raw, data)
	return o.b
}

func isEnd(c byte) bool { return c == '\n' || c == '\r' }

// replaceEvent walks the lines of a frame. The place of the data cannot be found
// by looking for its bytes, for a comment may hold them too.
func (o *Out) replaceEvent(raw, data []byte) {
	done := false
	for len(raw) > 0 {
		i := bytes.IndexAny(raw, "\r\n")
		line, ending := raw, []byte("\n")
		if i >= 0 {
			line, ending = raw[:i], raw[i:i+1]
			if raw[i] == '\r' && i+1 < len(raw) && raw[i+1] == '\n' {
				ending = raw[i : i+2]
			}
			raw = raw[i+len(ending):]
		} else {
			raw = nil
		}
		field := bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		name, _, _ := bytes.Cut(field, []byte(":"))
		switch {
		case len(field) == 0:
			o.b = append(o.b, ending...)
		case string(name) == "event", string(name) == "id", string(name) == "retry":
			o.b = append(append(o.b, line...), ending...)
		case string(name) == "data" && !done:
			o.b = appendData(o.b, data, ending)
			done = true
		}
	}
	o.close()
}

// appendData writes data lines; the data of a frame that had several has the
// line ends between them.
func appendData(b, data, ending []byte) []byte {
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		b = append(append(b, "data: "...), line...)
		b = append(b, ending...)
	}
	return b
}
