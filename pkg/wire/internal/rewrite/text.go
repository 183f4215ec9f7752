package rewrite

import (
	"bytes"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// text is a text that is open.
type text struct {
	key    Key
	kind   wire.TextKind
	raw    bool
	editor wire.TextEditor // nil if it is left as it is

	// The frame of its last literal. Frames of the same shape that follow it
	// are not kept: they differ in the literal only.
	event, data []byte
	at          llm.Span

	// What became of its literal in the frame at hand.
	frame  uint64
	now    llm.Span
	out    string
	change int // in Rewriter.changes, -1 if it is as it came
}

// keep notes the frame of the text's last literal.
func (t *text) keep(event, data []byte, at llm.Span) {
	t.event = append(t.event[:0], event...)
	t.data = append(t.data[:0], data...)
	t.at = at
}

// same returns the place of the literal in a frame that differs in nothing but
// the literal from the text's last one.
func (t *text) same(event, data []byte) (at llm.Span, ok bool) {
	head := t.data[:t.at.Start+1]
	if !bytes.HasPrefix(data, head) || !bytes.Equal(event, t.event) {
		return at, false
	}
	tail := t.data[t.at.End-1:]
	end := len(data) - len(tail)
	if end < len(head) || !bytes.Equal(data[end:], tail) {
		return at, false
	}
	// Is the quote before the tail the one that ends the string?
	for lit := data[len(head):end]; ; {
		i := bytes.IndexByte(lit, '\\')
		if i < 0 {
			return llm.Span{Start: t.at.Start, End: end + 1}, bytes.IndexByte(lit, '"') < 0
		}
		if bytes.IndexByte(lit[:i], '"') >= 0 || !known(lit[i+1:]) {
			return at, false
		}
		lit = lit[i+2:]
	}
}

// known tells that a text goes on behind a backslash with a short escape. Others
// are left to the scanner.
func known(rest []byte) bool {
	return len(rest) > 0 && strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0
}

// slab gives texts that stay as they are, for editors may keep them. It allocates
// once in so many bytes.
type slab struct {
	b       strings.Builder
	scratch []byte
}

const slabSize = 2 << 10

func (s *slab) text(p []byte) string {
	if s.b.Cap()-s.b.Len() < len(p) {
		s.b.Reset()
		s.b.Grow(max(slabSize, len(p)))
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
