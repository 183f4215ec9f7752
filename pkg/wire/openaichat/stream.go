package openaichat

import (
	"bytes"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// stream folds chunks, and whole responses too, for they differ only in that a
// choice has a delta or a message.
type stream struct {
	kept      fold.Budget // of text, reasoning and refusals
	callsKept fold.Budget // of tool calls, so that no text can crowd them out
	lost      bool        // something was not read: a frame too long, a choice too many

	id, model, tier string
	deferred        string    // names an answer that is not there yet
	choices         []*choice // sorted by index
	usage           []byte
	usageFrom       byte
	err             *llm.Error
	done            bool // [DONE] came
	whole           bool // the body was one whole JSON value

	// class is that of the last frame, if all it did was to add to the text alikeTo.
	class   int
	alikeTo *[]byte
	added   int    // texts of the present frame
	literal []byte // the last of them
	adds    []byte // that, if the frame does nothing else

	outer, inner jsonscan.Scanner // kept here so that frames allocate none
	delta        wire.Delta       // of the present frame
}

// choice is one alternative.
type choice struct {
	index                    int
	text, reasoning, refusal []byte
	finish                   string
	calls                    []call
	whole                    int // how many of the calls are whole
}

const (
	// entryCost is what a choice or a call costs the budget beside its text.
	entryCost = 64
	// maxEntries is far above how many choices (128 at OpenAI) or calls a
	// response can have, and keeps looking for them cheap.
	maxEntries = 4096
)

func newStream(limit int) *stream {
	return &stream{kept: fold.NewBudget(limit), callsKept: fold.NewBudget(limit)}
}

// Frame implements wire.Stream.
func (st *stream) Frame(f sse.Frame) wire.Delta {
	st.delta = wire.Delta{}
	switch {
	case f.Class != 0 && f.Class == st.class:
		st.add(st.alikeTo, f.Data[f.TextStart:f.TextEnd])
	case f.Err != nil:
		st.lost, st.adds = true, nil
	case len(f.Data) == 0:
		st.adds = nil
	case string(bytes.TrimSpace(f.Data)) == "[DONE]":
		st.done, st.adds = true, nil
		st.delta.Terminal = true
	default:
		st.added, st.class, st.adds = 0, 0, nil
		if st.chunk(f.Data, string(f.Event) == "error"); st.adds != nil {
			st.class = f.Class
		}
	}
	st.delta.Finished = st.finished()
	return st.delta
}

// chunk folds in one JSON object. isError tells that it came as an error.
func (st *stream) chunk(data []byte, isError bool) {
	var problem []byte
	choices, usage := unknown, false
	s := &st.outer
	s.Reset(data)
	for key := range s.Object() {
		switch string(key) {
		case "choices":
			choices = 0
			for i := range s.Array() {
				choices++
				st.choice(s, i)
			}
		case "id":
			st.name(&st.id, s)
		case "request_id": // of xAI's deferred completions: the answer is fetched by it
			st.name(&st.deferred, s)
		case "model":
			st.name(&st.model, s)
		case "usage":
			raw := s.Raw()
			usage = len(raw) > 0 && raw[0] == '{'
			st.setUsage(raw, topUsage)
		case "service_tier":
			st.name(&st.tier, s)
		case "x_groq":
			for key := range s.Object() {
				switch string(key) {
				case "usage":
					st.setUsage(s.Raw(), nestedUsage)
				case "error":
					st.fail(readError(s.Raw()))
				}
			}
		case "error":
			problem = s.Raw()
		}
	}
	if isError || !fold.IsNull(problem) || choices == unknown {
		st.fail(readBody(data))
	}
	st.delta.UsageOnly = choices == 0 && usage && !st.delta.Error
	d := &st.delta
	if st.added == 1 && choices == 1 && !usage && !st.whole && s.End() == nil && d.Token && !d.ToolCall && !d.Error {
		st.adds = st.literal
	}
}

const unknown = -1

// name reads a member that names something, if it is not known yet: Azure sends
// a first chunk whose id and model are empty.
func (st *stream) name(to *string, s *jsonscan.Scanner) {
	raw := s.Raw()
	if *to == "" && len(raw) > 2 {
		*to = st.kept.String(raw)
	}
}

func (st *stream) fail(e *llm.Error) {
	if e != nil {
		st.err = e
		st.delta.Error = true
	}
}

// choice folds in an element of choices. Its members come in any order, and the
// index says whose the delta is.
func (st *stream) choice(s *jsonscan.Scanner, position int) {
	index := position
	var delta, message, finish []byte
	for key := range s.Object() {
		switch string(key) {
		case "index":
			if n, ok := s.Int(); ok && n >= 0 && n == int64(int(n)) {
				index = int(n)
			}
		case "delta":
			delta = s.Raw()
		case "message":
			message = s.Raw()
		case "finish_reason":
			finish = s.Raw()
		case "usage":
			st.setUsage(s.Raw(), nestedUsage)
		case "error": // OpenRouter
			st.fail(readError(s.Raw()))
		}
	}
	if s.Err() != nil {
		return
	}
	c := st.at(index)
	if c == nil {
		return
	}
	// Perplexity's chunks have the delta and all that came before as a message.
	// A client of a whole response reads the message.
	switch {
	case !fold.IsNull(delta) && (!st.whole || fold.IsNull(message)):
		st.message(c, delta)
	case len(c.text) == 0 && len(c.calls) == 0:
		st.message(c, message)
	}
	if len(finish) > 2 && finish[0] == '"' {
		if string(finish[1:len(finish)-1]) != c.finish {
			c.finish = st.kept.String(finish)
		}
		c.whole = len(c.calls)
		st.delta.ToolCall = st.delta.ToolCall || len(c.calls) > 0
	}
}

// at returns the choice of that index, nil where the budget ends.
func (st *stream) at(index int) *choice {
	if len(st.choices) > 0 && st.choices[0].index == index {
		return st.choices[0]
	}
	i, found := slices.BinarySearchFunc(st.choices, index, func(c *choice, index int) int { return c.index - index })
	if !found {
		if len(st.choices) >= maxEntries || !st.kept.Take(entryCost) {
			st.lost = true
			return nil
		}
		st.choices = slices.Insert(st.choices, i, &choice{index: index})
	}
	return st.choices[i]
}

// finished counts the tool calls that are whole, as far as no call that is not
// stands before them in the answer. The parts of one choice's calls may
// interleave, so they are whole when the choice is. A part that comes later all
// the same makes its call, and those behind it, not whole again.
func (st *stream) finished() int {
	n := 0
	for _, c := range st.choices {
		if st.done {
			c.whole = len(c.calls)
		}
		if n += c.whole; c.whole < len(c.calls) {
			break
		}
	}
	return n
}

// Adds implements wire.Stream.
func (st *stream) Adds() []byte { return st.adds }

// End implements wire.Stream.
func (st *stream) End() llm.Answer { return st.Answer() }

// Text implements wire.Stream.
func (st *stream) Text(from int) string {
	if len(st.choices) == 0 {
		return ""
	}
	return since(st.choices[0].text, from)
}

// Reasoning implements wire.Stream.
func (st *stream) Reasoning(from int) string {
	if len(st.choices) == 0 {
		return ""
	}
	return since(st.choices[0].reasoning, from)
}

func since(b []byte, from int) string {
	if from < 0 || from >= len(b) {
		return ""
	}
	return string(b[from:])
}
