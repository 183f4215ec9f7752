package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// guardedSocket is the provider's side of an upgraded connection while rules are
// acted upon. A message passes when it is whole and has been judged; until then it,
// and what follows it, is held. Control frames pass at once.
type guardedSocket struct {
	*exchange
	proxy *Proxy
	conn  io.ReadWriteCloser

	in      messages // used by Read alone
	out     messages // used by Write alone
	foreign foreign  // used by Read alone
	buf     [16 << 10]byte
	read    []byte // what the client may read
	over    error
	// reading is held while something is judged, and while a person is asked. What
	// Close ends is the reader's.
	reading sync.Mutex
	here    context.Context // ends when the client has gone
	leave   context.CancelFunc

	// current judges what runs. It is the reader's; who asks puts another there.
	current atomic.Pointer[guard.Exchange]

	mu      sync.Mutex // guards what follows: requests and answers meet there
	stream  *guard.Stream
	former  []former           // what another request came after
	called  bool               // current has judged a call of an API that is not observed
	skip    context.CancelFunc // ends the wait for a person
	forward []byte             // what the provider may read
	refused error              // the connection ends for this reason
	closing bool               // the client has sent its close frame
	once    sync.Once
}

// former judged what was asked before.
type former struct {
	judge  *guard.Exchange
	stream *guard.Stream // or nil
}

func newGuardedSocket(p *Proxy, x *exchange, conn io.ReadWriteCloser) *guardedSocket {
	s := &guardedSocket{exchange: x, proxy: p, conn: conn, foreign: foreign{limit: p.opts.MaxFrame}}
	s.here, s.leave = context.WithCancel(x.client)
	s.in = messages{limit: p.opts.MaxFrame, pass: s.answered}
	s.out = messages{limit: p.opts.MaxFrame, pass: s.asked}
	s.current.Store(x.judge)
	x.record.Judged(nil, func(a *llm.Answer) ([]llm.Finding, []string) { return verdicts(s.current.Load(), a) })
	return s
}

// Why a guarded connection is closed.
var (
	errMessage     = errors.New("a message of the client cannot be judged by the rules")
	errSocketCall  = errors.New("a tool call was refused by the rules")
	errPanicked    = errors.New("archestra failed on a message; it is a defect of archestra")
	errLongMessage = errors.New("a message is larger than what can be judged (setting max-line)")
)

// Read passes what the provider sends and the rules let through.
func (s *guardedSocket) Read(p []byte) (int, error) {
	for len(s.read) == 0 {
		if s.over != nil {
			return 0, s.over
		}
		if s.waiting() {
			continue
		}
		n, err := s.conn.Read(s.buf[:])
		s.take(n, err)
	}
	n := copy(p, s.read)
	s.read = s.read[n:]
	return n, nil
}

// survive has a panic end the connection, and not the process: these goroutines are
// nobody's who would notice.
func (s *guardedSocket) survive(failed func()) {
	if v := recover(); v != nil {
		s.proxy.log.Error("a guarded connection panicked", "interaction", s.record.ID(), "provider", s.target.Provider.Name,
			"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		failed()
	}
}

// take judges what has come of the provider.
func (s *guardedSocket) take(n int, err error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	defer s.survive(func() { s.read, s.over = nil, errPanicked })
	s.succeed()
	s.in.write(s.buf[:n])
	s.decide()
	switch {
	case s.refusal() != nil:
		s.end()
	case s.in.closed:
		s.commit(record.End{})
	case err != nil && s.here.Err() != nil:
		s.commit(s.left())
	case err != nil:
		s.commit(record.End{Err: err})
	}
	if err != nil && s.over == nil {
		s.over = err
	}
}

// waiting waits for a person where one is asked.
func (s *guardedSocket) waiting() (waited bool) {
	s.reading.Lock()
	defer s.reading.Unlock()
	defer s.survive(func() { s.read, s.over, waited = nil, errPanicked, true })
	s.succeed()
	here, skip := context.WithCancel(s.here)
	defer skip()
	s.mu.Lock()
	stream := s.stream
	s.skip = skip
	s.mu.Unlock()
	if stream == nil || !stream.Waiting() {
		return false
	}
	if !stream.Wait(here, keepAlive) {
		s.read = append(s.read, stream.KeepAlive()...)
		return true
	}
	if err := s.here.Err(); err != nil {
		s.over = err
		return true
	}
	s.decide()
	return true
}

// succeed ends what was asked before, and brings what was decided then into the
// record, which is of the whole connection.
func (s *guardedSocket) succeed() {
	s.mu.Lock()
	list := s.former
	s.former = nil
	s.mu.Unlock()
	for _, f := range list {
		if f.stream != nil {
			f.stream.Close()
		}
		s.current.Load().Succeed(f.judge)
	}
}

// decide judges the calls that are whole, and lets out what may leave.
func (s *guardedSocket) decide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		s.stream.Decide()
		s.read = append(s.read, s.stream.Take()...)
	}
}

