package openaichat

import (
	"bytes"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// NewGate implements wire.Gated. A call is whole when its choice is: the parts
// of one choice's calls may interleave.
func (format) NewGate(_ string, o wire.GateOptions) wire.Gate {
	g := hold.New(plain, func() hold.Editor { return newGate(false) }, hold.Events, o)
	g.TextName = "content"
	return g
}

// Screen implements wire.Gated.
func (format) Screen(body []byte, o wire.GateOptions, judge func(wire.Call) wire.Decision) ([]byte, error) {
	g := newGate(true)
	return hold.Screen(plain, g, body, o, g.end, judge)
}

// gate knows which part belongs to which call from the decoder's own fold.
type gate struct {
	st       *stream
	calls    map[*choice][]*gated // beside choice.calls
	byNumber map[int]*gated
	scan     jsonscan.Scanner
}

// gated is a call of a choice.
type gated struct {
	*hold.Call
	choice *choice
	place  int // in choice.calls
	index  int // as the stream states it, or unknown
	out    int // what it becomes, once fixed
	fixed  bool
}

func newGate(whole bool) *gate {
	st := newStream(0)
	st.whole = whole
	return &gate{st: st, calls: map[*choice][]*gated{}, byNumber: map[int]*gated{}}
}

// plain is a hold.Plain: calls are tool_calls or a function_call.
func plain(data []byte) bool {
	return !bytes.Contains(data, []byte(`_call`)) && !hold.Spelt(data)
}

// chosen is where the members of an element of choices stand.
type chosen struct {
	index, position        int
	at                     llm.Span // of the index
	delta, message, finish llm.Span
	// tokens are log probabilities and token ids: servers such as vLLM have those
	// of the calls among them.
	tokens []llm.Span
}

func readChosen(data []byte, s *jsonscan.Scanner, position int) chosen {
	c := chosen{index: position, position: position}
	for key := range s.Object() {
		switch string(key) {
		case "index":
			c.at = hold.Value(data, s)
			if n, err := strconv.ParseUint(string(hold.In(data, c.at)), 10, 31); err == nil {
				c.index = int(n)
			}
		case "delta":
			c.delta = hold.Value(data, s)
		case "message":
			c.message = hold.Value(data, s)
		case "finish_reason":
			c.finish = hold.Value(data, s)
		case "logprobs", "token_ids":
			if s.Kind() != jsonscan.Null {
				c.tokens = append(c.tokens, hold.Value(data, s))
			}
		}
	}
	return c
}

// read returns the span that a client reads, of a whole body or a chunk, and that of a
// copy beside it.
func (c chosen) read(data []byte, whole bool) (own, echo llm.Span) {
	delta, message := !fold.IsNull(hold.In(data, c.delta)), !fold.IsNull(hold.In(data, c.message))
	switch {
	case delta && message && whole:
		return c.message, c.delta
	case delta && message:
		return c.delta, c.message
	case delta:
		return c.delta, llm.Span{}
	}
	return c.message, llm.Span{}
}

// Look implements hold.Editor.
func (gt *gate) Look(g *hold.Gate, f *hold.Frame) {
	data := bytes.TrimSpace(f.Data)
	if string(data) == "[DONE]" {
		gt.end(g)
		return
	}
	s := &gt.scan
	s.Reset(f.Data)
	for key := range s.Object() {
		if string(key) != "choices" {
			continue
		}
		for i := range s.Array() {
			gt.choice(g, f, readChosen(f.Data, s, i))
		}
	}
	if s.End() != nil && len(data) > 0 && data[0] == '{' && !plain(data) {
		g.Break(f)
	}
}

func (gt *gate) choice(g *hold.Gate, f *hold.Frame, at chosen) {
	c := gt.st.at(at.index)
	if c == nil {
		g.Break(f)
		return
	}
	own, echo := at.read(f.Data, gt.st.whole)
	gt.parts(g, f, c, own)
	if len(c.calls) == 0 {
		gt.parts(g, f, c, echo)
	} else if hasCalls(f.Data, echo) {
		for _, k := range gt.calls[c] { // the copy waits for all of them
			f.Parts = append(f.Parts, hold.Part{Call: k.Call})
		}
	}
	if finish := hold.In(f.Data, at.finish); len(finish) > 2 && finish[0] == '"' {
		gt.finish(g, c)
	}
}

func (gt *gate) finish(g *hold.Gate, c *choice) {
	for i, k := range gt.calls[c] {
		g.Finish(k.Call, c.calls[i].toolCall(c.index))
	}
}

// Tool implements hold.Editor.
func (gt *gate) Tool(c *hold.Call) (t llm.ToolCall) {
	if k := gt.byNumber[c.N]; k != nil {
		t = k.choice.calls[k.place].toolCall(k.choice.index)
	}
	return t
}

// end finishes all calls, in the order of the choices.
func (gt *gate) end(g *hold.Gate) {
	for _, c := range gt.st.choices {
		gt.finish(g, c)
	}
}

func (gt *gate) parts(g *hold.Gate, f *hold.Frame, c *choice, at llm.Span) {
	raw := hold.In(f.Data, at)
	if len(raw) < 2 {
		return
	}
	var s jsonscan.Scanner
	s.Reset(raw)
	for key := range s.Object() {
		switch string(key) {
		case "tool_calls":
			for range s.Array() {
				start := at.Start + s.Pos()
				p := readPart(&s)
				g.Add(f, gt.part(g, c, p), llm.Span{Start: start, End: at.Start + s.Offset()})
			}
		case "function_call":
			if s.Kind() == jsonscan.Object {
				start := at.Start + s.Pos()
				p := part{index: unknown, kind: kindLegacy}
				p.function(&s)
				g.Add(f, gt.part(g, c, p), llm.Span{Start: start, End: at.Start + s.Offset()})
			}
		}
	}
}

func readPart(s *jsonscan.Scanner) part {
	p := part{index: unknown}
	for key := range s.Object() {
		switch string(key) {
		case "index":
			if n, ok := s.Int(); ok && n >= 0 && n == int64(int(n)) {
				p.index = int(n)
			}
		case "id":
			p.id = text(s.Raw())
		case "function":
			p.function(s)
		case "custom":
			p.kind = kindCustom
			p.function(s)
		case "type":
			if string(s.Raw()) == `"custom"` {
				p.kind = kindCustom
			}
		}
	}
	return p
}

// part folds in a part, and tells whose it is.
func (gt *gate) part(g *hold.Gate, c *choice, p part) hold.Part {
	i := c.find(p)
	before := len(c.calls)
	if i != unknown && gt.calls[c][i].Whole {
		if len(p.args) == 0 || p.args[0] == 'n' || string(p.args) == `""` {
			return hold.Part{Call: gt.calls[c][i].Call}
		}
		return g.Late(gt.calls[c][i].Call)
	}
	if i != unknown && gt.calls[c][i].Refused { // nothing more of it is kept
		return hold.Part{Call: gt.calls[c][i].Call}
	}
	gt.st.fold(c, p)
	if len(c.calls) == before {
		if i == unknown { // too many calls: refuse what cannot be told apart
			k := g.Begin()
			g.Refuse(k, wire.ErrAmbiguous)
			return hold.Part{Call: k, Late: true}
		}
		return hold.Part{Call: gt.calls[c][i].Call}
	}
	k := &gated{Call: g.Begin(), choice: c, place: before, index: p.index}
	gt.calls[c] = append(gt.calls[c], k)
	gt.byNumber[k.N] = k
	return hold.Part{Call: k.Call}
}

func hasCalls(data []byte, at llm.Span) bool {
	if at.End <= at.Start {
		return false
	}
	for _, m := range hold.Members(data, at.Start) {
		if v := hold.In(data, m.Value); isCalls(m.Name) && len(v) > 2 && v[0] != 'n' {
			return true
		}
	}
	return false
}

func isCalls(name string) bool { return name == "tool_calls" || name == "function_call" }
