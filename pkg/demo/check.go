package demo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Check holds what came of a scene against what was to come of it: the agent's
// exchanges, the record of them, in the same order, and all bodies that reached
// the provider. Denied tells that no question was to be answered with yes.
func Check(s *Scene, exchanges []Exchange, record []*llm.Interaction, sent [][]byte, denied bool) error {
	if len(exchanges) != len(record) {
		return fmt.Errorf("%s: %d exchanges, and %d in the record", s.Profile, len(exchanges), len(record))
	}
	var errs []error
	reached := map[[2]int]bool{}
	for i := range exchanges {
		x := &exchanges[i]
		reached[[2]int{x.Task, x.Turn}] = true
		if err := s.check(x, record[i], denied); err != nil {
			errs = append(errs, fmt.Errorf("%s, request %d: %w", s.Profile, i+1, err))
		}
	}
	for task := range s.Tasks {
		for turn := range s.Tasks[task].Turns {
			t := &s.Tasks[task].Turns[turn]
			if !reached[[2]int{task, turn}] && (turn == 0 || s.Tasks[task].Turns[turn-1].Wish != llm.ActionAsk) {
				errs = append(errs, fmt.Errorf("%s: task %d ended before its turn %d", s.Profile, task+1, turn+1))
			}
			for _, body := range sent {
				if t.Secret != "" && bytes.Contains(body, []byte(t.Secret)) {
					errs = append(errs, fmt.Errorf("%s: a secret reached the provider", s.Profile))
					break
				}
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Scene) check(x *Exchange, i *llm.Interaction, denied bool) error {
	t := &s.Tasks[x.Task].Turns[x.Turn]
	switch {
	case i.CostUSD == nil:
		return errors.New("its cost is not known")
	case len(i.ToolCalls) != len(t.Calls):
		return fmt.Errorf("%d calls in the record, want %d", len(i.ToolCalls), len(t.Calls))
	case count(i, "links") != t.Links:
		return fmt.Errorf("%d links made harmless, want %d", count(i, "links"), t.Links)
	case t.Links > 0 && bytes.Contains(x.Raw, []byte("(https://")):
		return errors.New("a link reached the agent as it was")
	}
	for k := range i.ToolCalls {
		c := &i.ToolCalls[k]
		let := c.Verdict == llm.ActionAllow || c.Verdict == llm.ActionAsk && c.Answer == llm.ActionAllow
		switch want := cmp.Or(t.Wish, llm.ActionAllow); {
		case want == llm.ActionAllow && !let, want == llm.ActionBlock && (c.Verdict != want || c.By != ""), want == llm.ActionAsk && (c.By == "" || denied && let):
			return fmt.Errorf("the call of %s: %s by %s (%s)", c.Name, c.Verdict, c.Rule, c.Reason)
		case !let && (len(x.Calls) > 0 || bytes.Contains(x.Raw, []byte(marks[s.API])) || bytes.Contains(x.Raw, []byte(t.Telling))):
			return fmt.Errorf("the refused call of %s reached the agent", c.Name)
		case let && (k >= len(x.Calls) || x.Calls[k].Tool != c.Name):
			return fmt.Errorf("the call of %s did not reach the agent", c.Name)
		}
	}
	return nil
}

// count counts what a detector found.
func count(i *llm.Interaction, detector string) (n int) {
	for _, f := range i.Findings {
		if f.Detector == detector {
			n++
		}
	}
	return n
}
