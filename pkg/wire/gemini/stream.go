package gemini

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
	scan jsonscan.Scanner
	said []said // of the present chunk

	kept, callsKept fold.Budget
	candidates      []candidate
	calls           []call
	whole           int // calls that are whole

	id, model        string
	blocked, because string // why the prompt was blocked
	usage            usage
	err              *llm.Error
	all              bool // the body was one whole JSON value
	lost             bool // a frame could not be kept
}

// candidate is one alternative of the answer.
type candidate struct {
	index         int64
	text, thought fold.Text
	finish        string
	open          int // the call that is being streamed, -1 if none
}

// maxCandidates bounds the alternatives; the API gives eight at most.
const maxCandidates = 64

// NewStream implements wire.Format. The arguments of function calls have a
// budget of their own, as large as that of the text, so that long text hides
// no call.
func (format) NewStream(limit int) wire.Stream { return newStream(limit) }

func newStream(limit int) *stream {
	return &stream{kept: fold.NewBudget(limit), callsKept: fold.NewBudget(limit)}
}

// Frame implements wire.Stream. A frame is terminal if every candidate has a
// finish reason with it, or if it tells that the prompt was blocked. The API marks
// no end otherwise, and a stream with code execution may go on after such a frame.
func (st *stream) Frame(f sse.Frame) wire.Delta {
	if f.Err != nil {
		st.lost = st.lost || errors.Is(f.Err, sse.ErrTooLong)
		return wire.Delta{Finished: st.whole}
	}
	if len(f.Data) == 0 {
		return wire.Delta{Finished: st.whole}
	}
	d := st.body(f.Data)
	d.Finished = st.whole
	return d
}

// body folds in a GenerateContentResponse, or an array of them. What is no JSON
// is left out, as a client would fail on it.
func (st *stream) body(data []byte) (d wire.Delta) {
	s := &st.scan
	s.Reset(data)
	if s.Kind() != jsonscan.Array {
		return st.chunk(data)
	}
	s.Skip()
	if s.End() != nil {
		return d
	}
	elements := jsonscan.New(data)
	for range elements.Array() {
		d = merge(d, st.chunk(elements.Raw()))
	}
	return d
}

func merge(a, b wire.Delta) wire.Delta {
	return wire.Delta{
		Token:    a.Token || b.Token,
		ToolCall: a.ToolCall || b.ToolCall,
		Terminal: a.Terminal || b.Terminal,
		Error:    a.Error || b.Error,
	}
}

// said is what one chunk says of a candidate.
type said struct {
	index           int64
	content, finish []byte
}

// chunk folds in one GenerateContentResponse. Nothing of it counts before its
// last byte was read, so the first pass only notes what is there.
func (st *stream) chunk(data []byte) (d wire.Delta) {
	var usage, model, id, feedback, problem []byte
	var c counts
	st.said = st.said[:0]
	s := &st.scan
	s.Reset(data)
	for key := range s.Object() {
		switch string(key) {
		case "candidates":
			for i := range s.Array() {
				if i == maxCandidates {
					st.lost = true
					break
				}
				st.said = append(st.said, readCandidate(s))
			}
		case "usageMetadata":
			start := s.Pos()
			c = readCounts(s)
			usage = bytes.TrimRight(data[start:s.Pos()], " \t\r\n")
		case "modelVersion":
			model = s.Raw()
		case "responseId":
			id = s.Raw()
		case "promptFeedback":
			feedback = s.Raw()
		case "error":
			problem = s.Raw()
		}
	}
	if s.End() != nil {
		return d
	}
	ended := false
	for _, said := range st.said {
		more, end := st.candidate(said)
		d = merge(d, more)
		ended = ended || end
	}
	st.usage.take(usage, c)
	setOnce(&st.model, model)
	setOnce(&st.id, id)
	if len(feedback) > 0 {
		st.feedback(feedback)
		ended = ended || st.blocked != ""
	}
	if e := readError(problem); e != nil {
		st.err = e
		d.Error = true
	}
	d.Terminal = ended && st.complete()
	return d
}

func readCandidate(s *jsonscan.Scanner) (c said) {
	for key := range s.Object() {
		switch string(key) {
		case "content":
			c.content = s.Raw()
		case "index":
			c.index, _ = s.Int()
		case "finishReason":
			c.finish = s.Raw()
		}
	}
	return c
}

// setOnce keeps the first statement; the chunks repeat it.
func setOnce(to *string, raw []byte) {
	if *to == "" {
		*to = fold.String(raw)
	}
}

// feedback reads why the prompt was blocked, if it was; then there are no candidates.
func (st *stream) feedback(raw []byte) {
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "blockReason":
			if word := fold.Word(s.Raw()); word != "" {
				st.blocked = word
			}
		case "blockReasonMessage":
			if text := s.Text(); st.kept.Take(len(text)) {
				st.because = text
			}
		}
	}
}

func (st *stream) candidate(said said) (d wire.Delta, ended bool) {
	c := st.at(said.index)
	if c == nil {
		return d, false
	}
	s := &st.scan
	s.Reset(said.content)
	for key := range s.Object() {
		if string(key) != "parts" {
			continue
		}
		for range s.Array() {
			d = merge(d, st.part(c, s))
		}
	}
	if word := fold.Word(said.finish); word != "" {
		c.finish = word
		st.close(c)
		return d, true
	}
	return d, false
}

// at returns the candidate with that index, or nil if there are too many.
func (st *stream) at(index int64) *candidate {
	for i := range st.candidates {
		if st.candidates[i].index == index {
			return &st.candidates[i]
		}
	}
	if len(st.candidates) == maxCandidates {
		st.lost = true
		return nil
	}
	i := len(st.candidates)
	for i > 0 && st.candidates[i-1].index > index {
		i--
	}
	st.candidates = append(st.candidates, candidate{})
	copy(st.candidates[i+1:], st.candidates[i:])
	st.candidates[i] = candidate{index: index, open: -1}
	return &st.candidates[i]
}

func (st *stream) complete() bool {
	for i := range st.candidates {
		if st.candidates[i].finish == "" {
			return false
		}
	}
	return len(st.candidates) > 0 || st.blocked != ""
}
