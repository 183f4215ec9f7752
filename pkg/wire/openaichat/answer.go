package openaichat

import (
	"cmp"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Answer implements wire.Format.
func (format) Answer(status int, body []byte) llm.Answer {
	st := newStream(0)
	s := jsonscan.New(body)
	raw := s.Raw()
	if st.whole = s.End() == nil; st.whole {
		st.chunk(raw, status >= 400)
	}
	if st.err == nil && status >= 400 {
		st.err = fold.Plain(status, body)
	}
	return st.Answer()
}

// Answer implements wire.Stream.
//
// A stream is complete with [DONE]. Cerebras and some servers behind gateways
// send none; there it is complete when every choice has its finish reason.
func (st *stream) Answer() llm.Answer {
	a := llm.Answer{
		ID:        cmp.Or(st.id, st.deferred),
		Model:     st.model,
		Usage:     readUsage(st.usage, st.tier),
		Complete:  st.whole || st.done || st.allFinished(),
		Truncated: st.kept.Spent() || st.callsKept.Spent() || st.lost,
	}
	for i, c := range st.choices {
		a.Choices = append(a.Choices, llm.Choice{Index: c.index, Text: string(c.text), FinishReason: c.finish})
		a.FinishReasons = append(a.FinishReasons, c.finish)
		if i == 0 {
			a.Reasoning, a.Refusal = string(c.reasoning), string(c.refusal)
		}
		for k := range c.calls {
			a.ToolCalls = append(a.ToolCalls, c.calls[k].toolCall(c.index))
		}
	}
	if st.err != nil {
		e := *st.err
		a.Error = &e
	}
	return a
}

func (st *stream) allFinished() bool {
	for _, c := range st.choices {
		if c.finish == "" {
			return false
		}
	}
	return len(st.choices) > 0
}
