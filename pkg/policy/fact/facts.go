package fact

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Facts is what is known of one proposed call. It is made from the conversation
// and the call alone, and is stored and shown as it is.
type Facts struct {
	Tool     *Tool   `json:"tool"`
	Labels   Labels  `json:"session"`
	Values   []Value `json:"values,omitempty"`
	Complete bool    `json:"complete"` // every argument was read, and could be read in one way only
	// Asked tells how plainly the user asked for such an effect, and Match how the
	// call fits what the user named where they asked.
	Asked Asked `json:"asked"`
	Match Match `json:"match"`
	// Delegated tells that the user told the agent to do what some text says, and
	// Mandate that a text which the user named asks for this effect.
	Delegated bool `json:"delegated,omitempty"`
	Mandate   bool `json:"mandate,omitempty"`
	// Solicited lists places in tool results that ask for this very effect.
	Solicited []Seen `json:"solicited,omitempty"`
	// Doubt is why the session is untrusted: the first place that carries the marks
	// of an attack, or where there is none the first text that nobody vouches for.
	Doubt *Seen `json:"doubt,omitempty"`
	// Confirms holds the facts of the effect that a confirming call (a code, a
	// password) lets happen, as they were when it was proposed.
	Confirms *Facts `json:"confirms,omitempty"`

	leaves []Leaf
	paths  []string
}

// UserPaths returns the paths that the user wrote.
func (f *Facts) UserPaths() []string { return f.paths }

// Leaves returns the scalars of the call's arguments.
func (f *Facts) Leaves() []Leaf { return f.leaves }

// Facts gathers what is known of a call, before it is appended.
func (s *Session) Facts(c llm.ToolCall) *Facts {
	leaves, complete := Leaves(c)
	return s.factsOf(c.Name, leaves, complete)
}

func (s *Session) factsOf(tool string, leaves []Leaf, complete bool) *Facts {
	f := &Facts{Tool: s.toolNamed(tool), Labels: s.now.labels, Delegated: s.now.obey, Doubt: s.now.doubt, paths: s.folders[:len(s.folders):len(s.folders)]}
	f.leaves, f.Complete = leaves, complete
	f.Values = make([]Value, 0, len(f.leaves))
	names, found := 0, 0
	for i := range f.leaves {
		l := &f.leaves[i]
		if l.Role == Names {
			if names++; names > maxNames {
				f.Complete = false
				break
			}
		}
		v := Value{Path: l.Path, Text: l.Value, Role: l.Role, Kind: l.Kind, Key: l.Key}
		if l.Role != Content {
			s.trace(&v, l)
		}
		f.Values = append(f.Values, v)
		embedded(l, func(v Value, e *Leaf) bool {
			s.trace(&v, e)
			f.Values = append(f.Values, v)
			found++
			return found < maxEmbedded
		})
	}
	if s.a.secret != nil {
		f.secrets(s.a.secret)
	}
	if f.Tool.Acts() {
		s.asked(f)
	}
	if f.Tool.Verbs == Prove {
		f.Confirms = s.confirmed()
	}
	return f
}

// trace finds where a value comes from.
func (s *Session) trace(v *Value, l *Leaf) {
	v.Seen = s.seen(l)
	v.Origin = origin(v.Seen)
	if l.Kind == lex.Host {
		s.byHost(v)
	}
	v.Person = v.Kind == lex.Email && s.personNamed(v.Key)
	v.Namesake = v.Person && s.namesake(v.Key)
	if v.Origin != User && s.partsByUser(l) {
		v.Origin = User
	}
}

// byHost looks a URL up by its host as well: where the host came from says who
// led the agent there.
func (s *Session) byHost(v *Value) {
	h := newLeaf(v.Path, v.Key, jsonscan.String)
	hits := s.seen(&h)
	if v.Origin == Model {
		v.Seen = hits
		v.Origin = origin(hits)
		return
	}
	for i := range hits {
		if hits[i].Named || hits[i].Mentioned {
			v.Seen = append(v.Seen, hits[i])
		}
	}
}

// maxEmbedded bounds how many identifiers within the arguments of a call are
// traced, and maxNames how many arguments that name something. A call with more of
// these is not judged but refused: its arguments were not all read.
const (
	maxEmbedded = 64
	maxNames    = 256
)

// maxNumber is how long an account number within a text can be; what is longer
// is a key or a hash, and says nothing of where an effect goes.
const maxNumber = 34

// embedded calls f with the identifiers that stand within an argument, a link in a
// message or a host in a command, until f has enough.
func embedded(l *Leaf, f func(v Value, leaf *Leaf) bool) {
	if l.Role != Content && l.Kind != lex.NoIdent {
		return
	}
	more := true
	lex.EachIdent(l.Value, false, func(id lex.Ident) {
		if !more || !id.Kind.Strong() || id.Kind == lex.Account && id.End-id.Start > maxNumber {
			return
		}
		e := newLeaf(l.Path, l.Value[id.Start:id.End], jsonscan.String)
		more = f(Value{Path: l.Path, Text: e.Value, Role: Names, Kind: id.Kind, Key: id.Key, Embedded: true}, &e)
	})
}

func (f *Facts) secrets(find func(string) string) {
	for i := range f.Values {
		if v := &f.Values[i]; !v.Embedded && len(v.Text) >= 6 {
			v.Secret = find(v.Text)
		}
	}
}

// SecretAt returns what kind of secret the argument at a path holds, or "".
func (f *Facts) SecretAt(path string) string {
	for i := range f.Values {
		if v := &f.Values[i]; v.Path == path && v.Secret != "" {
			return v.Secret
		}
	}
	return ""
}

// AtUserPlace tells whether the call acts on a page of a host that the user
// named, or led to by a text that they delegated to: a form to fill, a file to
// fetch.
func (f *Facts) AtUserPlace() bool {
	if f.Tool.Nouns&Web == 0 || f.Tool.Class != ClassEffect {
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
