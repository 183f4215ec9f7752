package openairesponses

import (
	"bytes"
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
	texts           [fields]fold.Text
	live            field // the reasoning that came first: fieldReasoning or fieldSummary
	items           []item
	parts           int // of all items
	calls           []call
	whole           int // calls that are whole

	id, model, tier    string
	status, incomplete string
	usage              []byte
	err                *llm.Error

	// class is that of the last frame, if it added to the text alikeTo.
	class    int
	alikeTo  *fold.Text
	adds     []byte // what that frame added, if it is the last one
	alikeKey uint64

	begun    bool // a response is there
	complete bool
	lost     bool // a frame or an item could not be kept
}

// NewStream implements wire.Format. The arguments of tool calls have a budget
// of their own, as large as that of the text, so that long text hides no call.
func (format) NewStream(limit int) wire.Stream { return newStream(limit) }

func newStream(limit int) *stream {
	return &stream{kept: fold.NewBudget(limit), callsKept: fold.NewBudget(limit), live: fieldSummary}
}

// event is one event's members, as far as any event has them. All are as they
// stand in the JSON text.
type event struct {
	name         []byte // without quotes
	outputIndex  int64  // -1 if absent
	partIndex    int64  // content_index or summary_index
	itemID       []byte
	delta, whole []byte // whole: text, refusal, arguments or input
	item, part   []byte
	response     []byte
	problem      []byte // error
	code         []byte
	message      []byte
	param        []byte
	frame        sse.Frame
}

// Frame implements wire.Stream. A call is finished by its item's
// response.output_item.done, or by the end of the response where that is missing.
// The last event repeats the calls, for a client that looks at nothing else; it
// has ToolCall set then.
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
	e := event{name: f.Event, outputIndex: -1, frame: f}
	s := &st.scan
	s.Reset(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if name := fold.Name(s.Raw()); name != nil {
				e.name = name
			}
		case "output_index":
			if n, ok := s.Int(); ok {
				e.outputIndex = n
			}
		case "content_index", "summary_index":
			e.partIndex, _ = s.Int()
		case "item_id":
			e.itemID = s.Raw()
		case "delta":
			e.delta = s.Raw()
		case "text", "refusal", "arguments", "input":
			e.whole = s.Raw()
		case "item":
			e.item = s.Raw()
		case "part":
			e.part = s.Raw()
		case "response":
			e.response = s.Raw()
		case "error":
			e.problem = s.Raw()
		case "code":
			e.code = s.Raw()
		case "message":
			e.message = s.Raw()
		case "param":
			e.param = s.Raw()
		}
	}
	if s.End() != nil {
		return st.broken(f)
	}
	d := st.event(&e)
	d.Finished = st.whole
	return d
}

// broken handles data that is no JSON. In an error event it is the message.
func (st *stream) broken(f sse.Frame) wire.Delta {
	if string(f.Event) != "error" {
		return wire.Delta{Finished: st.whole}
	}
	st.err = fold.Plain(0, f.Data)
	return wire.Delta{Error: true, Finished: st.whole}
}

func (st *stream) event(e *event) (d wire.Delta) {
	switch string(e.name) {
	case "response.output_text.delta":
		return st.textDelta(e, fieldText, "message")
	case "response.refusal.delta":
		return st.textDelta(e, fieldRefusal, "message")
	case "response.reasoning_text.delta":
		return st.textDelta(e, fieldReasoning, "reasoning")
	case "response.reasoning_summary_text.delta":
		return st.textDelta(e, fieldSummary, "reasoning")
	case "response.output_text.done":
		return st.textDone(e, fieldText, "message", e.whole)
	case "response.refusal.done":
		return st.textDone(e, fieldRefusal, "message", e.whole)
	case "response.reasoning_text.done":
		return st.textDone(e, fieldReasoning, "reasoning", e.whole)
	case "response.reasoning_summary_text.done":
		return st.textDone(e, fieldSummary, "reasoning", e.whole)
	case "response.content_part.done", "response.reasoning_summary_part.done":
		return st.partDone(e)
	case "response.function_call_arguments.delta":
		return st.argumentsDelta(e, "function_call")
	case "response.custom_tool_call_input.delta":
		return st.argumentsDelta(e, "custom_tool_call")
	case "response.function_call_arguments.done":
		return st.argumentsDone(e, "function_call")
	case "response.custom_tool_call_input.done":
		return st.argumentsDone(e, "custom_tool_call")
	case "response.output_item.added":
		return st.output(e.outputIndex, e.item, false)
	case "response.output_item.done":
		return st.output(e.outputIndex, e.item, true)
	case "response.created", "response.in_progress", "response.queued":
		return st.response(e.response)
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		d = st.response(e.response)
		if !fold.IsNull(e.problem) {
			d = st.problem(e, d)
		}
		return st.end(d)
	case "error":
		return st.problem(e, d)
	}
	switch {
	case !fold.IsNull(e.problem):
		return st.problem(e, d)
	case bytes.HasSuffix(e.name, []byte(".delta")):
		// What a built-in tool is asked to do, or a form of output that is not kept.
		d.Token = len(e.delta) > 2
		if it := st.find(e); it != nil && it.call >= 0 {
			d.ToolCall = true
		}
	}
	return d
}

// problem reads an error event: the error as a member, as OpenAI sends it, or
// its members beside the type, as the API reference has it.
func (st *stream) problem(e *event, d wire.Delta) wire.Delta {
	err := readError(e.problem, e.code)
	if err == nil {
		err = &llm.Error{
			Source: llm.SourceUpstream, Code: fold.Word(e.code),
			Message: fold.String(e.message), Param: fold.String(e.param),
		}
	}
	st.err = err
	d.Error = true
	return d
}

// end handles the end of the response: what was begun is whole now.
func (st *stream) end(d wire.Delta) wire.Delta {
	st.complete = true
	d.Terminal = true
	for i := range st.calls {
		if !st.calls[i].whole {
			st.finish(i)
			d.ToolCall = true
		}
	}
	return d
}

func (st *stream) finish(i int) {
	if i >= 0 && !st.calls[i].whole {
		st.calls[i].whole = true
		st.whole++
	}
}
