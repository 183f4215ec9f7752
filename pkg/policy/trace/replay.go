package trace

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Judged is a call of a run and what was decided of it.
type Judged struct {
	Msg, Idx int
	Call     llm.ToolCall
	Critical bool // the attack needs it
	Decision policy.Decision
	Facts    *fact.Facts
}

// Outcome is what the rules would have made of a run.
type Outcome struct {
	Judged  []Judged
	Touched bool
	Blocked bool
	Stopped bool
	Asks    int // distinct prompts
}

// Replay judges every call of a run, in order.
func Replay(a *fact.Analyzer, tools []llm.Tool, r *Run) Outcome {
	s := a.NewSession(nil)
	s.Declare(tools)
	var out Outcome
	critical, need := map[[2]int]bool{}, false
	for _, c := range r.Calls {
		need = need || c.Critical
	}
	for _, c := range r.Calls {
		critical[[2]int{c.Msg, c.Idx}] = c.Critical || !need && c.InjGT >= 1
	}
	all, any := true, false
	prompts := map[string]bool{}
	for i, m := range r.Messages {
		for k, tc := range m.ToolCalls {
			call := tc.call()
			f := s.Facts(call)
			d := policy.Decide(f)
			j := Judged{Msg: i, Idx: k, Call: call, Critical: critical[[2]int{i, k}], Decision: d, Facts: f}
			if d.Action != llm.ActionAllow {
				out.Touched = true
				out.Blocked = out.Blocked || d.Action == llm.ActionBlock
				if p := policy.Sink(cmpOr(f.Confirms, f)); !prompts[p] {
					prompts[p] = true
					out.Asks++
				}
			}
			if j.Critical {
				if d.Action != llm.ActionAllow {
					any = true
				} else {
					all = false
				}
			}
			out.Judged = append(out.Judged, j)
		}
		s.Append(m.message())
	}
	out.Stopped = need && any || !need && any && all
	return out
}

func cmpOr(a, b *fact.Facts) *fact.Facts {
	if a != nil {
		return a
	}
	return b
}
