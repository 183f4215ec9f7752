package guard

import (
	"context"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Stream judges a streamed answer. Its owner shows it each frame, calls Decide
// where there is no lock to be held, waits where a person is asked, and takes what
// may leave:
//
//	for each chunk: Frame(f)…; Decide()
//	while Waiting: Wait, and send KeepAlive when nothing came of it
//	Take
//
// At the stream's terminal event, and at its end, Finish comes before Decide.
type Stream struct {
	x       *Exchange
	gate    wire.Gate
	texts   *texts // nil where no text is edited
	out     []byte
	fresh   []wire.Call // whole, and not decided
	refused []wire.Call // by the gate itself
	open    []*question // asked, in the order of the calls
	turn    []*question // of DropTurn and Retry: decided, and not let out yet
	again   []*question // of Retry: refused all, and the model is to hear of it
	unclear bool        // the gate has refused something itself
	over    bool
}

// Stream returns what judges a streamed answer of that media type, or nil if there
// is nothing to hold or to edit in it. maxFrame bounds a frame.
func (x *Exchange) Stream(contentType string, maxFrame int) *Stream {
	s := &Stream{x: x, texts: x.texts(contentType, maxFrame)}
	if f := x.Gated(); f != nil && x.Acts() {
		x.gated = true
		s.gate = f.NewGate(contentType, wire.GateOptions{MaxHeld: x.guard.opts.MaxHeld, Refusal: x.gateRefusal})
	}
	if s.gate == nil && s.texts == nil {
		return nil
	}
	return s
}

// Into lets what leaves be written into buf, as far as it has room, until the next
// Take. What is in buf is lost.
func (s *Stream) Into(buf []byte) { s.out = buf[:0] }

// Frame takes the next frame. It judges nothing yet, and never blocks.
func (s *Stream) Frame(f sse.Frame) {
	if s.gate == nil {
		s.release(f.Raw, f)
		return
	}
	release, calls := s.gate.Frame(f)
	s.release(release, f)
	s.told(calls)
}

// release lets bytes out: of frame f, or of frames before it.
func (s *Stream) release(b []byte, f sse.Frame) {
	switch {
	case len(b) == 0:
	case s.texts == nil:
		s.out = append(s.out, b...)
	case len(b) == len(f.Raw) && &b[0] == &f.Raw[0]:
		s.out = append(s.out, s.texts.frame(f)...)
	default:
		s.out = s.texts.bytes(s.out, b)
	}
}

func (s *Stream) told(calls []wire.Call) {
	for _, c := range calls {
		if c.Refused != nil {
			s.refused = append(s.refused, c)
		} else {
			s.fresh = append(s.fresh, c)
		}
	}
}

// Decide judges the calls that became whole.
func (s *Stream) Decide() {
	for len(s.refused) > 0 || len(s.fresh) > 0 {
		s.unclear = s.unclear || len(s.refused) > 0
		for _, c := range s.refused {
			s.x.refusedByGate(c)
		}
		s.refused = s.refused[:0]
		fresh := s.fresh
		s.fresh = nil
		for _, c := range fresh {
			q := s.x.question(c)
			if q.ticket != nil {
				s.open = append(s.open, q)
				continue
			}
			s.x.told(q.judged)
			s.settle(q)
		}
	}
}

// settle acts on a call that is decided.
func (s *Stream) settle(q *question) {
	if s.x.guard.opts.OnBlock != Text && s.x.guard.opts.OnBlock != "" && !s.over {
		s.turn = append(s.turn, q)
		return
	}
	s.decide(q)
}

func (s *Stream) decide(q *question) {
	s.release(s.gate.Decide(q.n, s.x.settled(q)), sse.Frame{})
}

// Waiting tells that a person is asked.
func (s *Stream) Waiting() bool { return len(s.open) > 0 }

// Holding tells that bytes wait: for a decision, for their call's end, or for what
// a text's editor holds back.
func (s *Stream) Holding() bool {
	return s.gate != nil && s.gate.Held() > 0 || s.texts != nil && s.texts.rewriter.Held() > 0
}

// Wait waits until the question that holds the stream is answered, or for as long
// as given; it tells whether there was an answer. When ctx ends, the client has
// gone: everything open is refused.
func (s *Stream) Wait(ctx context.Context, most time.Duration) bool {
	if len(s.open) == 0 {
		return true
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-s.Asked():
		s.Answered()
		return true
	case <-ctx.Done():
		s.abandon()
		return true
	case <-t.C:
		return false
	}
}

// Asked is closed when the question that holds the stream is answered; Answered
// takes that answer. Both are called while Waiting.
func (s *Stream) Asked() <-chan struct{} { return s.open[0].ticket.Done() }

// Answered acts on the answer to the question that holds the stream.
func (s *Stream) Answered() {
	q := s.open[0]
	s.open = s.open[1:]
	s.x.answered(q, s.open)
	s.settle(q)
}

// Room tells whether more of the answer may be read while it is held.
func (s *Stream) Room() bool { return s.gate.Held() < s.x.guard.opts.MaxHeld/2 }

// abandon refuses what is open: nobody waits for it any more.
func (s *Stream) abandon() {
	for _, q := range s.open {
		q.ticket.Cancel(byClientGone)
		<-q.ticket.Done()
		s.x.answered(q, nil)
		s.settle(q)
	}
	s.open = nil
}

// Finish tells that the answer's terminal event is in, or that nothing more comes
// (end). Nothing is held behind it but what a person is asked about.
func (s *Stream) Finish(end bool) {
	if s.gate == nil {
		if end && s.texts != nil {
			s.out = append(s.out, s.texts.close()...)
		}
		return
	}
	if s.again != nil {
		return
	}
	if end && !s.Waiting() {
		if !s.over && !s.unclear && s.x.mayRetry(s.turn) {
			s.again, s.turn = s.turn, nil
			return
		}
		s.drop()
		release, refused := s.gate.Close()
		s.release(release, sse.Frame{})
		s.told(refused)
		s.Decide()
		if s.texts != nil {
			s.out = append(s.out, s.texts.close()...)
		}
	} else if !s.Waiting() && s.x.guard.opts.OnBlock != Retry {
		s.drop() // of Retry the whole answer is needed
	}
}

// Refusals returns what the model is to be told as the results of its calls, one
// each, where all of them were refused and it is to answer once more. Nothing of
// the turn behind its first call has left; GiveUp lets the refusals out instead.
func (s *Stream) Refusals() []string { return s.x.refusals(s.again) }

// Pending tells that the whole answer is needed before what is decided can leave.
func (s *Stream) Pending() bool { return s.x.guard.opts.OnBlock == Retry && len(s.turn) > 0 }

// GiveUp ends the stream as if the model were not asked again.
func (s *Stream) GiveUp() {
	again := s.again
	s.again, s.turn, s.over = nil, again, true
	s.Finish(true)
}

// drop settles a turn that waited to be decided as one.
func (s *Stream) drop() {
	turn := s.turn
	s.turn, s.over = nil, true
	if s.x.guard.opts.OnBlock == DropTurn {
		s.x.dropTurn(turn)
	}
	for _, q := range turn {
		s.decide(q)
	}
}

// Close ends the stream whatever has come of it: nobody reads it any more, and the
// buffer that Into was told of may be somebody else's.
func (s *Stream) Close() {
	s.out = nil
	s.abandon()
}

// KeepAlive returns bytes that say nothing.
func (s *Stream) KeepAlive() []byte {
	if s.gate == nil {
		return nil
	}
	return s.gate.KeepAlive()
}

// Take returns what may leave. The bytes are valid until the next call of Frame,
// Wait, Decide or Finish.
func (s *Stream) Take() []byte {
	out := s.out
	s.out = nil
	return out
}

// Body judges a whole answer. It asks and waits for persons, and returns body
// itself where nothing is changed. The error tells that the answer must not reach
// the client. Refusals are what the model is to be told where it is to answer once
// more; then Unchanged is the answer as if nothing was taken out.
func (x *Exchange) Body(ctx context.Context, body []byte) (w Whole, err error) {
	w.Out = body
	if f := x.Gated(); f != nil && x.Acts() {
		x.gated = true
		if w.Out, w.Refusals, err = x.screen(ctx, f, body); err != nil {
			return w, err
		}
	}
	if w.Out = x.rewriteBody(w.Out); w.Refusals != nil {
		w.Unchanged = x.rewriteBody(body)
	}
	return w, nil
}

// Whole is what a guard makes of a whole answer.
type Whole struct {
	Out       []byte
	Refusals  []string
	Unchanged []byte
}

func (x *Exchange) screen(ctx context.Context, f wire.Gated, body []byte) (_ []byte, refusals []string, _ error) {
	// The calls are judged before any is let out: questions about several stand
	// side by side.
	var asked []*question
	plain := true // nothing was refused, and nobody is asked
	o := wire.GateOptions{Refusal: x.gateRefusal}
	unclear := false
	out, err := f.Screen(body, o, func(c wire.Call) wire.Decision {
		if c.Refused != nil {
			plain, unclear = false, true
			return wire.Decision{}
		}
		q := x.question(c)
		plain = plain && q.ticket == nil && q.judged.Call.Verdict == llm.ActionAllow
		asked = append(asked, q)
		return wire.Decision{Allow: true}
	})
	if err != nil {
		for _, q := range asked {
			if q.ticket != nil {
				q.ticket.Cancel(byClientGone)
			}
		}
		return nil, nil, err
	}
	if plain {
		return out, nil, nil
	}
	for i, q := range asked {
		if q.ticket == nil {
			continue
		}
		select {
		case <-q.ticket.Done():
		case <-ctx.Done():
			q.ticket.Cancel(byClientGone)
			<-q.ticket.Done()
		}
		x.answered(q, asked[i+1:])
	}
	if x.guard.opts.OnBlock == DropTurn {
		x.dropTurn(asked)
	}
	if x.mayRetry(asked) && !unclear {
		refusals = x.refusals(asked)
	}
	byNumber := map[int]*question{}
	for _, q := range asked {
		byNumber[q.n] = q
	}
	out, err = f.Screen(body, o, func(c wire.Call) wire.Decision {
		if q := byNumber[c.N]; q != nil && c.Refused == nil {
			return x.settled(q)
		}
		x.refusedByGate(c)
		return wire.Decision{}
	})
	return out, refusals, err
}

// question is a call on its way to its decision.
type question struct {
	n      int
	call   llm.ToolCall
	judged *Judged
	ticket ticket // nil where nobody is asked
	args   []byte // a person's own arguments
}
