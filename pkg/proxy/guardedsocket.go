package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
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

	in   messages // used by Read alone
	out  messages // used by Write alone
	buf  [16 << 10]byte
	read []byte // what the client may read
	over error

	// current judges what runs. It is the reader's; who asks puts another there.
	current atomic.Pointer[guard.Exchange]

	mu      sync.Mutex // guards what follows: requests and answers meet there
	stream  *guard.Stream
	forward []byte // what the provider may read
	refused error  // the connection ends for this reason
	closing bool   // the client has sent its close frame
	once    sync.Once
}

func newGuardedSocket(p *Proxy, x *exchange, conn io.ReadWriteCloser) *guardedSocket {
	s := &guardedSocket{exchange: x, proxy: p, conn: conn}
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
		s.in.write(s.buf[:n])
		s.decide()
		switch {
		case s.refusal() != nil:
			s.end()
		case s.in.closed:
			s.commit(record.End{})
		case err != nil:
			s.commit(record.End{Err: err, Cancelled: s.client.Err() != nil})
		}
		if err != nil && s.over == nil {
			s.over = err
		}
	}
	n := copy(p, s.read)
	s.read = s.read[n:]
	return n, nil
}

// waiting waits for a person where one is asked.
func (s *guardedSocket) waiting() bool {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	if stream == nil || !stream.Waiting() {
		return false
	}
	if !stream.Wait(s.client, keepAlive) {
		s.read = append(s.read, stream.KeepAlive()...)
		return true
	}
	if s.client.Err() != nil {
		s.over = s.client.Err()
		return true
	}
	s.decide()
	return true
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
	} else if calls := foreignCalls(text); len(calls) > 0 && !s.current.Load().Foreign(calls) {
		s.refused = errSocketCall
		return
	}
	s.read = append(s.read, raw...)
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
func (s *guardedSocket) Write(p []byte) (int, error) {
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
		s.stream = nil
		s.current.Store(judge)
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

// requestOf returns the request in a client's message: its member "response", or
// the message itself. asks tells whether it asks for an answer, and is not a remark
// on one that runs.
func requestOf(m []byte) (request []byte, asks bool) {
	request, asks = m, true
	s := jsonscan.New(m)
	for key := range s.Object() {
		switch string(key) {
		case "response":
			if s.Kind() == jsonscan.Object {
				request = s.Raw()
			}
		case "type":
			asks = s.Text() == "response.create"
		}
	}
	return request, asks
}

// within puts other bytes in the place of a part of a message.
func within(m, part, other []byte) []byte {
	if len(part) == len(m) {
		return other
	}
	at := bytes.Index(m, part)
	return append(append(append([]byte(nil), m[:at]...), other...), m[at+len(part):]...)
}

// appendMasked appends a client's text message in one frame (RFC 6455 section 5.3).
func appendMasked(b, text []byte) []byte {
	b = append(b, 0x81)
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails (crypto/rand)
	b = append(b, mask[:]...)
	for i, c := range text {
		b = append(b, c^mask[i&3])
	}
	return b
}

// foreignCalls returns the calls in a message of an API that is not observed, such
// as OpenAI's realtime or Gemini's live one: objects that have a name and arguments.
func foreignCalls(m []byte) (calls []llm.ToolCall) {
	if !bytes.Contains(m, []byte("unction")) && !bytes.Contains(m, []byte("ool")) && !bytes.Contains(m, []byte(`\\u`)) {
		return nil
	}
	var walk func(s *jsonscan.Scanner, depth int)
	walk = func(s *jsonscan.Scanner, depth int) {
		switch s.Kind() {
		case jsonscan.Array:
			for range s.Array() {
				walk(s, depth+1)
			}
		case jsonscan.Object:
			var c llm.ToolCall
			var args []byte
			for key := range s.Object() {
				switch string(key) {
				case "name":
					c.Name = s.Text()
				case "call_id", "id":
					c.ID = s.Text()
				case "arguments":
					if s.Kind() == jsonscan.String {
						args = []byte(s.Text())
					} else {
						args = s.Raw()
					}
				case "args":
					args = s.Raw()
				default:
					if depth < 32 {
						walk(s, depth+1)
					}
				}
			}
			if c.Name != "" && len(args) > 0 {
				if jsonscan.Check(args) == nil {
					c.Arguments = bytes.Clone(args)
				} else {
					c.ArgumentsText = string(args)
				}
				calls = append(calls, c)
			}
		default:
			s.Skip()
		}
	}
	walk(jsonscan.New(m), 0)
	return calls
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

// Close ends the exchange: orderly if the client said that it leaves.
func (s *guardedSocket) Close() error {
	s.mu.Lock()
	closing, stream := s.closing, s.stream
	s.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
	s.commit(record.End{Cancelled: !closing})
	return s.conn.Close()
}

func (s *guardedSocket) commit(end record.End) {
	s.once.Do(func() {
		if err := s.record.Commit(end); err != nil {
			s.proxy.log.Error("a connection could not be recorded", "interaction", s.record.ID(), "error", err)
		}
	})
}
