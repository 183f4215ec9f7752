package gemini

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Answer implements wire.Format. The body may be an array as well: of the
// chunks of a stream, or of an error, as streamGenerateContent answers a request
// that is wrong.
func (format) Answer(status int, body []byte) llm.Answer {
	st := newStream(0)
	s := jsonscan.New(body)
	s.Skip()
	if st.all = s.End() == nil; st.all {
		st.body(body)
	}
	if st.err == nil && status >= 400 {
		st.err = fold.Plain(status, body)
	}
	return st.Answer()
}

// Answer implements wire.Stream.
//
// A prompt that was blocked has no candidate. One choice without text stands for
// it then, which has the block reason for its finish reason, as a candidate that
// was blocked has its own; the block reason's message is the refusal. It is no
// error: the API did what it was asked to.
func (st *stream) Answer() llm.Answer {
	a := llm.Answer{
		ID:        st.id,
		Model:     st.model,
		Refusal:   st.because,
		Usage:     st.usage.normal(),
		Complete:  st.all || st.complete(),
		Truncated: st.kept.Spent() || st.callsKept.Spent() || st.lost,
	}
	for i := range st.candidates {
		c := &st.candidates[i]
		a.Choices = append(a.Choices, llm.Choice{Index: int(c.index), Text: c.text.String(), FinishReason: c.finish})
		a.FinishReasons = append(a.FinishReasons, c.finish)
	}
	if len(st.candidates) > 0 {
		a.Reasoning = st.candidates[0].thought.String()
	} else if st.blocked != "" {
		a.Choices = []llm.Choice{{FinishReason: st.blocked}}
		a.FinishReasons = []string{st.blocked}
	}
	for i := range st.calls {
		k := &st.calls[i]
		call := llm.ToolCall{ID: k.id, Name: k.name, Choice: int(k.candidate)}
		if args, ok := k.text(); ok {
			fold.Arguments(&call, args)
		} else {
			call.ArgumentsText = string(args)
		}
		a.ToolCalls = append(a.ToolCalls, call)
		a.Truncated = a.Truncated || k.partial != nil && k.partial.broken
	}
	if st.err != nil {
		e := *st.err
		a.Error = &e
	}
	return a
}

// Adds implements wire.Stream.
func (*stream) Adds() []byte { return nil }

// End implements wire.Stream.
func (st *stream) End() llm.Answer { return st.Answer() }

// Text implements wire.Stream.
func (st *stream) Text(from int) string {
	if len(st.candidates) == 0 {
		return ""
	}
	return st.candidates[0].text.Since(from)
}

// Reasoning implements wire.Stream.
func (st *stream) Reasoning(from int) string {
	if len(st.candidates) == 0 {
		return ""
	}
	return st.candidates[0].thought.Since(from)
}
