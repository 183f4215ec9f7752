package fact

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Value is an argument of a call, or an identifier within one, and where it
// comes from.
type Value struct {
	Path     string        `json:"path"`
	Text     string        `json:"value"`
	Role     Role          `json:"-"`
	Kind     lex.IdentKind `json:"-"`
	Key      string        `json:"-"`
	Embedded bool          `json:"embedded,omitempty"` // it stands within a longer argument
	Origin   Origin        `json:"-"`
	Person   bool          `json:"person,omitempty"`   // an address that holds a name that the user mentioned
	Mandated bool          `json:"mandated,omitempty"` // what the user delegated to speaks of its owner
	Seen     []Seen        `json:"seen,omitempty"`
}

// Vouched tells whether the user named a text that holds the value, or a rule
// trusts it.
func (v *Value) Vouched() bool {
	for i := range v.Seen {
		if h := &v.Seen[i]; h.Named && !h.Tainted && !h.Rivals || h.Trusted {
			return true
		}
	}
	return false
}

// Known tells whether the value is the address, held in a field, of somebody whom
// the user mentioned.
func (v *Value) Known() bool {
	if !v.Person {
		return false
	}
	for i := range v.Seen {
		if v.Seen[i].Origin == Field || v.Seen[i].Author {
			return true
		}
	}
	return false
}

// Linked tells whether a text that the user named or mentioned holds the link,
// and that text is no page: pages are written by many.
func (v *Value) Linked() bool {
	for i := range v.Seen {
		if h := &v.Seen[i]; (h.Named || h.Mentioned) && !h.Tainted && !h.Web || h.Trusted {
			return true
		}
	}
	return false
}

// FromWeb tells whether a page holds the value.
func (v *Value) FromWeb() bool {
	for i := range v.Seen {
		if v.Seen[i].Web {
			return true
		}
	}
	return false
}

// Facts is what is known of one proposed call.
type Facts struct {
	Tool      *Tool
	Labels    Labels
	Values    []Value
	Complete  bool // every argument was read
	Asked     Asked
	Match     Match
	Delegated bool // the user told the agent to do what some text says
	// Solicited lists untrusted places that ask for this very effect.
	Solicited []Seen
	Mandate   bool // one of them is what the user delegated to

	// Confirms holds the facts of the effect that a confirming call (a code, a
	// password) lets happen.
	Confirms *Facts

	leaves []Leaf
}

// personNamed tells whether an address holds a name that the user mentioned.
func (s *Session) personNamed(address string) bool {
	local := address[:strings.LastIndexByte(address, '@')]
	for _, t := range lex.Plain(local).Tokens {
		if t.End-t.Start < 3 {
			continue
		}
		for _, n := range s.names {
			for _, h := range n.tokens {
				if h == t.Hash && !n.strong {
					return true
				}
			}
		}
	}
	return false
}

// Mandated tells whether what the user delegated to speaks of the person that an
// address belongs to: "forward it to Alice" covers alice.miller@example.com.
func (s *Session) mandated(v *Value, hit *Seen) bool {
	if v.Kind != lex.Email {
		return false
	}
	for i := range v.Seen {
		if v.Seen[i].source == hit.source && v.Seen[i].cell == hit.cell && v.Seen[i].Rivals {
			return false
		}
	}
	local := v.Key[:strings.LastIndexByte(v.Key, '@')]
	d := s.sources[hit.source].read.doc
	c := &d.Cells[hit.cell]
	for _, t := range lex.Plain(local).Tokens {
		if t.End-t.Start >= 3 && !stop[t.Hash] && hashesIn(d.Tokens[c.First:c.First+c.Tokens], []uint64{t.Hash}) {
			return true
		}
	}
	return false
}

// Match says how a call fits what the user named where they asked for it.
type Match uint8

// The degrees of fitting.
const (
	MatchNothing Match = iota // the user named things, and the call holds none of them
	MatchSource               // what the user named is where the agent was to look
	MatchOpen                 // the user named nothing
	MatchNamed                // the call holds something that the user named
)

