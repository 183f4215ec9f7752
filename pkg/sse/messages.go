package sse

import (
	"encoding/binary"
	"errors"
)

// errMasked tells of a frame that no server sends, errCut of one that has no end.
var (
	errMasked = errors.New("a WebSocket frame of a server is masked")
	errCut    = errors.New("a WebSocket message has no end")
)

// Messages cuts what a server sends over a WebSocket into messages, whose frames
// are neither masked nor compressed (RFC 6455 section 5). A frame's Data is a
// message, a control frame has none. It does not bound what it holds: it is for
// bytes that are in memory.
type Messages struct {
	buf, data []byte
	done      int // bytes of buf that were returned
	over      bool
}

// NewMessages returns a framer.
func NewMessages() *Messages { return &Messages{} }

// Write implements Framer.
func (m *Messages) Write(p []byte) {
	m.buf = append(append(m.buf[:0], m.buf[m.done:]...), p...)
	m.done = 0
}

// Rest implements Framer.
func (m *Messages) Rest() int { return len(m.buf) - m.done }

// Extend implements Framer.
func (m *Messages) Extend(p []byte) { m.buf, m.done = append(m.buf[:0], p...), 0 }

// Close implements Framer.
func (m *Messages) Close() { m.over = true }

// Learn implements Framer. The lengths of messages differ with their texts.
func (m *Messages) Learn(Frame, []byte, []Member) {}

// Next implements Framer.
func (m *Messages) Next() (Frame, bool) {
	m.data = m.data[:0]
	for at := m.done; ; {
		head, payload, ok := header(m.buf[at:])
		if !ok {
			if rest := m.buf[m.done:]; m.over && len(rest) > 0 {
				m.done = len(m.buf)
				return Frame{Raw: rest, Err: errCut}, true
			}
			return Frame{}, false
		}
		first := m.buf[at]
		masked := m.buf[at+1]&0x80 != 0
		from := at + head
		at = from + payload
		switch control := first&0x08 != 0; {
		case masked:
			return m.frame(at, nil, errMasked), true
		case control && from-head == m.done: // one amid the frames of a message passes with it
			return m.frame(at, nil, nil), true
		case !control:
			if m.data = append(m.data, m.buf[from:at]...); first&0x80 != 0 {
				return m.frame(at, m.data, nil), true
			}
		}
	}
}

func (m *Messages) frame(end int, data []byte, err error) Frame {
	raw := m.buf[m.done:end]
	m.done = end
	return Frame{Raw: raw, Data: data, Err: err}
}

// header reads the header of the frame that b begins with. It is not ok if the
// frame is not whole.
func header(b []byte) (head, payload int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	head = 2
	n := uint64(b[1] & 0x7f)
	switch {
	case n == 126 && len(b) >= 4:
		head, n = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case n == 127 && len(b) >= 10:
		head, n = 10, binary.BigEndian.Uint64(b[2:])
	case n > 125:
		return 0, 0, false
	}
	if b[1]&0x80 != 0 {
		head += 4
	}
	if len(b) < head || n > uint64(len(b)-head) {
		return 0, 0, false
	}
	return head, int(n), true
}
