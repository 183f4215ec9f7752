package fact

import (
	"encoding/json"
	"fmt"
)

// The names that facts are stored and shown by.

// MarshalText writes the origin's name.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// MarshalText writes the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalText lists the kinds of doing.
func (v Verbs) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

func (r Role) String() string { return [...]string{"name", "content", "quantity", "?"}[r&3] }

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (a Asked) String() string { return [...]string{"no", "weakly", "yes", "?"}[a&3] }

// MarshalText writes how plainly the user asked.
func (a Asked) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (m Match) String() string { return [...]string{"other", "source", "open", "named"}[m&3] }

// MarshalText writes how the call fits.
func (m Match) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ParseOrigin reads the name of an origin. "tool" stands for both that tools give.
func ParseOrigin(s string) ([]Origin, error) {
	if s == "tool" {
		return []Origin{Field, Prose}, nil
	}
	for i, n := range originNames {
		if n == s {
			return []Origin{Origin(i)}, nil
		}
	}
	return nil, fmt.Errorf("%q is no origin: user, system, tool, tool.field, tool.prose or model", s)
}

// ParseAsked reads how plainly the user asked.
func ParseAsked(s string) (Asked, bool) {
	for a := AskedNot; a <= AskedFor; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return 0, false
}

// MarshalJSON leaves a secret's text out.
func (v Value) MarshalJSON() ([]byte, error) {
	type plain Value
	if v.Secret != "" {
		v.Text = ""
	}
	b, err := json.Marshal(plain(v))
	if err != nil {
		return nil, fmt.Errorf("the facts of %s: %w", v.Path, err)
	}
	return b, nil
}
