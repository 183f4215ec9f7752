package anthropic

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// blockKind says what is kept of a content block.
type blockKind byte

const (
	blockOther blockKind = iota // such as the tools that the provider runs itself
	blockText
	blockThinking
	blockCall // tool_use: the client executes it
)

type block struct {
	kind      blockKind
	generated bool // its start holds generated output already
	index     int64
	key       uint64
	call      int // in stream.calls, -1 if it is not kept
}

// call is a tool call as it grows. Its input comes whole in the block's start,
// or in pieces of JSON text that take the place of it.
type call struct {
	id, name string
	index    int64 // of its block
	input    []byte
	pieces   []byte
	whole    bool
}

func (c *call) arguments() []byte {
	if len(c.pieces) > 0 {
		return c.pieces
	}
	return c.input
}

const (
	maxOpen  = 1024 // blocks open at a time; real streams have one
	callCost = 64   // of a call's own to its budget, beside its texts
)

func (st *stream) nextKey() uint64 { st.order++; return st.order }

// start begins a block with what the content block raw holds.
func (st *stream) start(index int64, raw []byte) block {
	var kind, text, thinking, id, name, input, data []byte
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "text":
			text = s.Raw()
		case "thinking":
			thinking = s.Raw()
		case "id":
			id = s.Raw()
		case "name":
			name = s.Raw()
		case "input":
			input = s.Raw()
		case "data":
			data = s.Raw()
		}
	}
	b := block{index: index, key: st.nextKey(), call: -1}
	switch string(kind) {
	case "text":
		b.kind = blockText
		b.generated = st.text.Append(&st.kept, b.key, text)
	case "thinking":
		b.kind = blockThinking
		b.generated = st.thinking.Append(&st.kept, b.key, thinking)
	case "tool_use":
		b.kind, b.generated = blockCall, true
		b.call = st.newCall(index, id, name, input)
	case "redacted_thinking":
		b.generated = len(data) > 2
	case "server_tool_use", "mcp_tool_use":
		b.generated = true
	}
	return b
}

func (st *stream) newCall(index int64, id, name, input []byte) int {
	if !st.callsKept.Take(callCost + len(id) + len(name) + len(input)) {
		return -1
	}
	c := call{id: fold.String(id), name: fold.String(name), index: index}
	if !fold.IsNull(input) {
		c.input = bytes.Clone(input)
	}
	st.calls = append(st.calls, c)
	return len(st.calls) - 1
}

func (st *stream) finish(b block) {
	if b.call >= 0 && !st.calls[b.call].whole {
		st.calls[b.call].whole = true
		st.whole++
	}
}

func (st *stream) hold(b block) {
	if len(st.open) == maxOpen {
		st.lost = true
		return
	}
	st.open = append(st.open, b)
}

// block returns the open block with that index, or nil.
func (st *stream) block(index int64) *block {
	for i := len(st.open) - 1; i >= 0; i-- {
		if st.open[i].index == index {
			return &st.open[i]
		}
	}
	return nil
}

// reopen opens the block of a call again that was stopped, if there is one with
// that index: SDKs do not care for the stop, so what comes behind it counts, and
// no rule may be led to judge half a call. The index of a block that came within
// a message is not known.
func (st *stream) reopen(index int64) *block {
	for i := len(st.calls) - 1; i >= 0 && i >= len(st.calls)-maxOpen; i-- {
		c := &st.calls[i]
		if c.index != index || !c.whole || len(st.open) == maxOpen {
			continue
		}
		c.whole = false
		st.whole--
		st.hold(block{kind: blockCall, index: index, call: i})
		return &st.open[len(st.open)-1]
	}
	return nil
}

func (st *stream) drop(b *block) {
	last := len(st.open) - 1
	*b = st.open[last]
	st.open = st.open[:last]
}

// delta folds in a content_block_delta. A block that was not announced begins
// with its first delta, except for calls, which would have no name.
func (st *stream) delta(e *event) (d wire.Delta) {
	var kind, text, piece []byte
	s := &st.inner
	s.Reset(e.delta)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "text", "thinking":
			text = s.Raw()
		case "partial_json":
			piece = s.Raw()
		}
	}
	d.Finished = st.whole
	b := st.block(e.index)
	switch string(kind) {
	case "text_delta":
		d.Token = st.add(&st.text, st.key(b, e.index, blockText), text, e.frame.Class)
	case "thinking_delta":
		d.Token = st.add(&st.thinking, st.key(b, e.index, blockThinking), text, e.frame.Class)
	case "input_json_delta":
		d.Token = len(piece) > 2
		if b == nil {
			b = st.reopen(e.index)
		}
		if b == nil || b.kind != blockCall {
			break
		}
		d.ToolCall, d.Finished = true, st.whole
		if b.call >= 0 {
			c := &st.calls[b.call]
			c.pieces = st.callsKept.Append(c.pieces, piece)
		}
	}
	return d
}

// add adds to a text, and notes the class of the frame, which did no more than that.
func (st *stream) add(to *fold.Text, key uint64, literal []byte, class int) bool {
	if !to.Append(&st.kept, key, literal) {
		return false
	}
	st.class, st.alikeTo, st.alikeKey, st.adds = class, to, key, literal
	return true
}

func (st *stream) key(b *block, index int64, kind blockKind) uint64 {
	if b == nil {
		st.begun = true
		st.hold(block{kind: kind, index: index, key: st.nextKey(), call: -1})
		return st.order
	}
	return b.key
}
