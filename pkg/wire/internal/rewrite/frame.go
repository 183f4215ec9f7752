package rewrite

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Key names a text of a response.
type Key struct {
	Group int64 // whose it is: a choice, a content block, an output item
	Part  int64 // which of its parts: a content index, a tool call
	Field byte  // which of the texts there
}

// Frame is a frame that a Reader reads. By its methods the reader tells, in the
// order of the stream, what stands in it and what ends with it.
type Frame struct {
	Event, Data []byte

	ops    []op
	unlike bool
}

type act byte

const (
	doDelta act = iota
	doWhole
	doValue
	doEnd
	doFinish
	doFinishAll
	doTurn
	doTokens
)

// op is one thing that was told.
type op struct {
	act      act
	raw      bool
	kind     wire.TextKind
	key      Key
	at       llm.Span
	within   llm.Span
	with     string
	template *Template
}

// Template is a frame that can carry more of a text, where the frame at hand cannot.
type Template struct {
	Event string
	Data  []byte
	At    llm.Span // of the text's literal
}

// literal tells that a string stands there which is not empty.
func (f *Frame) literal(at llm.Span) bool {
	return at.End-at.Start > len(`""`) && f.Data[at.Start] == '"'
}

// Delta tells that the JSON string at a place is the next piece of a text. It
// reports whether there is any text in it; what is no string, or empty, is left.
func (f *Frame) Delta(key Key, kind wire.TextKind, at llm.Span) bool {
	if !f.literal(at) {
		return false
	}
	f.ops = append(f.ops, op{act: doDelta, key: key, kind: kind, at: at})
	return true
}

// Begin is Delta for a frame that may not come twice: what is held back of the
// text leaves in a frame made from the template.
func (f *Frame) Begin(key Key, kind wire.TextKind, at llm.Span, t *Template) {
	if f.literal(at) {
		f.ops = append(f.ops, op{act: doDelta, key: key, kind: kind, at: at, template: t})
	}
}

// Piece tells that the string at a place is a piece of a string of a call's
// arguments. The editor of arguments gets it as it stands, escapes included: it
// expects JSON text.
func (f *Frame) Piece(key Key, at llm.Span) {
	if f.literal(at) {
		f.ops = append(f.ops, op{act: doDelta, key: key, kind: wire.TextArguments, at: at, raw: true})
	}
}

// Whole tells that the string at a place is a text from its beginning to its end.
func (f *Frame) Whole(kind wire.TextKind, at llm.Span) {
	if f.literal(at) {
		f.ops = append(f.ops, op{act: doWhole, kind: kind, at: at})
	}
}

// Value tells that a call's arguments stand at a place: as a JSON value, or as a
// string that holds their text.
func (f *Frame) Value(at llm.Span) {
	switch {
	case at.End <= at.Start || f.Data[at.Start] == 'n':
	case f.Data[at.Start] == '"':
		f.Whole(wire.TextArguments, at)
	default:
		f.ops = append(f.ops, op{act: doValue, kind: wire.TextArguments, at: at})
	}
}

// End tells that a text is over: with its literal in this frame, if that was told
// before, else before the frame. The same holds for the methods below.
func (f *Frame) End(key Key) { f.ops = append(f.ops, op{act: doEnd, key: key}) }

// Finish tells that all texts of a group are over.
func (f *Frame) Finish(group int64) {
	f.ops = append(f.ops, op{act: doFinish, key: Key{Group: group}})
}

// FinishAll tells that all texts are over.
func (f *Frame) FinishAll() { f.ops = append(f.ops, op{act: doFinishAll}) }

// Turn tells that a group says something in this frame. Its texts but arguments that
// have no part in it are over. It is told behind the frame's deltas.
func (f *Frame) Turn(group int64) {
	f.ops = append(f.ops, op{act: doTurn, key: Key{Group: group}})
}

// Tokens tells that a value states the tokens of the texts within a span. If one
// of them is changed, something else takes its place.
func (f *Frame) Tokens(within, at llm.Span, with string) {
	f.ops = append(f.ops, op{act: doTokens, within: within, at: at, with: with})
}

// Unlike tells that a frame which differs from this one in nothing but the text
// may have another meaning all the same.
func (f *Frame) Unlike() { f.unlike = true }

// lone returns the only delta of a frame that does nothing else.
func (f *Frame) lone() (found *op) {
	if f.unlike {
		return nil
	}
	for i := range f.ops {
		switch o := &f.ops[i]; {
		case o.act == doTurn:
		case o.act == doDelta && found == nil && o.template == nil:
			found = o
		default:
			return nil
		}
	}
	return found
}
