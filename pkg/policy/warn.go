package policy

import (
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Warnings tells what is no fault in the rules of files and yet may not be what was
// meant: conditions that hold where their path names nothing, so that a path that is
// spelt wrongly goes unseen.
func (p *Policy) Warnings() []*Error {
	var out []*Error
	warn := func(r *Rule, line int, format string, args ...any) {
		out = append(out, &Error{File: r.File, Line: line, Err: fmt.Errorf(format, args...)})
	}
	for _, r := range p.rules {
		if r.File == "" {
			continue
		}
		open := len(r.when) > 0
		for i := range r.when {
			c := &r.when[i]
			if !c.vacuous() {
				open = false
			} else if !c.path.all && !r.shows(c.path) {
				warn(r, c.line, "no example of the rule %s has an argument %s, and the condition holds where there is none: is the path right?", r.ID, c.path.text)
			}
		}
		if open && r.Action == llm.ActionAllow {
			warn(r, r.Line, "the rule %s also allows calls that have none of these arguments; a plain condition beside them, such as equal, ends that", r.ID)
		}
	}
	return out
}

// shows tells whether an example of the rule has an argument that the path names.
func (r *Rule) shows(p path) bool {
	for i := range r.tests {
		leaves, _ := fact.Leaves(llm.ToolCall{Arguments: r.tests[i].args})
		for _, l := range leaves {
			if p.match(l.Path) {
				return true
			}
		}
	}
	return false
}
