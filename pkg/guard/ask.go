package guard

import (
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

type ticket = *ask.Ticket

const byClientGone = ask.ByClientGone

// question judges a call, and asks a person where a rule says so.
func (x *Exchange) question(c wire.Call) *question {
	v := x.judge(c.ToolCall)
	q := &question{n: c.N, call: c.ToolCall, judged: &Judged{Call: c.ToolCall, Verdict: v, number: c.N}}
	x.judged = append(x.judged, q.judged)
	dress(&q.judged.Call, &v)
	if v.Action != llm.ActionAsk {
		q.judged.decided = true
		return q
	}
	if x.guard.opts.Asks == nil {
		q.judged.answer(llm.ActionBlock, ask.ByUnattended)
		return q
	}
	shown := c.ToolCall
	if x.target.Hide != nil {
		shown = x.target.Hide(shown)
	}
	q.ticket = x.guard.opts.Asks.Put(llm.Ask{
		Interaction: x.target.Interaction, Provider: x.target.Provider, Profile: x.target.Profile, Agent: x.target.Agent,
		Tool: c.Name, Arguments: shown.Arguments, ArgumentsText: shown.ArgumentsText,
		Rule: v.Rule, Reason: v.Reason, Accept: v.Accept, Path: v.Path, Sink: v.Sink,
	})
	if x.target.Held != nil {
		x.target.Held(q.ticket.Ask())
	}
	return q
}

// answered takes the answer to a question. Others about the same are answered by it.
func (x *Exchange) answered(q *question, others []*question) {
	a, by := q.ticket.Answer()
	q.judged.answer(a.Action, by)
	if a.Action == llm.ActionAllow && a.Arguments != nil {
		q.args = a.Arguments
		x.note("a person changed the arguments of %s before it was let through", quote(q.call.Name))
	} else if by == ask.ByTerminal {
		x.remember(&q.judged.Verdict, a)
		for _, o := range others {
			if o.ticket != nil && o.judged.Verdict.Sink == q.judged.Verdict.Sink {
				o.ticket.Settle(a.Action, by)
			}
		}
	}
	if x.target.Settled != nil {
		x.target.Settled(q.ticket.Ask())
	}
	x.told(q.judged)
}

// remember keeps an answer for the session, and as a rule if it is for always.
func (x *Exchange) remember(v *policy.Verdict, a llm.AskAnswer) {
	x.sessionOf().memory.Remember(v.Sink, a.Action)
	if !a.Always || x.guard.opts.Always == nil || v.Facts == nil {
		return
	}
	rule, err := policy.Narrowest(v.Facts, x.target.Profile, a.Action)
	if err == nil {
		err = x.guard.opts.Always(rule, a.Action)
	}
	if err != nil {
		x.guard.log.Error("the answer could not be made a rule; it counts for the session", "interaction", x.target.Interaction, "error", err)
		x.note("the answer could not be made a rule and counts for this session only: %v", err)
	}
}

// answer puts a person's answer, or what stands for it, on a call.
func (j *Judged) answer(a llm.Action, by string) {
	j.decided = true
	j.Call.Answer, j.Call.By = a, by
	if a != llm.ActionAllow {
		j.Call.Verdict = llm.ActionBlock
	}
}

// settled turns what was decided into what the gate does.
func (x *Exchange) settled(q *question) wire.Decision {
	j := q.judged
	if j.Call.Verdict == llm.ActionBlock {
		v := j.Verdict
		v.Rule, v.Reason, v.Accept = j.Call.Rule, j.Call.Reason, j.Call.Accept
		return wire.Decision{Text: refusal(q.call, &v) + unanswered(j.Call.By)}
	}
	return wire.Decision{Allow: true, Arguments: q.args}
}

// unanswered says how a question ended, where no rule alone has refused.
func unanswered(by string) string {
	switch by {
	case ask.ByTerminal:
		return " A person denied it."
	case ask.ByTimeout:
		return " A person was asked and did not answer in time."
	case ask.ByUnattended:
		return " A person would have been asked, and no terminal is attached (archestra tail)."
	case ask.ByShutdown:
		return " archestra was shut down before a person answered."
	case ask.ByOverflow:
		return " Too many questions are open."
	}
	return ""
}

// attempts is how often a model is asked again.
const attempts = 2

// mayRetry tells whether the model is told what was refused, and asked once more:
// only where it has no other call that runs.
func (x *Exchange) mayRetry(turn []*question) bool {
	if x.guard.opts.OnBlock != Retry || x.target.Attempt >= attempts || x.target.Kept != "" || len(turn) == 0 {
		return false
	}
	if _, ok := x.target.Format.(wire.Continuing); !ok {
		return false
	}
	for _, q := range turn {
		if q.judged.Call.Verdict != llm.ActionBlock || q.judged.Call.By == ask.ByClientGone || q.judged.Call.By == ask.ByShutdown {
			return false
		}
	}
	return true
}

// refusals are what the model reads as the results of its calls, in their order.
func (x *Exchange) refusals(turn []*question) []string {
	if turn == nil {
		return nil
	}
	turn = slices.Clone(turn)
	slices.SortFunc(turn, func(a, b *question) int { return a.n - b.n })
	out := make([]string, len(turn))
	for i, q := range turn {
		out[i] = x.settled(q).Text
	}
	return out
}

// dropTurn refuses every call of a turn of which one was refused.
func (x *Exchange) dropTurn(turn []*question) {
	var why *Judged
	for _, q := range turn {
		if q.judged.Call.Verdict == llm.ActionBlock {
			why = q.judged
			break
		}
	}
	if why == nil {
		return
	}
	for _, q := range turn {
		c := &q.judged.Call
		if c.Verdict == llm.ActionBlock {
			continue
		}
		c.Verdict, c.Rule = llm.ActionBlock, ruleDropTurn
		c.Reason = "the call of " + quote(why.Call.Name) + " in the same turn was refused by rule " + why.Call.Rule
		c.Accept = "the turn without that call"
	}
}
