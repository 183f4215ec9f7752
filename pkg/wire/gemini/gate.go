package gemini

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// NewGate implements wire.Gated. The part of a refused call becomes a text part
// in the same place; the API's finishReason does not speak of calls.
func (format) NewGate(contentType string, o wire.GateOptions) wire.Gate {
	framing := hold.Array
	if mediaType(contentType) == "text/event-stream" {
		framing = hold.Events
	}
	g := hold.New(plain, func() hold.Editor { return newGate() }, framing, o)
	g.TextName, g.NoComments = "text", true
	return g
}

// Screen implements wire.Gated.
func (format) Screen(body []byte, o wire.GateOptions, judge func(wire.Call) wire.Decision) ([]byte, error) {
	gt := newGate()
	return hold.Screen(plain, gt, body, o, gt.end, judge)
}

// gate knows from the decoder's own fold which part belongs to which call.
type gate struct {
	st     *stream
	calls  []*hold.Call // beside st.calls
	byCall map[*hold.Call]int
	first  int // the first call that may not be whole
	scan   jsonscan.Scanner
	// refused are the candidates of which a call was refused.
	refused map[int64]bool
}

func newGate() *gate {
	return &gate{st: newStream(0), byCall: map[*hold.Call]int{}, refused: map[int64]bool{}}
}

// plain is a hold.Plain.
func plain(data []byte) bool {
	return !bytes.Contains(data, []byte(`functionCall`)) && !hold.Spelt(data)
}

// place is a part with a functionCall.
type place struct {
	candidate  int64
	part, call llm.Span
}

// ended tells that a candidate ends behind so many calls of the chunk.
type ended struct {
	candidate int64
	calls     int
}

// logged is where the log probabilities of a candidate's tokens stand, those of
// its calls among them.
type logged struct {
	candidate int64
	at        llm.Span
}

// chunks lists the responses in a frame: one, or an array of them.
func chunks(data []byte) []llm.Span {
	s := jsonscan.New(data)
	if s.Kind() == jsonscan.Array {
		return hold.Elements(data, s.Pos())
	}
	at := hold.Value(data, s)
	return []llm.Span{at}
}

// read lists the calls in one response, and the candidates that end with it.
func read(data []byte, chunk llm.Span) (calls []place, ends []ended, logs []logged) {
	candidates := hold.Find(hold.Members(data, chunk.Start), "candidates")
	if candidates.Value.End == 0 {
		return nil, nil, nil
	}
	for _, el := range hold.Elements(data, candidates.Value.Start) {
		members := hold.Members(data, el.Start)
		index, _ := jsonscan.New(hold.In(data, hold.Find(members, "index").Value)).Int()
		if content := hold.Find(members, "content").Value; content.End > 0 {
			calls = readParts(calls, data, index, content)
		}
		if fold.Word(hold.In(data, hold.Find(members, "finishReason").Value)) != "" {
			ends = append(ends, ended{index, len(calls)})
		}
		if at := hold.Find(members, "logprobsResult").Value; at.End > 0 {
			logs = append(logs, logged{index, at})
		}
	}
	return calls, ends, logs
}

func readParts(calls []place, data []byte, index int64, content llm.Span) []place {
	if data[content.Start] != '{' {
		return calls
	}
	parts := hold.Find(hold.Members(data, content.Start), "parts").Value
	if parts.End == 0 {
		return calls
	}
	for _, part := range hold.Elements(data, parts.Start) {
		if data[part.Start] != '{' {
			continue
		}
		call := hold.Find(hold.Members(data, part.Start), "functionCall").Value
		if !fold.IsNull(hold.In(data, call)) {
			calls = append(calls, place{index, part, call})
		}
	}
	return calls
}

// Look implements hold.Editor.
func (gt *gate) Look(g *hold.Gate, f *hold.Frame) {
	gt.scan.Reset(f.Data)
	gt.scan.Skip()
	if data := bytes.TrimSpace(f.Data); gt.scan.End() != nil || data[0] != '{' && data[0] != '[' {
		if !plain(data) && (data[0] == '{' || data[0] == '[') {
			g.Break(f)
		}
		return
	}
	for _, chunk := range chunks(f.Data) {
		if f.Data[chunk.Start] != '{' {
			continue
		}
		calls, ends, _ := read(f.Data, chunk)
		for i := 0; ; i++ {
			for len(ends) > 0 && ends[0].calls == i {
				if c := gt.st.at(ends[0].candidate); c != nil {
					gt.st.close(c)
				}
				ends = ends[1:]
				gt.finish(g)
			}
			if i == len(calls) {
				break
			}
			k := gt.call(g, calls[i].candidate, hold.In(f.Data, calls[i].call))
			if k == nil {
				g.Break(f)
				return
			}
			g.Add(f, hold.Part{Call: k}, calls[i].part)
			gt.finish(g)
		}
	}
}

