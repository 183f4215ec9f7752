package policy

import (
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

type Decision struct {
	Action llm.Action
	Rule   string
	Reason string
	Value  *fact.Value
}

func Decide(f *fact.Facts) Decision {
	allow := func(rule string) Decision { return Decision{Action: llm.ActionAllow, Rule: rule} }
	ask := func(rule string, v *fact.Value) Decision {
		d := Decision{Action: llm.ActionAsk, Rule: rule, Value: v}
		if v != nil {
			d.Reason = fmt.Sprintf("%s=%q %s", v.Path, v.Text, v.Origin)
		}
		return d
	}
	t := f.Tool
	if t.Class == fact.ClassRead || !f.Labels.Untrusted {
		return allow("read")
	}
	if t.Class == fact.ClassOpenRead {
		for i := range f.Values {
			v := &f.Values[i]
			if v.Kind == lex.Host && v.Origin == fact.Prose && !v.Linked() {
				return ask("open-read-prose", v)
			}
		}
		return allow("open-read")
	}
	if t.Local {
		return allow("local")
	}
	if f.Labels.Tainted {
		return ask("tainted", nil)
	}
	if t.Verbs == fact.Prove {
		if f.Confirms != nil {
			return Decide(f.Confirms)
		}
		return allow("prove")
	}
	mandate := f.Mandate
	asked := f.Asked == fact.AskedFor || f.AtUserPlace()
	if f.Asked == fact.AskedFor && f.Match == fact.MatchNothing && !mandate && !f.AtUserPlace() {
		return ask("mismatch", nil)
	}
	if !asked && !mandate {
		return ask("unasked", nil)
	}
	alien := false // a name that only a page gave
	sinks := true  // the user named every identifier that says where
	for i := range f.Values {
		v := &f.Values[i]
		if v.Embedded || v.Role != fact.Names {
			continue
		}
		if v.Kind.Strong() {
			sinks = sinks && v.Origin == fact.User
		} else if v.Origin == fact.Prose && v.FromWeb() {
			alien = true
		}
	}
	strong := 0
	for i := range f.Values {
		v := &f.Values[i]
		if !v.Kind.Strong() || v.Embedded && sinks && strong > 0 {
			continue
		}
		strong++
		if v.Mandated {
			continue
		}
		switch v.Origin {
		case fact.Model:
			if !v.Embedded {
				return ask("model-ident", v)
			}
		case fact.Prose:
			if v.Known() {
				continue
			}
			if v.Kind == lex.Host && !v.Linked() || v.Kind != lex.Host && !v.Vouched() || alien && v.FromWeb() {
				return ask("prose-ident", v)
			}
		case fact.Field:
			if !asked && !v.Vouched() {
				return ask("field-ident", v)
			}
		}
	}
	for i := range f.Values {
		v := &f.Values[i]
		if v.Role == fact.Names && !v.Embedded && !v.Kind.Strong() && v.Origin == fact.Prose && !v.Vouched() {
			return ask("prose-name", v)
		}
	}
	byUser := true
	for i := range f.Values {
		v := &f.Values[i]
		if v.Role == fact.Names && !v.Embedded && v.Origin != fact.User && !v.Known() {
			byUser = false
		}
	}
	if !byUser && !mandate && !f.AtUserPlace() {
		for i := range f.Solicited {
			if h := &f.Solicited[i]; !h.Named || h.Web || h.Tainted {
				return ask("solicited", nil)
			}
		}
	}
	return allow("asked")
}
