package openairesponses

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// field is a text of an item.
type field byte

const (
	fieldText      field = iota // output_text parts of messages
	fieldRefusal                // refusal parts of messages
	fieldReasoning              // reasoning_text parts of reasoning items
	fieldSummary                // summary_text parts of reasoning items
	fields
)

type part struct {
	field field
	index int64
}

const maxParts = 1 << 16 // of a response

// begin notes that something of a part has come, and tells whether it is the first.
func (st *stream) begin(it *item, p part) bool {
	for i := len(it.parts) - 1; i >= 0; i-- {
		if it.parts[i] == p {
			return false
		}
	}
	if st.parts == maxParts {
		st.lost = true
		return false
	}
	st.parts++
	it.parts = append(it.parts, p)
	return true
}

// key orders the parts of a response: by item, then by part.
func key(it *item, index int64) uint64 {
	return uint64(uint32(it.index))<<32 | uint64(uint32(index))
}

func (st *stream) appendText(it *item, p part, literal []byte) bool {
	if p.field >= fieldReasoning && st.texts[fieldReasoning].Len()+st.texts[fieldSummary].Len() == 0 {
		st.live = p.field
	}
	return st.texts[p.field].Append(&st.kept, key(it, p.index), literal)
}

func (st *stream) textDelta(e *event, f field, kind string) (d wire.Delta) {
	it := st.findOrAdd(e, kind)
	if it == nil {
		return wire.Delta{Token: len(e.delta) > 2}
	}
	p := part{f, e.partIndex}
	st.begin(it, p)
	if d.Token = st.appendText(it, p, e.delta); d.Token {
		st.class, st.alikeTo, st.alikeKey, st.adds = e.frame.Class, &st.texts[f], key(it, p.index), e.delta
	}
	return d
}

// textDone folds in the text of a part if nothing of it has come.
func (st *stream) textDone(e *event, f field, kind string, literal []byte) (d wire.Delta) {
	if len(literal) <= 2 {
		return d
	}
	if it := st.findOrAdd(e, kind); it != nil {
		d.Token = st.wholePart(it, part{f, e.partIndex}, literal)
	}
	return d
}

func (st *stream) wholePart(it *item, p part, literal []byte) bool {
	if len(literal) <= 2 || !st.begin(it, p) {
		return false
	}
	return st.appendText(it, p, literal)
}

// partDone folds in a part object.
func (st *stream) partDone(e *event) wire.Delta {
	f, literal, ok := readPart(e.part)
	if !ok {
		return wire.Delta{}
	}
	kind := "message"
	if f >= fieldReasoning {
		kind = "reasoning"
	}
	return st.textDone(e, f, kind, literal)
}

// content folds in the parts of an item, of which there are none, or a string
// from servers that only speak the format.
func (st *stream) content(it *item, parts []byte) (any bool) {
	s := jsonscan.New(parts)
	if s.Kind() == jsonscan.String {
		return st.wholePart(it, part{fieldText, 0}, s.Raw())
	}
	for i := range s.Array() {
		if f, literal, ok := readPart(s.Raw()); ok && st.wholePart(it, part{f, int64(i)}, literal) {
			any = true
		}
	}
	return any
}

func readPart(raw []byte) (f field, literal []byte, ok bool) {
	var kind, text, refusal []byte
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "text":
			text = s.Raw()
		case "refusal":
			refusal = s.Raw()
		}
	}
	switch string(kind) {
	case "output_text", "text":
		return fieldText, text, true
	case "refusal":
		return fieldRefusal, refusal, true
	case "reasoning_text":
		return fieldReasoning, text, true
	case "summary_text":
		return fieldSummary, text, true
	}
	return 0, nil, false
}