// call folds in a functionCall and returns whose it is, nil if it has no place.
func (gt *gate) call(g *hold.Gate, candidate int64, raw []byte) *hold.Call {
	c := gt.st.at(candidate)
	if c == nil || jsonscan.New(raw).Kind() != jsonscan.Object {
		return nil
	}
	open := c.open
	if open >= 0 && gt.calls[open].Refused {
		raw = withoutArguments(raw)
	}
	gt.st.call(c, raw)
	touched := open
	for i := len(gt.calls); i < len(gt.st.calls); i++ {
		k := g.Begin()
		gt.calls = append(gt.calls, k)
		gt.byCall[k] = i
		touched = i
	}
	if touched < 0 {
		return nil
	}
	return gt.calls[touched]
}

// withoutArguments returns a functionCall that only says whether it goes on, and
// whose it is: of a refused call nothing more is kept.
func withoutArguments(raw []byte) []byte {
	out := []byte(`{`)
	for _, m := range hold.Members(raw, 0) {
		if m.Name == "name" || m.Name == "willContinue" || m.Name == "id" {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, hold.In(raw, m.Span)...)
		}
	}
	return append(out, '}')
}

// finish tells the calls that are whole now.
func (gt *gate) finish(g *hold.Gate) {
	for i := gt.first; i < len(gt.calls); i++ {
		if gt.st.calls[i].whole && !gt.calls[i].Whole {
			g.Finish(gt.calls[i], gt.toolCall(i))
		}
		if i == gt.first && gt.calls[i].Whole {
			gt.first++
		}
	}
}

func (gt *gate) toolCall(i int) llm.ToolCall {
	c := &gt.st.calls[i]
	t := llm.ToolCall{ID: c.id, Name: c.name, Choice: int(c.candidate)}
	if text, ok := c.text(); ok {
		fold.Arguments(&t, text)
	} else {
		t.ArgumentsText = string(text)
		if len(text) == 0 {
			t.ArgumentsText = "?"
		}
	}
	return t
}

// Tool implements hold.Editor.
func (gt *gate) Tool(c *hold.Call) (t llm.ToolCall) {
	if i, ok := gt.byCall[c]; ok {
		t = gt.toolCall(i)
	}
	return t
}

// end finishes the calls that are open, as the end of a whole body does.
func (gt *gate) end(g *hold.Gate) {
	for i := range gt.st.candidates {
		gt.st.close(&gt.st.candidates[i])
	}
	gt.finish(g)
}

// Edit implements hold.Editor.
func (gt *gate) Edit(g *hold.Gate, f *hold.Frame, out *hold.Out) {
	gt.scan.Reset(f.Data)
	gt.scan.Skip()
	if gt.scan.End() != nil {
		out.Keep(f)
		return
	}
	var edits hold.Edits
	parts := f.Parts
	for _, chunk := range chunks(f.Data) {
		if f.Data[chunk.Start] != '{' {
			continue
		}
		calls, _, logs := read(f.Data, chunk)
		for _, at := range calls {
			if len(parts) == 0 {
				break
			}
			gt.edit(&edits, g, at, parts[0])
			parts = parts[1:]
		}
		for _, l := range logs {
			if gt.refused[l.candidate] {
				edits.Set(l.at, []byte(`{}`))
			}
		}
	}
	if len(edits) == 0 {
		out.Keep(f)
		return
	}
	out.Replace(f, edits.Apply(f.Data))
}

func (gt *gate) edit(edits *hold.Edits, g *hold.Gate, at place, p hold.Part) {
	if p.Refused {
		gt.refused[at.candidate] = true
	}
	switch first := !p.Shown; {
	case p.Refused && first:
		text := append([]byte(`{"text":`), hold.Quote(g.Separated(p.Text))...)
		edits.Set(at.part, append(text, '}'))
	case p.Refused, p.Arguments != nil && !first:
		edits.Set(at.part, []byte(`{"text":""}`))
	case p.Arguments != nil:
		c := &gt.st.calls[gt.byCall[p.Call]]
		b := []byte(`{`)
		if c.id != "" {
			b = append(append(append(b, `"id":`...), hold.Quote(c.id)...), ',')
		}
		b = append(append(append(b, `"name":`...), hold.Quote(c.name)...), `,"args":`...)
		edits.Set(at.call, append(append(b, p.Arguments...), '}'))
	default:
		return
	}
	p.Shown = true
}
