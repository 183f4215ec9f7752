package wire

import (
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Pieced is a Format whose requests can be read piece by piece. A piece reads the
// same whatever stands around it, so that one that was seen before need not be
// read again. Its readers read what Conversation reads there: s stands before the
// value, and what they return has its place in body, which s scans.
type Pieced interface {
	Format
	// Piece tells what the member of that name in a request holds.
	Piece(name []byte) Piece
	// ReadMessage reads an element of the messages.
	ReadMessage(body []byte, s *jsonscan.Scanner) llm.Message
	// ReadSystem and ReadTools read a whole member.
	ReadSystem(body []byte, s *jsonscan.Scanner) []llm.Part
	ReadTools(body []byte, s *jsonscan.Scanner) []llm.Tool
}

// Piece says what a member of a request holds.
type Piece byte

// The kinds of members. Two that hold the system's parts, or tools, may bear
// different names; a request that has both is not read by pieces.
const (
	PieceNone     Piece = iota // nothing that is long; it is read anew each time
	PieceMessages              // an array, each element of which is a piece
	PieceSystem
	PieceTools
)

// Bounds of what is read by pieces. A shorter body is not worth keeping; a longer
// one, or one of more pieces, is no conversation.
const (
	leastHistory = 4 << 10
	mostHistory  = 32 << 20
	mostPieces   = 1 << 14
)

// Reading is what a request says.
type Reading struct {
	Request Request // what Format.Scan returns
	// Conversation is what Format.Conversation returns. It shares its parts with
	// other readings: they are not to be changed. The messages and tools of a body
	// that was read by pieces have their Hash, and its messages their Raw.
	Conversation llm.Conversation
	// Err is the error of Format.Conversation.
	Err error
	// Strict is the error of jsonscan.Check.
	Strict error
	// Seen is how many messages were seen before, counted from the first on.
	Seen int
}

// History reads requests and remembers their pieces, so that a turn of a
// conversation costs what is new in it. It is safe for concurrent use.
//
// A client sends the whole conversation with each turn. What is known of a piece
// is found by the hash of its bytes; and as a piece is mostly followed by the one
// that followed it before, its length is known beforehand, and one pass of the
// hash takes the place of scanning. Only strict pieces are kept. The hash is seeded,
// so that a text cannot be prepared that is taken for another.
type History struct {
	walks sync.Pool // of *walk

	mu     sync.Mutex
	max    int
	used   int
	linked int // bytes that came to the front of the order, ever
	pieces map[pieceKey]*piece
	order  piece // the ring of pieces: order.older was used last, order.newer longest ago
	firsts map[space][]*piece
}

// NewHistory returns a history that keeps about maxBytes; 0 means 64 MiB.
func NewHistory(maxBytes int) *History {
	if maxBytes <= 0 {
		maxBytes = 64 << 20
	}
	h := &History{max: maxBytes, pieces: map[pieceKey]*piece{}, firsts: map[space][]*piece{}}
	h.order.newer, h.order.older = &h.order, &h.order
	h.walks.New = func() any { return new(walk) }
	return h
}

// Read reads a request body.
func (h *History) Read(f Format, body []byte) *Reading {
	r := new(Reading) // and no copy on the way: a connection's stack stays small
	if !h.byPieces(f, body, r) {
		*r = Reading{}
		readWhole(f, body, r)
	}
	return r
}

// byPieces tells whether it could read a body so.
func (h *History) byPieces(f Format, body []byte, r *Reading) bool {
	if len(body) < leastHistory || len(body) > mostHistory {
		return false
	}
	p, ok := f.(Pieced)
	if !ok {
		return false
	}
	w := h.walks.Get().(*walk)
	defer func() {
		w.reset()
		h.walks.Put(w)
	}()
	return w.read(h, p, body, r)
}

// readWhole reads a body without looking for what was seen.
func readWhole(f Format, body []byte, r *Reading) {
	r.Request = f.Scan(body)
	r.Conversation, r.Err = f.Conversation(body)
	r.Strict = jsonscan.Check(body)
}
