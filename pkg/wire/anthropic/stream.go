package anthropic

import (
	"errors"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

type stream struct {
	scan, inner jsonscan.Scanner

	kept, callsKept fold.Budget
	text, thinking  fold.Text
	id, model       string
	stop, refusal   string
	usage           []byte
	calls           []call
	open            []block // begun and not stopped
	order           uint64  // blocks begun
	whole           int     // calls that are whole
	err             *llm.Error

	// class is that of the last frame, if it added to the text alikeTo.
	class    int
	alikeTo  *fold.Text
	adds     []byte // what that frame added, if it is the last one
	alikeKey uint64

	begun    bool // a message is there
	complete bool
	lost     bool // a frame could not be read
}

// NewStream implements wire.Format. The arguments of tool calls have a budget
// of their own, as large as that of the text, so that long text hides no call.
func (format) NewStream(limit int) wire.Stream { return newStream(limit) }

func newStream(limit int) *stream {
	return &stream{kept: fold.NewBudget(limit), callsKept: fold.NewBudget(limit)}
}

// event is one event's members, as far as any event has them.
type event struct {
	index                               int64
	message, block, delta, usage, error []byte
	frame                               sse.Frame
}

// Frame implements wire.Stream. A call is finished by its block's
// content_block_stop, or by message_stop where that is missing.
func (st *stream) Frame(f sse.Frame) wire.Delta {
	st.adds = nil
	if f.Err != nil {
		st.lost = st.lost || errors.Is(f.Err, sse.ErrTooLong)
		return wire.Delta{Finished: st.whole}
	}
	if len(f.Data) == 0 {
		return wire.Delta{Finished: st.whole}
	}
	if f.Class != 0 && f.Class == st.class {
		st.alikeTo.Append(&st.kept, st.alikeKey, f.Data[f.TextStart:f.TextEnd])
		return wire.Delta{Token: true, Finished: st.whole}
	}
	st.class = 0
	var e event
	name := f.Event
	s := &st.scan
	s.Reset(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if kind := fold.Name(s.Raw()); kind != nil {
				name = kind
			}
		case "index":
			e.index, _ = s.Int()
		case "delta":
			e.delta = s.Raw()
		case "content_block":
			e.block = s.Raw()
		case "message":
			e.message = s.Raw()
		case "usage":
			e.usage = s.Raw()
		case "error":
			e.error = s.Raw()
		}
	}
	if s.End() != nil {
		return st.broken(f)
	}
	e.frame = f
	return st.event(string(name), &e)
}

// broken handles data that is no JSON. In an error event it is the message.
func (st *stream) broken(f sse.Frame) wire.Delta {
	if string(f.Event) != "error" {
		return wire.Delta{Finished: st.whole}
	}
	st.err = fold.Plain(0, f.Data)
	return wire.Delta{Error: true, Finished: st.whole}
}

func (st *stream) event(name string, e *event) (d wire.Delta) {
	switch name {
	case "content_block_delta":
		return st.delta(e)
	case "content_block_start":
		st.begun = true
		b := st.start(e.index, e.block)
		st.hold(b)
		d.ToolCall = b.kind == blockCall
		d.Token = b.generated
	case "content_block_stop":
		if b := st.block(e.index); b != nil {
			d.ToolCall = b.kind == blockCall
			st.finish(*b)
			st.drop(b)
		}
	case "message_start":
		before := len(st.calls)
		st.message(e.message)
		st.begun = st.begun || st.err == nil
		d.ToolCall = len(st.calls) > before
		d.Token = st.order > 0
	case "message_delta":
		st.begun = true
		st.usage = mergeUsage(st.usage, e.usage)
		s := &st.inner
		s.Reset(e.delta)
		for key := range s.Object() {
			switch string(key) {
			case "stop_reason":
				st.stopReason(s.Raw())
			case "stop_details":
				st.stopDetails(s)
			}
		}
	case "message_stop":
		for _, b := range st.open {
			d.ToolCall = d.ToolCall || b.kind == blockCall
			st.finish(b)
		}
		st.open = st.open[:0]
		st.complete = true
		d.Terminal = true
	default:
		if fold.IsNull(e.error) && name != "error" {
			break
		}
		st.fail(e.error)
		d.Error = true
	}
	d.Finished = st.whole
	return d
}
