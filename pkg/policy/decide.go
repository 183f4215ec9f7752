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

func vouchedFor(v *fact.Value) bool {
	for i := range v.Seen {
		if v.Seen[i].Named && !v.Seen[i].Tainted || v.Seen[i].Trusted {
			return true
		}
	}
	return false
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
			if v.Kind == lex.Host && v.Origin == fact.Prose && !vouchedFor(v) {
				return ask("open-read-prose", v)
			}
		}
		return allow("open-read")
	}
	if t.Verbs == fact.Prove {
		return allow("prove")
	}
	if t.Local {
		return allow("local")
	}
	mandate := false
	if f.Delegated {
		for i := range f.Solicited {
			if f.Solicited[i].Named && !f.Solicited[i].Tainted {
				mandate = true
			}
		}
	}
	if f.Asked != fact.AskedFor && !mandate {
		return ask("unasked", nil)
	}
	for i := range f.Values {
		v := &f.Values[i]
		if v.Kind.Strong() && v.Origin == fact.Prose && !vouchedFor(v) {
			return ask("prose-ident", v)
		}
	}
	byUser := true
	for i := range f.Values {
		v := &f.Values[i]
		if v.Role == fact.Names && !v.Embedded && v.Origin != fact.User {
			byUser = false
		}
	}
	if len(f.Solicited) > 0 && !byUser && !mandate {
		return ask("solicited", nil)
	}
	return allow("asked")
}