// match compares the values of a call with what the user named in a sentence.
func (s *Session) match(f *Facts, d *lex.Doc, cl *clause) Match {
	best := MatchOpen
	for _, n := range namesIn(d) {
		if n.at < cl.first || n.at >= cl.last {
			continue
		}
		if f.holds(n) {
			return MatchNamed
		}
		if !n.strong {
			continue
		}
		if s.lookedAt(n) {
			if best == MatchOpen {
				best = MatchSource
			}
		} else {
			best = MatchNothing
		}
	}
	return best
}

// holds tells whether a value of the call holds a name, or its beginning where
// the user left a gap to fill: "Dinner at {restaurant}".
func (f *Facts) holds(n name) bool {
	for i := range f.leaves {
		toks := f.leaves[i].tokens
		if hashesIn(toks, n.tokens) || len(n.tokens) > 2 && hashesIn(toks, n.tokens[:2]) {
			return true
		}
	}
	return false
}

// lookedAt tells whether an earlier reading call asked for a name.
func (s *Session) lookedAt(n name) bool {
	for i := range s.sources {
		c := s.sources[i].call
		if c == nil || s.sources[i].tool.Class > ClassOpenRead {
			continue
		}
		for k := range c.leaves {
			if hashesIn(c.leaves[k].tokens, n.tokens) {
				return true
			}
		}
	}
	return false
}

// Asked says how plainly the user asked for an effect.
type Asked uint8

// The degrees of asking.
const (
	AskedNot    Asked = iota
	AskedWeakly       // the user spoke of doing it themselves
	AskedFor
)

// Facts gathers what is known of a call.
func (s *Session) Facts(c llm.ToolCall) *Facts {
	f := &Facts{Tool: s.toolNamed(c.Name), Labels: s.labels}
	var leaves []Leaf
	leaves, f.Complete = Leaves(c)
	f.leaves = leaves
	f.Values = make([]Value, 0, len(leaves))
	for i := range leaves {
		l := &leaves[i]
		v := Value{Path: l.Path, Text: l.Value, Role: l.Role, Kind: l.Kind, Key: l.Key}
		if l.Role != Content {
			v.Seen = s.seen(l)
			v.Origin = origin(v.Seen)
			if l.Kind == lex.Host {
				s.byHost(&v)
			}
			v.Person = v.Kind == lex.Email && s.personNamed(v.Key)
			if v.Origin != User && s.partsByUser(l) {
				v.Origin = User
			}
		}
		f.Values = append(f.Values, v)
		if l.Role == Content || l.Kind == lex.NoIdent {
			s.embedded(f, l)
		}
	}
	if f.Tool.Verbs == Prove {
		f.Confirms = s.effect
	}
	s.asked(f)
	for i := range f.Solicited {
		if h := &f.Solicited[i]; f.Delegated && h.Named && !h.Tainted && !h.Web {
			f.Mandate = true
			for k := range f.Values {
				v := &f.Values[k]
				v.Mandated = v.Mandated || s.mandated(v, h)
			}
		}
	}
	return f
}

// partsByUser tells of a URL whether the user named its host, and of a path or
// owner/name whether the user wrote its last part and the rest is no text's.
func (s *Session) partsByUser(l *Leaf) bool {
	switch l.Kind {
	case lex.Host:
		return s.userPlace(lex.Host, l.Key)
	case lex.Path:
		return s.userPlace(lex.Path, l.Key)
	case lex.Slug:
		i := strings.IndexByte(l.Value, '/')
		owner, repo := newLeaf(l.Path, l.Value[:i], 4), newLeaf(l.Path, l.Value[i+1:], 4)
		if !s.byUser(&repo) {
			return false
		}
		o := origin(s.seen(&owner))
		return o == User || o == System || o == Field
	}
	return false
}

