package openairesponses

import (
	"bytes"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// NewGate implements wire.Gated. A call is whole with its item's
// response.output_item.done, or with the end of the response. The item of a
// refused call becomes a message in the same place of the output; later events
// are numbered anew.
func (format) NewGate(contentType string, o wire.GateOptions) wire.Gate {
	framing := hold.Events
	if contentType == wire.WebSocket {
		framing = hold.Messages
	}
	return hold.New(plain, func() hold.Editor { return newGate() }, framing, o)
}

// Screen implements wire.Gated.
func (format) Screen(body []byte, o wire.GateOptions, judge func(wire.Call) wire.Decision) ([]byte, error) {
	gt := newGate()
	gt.body = true
	return hold.Screen(plain, gt, body, o, gt.end, judge)
}

// gate knows from the decoder's own fold which event belongs to which call.
type gate struct {
	st     *stream
	body   bool
	calls  []*gated // beside st.calls
	byCall map[*hold.Call]*gated
	scan   jsonscan.Scanner
	next   int64 // the next sequence_number, once events are numbered anew
	anew   bool
}

type gated struct {
	*hold.Call
	place  int // in st.calls
	name   string
	args   []byte // as they were judged
	pieces []byte // what came by deltas
}

func newGate() *gate {
	return &gate{st: newStream(0), byCall: map[*hold.Call]*gated{}}
}

// plain is a hold.Plain: the type of every call, and of every event of
// its own, has _call in it.
func plain(data []byte) bool {
	return !bytes.Contains(data, []byte(`_call`)) && !hold.Spelt(data)
}

// places is where the members of an event stand.
type places struct {
	event
	itemAt, responseAt, sequence, deltaAt, wholeAt, indexAt llm.Span
}

func (gt *gate) read(f *hold.Frame) (p places, ok bool) {
	p.event = event{name: f.Event, outputIndex: -1}
	s := &gt.scan
	s.Reset(f.Data)
	if s.Kind() != jsonscan.Object {
		return p, false
	}
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if name := fold.Name(s.Raw()); name != nil {
				p.name = name
			}
		case "output_index":
			p.indexAt = hold.Value(f.Data, s)
			if n, ok := jsonscan.New(hold.In(f.Data, p.indexAt)).Int(); ok {
				p.outputIndex = n
			}
		case "item_id":
			p.itemID = s.Raw()
		case "delta":
			p.deltaAt = hold.Value(f.Data, s)
			p.delta = hold.In(f.Data, p.deltaAt)
		case "arguments", "input":
			p.wholeAt = hold.Value(f.Data, s)
			p.whole = hold.In(f.Data, p.wholeAt)
		case "item":
			p.itemAt = hold.Value(f.Data, s)
			p.item = hold.In(f.Data, p.itemAt)
		case "response":
			p.responseAt = hold.Value(f.Data, s)
		case "sequence_number":
			p.sequence = hold.Value(f.Data, s)
		}
	}
	return p, s.End() == nil
}

// output lists the items of the response object at an offset.
func output(data []byte, at int) []llm.Span {
	member := hold.Find(hold.Members(data, at), "output")
	if member.Value.End == 0 {
		return nil
	}
	return hold.Elements(data, member.Value.Start)
}

// Look implements hold.Editor.
func (gt *gate) Look(g *hold.Gate, f *hold.Frame) {
	if gt.body {
		gt.response(g, f, 0)
		return
	}
	p, ok := gt.read(f)
	if !ok {
		if data := bytes.TrimSpace(f.Data); len(data) > 0 && data[0] == '{' && !plain(data) {
			g.Break(f)
		}
		return
	}
	switch string(p.name) {
	case "response.output_item.added", "response.output_item.done":
		gt.item(g, f, &p, strings.HasSuffix(string(p.name), "done"))
		return
	}
	if p.responseAt.End > 0 {
		gt.response(g, f, p.responseAt.Start)
	}
	switch string(p.name) {
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		gt.end(g)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		gt.argument(g, f, &p, true)
	case "response.function_call_arguments.done", "response.custom_tool_call_input.done":
		gt.argument(g, f, &p, false)
	default:
		// What a built-in tool is asked to do comes in events of its own. Some
		// servers give all items one place: text there is not the call's.
		if it := gt.st.find(&p.event); it != nil && it.call >= 0 &&
			(bytes.Contains(p.name, []byte("_call")) || it.id != "" && it.id == fold.String(p.itemID)) {
			gt.later(g, f, gt.calls[it.call], bytes.HasSuffix(p.name, []byte(".delta")))
		}
	}
}

func (gt *gate) find(e *event) *gated {
	if it := gt.st.find(e); it != nil && it.call >= 0 {
		return gt.calls[it.call]
	}
	return nil
}

// later adds an event of a call that may be whole already; then what states
// something new comes too late.
func (gt *gate) later(g *hold.Gate, f *hold.Frame, k *gated, states bool, at ...llm.Span) {
	p := hold.Part{Call: k.Call}
	if k.Whole && states {
		p = g.Late(k.Call)
	}
	if len(at) == 0 {
		f.Parts = append(f.Parts, p)
		return
	}
	g.Add(f, p, at[0])
}

