package fact

import (
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Asked says how plainly the user asked for an effect.
type Asked uint8

// The degrees of asking.
const (
	AskedNot    Asked = iota
	AskedWeakly       // the user spoke of doing it themselves
	AskedFor
)

// Match says how a call fits what the user named where they asked for it.
type Match uint8

// The degrees of fitting.
const (
	MatchNothing Match = iota // the user named things, and the call holds none of them
	MatchSource               // what the user named is where the agent was to look
	MatchOpen                 // the user named nothing
	MatchNamed                // the call holds something that the user named
)

// maxAsks bounds how many sentences of tool results are compared with a call,
// the newest first, and maxSolicited how many are kept.
const (
	maxAsks      = 512
	maxSolicited = 16
)

// asked compares the call with what the user wished and with what the texts that
// the tools returned ask for.
func (s *Session) asked(f *Facts) {
	for _, r := range s.wishes {
		src := &s.sources[r.source]
		cl, d := &src.read.clauses[r.clause], src.read.doc
		switch {
		case f.Tool.wanted(d, cl, cl.verbs):
			f.Asked = AskedFor
			f.Match = max(f.Match, s.match(f, r.source, cl))
		case f.Tool.wanted(d, cl, cl.own):
			f.Asked = max(f.Asked, AskedWeakly)
		}
	}
	left := maxAsks
	for v := f.Tool.Verbs; v != 0; v &= v - 1 {
		refs := s.asks[v&-v]
		for i := len(refs) - 1; i >= 0 && left > 0 && len(f.Solicited) < maxSolicited; i-- {
			left--
			s.solicits(f, refs[i])
		}
	}
}

// solicits notes a sentence of a tool result that asks for the call's effect.
func (s *Session) solicits(f *Facts, r clauseRef) {
	src := &s.sources[r.source]
	d, cl := src.read.doc, &src.read.clauses[r.clause]
	if !f.Tool.wanted(d, cl, cl.verbs|cl.mine) || f.other(d, cl) {
		return
	}
	c := &d.Cells[cl.cell]
	hit := Seen{
		Origin: Prose, Message: int(src.message), Part: int(src.part), Tool: src.tool.Name, Key: c.Key,
		Start: int(d.Tokens[cl.first].Start), End: int(d.Tokens[cl.last-1].End), source: r.source, cell: cl.cell,
		Web:     src.tool.Class == ClassOpenRead,
		Named:   s.asksForIt(r.source) || s.vouched(r.source, c.Record) == named,
		Tainted: src.tainted && src.recordTainted(c.Record),
	}
	if slices.ContainsFunc(f.Solicited, func(o Seen) bool { return o.source == hit.source && o.Start == hit.Start }) {
		return // found by another of its verbs
	}
	f.Solicited = append(f.Solicited, hit)
	if !f.Delegated || !hit.Named || hit.Tainted || hit.Web {
		return
	}
	f.Mandate = true
	for i := range f.Values {
		v := &f.Values[i]
		v.Mandated = v.Mandated || s.mandated(v, &hit)
	}
}

// wanted tells whether a sentence with these verbs asks for what a tool does.
func (t *Tool) wanted(d *lex.Doc, cl *clause, verbs Verbs) bool {
	v := verbs & t.Verbs
	if v == 0 {
		return false
	}
	if cl.nouns&t.Nouns != 0 || t.Nouns == 0 && len(t.words) == 0 {
		return true
	}
	if cl.alone&v != 0 && (v&Send == 0 || t.Nouns&(Message|Web) != 0) {
		return true
	}
	for _, w := range t.words {
		for k := cl.first; k < cl.last; k++ {
			if d.Tokens[k].Hash == w {
				return true
			}
		}
	}
	return false
}

// other tells whether a sentence names an identifier of its own and none that is
// in the call: then it asks for something else.
func (f *Facts) other(d *lex.Doc, cl *clause) bool {
	a, z := d.Tokens[cl.first].Start, d.Tokens[cl.last-1].End
	names := false
	for i := range d.Idents {
		id := &d.Idents[i]
		if id.Start < a || id.End > z || !id.Kind.Strong() && id.Kind != lex.Slug {
			continue
		}
		names = true
		for k := range f.Values {
			if f.Values[k].Key == id.Key {
				return false
			}
		}
	}
	return names
}

// match compares the values of a call with what the user named in a sentence.
func (s *Session) match(f *Facts, source int32, cl *clause) Match {
	best := MatchOpen
	names := s.sources[source].read.names
	at, _ := slices.BinarySearchFunc(names, cl.first, func(n name, first uint32) int { return int(n.at) - int(first) })
	for ; at < len(names) && names[at].at < cl.last; at++ {
		n := &names[at]
		switch {
		case f.holds(n):
			return MatchNamed
		case !n.strong:
		case s.lookedAt(n):
			if best == MatchOpen {
				best = MatchSource
			}
		default:
			best = MatchNothing
		}
	}
	return best
}

// holds tells whether a value of the call holds a name, or its beginning where
// the user left a gap to fill: "Dinner at {restaurant}".
func (f *Facts) holds(n *name) bool {
	for i := range f.leaves {
		tokens := f.leaves[i].tokens
		if hashesIn(tokens, n.tokens) || len(n.tokens) > 2 && hashesIn(tokens, n.tokens[:2]) {
			return true
		}
	}
	return false
}

// lookedAt tells whether an earlier reading call asked for a name.
func (s *Session) lookedAt(n *name) (looked bool) {
	s.sought.each(n.tokens[0], func(r ref) bool {
		looked = rowOf(s.looked[r.source].tokens[r.token:], n.tokens)
		return looked
	})
	return looked
}

// mandated tells whether what the user delegated to speaks of the person that an
// address belongs to: "forward it to Alice" covers alice.miller@example.com. An
// address that stands in that text beside others is not covered by it.
func (s *Session) mandated(v *Value, hit *Seen) bool {
	if v.Kind != lex.Email {
		return false
	}
	for i := range v.Seen {
		if h := &v.Seen[i]; h.source == hit.source && h.cell == hit.cell && h.Rivals {
			return false
		}
	}
	d := s.sources[hit.source].read.doc
	c := &d.Cells[hit.cell]
	text := d.Tokens[c.First : c.First+c.Tokens]
	for _, t := range localPart(v.Key) {
		if hashesIn(text, []uint64{t.Hash}) {
			return true
		}
	}
	return false
}

// partsByUser tells of a URL whether the user named its host, and of a path or
// owner/name whether the user wrote its last part and no text gave the rest.
func (s *Session) partsByUser(l *Leaf) bool {
	switch l.Kind {
	case lex.Host, lex.Path:
		return s.userPlace(l.Kind, l.Key)
	case lex.Slug:
		a, b, ok := strings.Cut(l.Value, "/")
		if !ok {
			return false
		}
		owner, name := newLeaf(l.Path, a, jsonscan.String), newLeaf(l.Path, b, jsonscan.String)
		if !s.byUser(&name) {
			return false
		}
		o := origin(s.seen(&owner))
		return o == User || o == System || o == Field
	}
	return false
}

// origin returns the best of the places that a value was seen in.
func origin(seen []Seen) Origin {
	best := Model
	for i := range seen {
		if rank[seen[i].Origin] > rank[best] {
			best = seen[i].Origin
		}
	}
	return best
}

var rank = [...]int{Model: 0, Prose: 1, Field: 2, System: 3, User: 4}
