package openairesponses

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
	s.Skip()
	whole := s.End() == nil
	if isObject && whole {
		st.response(body)
		for i := range st.calls {
			st.finish(i)
		}
	}
	st.complete = whole
	if st.err == nil && (status >= 400 || !st.begun) {
		st.err = plainError(status, body, isObject && whole)
	}
	return st.Answer()
}

// plainError reads the error of a body that has no error member: its members at
// the top, as vLLM and FastAPI have them, or plain text.
func plainError(status int, body []byte, isObject bool) *llm.Error {
	if isObject {
		if e := readError(body, nil); e != nil && e.Message != "" {
			return e
		}
	}
	if status < 400 {
		return nil
	}
	return fold.Plain(status, body)
}

// Answer implements wire.Stream.
//
// The finish reason is the response's status, or the reason in
// incomplete_details where it is incomplete (max_output_tokens, content_filter):
// no reason is spelt like a status, so each can be told from the other.
// The reasoning is the reasoning's own text, or its summaries where the provider
// does not show that.
func (st *stream) Answer() llm.Answer {
	a := llm.Answer{
		ID:        st.id,
		Model:     st.model,
		Reasoning: st.texts[fieldReasoning].String(),
		Refusal:   st.texts[fieldRefusal].String(),
		Usage:     readUsage(st.usage),
		Complete:  st.complete,
		Truncated: st.kept.Spent() || st.callsKept.Spent() || st.lost,
	}
	if a.Reasoning == "" {
		a.Reasoning = st.texts[fieldSummary].String()
	}
	if st.begun {
		reason := ""
		switch {
		case !st.complete: // a stream's status is in_progress until its end
		case st.status == "incomplete" && st.incomplete != "":
			reason = st.incomplete
		default:
			reason = st.status
		}
		a.Choices = []llm.Choice{{Text: st.texts[fieldText].String(), FinishReason: reason}}
		a.FinishReasons = []string{reason}
	}
	if a.Usage != nil {
		a.Usage.ServiceTier = st.tier
	}
	for i := range st.calls {
		c := &st.calls[i]
		call := llm.ToolCall{ID: c.id, Name: c.name, Kind: c.kind}
		if c.kind == "custom" {
			call.ArgumentsText = string(c.args)
		} else {
			fold.Arguments(&call, c.args)
		}
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
func (st *stream) Text(from int) string { return st.texts[fieldText].Since(from) }

// Reasoning implements wire.Stream: the reasoning's text or its summaries,
// whichever came first.
func (st *stream) Reasoning(from int) string { return st.texts[st.live].Since(from) }
