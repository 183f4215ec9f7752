package fact

import "github.com/archestra-ai/archestra-cli/pkg/policy/lex"

// Value is an argument of a call, or an identifier within one, and where it
// comes from.
type Value struct {
	Path     string        `json:"path"`
	Text     string        `json:"value"`
	Role     Role          `json:"role"`
	Kind     lex.IdentKind `json:"kind,omitzero"`
	Key      string        `json:"-"`                  // comparable form of an identifier
	Embedded bool          `json:"embedded,omitempty"` // it stands within a longer argument
	Secret   string        `json:"secret,omitempty"`   // what kind of secret it holds, never which
	Origin   Origin        `json:"origin"`
	Person   bool          `json:"person,omitempty"`   // an address that holds a name that the user mentioned
	Namesake bool          `json:"namesake,omitempty"` // and another address holds that name too
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

// Trusted tells whether a result that a rule trusts holds the value.
func (v *Value) Trusted() bool {
	for i := range v.Seen {
		if v.Seen[i].Trusted {
			return true
		}
	}
	return false
}

// Known tells whether the value is the address, held in a field, of somebody whom
// the user mentioned. Anybody can write from an address with a name in it, so one
// that only the head of a message holds counts only while it is alone with the
// name.
func (v *Value) Known() bool {
	if !v.Person {
		return false
	}
	for i := range v.Seen {
		if h := &v.Seen[i]; h.Origin == Field || h.Author && !v.Namesake {
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

// Proof returns the place that speaks most against the value: running text with
// the marks of an attack, else running text, else the first place.
func (v *Value) Proof() *Seen {
	var best *Seen
	rank := -1
	for i := range v.Seen {
		h, r := &v.Seen[i], 0
		if h.Origin == Prose {
			r = 2
			if !h.Named {
				r = 3
			}
			if h.Tainted {
				r = 4
			}
		} else if h.Origin == Field {
			r = 1
		}
		if r > rank {
			best, rank = h, r
		}
	}
	return best
}
