package wire

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// space is what pieces of the same bytes must have in common to read the same.
type space struct {
	api  llm.API
	kind Piece
}

type pieceKey struct {
	space
	size int
	hash uint64
}

// piece is a value that was seen: strict JSON, an object, an array or a string,
// so that it ends where it ends whatever follows.
type piece struct {
	pieceKey
	tail    uint64                 // its last bytes, which most others of that length do not share
	model   bool                   // a message that the model made
	some    bool                   // an array that is not empty
	follows atomic.Pointer[piece]  // what stood behind it the last time
	read    atomic.Pointer[placed] // nil once it is forgotten

	takes        int    // bytes, about
	newer, older *piece // in History.order; nil where it is not in there
	linked       int    // History.linked when it came to the front
}

// placed is what a piece holds, in a body where it stands at an offset.
type placed struct {
	at      int
	message llm.Message
	parts   []llm.Part
	tools   []llm.Tool
}

// tailOf returns the last bytes of a value.
func tailOf(b []byte) (t uint64) {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:])
	}
	for _, c := range b {
		t = t<<8 | uint64(c)
	}
	return t
}

// placedAt returns what the piece holds where it stands at an offset, nil if the
// piece is forgotten. Nothing is copied if it stood there the last time.
func (p *piece) placedAt(at int) *placed {
	old := p.read.Load()
	if old == nil || old.at == at {
		return old
	}
	now := old.moved(at - old.at)
	p.read.CompareAndSwap(old, now)
	return now
}

func (p *placed) moved(by int) *placed {
	out := &placed{at: p.at + by, message: p.message, parts: movedParts(p.parts, by)}
	move(&out.message.Span, by)
	out.message.Parts = movedParts(p.message.Parts, by)
	if p.tools != nil {
		out.tools = make([]llm.Tool, len(p.tools))
		for i, t := range p.tools {
			move(&t.Span, by)
			out.tools[i] = t
		}
	}
	return out
}

func movedParts(parts []llm.Part, by int) []llm.Part {
	if parts == nil {
		return nil
	}
	out := make([]llm.Part, len(parts))
	for i, p := range parts {
		move(&p.Span, by)
		out[i] = p
	}
	return out
}

// move moves a span, unless it is not known.
func move(s *llm.Span, by int) {
	if s.End > s.Start {
		s.Start += by
		s.End += by
	}
}

// What the structures themselves take.
const (
	pieceCost   = 400
	partCost    = 150
	toolCost    = 120
	firstPieces = 16 // of each space are tried where nothing tells what comes
)

func (p *placed) cost() int {
	n := pieceCost + partsSize(p.parts) + partsSize(p.message.Parts)
	for i := range p.tools {
		t := &p.tools[i]
		n += toolCost + len(t.Name) + len(t.Description) + len(t.Parameters)
	}
	return n
}

func partsSize(parts []llm.Part) (n int) {
	for i := range parts {
		p := &parts[i]
		n += partCost + len(p.Text) + len(p.Name) + len(p.CallID) + len(p.Arguments) + len(p.Media)
	}
	return n
}

// find returns the piece with those bytes, or nil.
func (h *History) find(k pieceKey) *piece {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pieces[k]
}

// first appends the pieces that a body may begin with, the likeliest first.
func (h *History) first(dst []*piece, s space) []*piece {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(dst, h.firsts[s]...)
}

// keep takes in the pieces of a body in their order, and marks them as used.
func (h *History) keep(found []foundPiece) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var before *piece
	message := false
	for i := range found {
		p := found[i].piece
		if p.older == nil {
			p = h.take(found[i])
		}
		if h.linked-p.linked > h.max/8 { // it is not far in front already
			p.unlink()
			h.link(p)
		}
		if before != nil && before.follows.Load() != p {
			before.follows.Store(p)
		}
		if before = p; p.kind == PieceMessages && message {
			continue
		}
		message = message || p.kind == PieceMessages
		h.begin(p)
	}
	for h.used > h.max && h.order.newer != &h.order {
		h.forget(h.order.newer)
	}
}

// take takes a piece in, or returns the one that was taken in meanwhile.
func (h *History) take(f foundPiece) *piece {
	p := f.piece
	if old, ok := h.pieces[p.pieceKey]; ok {
		return old
	}
	p.read.Store(f.placed)
	h.pieces[p.pieceKey] = p
	h.used += p.takes
	h.link(p)
	return p
}

// link makes a piece the newest.
func (h *History) link(p *piece) {
	h.linked += p.takes
	p.linked = h.linked
	p.older, p.newer = h.order.older, &h.order
	p.older.newer, h.order.older = p, p
}

// begin notes that a body has the piece as the first of its kind.
func (h *History) begin(p *piece) {
	list := h.firsts[p.space]
	at := slices.Index(list, p)
	switch {
	case at >= 0:
	case len(list) < firstPieces:
		at = len(list)
		list = append(list, p)
		h.firsts[p.space] = list
	default:
		at = len(list) - 1
	}
	copy(list[1:at+1], list[:at])
	list[0] = p
}

// forget takes a piece out. Others may still point to it; it holds nothing.
func (h *History) forget(p *piece) {
	p.unlink()
	delete(h.pieces, p.pieceKey)
	h.used -= p.takes
	p.follows.Store(nil)
	p.read.Store(nil)
}

func (p *piece) unlink() {
	p.newer.older, p.older.newer = p.older, p.newer
	p.newer, p.older = nil, nil
}
