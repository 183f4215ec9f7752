package anthropic

import (
	"bytes"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// NewGate implements wire.Gated. A call is whole with its block's
// content_block_stop. A refused tool_use block becomes a text block in the same
// place, so that no index changes.
func (format) NewGate(_ string, o wire.GateOptions) wire.Gate {
	return hold.New(plain, func() hold.Editor { return newGate(false) }, hold.Events, o)
}

// Screen implements wire.Gated.
func (format) Screen(body []byte, o wire.GateOptions, judge func(wire.Call) wire.Decision) ([]byte, error) {
	g := newGate(true)
	return hold.Screen(plain, g, body, o, g.end, judge)
}

type gate struct {
	body   bool
	blocks map[int64]*gated // the last block with that index, as far as it matters
	calls  []*gated
	byCall map[*hold.Call]*gated
	scan   jsonscan.Scanner
}

func newGate(body bool) *gate {
	return &gate{body: body, blocks: map[int64]*gated{}, byCall: map[*hold.Call]*gated{}}
}

// gated is a block: a call, or, with a nil Call, another one that has input.
type gated struct {
	*hold.Call
	id, name      string
	input, pieces []byte
}

// plain is a hold.Plain: calls are tool_use blocks and input_json_deltas.
func plain(data []byte) bool {
	return !bytes.Contains(data, []byte(`tool_use`)) && !bytes.Contains(data, []byte(`input_json`)) && !hold.Spelt(data)
}

// places is where the members of an event stand.
type places struct {
	name                  []byte // a part of the frame
	index                 int64
	message, block, delta llm.Span
}

func readPlaces(f *hold.Frame, s *jsonscan.Scanner) places {
	p := places{name: f.Event}
	s.Reset(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if kind := fold.Name(s.Raw()); kind != nil {
				p.name = kind
			}
		case "index":
			p.index, _ = s.Int()
		case "message":
			p.message = hold.Value(f.Data, s)
		case "content_block":
			p.block = hold.Value(f.Data, s)
		case "delta":
			p.delta = hold.Value(f.Data, s)
		}
	}
	return p
}

// Look implements hold.Editor.
func (gt *gate) Look(g *hold.Gate, f *hold.Frame) {
	if gt.body {
		gt.content(g, f, 0)
		return
	}
	p := readPlaces(f, &gt.scan)
	if gt.scan.End() != nil {
		if data := bytes.TrimSpace(f.Data); len(data) > 0 && data[0] == '{' && !plain(data) {
			g.Break(f)
		}
		return
	}
	switch string(p.name) {
	case "message_start":
		gt.content(g, f, p.message.Start)
	case "content_block_start":
		delete(gt.blocks, p.index)
		b := readBlock(hold.In(f.Data, p.block))
		switch b.kind {
		case "tool_use":
			k := gt.begin(g, b)
			gt.blocks[p.index] = k
			g.Add(f, hold.Part{Call: k.Call}, p.block)
		case "text", "thinking":
		default:
			gt.blocks[p.index] = &gated{}
		}
	case "content_block_delta":
		gt.delta(g, f, p)
	case "content_block_stop":
		if k := gt.blocks[p.index]; k != nil && k.Call != nil {
			f.Parts = append(f.Parts, hold.Part{Call: k.Call})
			gt.finish(g, k)
		}
	case "message_stop":
		gt.end(g)
	}
}

func (gt *gate) delta(g *hold.Gate, f *hold.Frame, p places) {
	isInput, piece := readInput(hold.In(f.Data, p.delta))
	k := gt.blocks[p.index]
	switch {
	case k == nil && isInput:
		g.Break(f) // input of no block that is known
	case k == nil || k.Call == nil:
	case !k.Whole:
		if !k.Refused {
			k.pieces = appendLiteral(k.pieces, piece)
		}
		f.Parts = append(f.Parts, hold.Part{Call: k.Call})
	case isInput && len(piece) > len(`""`):
		f.Parts = append(f.Parts, g.Late(k.Call))
	default:
		f.Parts = append(f.Parts, hold.Part{Call: k.Call})
	}
}

func readInput(delta []byte) (isInput bool, piece []byte) {
	s := jsonscan.New(delta)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			isInput = string(fold.Name(s.Raw())) == "input_json_delta"
		case "partial_json":
			piece = s.Raw()
		}
	}
	return isInput || piece != nil, piece
}

func appendLiteral(b, literal []byte) []byte {
	if len(literal) < 2 || literal[0] != '"' {
		return b
	}
	return jsonscan.AppendUnescaped(b, literal[1:len(literal)-1])
}

// content looks at the blocks of a message object, which are whole.
func (gt *gate) content(g *hold.Gate, f *hold.Frame, at int) {
	for _, el := range elements(f.Data, at) {
		if b := readBlock(hold.In(f.Data, el)); b.kind == "tool_use" {
			k := gt.begin(g, b)
			g.Add(f, hold.Part{Call: k.Call}, el)
			gt.finish(g, k)
		}
	}
}

func elements(data []byte, at int) []llm.Span {
	content := hold.Find(hold.Members(data, at), "content")
	if content.Value.End == 0 {
		return nil
	}
	return hold.Elements(data, content.Value.Start)
}

type opened struct {
	kind, id, name string
	input          []byte
}

