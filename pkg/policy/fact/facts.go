package fact

import (
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
	Seen     []Seen        `json:"seen,omitempty"`
}

// Facts is what is known of one proposed call.
type Facts struct {
	Tool      *Tool
	Labels    Labels
	Values    []Value
	Complete  bool // every argument was read
	Asked     Asked
	Delegated bool // the user told the agent to do what some text says
	// Solicited lists untrusted places that ask for this very effect.
	Solicited []Seen
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
	f.Values = make([]Value, 0, len(leaves))
	for i := range leaves {
		l := &leaves[i]
		v := Value{Path: l.Path, Text: l.Value, Role: l.Role, Kind: l.Kind, Key: l.Key}
		if l.Role != Content {
			v.Seen = s.seen(l)
			v.Origin = origin(v.Seen)
			if v.Origin == Model && l.Kind == lex.Host {
				s.byHost(&v)
			}
		}
		f.Values = append(f.Values, v)
		if l.Role == Content || l.Kind == lex.NoIdent {
			s.embedded(f, l)
		}
	}
	s.asked(f)
	return f
}

// byHost looks a URL up by its host alone, where the URL was never seen whole.
func (s *Session) byHost(v *Value) {
	h := newLeaf(v.Path, v.Key, 4)
	v.Seen = s.seen(&h)
	v.Origin = origin(v.Seen)
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
		if !id.Kind.Strong() || n >= 32 {
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
				} else if f.Tool.wanted(d, cl, cl.own) {
					f.Asked = max(f.Asked, AskedWeakly)
				}
			case src.role == llm.RoleTool && src.trust != Trusted && len(f.Solicited) < 16 && f.Tool.wanted(d, cl, cl.verbs):
				t := &d.Tokens[cl.first]
				cell := &d.Cells[cl.cell]
				hit := Seen{Origin: Prose, Message: src.message, Part: src.part, Tool: src.tool.Name, Key: cell.Key,
					Start: int(t.Start), End: int(d.Tokens[cl.last-1].End), source: int32(i), cell: cl.cell}
				hit.Named = src.named || s.vouched(int32(i), cell.Record)
				hit.Tainted = src.tainted && s.recordTainted(src, cell.Record)
				f.Solicited = append(f.Solicited, hit)
			}
		}
	}
}

// wanted tells whether a sentence with these verbs asks for what a tool does.
func (t *Tool) wanted(d *lex.Doc, cl *clause, verbs Verbs) bool {
	v := verbs & t.Verbs
	if v == 0 {
		return false
	}
	if cl.nouns&t.Nouns != 0 || cl.alone&t.Verbs != 0 || t.Nouns == 0 && len(t.words) == 0 {
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
