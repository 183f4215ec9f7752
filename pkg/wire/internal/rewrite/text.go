package rewrite

import (
	"bytes"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// text is a text that is open.
type text struct {
	key    Key
	kind   wire.TextKind
	raw    bool
	editor wire.TextEditor // nil if it is left as it is

	// The frame of its last literal. Of frames of the same shape that follow it
	// not each is kept.
	event, data []byte
	at          llm.Span
	// slots are the places where a frame of the same shape may differ: the
	// literal and the values that mean nothing here, in their order.
	slots []llm.Span
	lit   int // the literal's slot
	class int // of the last frame of that shape

	frame uint64 // the number of the last one that has a literal of it
	last  piece  // that literal
	out   string // what it became, if none is open

	open []piece // those in frames that wait
	done int     // bytes of the first of them that the editor let go on
}

// keep notes the frame of the text's last literal.
func (t *text) keep(event, data []byte, at llm.Span) {
	t.event = append(t.event[:0], event...)
	t.data = append(t.data[:0], data...)
	t.at = at
}

// shape notes where frames that follow may differ from this one.
func (t *text) shape(s *jsonscan.Scanner, idle func(name []byte) bool) {
	t.slots, t.lit, t.class = t.slots[:0], -1, 0
	s.Reset(t.data)
	if s.Kind() != jsonscan.Object {
		return
	}
	for name := range s.Object() {
		free := idle(name)
		at := hold.Value(t.data, s)
		switch {
		case at.Start <= t.at.Start && t.at.End <= at.End:
			t.lit = len(t.slots)
			t.slots = append(t.slots, t.at)
		case free:
			t.slots = append(t.slots, at)
		}
	}
}

// like is same, at less cost where the frame's class says it: all that differs in the
// class is the literal, and what says nothing.
func (t *text) like(s *jsonscan.Scanner, in sse.Frame) (lit llm.Span, ok bool) {
	known := llm.Span{Start: in.TextStart, End: in.TextEnd}
	if in.Class != 0 && in.Class == t.class {
		if in.Free { // what a frame is made from is to have its values
			t.keep(in.Event, in.Data, known)
			t.lit = -1 // where the other slots are now is not known
		}
		return known, true
	}
	t.class = 0
	if lit, ok = t.same(s, in.Event, in.Data); ok && lit == known {
		t.class = in.Class
	}
	return lit, ok
}

// same returns the place of the literal in a frame that has the shape of the
// text's last one.
func (t *text) same(s *jsonscan.Scanner, event, data []byte) (lit llm.Span, ok bool) {
	if t.lit < 0 || !bytes.Equal(event, t.event) {
		return lit, false
	}
	s.Reset(data)
	var moved [maxSlots]llm.Span
	done, pos := 0, 0 // of the frame before, of this one
	for i, slot := range t.slots {
		fixed := t.data[done:slot.Start]
		if i == maxSlots || !bytes.HasPrefix(data[pos:], fixed) {
			return lit, false
		}
		moved[i].Start = pos + len(fixed)
		s.Seek(moved[i].Start)
		if i == t.lit && s.Kind() != jsonscan.String {
			return lit, false
		}
		s.Skip()
		if s.Err() != nil {
			return lit, false
		}
		moved[i].End = s.Offset()
		done, pos = slot.End, moved[i].End
	}
	if !bytes.Equal(data[pos:], t.data[done:]) {
		return lit, false
	}
	lit = moved[t.lit]
	if len(t.slots) > 1 { // what a frame is made from is to have its values
		t.keep(event, data, lit)
		copy(t.slots, moved[:])
	}
	return lit, true
}

// maxSlots is how many values may differ, the text among them.
const maxSlots = 8

// slab gives texts that stay as they are, for editors may keep them. It allocates
// once in so many bytes, few at first: most streams that are open have said little.
type slab struct {
	b       strings.Builder
	scratch []byte
}

const (
	minSlab = 128
	maxSlab = 2 << 10
)

func (s *slab) text(p []byte) string {
	if s.b.Cap()-s.b.Len() < len(p) {
		size := max(minSlab, min(2*s.b.Cap(), maxSlab), len(p))
		s.b.Reset()
		s.b.Grow(size)
	}
	start := s.b.Len()
	s.b.Write(p) // there is room, so nothing that was given out moves
	return s.b.String()[start:]
}

// unescaped returns the text of what stands between the quotes of a JSON string.
func (s *slab) unescaped(lit []byte) string {
	if bytes.IndexByte(lit, '\\') < 0 {
		return s.text(lit)
	}
	s.scratch = jsonscan.AppendUnescaped(s.scratch[:0], lit)
	return s.text(s.scratch)
}

// literal returns a text as the JSON string that takes the place of its literal.
// It is not ok if an editor made what is no piece of JSON.
func literal(out string, raw bool) (lit []byte, ok bool) {
	if !raw {
		return jsonscan.AppendString(nil, out), true
	}
	lit = append(append([]byte{'"'}, out...), '"')
	return lit, jsonscan.Check(lit) == nil
}