func readBlock(raw []byte) (b opened) {
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			b.kind = s.Text()
		case "id":
			b.id = s.Text()
		case "name":
			b.name = s.Text()
		case "input":
			b.input = s.Raw()
		}
	}
	return b
}

func (gt *gate) begin(g *hold.Gate, b opened) *gated {
	k := &gated{Call: g.Begin(), id: b.id, name: b.name}
	if !fold.IsNull(b.input) {
		k.input = bytes.Clone(b.input)
	}
	gt.calls = append(gt.calls, k)
	gt.byCall[k.Call] = k
	return k
}

func (gt *gate) finish(g *hold.Gate, k *gated) {
	// SDKs take the pieces, and some clients what the block began with.
	given := bytes.Trim(k.input, "{} \t\r\n")
	if len(given) > 0 && len(k.pieces) > 0 && !bytes.Equal(k.input, k.pieces) {
		g.RefuseWhole(k.Call, k.tool(), wire.ErrAmbiguous)
		return
	}
	g.Finish(k.Call, k.tool())
}

func (k *gated) tool() llm.ToolCall {
	t := llm.ToolCall{ID: k.id, Name: k.name}
	args := k.input
	if len(k.pieces) > 0 {
		args = k.pieces
	}
	fold.Arguments(&t, args)
	return t
}

// Tool implements hold.Editor.
func (gt *gate) Tool(c *hold.Call) (t llm.ToolCall) {
	if k := gt.byCall[c]; k != nil {
		t = k.tool()
	}
	return t
}

// end finishes the calls that are open.
func (gt *gate) end(g *hold.Gate) {
	for _, k := range gt.calls {
		gt.finish(g, k)
	}
}

// Edit implements hold.Editor.
func (gt *gate) Edit(g *hold.Gate, f *hold.Frame, out *hold.Out) {
	var edits hold.Edits
	if gt.body {
		editMessage(g, &edits, f, 0)
		out.Replace(f, edits.Apply(f.Data))
		return
	}
	p := readPlaces(f, &gt.scan)
	if gt.scan.End() != nil {
		out.Keep(f)
		return
	}
	switch string(p.name) {
	case "message_start":
		editMessage(g, &edits, f, p.message.Start)
	case "message_delta":
		stopReason(g, &edits, f, p.delta.Start)
	case "content_block_start":
		if len(f.Parts) > 0 {
			gt.editStart(f, p, out)
			return
		}
	case "content_block_delta":
		if len(f.Parts) > 0 && (f.Parts[0].Gone() || f.Parts[0].Arguments != nil) {
			return
		}
	case "content_block_stop":
		if len(f.Parts) > 0 && f.Parts[0].Refused && !f.Parts[0].Shown {
			return // its start could not be read
		}
	}
	if len(edits) == 0 {
		out.Keep(f)
		return
	}
	out.Replace(f, edits.Apply(f.Data))
}

// editStart edits the start of a call's block, and writes what takes the place
// of its deltas.
func (gt *gate) editStart(f *hold.Frame, p places, out *hold.Out) {
	k := gt.byCall[f.Parts[0].Call]
	k.Shown = true
	var edits hold.Edits
	delta := strconv.AppendInt([]byte(`{"type":"content_block_delta","index":`), p.index, 10)
	switch {
	case k.Refused:
		edits.Set(p.block, []byte(`{"type":"text","text":""}`))
		delta = append(append(delta, `,"delta":{"type":"text_delta","text":`...), hold.Quote(k.Text)...)
	case k.Arguments != nil:
		if input := hold.Find(hold.Members(f.Data, p.block.Start), "input"); input.Value.End > 0 {
			edits.Set(input.Value, []byte(`{}`))
		}
		delta = append(append(delta, `,"delta":{"type":"input_json_delta","partial_json":`...), hold.Quote(string(k.Arguments))...)
	default:
		out.Keep(f)
		return
	}
	out.Replace(f, edits.Apply(f.Data))
	name := ""
	if len(f.Event) > 0 {
		name = "content_block_delta"
	}
	out.Event(name, append(delta, `}}`...))
}

// editMessage edits a message object that has whole blocks.
func editMessage(g *hold.Gate, edits *hold.Edits, f *hold.Frame, at int) {
	parts := f.Parts
	for _, el := range elements(f.Data, at) {
		if readBlock(hold.In(f.Data, el)).kind != "tool_use" || len(parts) == 0 {
			continue
		}
		p := parts[0]
		parts = parts[1:]
		switch {
		case p.Refused:
			block := append([]byte(`{"type":"text","text":`), hold.Quote(p.Text)...)
			edits.Set(el, append(block, '}'))
		case p.Arguments != nil:
			if input := hold.Find(hold.Members(f.Data, el.Start), "input"); input.Value.End > 0 {
				edits.Set(input.Value, p.Arguments)
			}
		}
	}
	stopReason(g, edits, f, at)
}

// stopReason edits the stop_reason of the object at an offset if no call is left.
func stopReason(g *hold.Gate, edits *hold.Edits, f *hold.Frame, at int) {
	if !g.NoneLeft(f.Known) {
		return
	}
	reason := hold.Find(hold.Members(f.Data, at), "stop_reason")
	if string(fold.Name(hold.In(f.Data, reason.Value))) == "tool_use" {
		edits.Set(reason.Value, []byte(`"end_turn"`))
	}
}
