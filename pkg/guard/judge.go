package guard

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Ids of verdicts that no rule gave.
const (
	ruleFailure  = "guard-failure"   // the guard itself failed
	ruleUnclear  = "unclear-call"    // the call cannot be read with certainty, or was not whole
	ruleDropTurn = "dropped-with-it" // another call of the same turn was refused
)

func (x *Exchange) judgingSession() *policy.Session {
	if x.judging == nil {
		x.judging = x.rules.Session(x.guard.analyzer, x.target.Profile, x.history(), x.sessionOf().memory)
	}
	return x.judging
}

// judge decides on a call by the rules. It does not ask.
func (x *Exchange) judge(c llm.ToolCall) (v policy.Verdict) {
	failed := policy.Verdict{Action: llm.ActionBlock, Rule: ruleFailure, Reason: "archestra failed while it judged the call, so it is refused"}
	defer x.survive("the verdict", func() { v = failed })
	if !x.Acts() {
		failed.Would, failed.Action = failed.Action, llm.ActionAllow
	}
	if x.rules == nil {
		return failed
	}
	v = x.judgingSession().Judge(c)
	if !x.guard.opts.Act && v.Action != llm.ActionAllow {
		v.Would, v.Action = v.Action, llm.ActionAllow
	}
	return v
}

// maxFacts bounds the facts that stand in a record.
const maxFacts = 32 << 10

// dress puts a verdict on a call.
func dress(c *llm.ToolCall, v *policy.Verdict) {
	c.Verdict, c.Would, c.Rule, c.Reason, c.Accept, c.Path = v.Action, v.Would, v.Rule, v.Reason, v.Accept, v.Path
	if v.Facts == nil || c.Facts != nil {
		return
	}
	evidence := struct {
		*policyFacts
		Source any `json:"source,omitempty"`
	}{(*policyFacts)(v.Facts), nil}
	if v.Source != nil {
		evidence.Source = v.Source
	}
	if b, err := json.Marshal(evidence); err == nil && len(b) <= maxFacts {
		c.Facts = b
	}
}

// taken returns the verdict of a call of the answer that was decided while it
// passed, and takes it off the list.
func (x *Exchange) taken(c *llm.ToolCall) *Judged {
	for i := range x.judged {
		j := x.judged[i]
		if !j.taken && j.Call.Name == c.Name && j.Call.ID == c.ID && j.Call.Choice == c.Choice &&
			bytes.Equal(j.Call.Arguments, c.Arguments) && j.Call.ArgumentsText == c.ArgumentsText {
			j.taken = true
			return j
		}
	}
	for i := range x.judged { // one that was refused before it was whole
		if j := x.judged[i]; !j.taken && (j.Call.ID != "" && j.Call.ID == c.ID || j.Call.ID == "" && j.Call.Name == c.Name) {
			j.taken = true
			return j
		}
	}
	return nil
}

// told tells live what was decided of a call.
func (x *Exchange) told(j *Judged) {
	if x.target.Judged != nil {
		x.target.Judged(j.Call)
	}
}

// Annotate puts verdicts on the calls of an answer, for the record: those that were
// given while the calls passed, and for calls that were not held the rules' own.
func (x *Exchange) Annotate(calls []llm.ToolCall) {
	for i := range x.judged {
		x.judged[i].taken = false
	}
	for i := range calls {
		c := &calls[i]
		if j := x.taken(c); j != nil {
			kept := *c
			*c = j.Call
			c.Arguments, c.ArgumentsText = kept.Arguments, kept.ArgumentsText
			continue
		}
		v := x.judge(*c)
		switch {
		case !x.Acts() || v.Action == llm.ActionAllow:
		case x.gated: // the answer broke off before the call was whole: it went nowhere
			v.Action = llm.ActionBlock
		default: // it has passed: what the rules say of it is told, and what became of it
			v.Would, v.Action = v.Action, llm.ActionAllow
		}
		dress(c, &v)
	}
}

// refusal words what a user reads in the place of a call that was refused.
func refusal(c llm.ToolCall, v *policy.Verdict) string {
	var b strings.Builder
	b.WriteString("[archestra] The call of " + quote(c.Name) + " was not let through. ")
	b.WriteString("Rule " + v.Rule + ": " + sentence(v.Reason))
	if v.Rule != ruleDropTurn && v.Path != "" && v.Value != "" && !strings.Contains(v.Reason, v.Path+"=") && !strings.Contains(v.Reason, v.Value) {
		b.WriteString(" The argument is " + clean(v.Path, 100) + "=" + quote(v.Value) + ".")
	}
	if v.Accept != "" {
		b.WriteString(" What would be accepted: " + sentence(v.Accept))
	}
	return b.String()
}

// sentence ends a reason as a sentence does, within bounds.
func sentence(s string) string {
	const most = 600
	s = clean(s, most)
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?…") {
		s += "."
	}
	return s
}

// gateRefusal words the refusals that a gate makes itself.
func (x *Exchange) gateRefusal(c llm.ToolCall, why error) string {
	v := unclear(why)
	return refusal(c, &v)
}

func unclear(why error) policy.Verdict {
	return policy.Verdict{
		Action: llm.ActionBlock, Rule: ruleUnclear, Reason: why.Error(),
		Accept: "the same call, whole and in strict JSON",
	}
}

// refusedByGate takes note of a call that the gate refused itself.
func (x *Exchange) refusedByGate(c wire.Call) {
	v := unclear(c.Refused)
	for i := range x.judged {
		if j := x.judged[i]; c.N >= 0 && j.number == c.N {
			if j.Call.Verdict == llm.ActionAllow && j.decided {
				return // what came behind its end was cut off; the call stays as it was decided
			}
			dress(&j.Call, &v)
			return
		}
	}
	call := c.ToolCall
	dress(&call, &v)
	j := &Judged{Call: call, Verdict: v, number: c.N, decided: true}
	x.judged = append(x.judged, j)
	x.told(j)
}