// answered takes a message of the provider.
func (s *guardedSocket) answered(raw, text []byte, long bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refused != nil:
		return
	case long:
		s.refused = errLongMessage
		return
	case text == nil:
		s.control(raw)
		return
	}
	s.record.Message(record.FromProvider, text)
	if s.target.Observed() {
		if s.stream == nil {
			s.stream = s.current.Load().Stream(wire.WebSocket, s.proxy.opts.MaxFrame)
		}
		if s.stream != nil {
			s.stream.Frame(sse.Frame{Raw: raw, Data: text})
			return
		}
	} else if !s.unobserved(raw, text) {
		return
	}
	s.read = append(s.read, raw...)
}

// unobserved judges a message of an API that is not observed, and tells whether it
// passes now.
func (s *guardedSocket) unobserved(raw, text []byte) bool {
	m := s.foreign.read(text)
	if m.piece != "" {
		if !s.foreign.hold(m.piece, raw) {
			s.refused = errLongMessage
		}
		return false
	}
	if len(m.calls) > 0 {
		s.called = true
		if !s.current.Load().Foreign(m.calls) {
			s.refused = errSocketCall
			return false
		}
	}
	s.read = append(s.read, s.foreign.release(m.whole)...)
	return true
}

// control passes a control frame behind what has left. With the provider's close
// frame, nothing more comes of a call that is not whole.
func (s *guardedSocket) control(raw []byte) {
	if s.stream != nil {
		if raw[0]&0x0f == opClose {
			s.stream.Decide()
			s.stream.Finish(true)
		}
		s.read = append(s.read, s.stream.Take()...)
	}
	s.read = append(s.read, raw...)
}

// Write passes what the client sends. It is looked at and recorded first.
func (s *guardedSocket) Write(p []byte) (n int, err error) {
	defer s.survive(func() { n, err = 0, errPanicked })
	s.out.write(p)
	s.mu.Lock()
	forward, refused := s.forward, s.refused
	s.forward = nil
	s.closing = s.closing || s.out.closed
	s.mu.Unlock()
	if refused != nil {
		return 0, refused
	}
	if len(forward) > 0 {
		if _, err := s.conn.Write(forward); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// asked takes a message of the client.
func (s *guardedSocket) asked(raw, text []byte, long bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refused != nil:
		return
	case long:
		s.refused = errLongMessage
		return
	case text == nil:
		s.forward = append(s.forward, raw...)
		return
	}
	request, asks := requestOf(text)
	if jsonscan.Check(text) != nil {
		s.record.Message(record.FromClient, text)
		s.refused = errMessage
		return
	}
	judge := s.proxy.begin(s.exchange)
	l := judge.Request(request, nil, s.record.Client().Session, "")
	if asks || !s.target.Observed() {
		// Each request of the connection is judged in its own conversation.
		if before := s.current.Swap(judge); s.stream != nil || s.called {
			s.former = append(s.former, former{before, s.stream})
			s.stream, s.called = nil, false
			if s.skip != nil {
				s.skip()
			}
		}
	}
	s.record.Conceal(l.Values...)
	s.record.Message(record.FromClient, within(text, request, l.Keep))
	for _, f := range judge.Findings() {
		s.record.Finding(f)
	}
	switch {
	case l.Refusal != nil:
		s.refused = errors.New(l.Refusal.Message)
	case len(l.Send) == len(request) && (len(request) == 0 || &l.Send[0] == &request[0]):
		s.forward = append(s.forward, raw...)
	default:
		s.forward = appendMasked(s.forward, within(text, request, l.Send))
	}
}

func (s *guardedSocket) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// end closes the connection for a reason of the rules: status 1008, a policy
// violation (RFC 6455 section 7.4.1). The reason is at most 123 bytes.
func (s *guardedSocket) end() {
	why := s.refusal()
	text := "archestra: " + why.Error()
	if len(text) > 123 {
		text = text[:123]
	}
	s.read = append(s.read, 0x88, byte(2+len(text)), 0x03, 0xf0)
	s.read = append(s.read, text...)
	s.over = io.EOF
	s.commit(record.End{Err: why, Error: &llm.Error{Source: llm.SourceArchestra, Type: "policy_violation", Code: "refused_by_rules", Message: why.Error()}})
	_ = s.conn.Close() // what the provider still has to say is not wanted
}

// left is how a connection ends that the client has left: orderly if it said so.
func (s *guardedSocket) left() record.End {
	s.mu.Lock()
	defer s.mu.Unlock()
	return record.End{Cancelled: !s.closing}
}

// Close ends the exchange: whatever is read or asked about ends first.
func (s *guardedSocket) Close() error {
	s.leave()
	err := s.conn.Close()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.succeed()
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
	s.commit(s.left())
	return err
}

func (s *guardedSocket) commit(end record.End) {
	s.once.Do(func() {
		if err := s.record.Commit(end); err != nil {
			s.proxy.log.Error("a connection could not be recorded", "interaction", s.record.ID(), "error", err)
		}
	})
}