// argument handles a piece of a call's arguments, or the whole of them.
func (gt *gate) argument(g *hold.Gate, f *hold.Frame, p *places, piece bool) {
	k := gt.find(&p.event)
	switch {
	case k == nil:
	case k.Whole && piece:
		gt.later(g, f, k, len(p.delta) > 2)
		return
	case k.Whole:
		gt.later(g, f, k, !states(p.whole, k.args))
		return
	case k.Refused:
		gt.later(g, f, k, false)
		return
	}
	if gt.st.event(&p.event); gt.adopt(g, f) {
		return
	}
	if k = gt.find(&p.event); k == nil {
		g.Break(f)
		return
	}
	if piece {
		k.pieces = appendLiteral(k.pieces, p.delta)
	}
	gt.later(g, f, k, false)
}

// states tells that a literal says what was judged, or nothing.
func states(literal, judged []byte) bool {
	if fold.IsNull(literal) || len(literal) > 0 && string(literal) == `""` {
		return true
	}
	if literal[0] == '"' {
		return bytes.Equal(appendLiteral(nil, literal), judged)
	}
	return bytes.Equal(literal, judged)
}

func appendLiteral(b, literal []byte) []byte {
	if len(literal) < 2 || literal[0] != '"' {
		return b
	}
	return jsonscan.AppendUnescaped(b, literal[1:len(literal)-1])
}

// adopt begins the calls that the fold has begun. It reports whether something
// went wrong with that.
func (gt *gate) adopt(g *hold.Gate, f *hold.Frame) (failed bool) {
	for i := len(gt.calls); i < len(gt.st.calls); i++ {
		k := &gated{Call: g.Begin(), place: i}
		gt.calls = append(gt.calls, k)
		gt.byCall[k.Call] = k
	}
	if gt.st.lost {
		g.Break(f)
	}
	return gt.st.lost
}

// item handles an item that begins or is whole.
func (gt *gate) item(g *hold.Gate, f *hold.Frame, p *places, whole bool) {
	m := readMembers(p.item)
	name, _, args, ok := m.client()
	e := event{outputIndex: p.outputIndex, itemID: m.id}
	k := gt.find(&e)
	if k != nil {
		if it := gt.st.find(&e); it.done && it.id != fold.String(m.id) || it.kind != string(m.kind) {
			k = nil // another one in the same place
		}
	}
	switch {
	case !ok && k == nil:
		return
	case !ok: // it runs at the provider's after all
		f.Parts = append(f.Parts, hold.Part{Call: k.Call})
		g.Pass(k.Call)
		return
	case k != nil && k.Whole:
		gt.later(g, f, k, name != k.name || !states(args, k.args), p.itemAt)
		return
	case k != nil && k.Refused:
		gt.later(g, f, k, false, p.itemAt)
		return
	}
	before := len(gt.st.calls)
	gt.st.output(p.outputIndex, p.item, whole)
	if gt.adopt(g, f) {
		return
	}
	switch {
	case len(gt.calls) > before:
		k = gt.calls[len(gt.calls)-1]
	case k == nil:
		g.Break(f)
		return
	}
	g.Add(f, hold.Part{Call: k.Call}, p.itemAt)
	if whole {
		gt.finish(g, k)
	}
}

// response handles the output of a response object.
func (gt *gate) response(g *hold.Gate, f *hold.Frame, at int) {
	for i := range gt.st.items {
		gt.st.items[i].repeated = false
	}
	for i, el := range output(f.Data, at) {
		raw := hold.In(f.Data, el)
		m := readMembers(raw)
		name, _, args, ok := m.client()
		if !ok {
			continue
		}
		var k *gated
		if it := gt.st.streamed(&m); it != nil && it.call >= 0 {
			k = gt.calls[it.call]
			it.repeated = true
		}
		if k != nil && (k.Whole || k.Refused) {
			gt.later(g, f, k, k.Whole && (name != k.name || !states(args, k.args)), el)
			continue
		}
		before := len(gt.st.calls)
		if k != nil {
			gt.st.items[gt.itemOf(k)].repeated = false
		}
		gt.st.outputAt(i, raw)
		if gt.adopt(g, f) {
			return
		}
		if len(gt.calls) > before {
			k = gt.calls[len(gt.calls)-1]
		}
		if k == nil {
			g.Break(f)
			return
		}
		g.Add(f, hold.Part{Call: k.Call}, el)
		gt.finish(g, k)
	}
}

// itemOf returns where the item of a call is in the decoder's list.
func (gt *gate) itemOf(k *gated) int {
	for i := range gt.st.items {
		if c := gt.st.items[i].call; c >= 0 && gt.calls[c] == k {
			return i
		}
	}
	return 0
}

func (gt *gate) finish(g *hold.Gate, k *gated) {
	if k.Whole {
		return
	}
	c := &gt.st.calls[k.place]
	k.name, k.args = c.name, bytes.Clone(c.args)
	if len(k.pieces) > 0 && !bytes.Equal(k.pieces, k.args) {
		g.RefuseWhole(k.Call, gt.Tool(k.Call), wire.ErrAmbiguous)
		return
	}
	g.Finish(k.Call, gt.Tool(k.Call))
}

// Tool implements hold.Editor.
func (gt *gate) Tool(call *hold.Call) (t llm.ToolCall) {
	k := gt.byCall[call]
	if k == nil {
		return t
	}
	c := &gt.st.calls[k.place]
	t = llm.ToolCall{ID: c.id, Name: c.name, Kind: c.kind}
	if c.kind == "custom" {
		t.ArgumentsText = string(c.args)
	} else {
		fold.Arguments(&t, c.args)
	}
	return t
}

// end finishes the calls that are open.
func (gt *gate) end(g *hold.Gate) {
	for _, k := range gt.calls {
		gt.finish(g, k)
	}
}
