package policy

import (
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Policy is a set of rules, compiled. It does not change and is safe for
// concurrent use.
type Policy struct {
	mode     Mode
	rules    []*Rule
	results  []*ResultRule
	profiles []profileRules
	disabled map[string]bool
	digest   string
	// protected holds the places of the built-in rule about lasting writes, for
	// commands.
	protected []predicate
}

// profileRules is what a file says of profiles beside their rules.
type profileRules struct {
	pattern   string
	mode      Mode
	untrusted bool
}

// Digest names the texts that the policy was loaded from: two policies of the same
// program that have the same digest decide alike.
func (p *Policy) Digest() string { return p.digest }

// order sorts the rules: denials first, then asks, then allowances; in each list
// the project's before the user's before the built-in ones, which is the reverse
// of the order in which they were loaded.
func (p *Policy) order() {
	p.rules = slices.DeleteFunc(p.rules, func(r *Rule) bool { return r.File == "" && p.disabled[r.ID] })
	slices.SortStableFunc(p.rules, func(a, b *Rule) int { return weight(a) - weight(b) })
	for _, r := range p.rules {
		if r.ID == protectedID {
			for i := range r.when {
				for _, t := range r.when[i].tests {
					if t.name == "path_under" {
						p.protected = append(p.protected, t)
					}
				}
			}
		}
	}
}

// protectedID is the built-in rule in default.yaml that lists the places where a
// write lasts beyond the session.
const protectedID = "lasting-write"

func weight(r *Rule) int {
	w := map[llm.Action]int{llm.ActionBlock: 0, llm.ActionAsk: 10, llm.ActionAllow: 20}[r.Action]
	if r.File == "" {
		w++
	}
	return w
}

// Mode tells whether the verdicts of a profile are acted upon.
func (p *Policy) Mode(profile string) Mode {
	m := p.mode
	for i := range p.profiles {
		if s := &p.profiles[i]; s.mode != "" && glob(s.pattern, lower(profile)) {
			m = s.mode
		}
	}
	return m
}

// StartsUntrusted tells whether the sessions of a profile are untrusted from the
// beginning.
func (p *Policy) StartsUntrusted(profile string) bool {
	for i := range p.profiles {
		if s := &p.profiles[i]; s.untrusted && glob(s.pattern, lower(profile)) {
			return true
		}
	}
	return false
}

// Judge decides on one call by its facts. memory holds the answers that a person
// gave in the session; nil is none.
func (p *Policy) Judge(profile string, f *fact.Facts, memory *Memory) Verdict {
	v := p.judge(profile, f, memory)
	v.Facts, v.Sink = f, Sink(f)
	if p.Mode(profile) == Report && v.Action != llm.ActionAllow {
		v.Would, v.Action = v.Action, llm.ActionAllow
	}
	return v
}

func (p *Policy) judge(profile string, f *fact.Facts, memory *Memory) Verdict {
	tried := p.rules
	if v, ok := p.list(&tried, llm.ActionBlock, profile, f); ok {
		return v
	}
	if g := p.denied(f); g != nil {
		return g.verdict()
	}
	if v, ok := p.granted(profile, f); ok {
		return v
	}
	if v, ok := p.list(&tried, llm.ActionAsk, profile, f); ok {
		return p.answered(v, f, memory)
	}
	if v, ok := p.list(&tried, llm.ActionAllow, profile, f); ok {
		return v
	}
	if g := askTier(f); g != nil && !p.disabled[g.rule.ID] {
		return p.answered(g.verdict(), f, memory)
	}
	return Verdict{Action: llm.ActionAllow, Rule: "default"}
}

// granted looks for an answer that a person gave once and for all. It is about
// exactly this call, so it comes before the question that it answered.
func (p *Policy) granted(profile string, f *fact.Facts) (Verdict, bool) {
	for _, r := range p.rules {
		if r.Action == llm.ActionAllow && strings.HasPrefix(r.ID, answerPrefix) && r.File != "" {
			if value, ok := r.match(profile, f); ok {
				return r.verdict(f, value), true
			}
		}
	}
	return Verdict{}, false
}

// list looks for the first matching rule of one list, and leaves the lists behind
// it in rules.
func (p *Policy) list(rules *[]*Rule, a llm.Action, profile string, f *fact.Facts) (Verdict, bool) {
	for len(*rules) > 0 && (*rules)[0].Action == a {
		r := (*rules)[0]
		*rules = (*rules)[1:]
		if value, ok := r.match(profile, f); ok {
			return r.verdict(f, value), true
		}
	}
	return Verdict{}, false
}

// denied runs the built-in denials.
func (p *Policy) denied(f *fact.Facts) *finding {
	if g := denyTier(f); g != nil && !p.disabled[g.rule.ID] {
		return g
	}
	if f.Tool.Class == fact.ClassExecute && f.Labels.Untrusted {
		return p.lastingCommand(f)
	}
	return nil
}

// lastingCommand blocks a command that writes to a protected place that the user
// did not name.
func (p *Policy) lastingCommand(f *fact.Facts) *finding {
	if p.disabled[persists.ID] || len(p.protected) == 0 {
		return nil
	}
	for _, t := range targets(shellCommands(f)) {
		if userNamed(f, t) {
			continue
		}
		for _, pred := range p.protected {
			if pred.test(item{text: t}) {
				return &finding{rule: persists, value: telling(f), place: f.Doubt, note: quoted(t)}
			}
		}
	}
	return nil
}

// userNamed tells whether the user wrote a path, or the folder that it lies in.
func userNamed(f *fact.Facts, path string) bool {
	for _, p := range f.UserPaths() {
		if newPathPattern(p).holds(path) {
			return true
		}
	}
	return false
}

// answered applies what a person answered before for the same sink.
func (p *Policy) answered(v Verdict, f *fact.Facts, memory *Memory) Verdict {
	if v.Action != llm.ActionAsk {
		return v
	}
	switch memory.Recall(Sink(f)) {
	case llm.ActionAllow:
		return Verdict{Action: llm.ActionAllow, Rule: v.Rule, Reason: "allowed before in this session: " + v.Reason, Path: v.Path, Value: v.Value, Source: v.Source}
	case llm.ActionBlock:
		v.Action, v.Reason = llm.ActionBlock, "denied before in this session: "+v.Reason
	}
	return v
}

func (r *Rule) verdict(f *fact.Facts, value *fact.Value) Verdict {
	v := Verdict{Action: r.Action, Rule: r.ID, File: r.File, Line: r.Line, Reason: r.because(f, value)}
	if value != nil {
		v.Path, v.Value, v.Source = value.Path, value.Text, value.Proof()
		if value.Secret != "" {
			v.Value = ""
		}
		if v.Source != nil {
			v.Reason += "; see " + where(v.Source)
		}
	}
	if v.Source == nil {
		v.Source = f.Doubt
	}
	return v
}

func (g *finding) verdict() Verdict {
	v := Verdict{Action: g.rule.Action, Rule: g.rule.ID, Reason: g.explain(), Accept: g.rule.Accept, Source: g.place}
	if g.value != nil {
		v.Path, v.Value = g.value.Path, g.value.Text
		if v.Source == nil {
			v.Source = g.value.Proof()
		}
		if g.value.Secret != "" {
			v.Value = ""
		}
	}
	return v
}

// Result tells what the rules say of a tool result. Blocking wins over distrust,
// distrust over trust; where no rule speaks, a result is not trusted.
func (p *Policy) Result(profile, tool string, args []fact.Leaf, text string) ResultVerdict {
	best := ResultVerdict{Trust: fact.Untrusted}
	var items []item
	complete := true
	for _, trust := range [...]fact.Trust{fact.Blocked, fact.Untrusted, fact.Trusted} {
		for _, r := range p.results {
			if r.Trust != trust || !anyGlob(r.tools, tool) {
				continue
			}
			if items == nil && len(r.when) > 0 {
				items, complete = resultItems(text)
			}
			if trust == fact.Trusted && len(r.when) > 0 && !complete || !r.match(profile, tool, args, items) {
				continue
			}
			best = ResultVerdict{Trust: trust, Rule: r.ID, Because: r.Because}
			if trust == fact.Blocked {
				best.Replacement = "[archestra: the result of " + tool + " was blocked by the rule " + r.ID + because(r.Because) + "]"
			}
			return best
		}
	}
	return best
}

func because(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return ": " + s
}

// HasResultRules tells whether any rule speaks of results, so that a caller need
// not read them.
func (p *Policy) HasResultRules() bool { return len(p.results) > 0 }
