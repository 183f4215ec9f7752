package ask

import "github.com/archestra-ai/archestra-cli/pkg/llm"

// Ask returns the question as it stands now.
func (t *Ticket) Ask() llm.Ask {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	return t.ask
}

// Settle answers the question, where nobody settled it before: by an answer that
// counts for it too.
func (t *Ticket) Settle(a llm.Action, by string) { t.desk.end(t, llm.AskAnswer{Action: a}, by) }
