package anthropic

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Answer implements wire.Format.
func (format) Answer(status int, body []byte) llm.Answer {
	st := newStream(0)
	s := jsonscan.New(body)
	isObject := s.Kind() == jsonscan.Object
	raw := s.Raw()
	whole := s.End() == nil
	if isObject && whole {
		st.message(raw)
	}
	st.complete = whole
	if st.err == nil && (status >= 400 || !st.begun) {
		st.err = plainError(status, body, whole && isObject)
	}
	return st.Answer()
}

// plainError reads the error of a body that has no error member.
func plainError(status int, body []byte, isObject bool) *llm.Error {
	if isObject {
		if e := readError(body); e.Message != "" {
			return e
		}
	}
	if status < 400 {
		return nil
	}
	return fold.Plain(status, body)
}

// message folds in a message object: a whole body, or what message_start holds.
// The latter may have content already: a call made by the model's own code
// comes so, and whole ("Programmatic tool calling").
func (st *stream) message(raw []byte) {
	s := jsonscan.New(raw)
	var kind, problem []byte
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "error":
			problem = s.Raw()
		case "id":
			st.id = s.Text()
		case "model":
			st.model = s.Text()
		case "content":
			st.content(s)
		case "stop_reason":
			st.stopReason(s.Raw())
		case "stop_details":
			st.stopDetails(s)
		case "usage":
			st.usage = mergeUsage(st.usage, s.Raw())
		}
	}
	if string(kind) == "error" || !fold.IsNull(problem) {
		st.fail(problem)
		return
	}
	st.begun = st.begun || string(kind) == "message" || st.id != "" || st.order > 0
}

func (st *stream) content(s *jsonscan.Scanner) {
	if s.Kind() == jsonscan.String {
		st.text.Append(&st.kept, st.nextKey(), s.Raw())
		return
	}
	for range s.Array() {
		b := st.start(-1, s.Raw())
		st.finish(b)
	}
}

func (st *stream) stopReason(raw []byte) {
	if word := fold.Word(raw); word != "" {
		st.stop = word
	}
}

// stopDetails reads why the model refused ("Handling stop reasons").
func (st *stream) stopDetails(s *jsonscan.Scanner) {
	for key := range s.Object() {
		if string(key) == "explanation" {
			if text := s.Text(); st.kept.Take(len(text)) {
				st.refusal = text
			}
		}
	}
}

func (st *stream) fail(problem []byte) {
	if e := readError(problem); e != nil {
		st.err = e
	} else if st.err == nil {
		st.err = &llm.Error{Source: llm.SourceUpstream}
	}
}

// Answer implements wire.Stream.
func (st *stream) Answer() llm.Answer {
	a := llm.Answer{
		ID:        st.id,
		Model:     st.model,
		Reasoning: st.thinking.String(),
		Refusal:   st.refusal,
		Usage:     readUsage(st.usage),
		Complete:  st.complete,
		Truncated: st.kept.Spent() || st.callsKept.Spent() || st.lost,
	}
	if st.begun {
		a.Choices = []llm.Choice{{Text: st.text.String(), FinishReason: st.stop}}
		a.FinishReasons = []string{st.stop}
	}
	for i := range st.calls {
		c := &st.calls[i]
		call := llm.ToolCall{ID: c.id, Name: c.name}
		fold.Arguments(&call, c.arguments())
		a.ToolCalls = append(a.ToolCalls, call)
	}
	if st.err != nil {
		e := *st.err
		a.Error = &e
	}
	return a
}

// Adds implements wire.Stream.
func (st *stream) Adds() []byte { return st.adds }

// End implements wire.Stream.
func (st *stream) End() llm.Answer { return st.Answer() }

// Text implements wire.Stream.
func (st *stream) Text(from int) string { return st.text.Since(from) }

// Reasoning implements wire.Stream.
func (st *stream) Reasoning(from int) string { return st.thinking.Since(from) }
