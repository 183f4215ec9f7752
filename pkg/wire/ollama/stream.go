package ollama

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// stream folds the lines of a response; a whole response is one line.
type stream struct {
	kept      fold.Budget // of text and reasoning
	callsKept fold.Budget // of tool calls, so that no text can crowd them out
	lost      bool        // a line was too long to be read

	model, finish   string
	text, reasoning []byte
	calls           []call
	input, output   fold.Count
	err             *llm.Error
	begun           bool // a line was an answer's
	done            bool // the last line came
	whole           bool // the body was one whole JSON value

	scan  jsonscan.Scanner // kept here so that frames allocate none
	delta wire.Delta       // of the present frame
}

// call is a tool call. Calls come whole, with their arguments as an object.
type call struct {
	id, name string
	args     []byte
}

// callCost is what a call costs the budget beside its text.
const callCost = 64

func newStream(limit int) *stream {
	return &stream{kept: fold.NewBudget(limit), callsKept: fold.NewBudget(limit)}
}

// Frame implements wire.Stream.
func (st *stream) Frame(f sse.Frame) wire.Delta {
	st.delta = wire.Delta{}
	switch {
	case f.Err != nil:
		st.lost = true
	case len(f.Data) > 0:
		st.line(f.Data)
	}
	st.delta.Finished = len(st.calls)
	return st.delta
}

func (st *stream) line(data []byte) {
	s := &st.scan
	s.Reset(data)
	for key := range s.Object() {
		switch string(key) {
		case "model":
			if raw := s.Raw(); st.model == "" && len(raw) > 2 {
				st.model = st.kept.String(raw)
			}
		case "message": // chat
			st.begun = true
			st.message(s)
		case "response": // generate
			st.begun = true
			st.add(&st.text, s.Raw())
		case "thinking":
			st.add(&st.reasoning, s.Raw())
		case "tool_calls":
			st.toolCalls(s)
		case "done":
			if on, _ := s.Bool(); on {
				st.begun, st.done = true, true
				st.delta.Terminal = true
			}
		case "done_reason":
			if raw := s.Raw(); len(raw) > 2 {
				st.finish = st.kept.String(raw)
			}
		case "prompt_eval_count":
			st.input.Read(s)
		case "eval_count":
			st.output.Read(s)
		case "error":
			st.fail(s.Raw())
		}
	}
}

func (st *stream) message(s *jsonscan.Scanner) {
	for key := range s.Object() {
		switch string(key) {
		case "content":
			st.add(&st.text, s.Raw())
		case "thinking":
			st.add(&st.reasoning, s.Raw())
		case "tool_calls":
			st.toolCalls(s)
		}
	}
}

// add appends the text of a JSON string.
func (st *stream) add(to *[]byte, literal []byte) {
	if len(literal) > 2 && literal[0] == '"' {
		*to = st.kept.Append(*to, literal)
		st.delta.Token = true
	}
}

func (st *stream) toolCalls(s *jsonscan.Scanner) {
	for range s.Array() {
		var id, name, args []byte
		for key := range s.Object() {
			switch string(key) {
			case "id":
				id = s.Raw()
			case "function":
				for key := range s.Object() {
					switch string(key) {
					case "name":
						name = s.Raw()
					case "arguments":
						args = s.Raw()
					}
				}
			}
		}
		if s.Err() != nil {
			return
		}
		st.delta.Token, st.delta.ToolCall = true, true
		if !st.callsKept.Take(callCost) {
			continue
		}
		k := call{id: st.callsKept.String(id), name: st.callsKept.String(name)}
		if len(args) > 0 && args[0] == '"' {
			k.args = st.callsKept.Append(nil, args)
		} else if !fold.IsNull(args) && st.callsKept.Take(len(args)) {
			k.args = append(k.args, args...)
		}
		st.calls = append(st.calls, k)
	}
}

// fail reads the value of an error member: text, or an object with a message
// from servers that only speak the format.
func (st *stream) fail(raw []byte) {
	if fold.IsNull(raw) {
		return
	}
	e := &llm.Error{Source: llm.SourceUpstream, Message: fold.String(raw)}
	if raw[0] == '{' {
		s := jsonscan.New(raw)
		for key := range s.Object() {
			switch string(key) {
			case "message":
				e.Message = s.Text()
			case "type":
				e.Type = s.Text()
			case "code":
				e.Code = fold.Word(s.Raw())
			}
		}
	}
	if e.Message != "" {
		st.err = e
		st.delta.Error = true
	}
}

// Adds implements wire.Stream.
func (*stream) Adds() []byte { return nil }

// End implements wire.Stream.
func (st *stream) End() llm.Answer { return st.Answer() }

// Text implements wire.Stream.
func (st *stream) Text(from int) string { return since(st.text, from) }

// Reasoning implements wire.Stream.
func (st *stream) Reasoning(from int) string { return since(st.reasoning, from) }

func since(b []byte, from int) string {
	if from < 0 || from >= len(b) {
		return ""
	}
	return string(b[from:])
}
