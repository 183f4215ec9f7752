package policy

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Info describes a rule in force, in the order in which rules are tried.
type Info struct {
	ID      string     `json:"id"`
	Action  llm.Action `json:"action,omitempty"` // of rules about calls
	Trust   string     `json:"trust,omitempty"`  // of rules about results
	Because string     `json:"because,omitempty"`
	File    string     `json:"file,omitempty"` // "" is built in
	Line    int        `json:"line,omitempty"`
	Tests   int        `json:"tests,omitempty"` // examples that stand in the rule
}

// Rules lists the rules in force: those about calls in the order in which they are
// tried, then those about results.
func (p *Policy) Rules() []Info {
	var out []Info
	add := func(a llm.Action) {
		for _, r := range p.rules {
			if r.Action == a {
				out = append(out, Info{ID: r.ID, Action: a, Because: r.Because, File: r.File, Line: r.Line, Tests: len(r.tests)})
			}
		}
	}
	tier := func(a llm.Action) {
		for _, b := range builtins {
			if b.Action == a && !p.disabled[b.ID] {
				out = append(out, Info{ID: b.ID, Action: a, Because: b.Text})
			}
		}
	}
	add(llm.ActionBlock)
	tier(llm.ActionBlock)
	add(llm.ActionAsk)
	add(llm.ActionAllow)
	tier(llm.ActionAsk)
	for _, trust := range [...]fact.Trust{fact.Blocked, fact.Untrusted, fact.Trusted} {
		for _, r := range p.results {
			if r.Trust == trust {
				out = append(out, Info{ID: r.ID, Trust: trust.String(), Because: r.Because, File: r.File, Line: r.Line, Tests: len(r.tests)})
			}
		}
	}
	return out
}

// Trial is a rule that was tried for a call, and whether it matched.
type Trial struct {
	Info
	Matched bool `json:"matched"`
}

// Explain tells which rules speak of a call, in the order of trying, whether or not
// an earlier one decided. The first that matched, or none, is the verdict.
func (p *Policy) Explain(profile string, f *fact.Facts) []Trial {
	var out []Trial
	matched := map[string]bool{}
	for _, r := range p.rules {
		_, matched[r.ID] = r.match(profile, f)
	}
	for _, g := range []*finding{p.denied(f), askTier(f)} {
		if g != nil {
			matched[g.rule.ID] = true
		}
	}
	for _, i := range p.Rules() {
		if i.Action != "" {
			out = append(out, Trial{Info: i, Matched: matched[i.ID]})
		}
	}
	return out
}