// AtUserPlace tells whether the call acts on a page of a host that the user
// named: a form to fill, a file to fetch.
func (f *Facts) AtUserPlace() bool {
	if f.Tool.Nouns&Web == 0 || f.Tool.Class >= ClassDestructive {
		return false
	}
	ok := false
	for i := range f.Values {
		if v := &f.Values[i]; v.Kind == lex.Host && !v.Embedded {
			if v.Origin != User && !(f.Delegated && v.Linked()) {
				return false
			}
			ok = true
		}
	}
	return ok
}

// byHost looks a URL up by its host as well: where the host came from says who
// led the agent there.
func (s *Session) byHost(v *Value) {
	h := newLeaf(v.Path, v.Key, 4)
	hits := s.seen(&h)
	for i := range hits {
		if hits[i].Named || hits[i].Mentioned {
			v.Seen = append(v.Seen, hits[i])
		}
	}
	if v.Origin == Model {
		v.Seen = hits
		v.Origin = origin(hits)
	}
}

func origin(seen []Seen) Origin {
	best := Model
	rank := [...]int{Model: 0, Prose: 1, Field: 2, System: 3, User: 4}
	for i := range seen {
		if rank[seen[i].Origin] > rank[best] {
			best = seen[i].Origin
		}
	}
	return best
}

func (s *Session) embedded(f *Facts, l *Leaf) {
	n := 0
	lex.EachIdent(l.Value, false, func(id lex.Ident) {
		if !id.Kind.Strong() || n >= 32 || id.Kind == lex.Account && id.End-id.Start > 34 {
			return
		}
		n++
		e := newLeaf(l.Path, l.Value[id.Start:id.End], 4)
		v := Value{Path: l.Path, Text: e.Value, Role: Names, Kind: id.Kind, Key: id.Key, Embedded: true, Seen: s.seen(&e)}
		v.Origin = origin(v.Seen)
		f.Values = append(f.Values, v)
	})
}

func (s *Session) asked(f *Facts) {
	for i := range s.sources {
		src := &s.sources[i]
		d := src.read.doc
		for k := range src.read.clauses {
			cl := &src.read.clauses[k]
			switch {
			case src.role == llm.RoleUser:
				f.Delegated = f.Delegated || cl.verbs&Obey != 0 && cl.nouns&Task != 0
				if f.Tool.wanted(d, cl, cl.verbs) {
					f.Asked = AskedFor
					f.Match = max(f.Match, s.match(f, d, cl))
				} else if f.Tool.wanted(d, cl, cl.own) {
					f.Asked = max(f.Asked, AskedWeakly)
				}
			case src.role == llm.RoleTool && f.other(d, cl):
			case src.role == llm.RoleTool && src.trust != Trusted && len(f.Solicited) < 16 && f.Tool.wanted(d, cl, cl.verbs|cl.mine):
				t := &d.Tokens[cl.first]
				cell := &d.Cells[cl.cell]
				hit := Seen{Origin: Prose, Message: src.message, Part: src.part, Tool: src.tool.Name, Key: cell.Key,
					Start: int(t.Start), End: int(d.Tokens[cl.last-1].End), source: int32(i), cell: cl.cell}
				hit.Web = src.tool.Class == ClassOpenRead
				hit.Named = src.named || s.vouched(int32(i), cell.Record) == named
				hit.Tainted = src.tainted && s.recordTainted(src, cell.Record)
				f.Solicited = append(f.Solicited, hit)
			}
		}
	}
}

// other tells whether a sentence names things of its own, and none of them is in
// the call: then it asks for something else.
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

// wanted tells whether a sentence with these verbs asks for what a tool does.
func (t *Tool) wanted(d *lex.Doc, cl *clause, verbs Verbs) bool {
	v := verbs & t.Verbs
	if v == 0 {
		return false
	}
	if cl.nouns&t.Nouns != 0 || cl.alone&v != 0 && (v&Send == 0 || t.Nouns&(Message|Web) != 0) || t.Nouns == 0 && len(t.words) == 0 {
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
