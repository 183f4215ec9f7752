package ollama

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Answer implements wire.Format. A body that is not one value is read as the
// lines of a stream, which may come without a media type that says so.
func (format) Answer(status int, body []byte) llm.Answer {
	st := newStream(0)
	s := jsonscan.New(body)
	s.Skip()
	if st.whole = s.End() == nil; st.whole {
		st.line(body)
	} else {
		lines := sse.NewLines(0)
		lines.Write(body)
		lines.Close()
		for f, ok := lines.Next(); ok; f, ok = lines.Next() {
			st.Frame(f)
		}
	}
	if st.err == nil && status >= 400 {
		st.err = fold.Plain(status, body)
	}
	return st.Answer()
}

// Answer implements wire.Stream. Usage has no Raw: the counts stand among the
// members of the last line, in no object of their own.
func (st *stream) Answer() llm.Answer {
	a := llm.Answer{
		Model:     st.model,
		Reasoning: string(st.reasoning),
		Complete:  st.whole || st.done,
		Truncated: st.kept.Spent() || st.callsKept.Spent() || st.lost,
	}
	if st.begun {
		a.Choices = []llm.Choice{{Text: string(st.text), FinishReason: st.finish}}
		a.FinishReasons = []string{st.finish}
	}
	if st.input.OK || st.output.OK {
		a.Usage = &llm.Usage{InputTokens: st.input.Ptr(), OutputTokens: st.output.Ptr()}
	}
	for _, k := range st.calls {
		t := llm.ToolCall{ID: k.id, Name: k.name}
		fold.Arguments(&t, k.args)
		a.ToolCalls = append(a.ToolCalls, t)
	}
	if st.err != nil {
		e := *st.err
		a.Error = &e
	}
	return a
}
