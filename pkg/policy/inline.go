package policy

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// test is an example in a rule: a call, or a tool result, that the rule must
// match or must not.
type test struct {
	want    bool
	line    int
	tool    string
	profile string
	args    json.RawMessage
	labels  fact.Labels
	seen    map[string]fact.Origin // by argument path
	asked   fact.Asked
	result  string
}

// runTests runs the examples of every rule and returns what went wrong.
func (p *Policy) runTests() []error {
	var errs []error
	fail := func(file string, t test, id string) {
		if file == "" {
			file = "built in"
		}
		what := "does not match an example that it must match"
		if !t.want {
			what = "matches an example that it must not match"
		}
		errs = append(errs, &Error{File: file, Line: t.line, Err: fmt.Errorf("the rule %s %s", id, what)})
	}
	for _, r := range p.rules {
		for _, t := range r.tests {
			f := t.facts(firstPlain(r.tools))
			if _, got := r.match(t.profileOr(r.profiles), f); got != t.want {
				fail(r.File, t, r.ID)
			}
		}
	}
	for _, r := range p.results {
		for _, t := range r.tests {
			tool := t.tool
			if tool == "" {
				tool = firstPlain(r.tools)
			}
			leaves, _ := fact.Leaves(llm.ToolCall{Name: tool, Arguments: t.args})
			items, complete := resultItems(t.result)
			got := (complete || r.Trust != fact.Trusted) && r.match(t.profileOr(r.profiles), tool, leaves, items)
			if got != t.want {
				fail(r.File, t, r.ID)
			}
		}
	}
	return errs
}

func (t *test) profileOr(patterns []string) string {
	if t.profile == "" {
		return firstPlain(patterns)
	}
	return t.profile
}

// firstPlain returns a text that the first pattern matches, so that an example
// need not repeat the rule's own tool and profile.
func firstPlain(patterns []string) string {
	if len(patterns) == 0 {
		return ""
	}
	return strings.ReplaceAll(patterns[0], "*", "")
}

// facts makes the facts of an example, as if they had been gathered.
func (t *test) facts(tool string) *fact.Facts {
	if t.tool != "" {
		tool = t.tool
	}
	return fact.Example(llm.ToolCall{Name: tool, Arguments: t.args}, t.labels, t.asked, t.seen)
}
