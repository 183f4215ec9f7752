package wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// walk is one pass over a body.
type walk struct {
	h     *History
	f     Pieced
	api   llm.API
	body  []byte
	found []foundPiece
	seen  int // leading messages that were seen before

	guess  *piece // what is likely to come next
	likely []*piece
	// frame is the body with its pieces taken out, and copied how far it got.
	frame  []byte
	copied int
}

type foundPiece struct {
	*piece
	*placed
}

func (w *walk) reset() {
	clear(w.found)
	clear(w.likely)
	*w = walk{found: w.found[:0], likely: w.likely[:0], frame: w.frame[:0]}
	if cap(w.frame) > 64<<10 {
		w.frame = nil
	}
}

// read reads a body by its pieces. It fails where something is not as it is in
// any sound request; then the body is to be read as a whole.
//
// What stands around the pieces is short: it is read by the format's own Scan and
// Conversation, from a frame that holds empty values in the places of the pieces.
func (w *walk) read(h *History, f Pieced, body []byte, r *Reading) bool {
	w.h, w.f, w.api, w.body = h, f, f.API(), body
	s := jsonscan.New(body)
	if s.Kind() != jsonscan.Object {
		return false
	}
	var had [PieceTools + 1]bool
	messages := 0
	sound := true
	for key := range s.Object() {
		kind := f.Piece(key)
		if kind == PieceNone {
			continue
		}
		if had[kind] || kind == PieceMessages && s.Kind() != jsonscan.Array {
			sound = false
		}
		had[kind] = true
		if sound && kind == PieceMessages {
			messages, sound = w.messages(s)
		} else if sound {
			sound = w.member(s, kind)
		}
		if !sound {
			s.Jump(len(body)) // to end the loop at once
			break
		}
	}
	if !sound || s.End() != nil || !had[PieceMessages] {
		return false
	}
	w.frame = append(w.frame, body[w.copied:]...)
	if jsonscan.Check(w.frame) != nil {
		return false
	}
	r.Request = f.Scan(w.frame)
	r.Conversation, r.Err = f.Conversation(w.frame)
	if r.Request.Err != nil || r.Err != nil {
		return false
	}
	w.assemble(r, messages)
	h.keep(w.found)
	return true
}

// messages finds the elements of an array of messages.
func (w *walk) messages(s *jsonscan.Scanner) (n int, sound bool) {
	start := s.Pos()
	leading := true
	for range s.Array() {
		if n == 0 {
			w.likely = w.h.first(w.likely[:0], space{w.api, PieceMessages})
		} else {
			w.likely = w.likely[:0]
		}
		seen, ok := w.next(s, PieceMessages)
		if !ok {
			s.Jump(len(w.body))
			return n, false
		}
		if leading = leading && seen; leading {
			w.seen++
		}
		n++
	}
	if s.Err() != nil {
		return n, false
	}
	w.replace(start, s.Offset(), "[]")
	return n, true
}

// member finds a member that is a piece as a whole. A value that is none, such as
// null, is left in the frame.
func (w *walk) member(s *jsonscan.Scanner, kind Piece) bool {
	switch s.Kind() {
	case jsonscan.Object, jsonscan.Array, jsonscan.String:
	default:
		return true
	}
	start := s.Pos()
	w.likely = w.h.first(w.likely[:0], space{w.api, kind})
	if _, ok := w.next(s, kind); !ok {
		return false
	}
	empty := `""`
	switch {
	case w.body[start] == '{':
		empty = "{}"
	case w.found[len(w.found)-1].some:
		empty = "[0]"
	case w.body[start] == '[':
		empty = "[]"
	}
	w.replace(start, s.Offset(), empty)
	return true
}

// replace puts something empty into the frame in the place of body[start:end].
func (w *walk) replace(start, end int, empty string) {
	w.frame = append(append(w.frame, w.body[w.copied:start]...), empty...)
	w.copied = end
}

