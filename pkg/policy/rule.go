package policy

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Rule is one rule of a file, compiled.
type Rule struct {
	ID      string
	Action  llm.Action // of the list that it stands in
	Because string
	File    string // "" is built in
	Line    int

	tools    []string // globs, in lower case; none means every tool
	classes  []fact.Class
	profiles []string
	session  session
	asked    []fact.Asked
	when     []condition
	tests    []test
}

// session is a condition on what a session has seen.
type session struct{ untrusted, tainted, private, secret *bool }

func (c session) match(l fact.Labels) bool {
	is := func(want *bool, have bool) bool { return want == nil || *want == have }
	return is(c.untrusted, l.Untrusted) && is(c.tainted, l.Tainted) && is(c.private, l.Private) && is(c.secret, l.Secret)
}

// match tells whether the rule holds for a call, and which argument decided.
func (r *Rule) match(profile string, f *fact.Facts) (*fact.Value, bool) {
	if !anyGlob(r.tools, f.Tool.Name) || !anyGlob(r.profiles, profile) || !r.session.match(f.Labels) {
		return nil, false
	}
	if len(r.classes) > 0 && !in(r.classes, f.Tool.Class) || len(r.asked) > 0 && !in(r.asked, f.Asked) {
		return nil, false
	}
	var decided *fact.Value
	for i := range r.when {
		v, ok := r.when[i].holds(f)
		if !ok {
			return nil, false
		}
		if decided == nil {
			decided = v
		}
	}
	return decided, true
}

// anyGlob tells whether one of the patterns matches; none means yes.
func anyGlob(patterns []string, s string) bool {
	if len(patterns) == 0 {
		return true
	}
	s = strings.ToLower(s)
	for _, p := range patterns {
		if glob(p, s) {
			return true
		}
	}
	return false
}

func in[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// because fills a rule's own sentence: {path}, {value}, {origin}, {tool} and
// {args.NAME}.
func (r *Rule) because(f *fact.Facts, v *fact.Value) string {
	s := r.Because
	if s == "" {
		s = "the rule " + r.ID + " says so"
	}
	if !strings.Contains(s, "{") {
		return s
	}
	pairs := []string{"{tool}", f.Tool.Name}
	if v != nil {
		pairs = append(pairs, "{path}", v.Path, "{value}", shown(v.Text, v.Secret), "{origin}", v.Origin.String())
	}
	for _, l := range f.Leaves() {
		pairs = append(pairs, "{args."+l.Path+"}", shown(l.Value, f.SecretAt(l.Path)))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}
