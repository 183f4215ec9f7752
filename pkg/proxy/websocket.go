package proxy

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// upgrade relays a connection that became a WebSocket (RFC 6455). The bytes pass
// both ways as they come; beside them each message is taken off its frames and
// recorded: the client's as the request's body, the provider's as the
// response's, one JSON text a line.
func (p *Proxy) upgrade(x *exchange, body io.ReadCloser) (io.ReadWriteCloser, error) {
	conn, ok := body.(io.ReadWriteCloser)
	if !ok {
		return nil, errors.New("the provider switched protocols without a connection to write to")
	}
	if x.judge != nil && x.judge.Acts() {
		return newGuardedSocket(p, x, conn), nil
	}
	return &socket{
		conn: conn, exchange: x, proxy: p,
		in:  messages{limit: p.opts.MaxFrame, emit: func(m []byte) { x.record.Message(record.FromProvider, m) }},
		out: messages{limit: p.opts.MaxFrame, emit: func(m []byte) { x.record.Message(record.FromClient, m) }},
	}, nil
}

// socket is the provider's side of an upgraded connection. It is read and written
// from two goroutines.
type socket struct {
	*exchange
	proxy *Proxy
	conn  io.ReadWriteCloser
	in    messages // used by Read alone
	out   messages // used by Write alone
	once  sync.Once
	// leaving tells that the client has sent its close frame.
	leaving atomic.Bool
}

// Read passes what the provider sends.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	s.in.write(p[:n])
	switch {
	case s.in.closed:
		s.commit(record.End{})
	case err != nil:
		s.commit(record.End{Err: err, Cancelled: s.client.Err() != nil})
	}
	return n, err
}

// Write passes what the client sends. It is recorded first: the answer to it may
// be there before Write returns.
func (s *socket) Write(p []byte) (int, error) {
	s.out.write(p)
	if s.out.closed {
		s.leaving.Store(true)
	}
	return s.conn.Write(p)
}

// Close ends the exchange: orderly if the client said that it leaves.
func (s *socket) Close() error {
	s.commit(record.End{Cancelled: !s.leaving.Load()})
	return s.conn.Close()
}

func (s *socket) commit(end record.End) {
	s.once.Do(func() {
		if err := s.record.Commit(end); err != nil {
			s.proxy.log.Error("a connection could not be recorded", "interaction", s.record.ID(), "error", err)
		}
	})
}

// messages takes messages off the frames of one direction.
type messages struct {
	limit int
	emit  func([]byte) // is given each message
	// pass, where it is not nil, takes emit's place. It is given every frame's
	// bytes: those of a message when it is whole, and text is nil for what is none,
	// or for a message that outgrew its limit (long).
	pass   func(raw, text []byte, long bool)
	frame  []byte   // the bytes of the frame that is coming, for pass
	raw    []byte   // the bytes of the message that is coming, for pass
	head   [14]byte // of the frame that is coming
	have   int      // bytes of head
	left   uint64   // bytes of the frame's payload still to come
	mask   [4]byte
	masked bool
	pos    int // of the next byte below the mask
	op     byte
	fin    bool
	skip   bool // the message outgrew its limit, or is a control frame's
	text   []byte
	closed bool // a close frame has passed
}

// Opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0
	opClose        = 8
)

func (m *messages) write(p []byte) {
	for len(p) > 0 {
		if m.left == 0 {
			n, whole := m.header(p)
			m.keep(p[:n])
			p = p[n:]
			if !whole {
				return
			}
			if m.left == 0 {
				m.frameEnd()
			}
			continue
		}
		n := int(min(uint64(len(p)), m.left))
		m.keep(p[:n])
		m.payload(p[:n])
		p = p[n:]
		if m.left -= uint64(n); m.left == 0 {
			m.frameEnd()
		}
	}
}

// header collects a frame's header, and tells how much of p it took.
func (m *messages) header(p []byte) (taken int, whole bool) {
	for taken < len(p) {
		m.head[m.have] = p[taken]
		m.have++
		taken++
		if m.have >= 2 && m.have == m.headerLen() {
			m.begin()
			return taken, true
		}
	}
	return taken, false
}

func (m *messages) headerLen() int {
	n := 2
	switch m.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if m.head[1]&0x80 != 0 {
		n += 4
	}
	return n
}

func (m *messages) begin() {
	m.fin, m.masked = m.head[0]&0x80 != 0, m.head[1]&0x80 != 0
	op := m.head[0] & 0x0f
	control := op >= opClose
	m.closed = m.closed || op == opClose
	if op != opContinuation && !control {
		m.text, m.skip = m.text[:0], false
	}
	m.op = op
	at := 2
	switch l := m.head[1] & 0x7f; l {
	case 126:
		m.left, at = uint64(binary.BigEndian.Uint16(m.head[2:])), 4
	case 127:
		m.left, at = binary.BigEndian.Uint64(m.head[2:]), 10
	default:
		m.left = uint64(l)
	}
	if m.masked {
		copy(m.mask[:], m.head[at:at+4])
	}
	m.pos, m.have = 0, 0
}

func (m *messages) payload(p []byte) {
	if m.op >= opClose || m.skip {
		return
	}
	if m.limit > 0 && len(m.text)+len(p) > m.limit {
		m.skip = true
		return
	}
	if !m.masked {
		m.text = append(m.text, p...)
		return
	}
	for _, c := range p {
		m.text = append(m.text, c^m.mask[m.pos&3])
		m.pos++
	}
}

// keep keeps a frame's bytes for pass. A message that outgrew its limit is not
// kept: whoever takes it learns that it was there.
func (m *messages) keep(p []byte) {
	if m.pass != nil && !m.skip {
		m.frame = append(m.frame, p...)
	}
}

func (m *messages) frameEnd() {
	if m.pass != nil {
		m.passFrame()
		return
	}
	if m.op >= opClose || !m.fin {
		return
	}
	if !m.skip {
		m.emit(m.text)
	}
	m.text = m.text[:0]
}

func (m *messages) passFrame() {
	frame := m.frame
	m.frame = m.frame[:0]
	if m.op >= opClose && (m.op == opClose || len(m.raw) == 0) {
		m.pass(frame, nil, false)
		return
	}
	m.raw = append(m.raw, frame...)
	if m.op >= opClose || !m.fin {
		return // a ping between two fragments keeps its place
	}
	text, long := m.text, m.skip
	if text == nil {
		text = []byte{}
	}
	if long {
		text = nil
	}
	m.pass(m.raw, text, long)
	m.raw, m.text = m.raw[:0], m.text[:0]
}