// next finds the piece that s stands before, and tells whether it was seen.
func (w *walk) next(s *jsonscan.Scanner, kind Piece) (seen, ok bool) {
	if len(w.found) == mostPieces {
		return false, false
	}
	at := s.Pos()
	is := space{w.api, kind}
	guess := w.guess
	if p := w.match(guess, is, at); p != nil {
		return true, w.put(s, p, at)
	}
	for _, likely := range w.likely {
		if p := w.match(likely, is, at); p != nil {
			return true, w.put(s, p, at)
		}
	}
	switch s.Kind() {
	case jsonscan.Object, jsonscan.Array, jsonscan.String:
	default:
		return false, false
	}
	s.SkipUnique()
	end := s.Offset()
	if s.Err() != nil {
		return false, false
	}
	raw := w.body[at:end]
	key := pieceKey{is, len(raw), llm.SumBytes(raw)}
	if p := w.h.find(key); p != nil && w.put(s, p, at) {
		return true, true
	}
	if !utf8.Valid(raw) {
		return false, false
	}
	w.found = append(w.found, w.make(key, at, end))
	// Where the piece stands in the place of another, what followed that one may
	// come next.
	if w.guess = nil; guess != nil {
		w.guess = guess.follows.Load()
	}
	return false, true
}

// match returns p if that piece stands in the body at an offset, else nil.
func (w *walk) match(p *piece, is space, at int) *piece {
	if p == nil || p.space != is || p.size > len(w.body)-at {
		return nil
	}
	raw := w.body[at : at+p.size]
	if tailOf(raw) != p.tail || llm.SumBytes(raw) != p.hash || p.read.Load() == nil {
		return nil
	}
	return p
}

// put takes in a piece that was seen before. It fails if the piece was forgotten
// meanwhile.
func (w *walk) put(s *jsonscan.Scanner, p *piece, at int) bool {
	read := p.placedAt(at)
	if read == nil {
		return false
	}
	w.found = append(w.found, foundPiece{p, read})
	w.guess = p.follows.Load()
	s.Jump(at + p.size)
	return true
}

// make reads a piece that was not seen before.
func (w *walk) make(key pieceKey, at, end int) foundPiece {
	body := w.body[:end]
	raw := body[at:]
	p := &piece{pieceKey: key, tail: tailOf(raw)}
	read := &placed{at: at}
	switch s := jsonscan.Again(body, at); key.kind {
	case PieceMessages:
		read.message = w.f.ReadMessage(body, s)
		read.message.Hash, read.message.Raw = read.message.Sum(), key.hash
		p.model = byModel(jsonscan.Again(body, at), end)
	case PieceSystem:
		read.parts = w.f.ReadSystem(body, s)
	case PieceTools:
		read.tools = w.f.ReadTools(body, s)
		for i := range read.tools {
			read.tools[i].Hash = read.tools[i].Sum()
		}
	}
	p.some = raw[0] == '[' && len(bytes.TrimLeft(raw[1:], " \t\r\n")) > 1
	p.read.Store(read)
	p.takes = read.cost()
	return foundPiece{p, read}
}

// byModel tells whether the model made the message that s stands before and that
// ends at end. Its names are known to be unique.
func byModel(s *jsonscan.Scanner, end int) bool {
	var role, kind []byte
	for key := range s.Object() {
		switch string(key) {
		case "role":
			role = s.Raw()
			s.Jump(end) // the type says no more
		case "type":
			kind = s.Raw()
		}
	}
	return view.ByModel(role, kind)
}

// assemble puts together what the pieces hold.
func (w *walk) assemble(r *Reading, messages int) {
	c := &r.Conversation
	if messages > 0 {
		c.Messages = make([]llm.Message, 0, messages)
	}
	newest := llm.Span{}
	for i := range w.found {
		p := &w.found[i]
		switch p.kind {
		case PieceSystem:
			c.System = p.parts
		case PieceTools:
			c.Tools = p.tools[:len(p.tools):len(p.tools)]
		case PieceMessages:
			c.Messages = append(c.Messages, p.message)
			switch {
			case p.model:
				newest = llm.Span{}
			case newest.End == 0:
				newest.Start = p.at
				fallthrough
			default:
				newest.End = p.at + p.size
			}
		}
	}
	r.Request.Newest = newest
	r.Seen = w.seen
}
