package fact

import "github.com/archestra-ai/archestra-cli/pkg/policy/lex"

// rivals tells whether the text that holds an identifier holds another of its
// kind: then naming the text does not say which of them is meant.
func rivals(d *lex.Doc, cell uint32, kind lex.IdentKind, at int) bool {
	if kind != lex.Account && kind != lex.Email && kind != lex.Phone {
		return false
	}
	record := d.Cells[cell].Record
	var own *lex.Ident
	for i := range d.Idents {
		if id := &d.Idents[i]; int(id.Start) <= at && at < int(id.End) {
			own = id
		}
	}
	if own == nil {
		return false
	}
	for i := range d.Idents {
		id := &d.Idents[i]
		c := &d.Cells[id.Cell]
		if id.Kind != kind || id.Key == own.Key || c.Kind == lex.Field || d.Structured && c.Record != record {
			continue
		}
		if kind == lex.Account && !alike(id.Key, own.Key) {
			continue
		}
		return true
	}
	return false
}

// alike tells whether two account numbers could stand for each other: both begin
// with letters or neither does, and both are about as long.
func alike(a, b string) bool {
	digit := func(s string) bool { return s[0] >= '0' && s[0] <= '9' }
	return digit(a) == digit(b) && 2*len(a) >= len(b) && 2*len(b) >= len(a)
}

// recordTainted tells whether attack wording or hidden characters stand in an
// item of a result.
func (src *source) recordTainted(record uint32) bool {
	d := src.read.doc
	for _, m := range src.read.marks {
		for i := range d.Cells {
			if c := &d.Cells[i]; c.Start <= m.Start && m.Start < c.End && (c.Record == record || !d.Structured) {
				return true
			}
		}
	}
	return false
}

var senderKeys = hashes("sender from author by reply replyto poster commenter")

func senderKey(key string) bool {
	for _, w := range words(key) {
		if senderKeys[lex.Hash(w)] {
			return true
		}
	}
	return false
}

var (
	authorKeys = hashes("sender from author by owner creator username user login posted name")
	titleKeys  = hashes("subject title filename name file path id id_ url channel topic label repo repository")
)

// naming says how plainly the user named an item of a result.
type naming uint8

const (
	unnamed   naming = iota
	mentioned        // its title holds a name that the user mentioned
	named            // the user named its author, its title, its file
)

// vouched tells how the user named an item of a result: by the author of a
// message, the subject of a mail, the name of a file.
func (s *Session) vouched(n int32, record uint32) naming {
	src := &s.sources[n]
	d := src.read.doc
	if !d.Structured {
		return unnamed
	}
	if v, ok := src.vouched[record]; ok {
		return v
	}
	v := unnamed
	for i := range d.Cells {
		c := &d.Cells[i]
		if c.Record != record || c.Kind != lex.Field || c.IsName || c.Tokens == 0 {
			continue
		}
		v = max(v, s.namesCell(d, c))
	}
	if src.vouched == nil {
		src.vouched = map[uint32]naming{}
	}
	src.vouched[record] = v
	return v
}

func (s *Session) namesCell(d *lex.Doc, c *lex.Cell) (best naming) {
	author, title := false, false
	for _, w := range words(c.Key) {
		h := lex.Hash(w)
		author = author || authorKeys[h]
		title = title || titleKeys[h]
	}
	if !author && !title {
		return unnamed
	}
	cell := d.Tokens[c.First : c.First+c.Tokens]
	for _, n := range s.names {
		if !hashesIn(cell, n.tokens) {
			continue
		}
		if n.strong || author || len(n.tokens) > 1 {
			return named
		}
		best = mentioned
	}
	return best
}
