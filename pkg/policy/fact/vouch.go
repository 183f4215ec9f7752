package fact

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

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

// item is an item of a result.
type item struct {
	source int32
	record uint32
}

// vouched tells how the user named an item of a result: by the author of a
// message, the subject of a mail, the name of a file.
func (s *Session) vouched(n int32, record uint32) naming {
	r := s.sources[n].read
	if !r.doc.Structured {
		return unnamed
	}
	v, ok := s.items[item{n, record}]
	if ok {
		return v
	}
	at := sort.Search(len(r.heads), func(i int) bool { return r.heads[i].record >= record })
	for ; at < len(r.heads) && r.heads[at].record == record; at++ {
		v = max(v, s.namesCell(r.doc, r.heads[at]))
	}
	if s.items == nil || len(s.items) >= maxItems {
		s.items = map[item]naming{}
	}
	s.items[item{n, record}] = v
	return v
}

// maxItems bounds how many items of results it is remembered of how they are named.
const maxItems = 1024

// head is a field of an item that says who wrote it or what it is called.
type head struct {
	record uint32
	cell   uint32
	author bool
}

// heads lists such fields by item.
func heads(d *lex.Doc) (out []head) {
	if !d.Structured {
		return nil
	}
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
		if author || title {
			out = append(out, head{c.Record, uint32(i), author})
		}
	}
	slices.SortStableFunc(out, func(a, b head) int { return cmp.Compare(a.record, b.record) })
	return slices.Clip(out)
}

func (s *Session) namesCell(d *lex.Doc, h head) (best naming) {
	c := &d.Cells[h.cell]
	cell := d.Tokens[c.First : c.First+c.Tokens]
	for n := range s.names() {
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

// asksForIt tells whether a result holds texts and the user named what was asked
// for: the page, the file, the inbox.
func (s *Session) asksForIt(n int32) bool {
	src := &s.sources[n]
	if src.call == nil || !src.tool.holdsTexts() {
		return false
	}
	if src.asOf != s.epoch {
		src.asOf, src.named = s.epoch, s.namedCall(src.call.leaves)
	}
	return src.named
}

// names goes through what the user called by its name.
func (s *Session) names() iter.Seq[*name] {
	return func(yield func(*name) bool) {
		for _, n := range s.voices {
			names := s.sources[n].read.names
			for i := range names {
				if !yield(&names[i]) {
					return
				}
			}
		}
	}
}

// holdsTexts tells of tools that return what people wrote. Only of these does
// naming mean pointing at the text: to name a hotel is not to vouch for its
// reviews.
func (t *Tool) holdsTexts() bool { return t.Nouns&(File|Message|Channel|Web|Repo|Issue) != 0 }
