package cli

import (
	"fmt"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// explained prints one call for people.
func (p *page) explained(e *explainedCall) {
	args := oneLine(e.Call.Arguments)
	if len(e.Call.Arguments) == 0 {
		args = e.Call.ArgumentsText
	}
	p.heading("→ %s %s", e.Call.Name, args)
	p.stored(&e.Call)
	v := &e.Now
	now := string(decision(*v)) + " by " + v.Rule + " (" + placeOf(v.File, v.Line) + ")"
	if v.Rule == "default" {
		now = "allow: no rule stops it"
	}
	if v.Would != "" {
		now += "; mode report lets it pass"
	}
	p.line(actionStyle(decision(*v)), "  now      %s", now)
	if e.Differs {
		p.line(yellow, "           The rules in force now do not say what was said then.")
	}
	p.said("", v.Reason)
	if v.Accept != "" {
		p.said("accepted instead: ", v.Accept)
	}
	p.facts(v.Facts)
	p.source("source", e.Source)
	p.source("source then", e.SourceThen)
	p.tried(e)
}

// source quotes a place with what stands around it.
func (p *page) source(name string, s *place) {
	if s == nil {
		return
	}
	whose := string(s.Role)
	if s.Tool != "" {
		whose = "what " + s.Tool + " returned"
	}
	p.line(plain, "  %-8s message %d, part %d, bytes %d-%d: %s", name, s.Message, s.Part, s.Start, s.End, whose)
	p.line(dim, "           …%s«%s»%s…", s.Before, s.Text, s.After)
}

// said prints a sentence below what it belongs to.
func (p *page) said(what, s string) {
	if s != "" {
		p.line(plain, "           %s%s", what, s)
	}
}

// stored prints what was decided when the call was made.
func (p *page) stored(c *llm.ToolCall) {
	if c.Verdict == "" {
		p.line(dim, "  then     nothing was judged")
		return
	}
	then := string(decided(c)) + " by " + c.Rule
	switch {
	case c.Rule == "default":
		then = "allow: no rule stopped it"
	case c.Would != "":
		then += "; it passed, since nothing was held"
	case c.Answer != "":
		then += "; answered " + string(c.Answer) + " (" + c.By + ")"
	}
	p.line(actionStyle(decided(c)), "  then     %s", then)
	p.said("", c.Reason)
}

// facts prints what is known of a call, the values that come from elsewhere first.
func (p *page) facts(f *fact.Facts) {
	var seen []string
	for _, l := range []struct {
		is   bool
		word string
	}{{f.Labels.Untrusted, "untrusted text"}, {f.Labels.Tainted, "the marks of an attack"}, {f.Labels.Private, "private data"}, {f.Labels.Secret, "secrets"}} {
		if l.is {
			seen = append(seen, l.word)
		}
	}
	if len(seen) == 0 {
		seen = []string{"nothing doubtful"}
	}
	p.line(plain, "  facts    class %s; you asked for such an effect: %s; the conversation has seen %s", f.Tool.Class, f.Asked, strings.Join(seen, ", "))
	if f.Confirms != nil {
		p.line(plain, "           it confirms the call of %s before it", f.Confirms.Tool.Name)
	}
	const most = 12
	for k := range f.Values {
		if k == most {
			p.line(dim, "           and %s", plural(int64(len(f.Values)-most), "value")+" more; --json has them")
			return
		}
		v := &f.Values[k]
		text := toRune(v.Text, maxAround)
		if v.Secret != "" {
			text = "(" + v.Secret + ")"
		}
		origin := v.Origin.String()
		if v.Role == fact.Content && !v.Embedded {
			origin = "text"
		}
		if s := v.Proof(); s != nil && v.Origin != fact.Model {
			origin += fmt.Sprintf(", message %d, %s", s.Message, s.Form)
		}
		p.line(plain, "           %s = %s  %s", v.Path, text, origin)
	}
}

// tried prints how far the rules were tried, and which matched.
func (p *page) tried(e *explainedCall) {
	var matched []string
	n := len(e.Tried)
	for k, t := range e.Tried {
		if t.ID == e.Now.Rule {
			n = k + 1
		}
		if t.Matched && t.ID != e.Now.Rule {
			matched = append(matched, string(t.Action)+" "+t.ID)
		}
	}
	p.line(plain, "  rules    %d of %d were tried until one decided", n, len(e.Tried))
	if len(matched) > 0 {
		p.line(plain, "           others that match: %s", strings.Join(matched, ", "))
	}
}
