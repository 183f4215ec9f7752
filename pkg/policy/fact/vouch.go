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

// recordTainted tells whether the marks of an attack stand in an item of a result.
func (src *source) recordTainted(record uint32) bool {
	d := src.read.doc
	if !d.Structured {
		return len(src.read.marks) > 0
	}
	for _, m := range src.read.marks {
		if i := d.CellAt(m.Start); i >= 0 && d.Cells[i].Record == record {
			return true
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
	for _, h := range src.read.heads[record] {
		v = max(v, s.namesCell(d, h))
	}
	if src.vouched == nil {
		src.vouched = map[uint32]naming{}
	}
	src.vouched[record] = v
	return v
}

// head is a field of an item that says who wrote it or what it is called.
type head struct {
	cell   uint32
	author bool
}

// heads lists such fields by item.
func heads(d *lex.Doc) map[uint32][]head {
	if !d.Structured {
		return nil
	}
	var out map[uint32][]head
	for i := range d.Cells {
		c := &d.Cells[i]
		if c.Kind != lex.Field || c.IsName || c.Tokens == 0 || c.Key == "" {
			continue
		}
		author, title := false, false
		for _, w := range words(c.Key) {
			h := lex.Hash(w)
			author = author || authorKeys[h]
			title = title || titleKeys[h]
		}
		if !author && !title {
			continue
		}
		if out == nil {
			out = map[uint32][]head{}
		}
		out[c.Record] = append(out[c.Record], head{uint32(i), author})
	}
	return out
}

func (s *Session) namesCell(d *lex.Doc, h head) (best naming) {
	c := &d.Cells[h.cell]
	cell := d.Tokens[c.First : c.First+c.Tokens]
	for i := range s.names {
		n := &s.names[i]
		if !hashesIn(cell, n.tokens) {
			continue
		}
		if n.strong || h.author || len(n.tokens) > 1 {
			return named
		}
		best = mentioned
	}
	return best
}

// renamed takes in that the user wrote something new: what was unnamed may be
// named now.
func (s *Session) renamed() {
	for i := range s.sources {
		src := &s.sources[i]
		src.vouched = nil
		if src.tool != nil && !src.named && src.call != nil {
			src.named = src.tool.holdsTexts() && s.namedCall(src.call.leaves)
		}
	}
}

// holdsTexts tells of tools that return what people wrote. Only of these does
// naming mean pointing at the text: to name a hotel is not to vouch for its
// reviews.
func (t *Tool) holdsTexts() bool { return t.Nouns&(File|Message|Channel|Web|Repo|Issue) != 0 }
