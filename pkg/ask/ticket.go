package ask

import (
	"cmp"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Ticket is one question, for whoever holds the call.
type Ticket struct {
	desk  *Desk
	id    string
	timer *time.Timer // nil where the question does not expire
	done  chan struct{}

	// Guarded by the desk's lock, and constant once done is closed.
	ask    llm.Ask
	answer llm.AskAnswer
	told   bool // its held event has been published
}

// ID names the question, as List and the events do.
func (t *Ticket) ID() string { return t.id }

// Done is closed when the question is settled.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Answer returns how the question was settled and by whom. It waits for Done.
func (t *Ticket) Answer() (answer llm.AskAnswer, by string) {
	<-t.done
	return t.answer, t.ask.By
}

// Ask returns the question as it stands: settled once Done is closed.
func (t *Ticket) Ask() llm.Ask {
	t.desk.mu.Lock()
	defer t.desk.mu.Unlock()
	return t.ask
}

// Settle answers the question, where nobody settled it before, without a person
// having read it: an answer to another question covers it, say. by says whose
// answer it is.
func (t *Ticket) Settle(action llm.Action, by string) {
	if action != llm.ActionAllow {
		action = llm.ActionBlock
	}
	t.desk.end(t, llm.AskAnswer{Action: action}, cmp.Or(by, ByTerminal))
}

// Cancel refuses the question, where nobody settled it before: the call is not
// wanted any more. by says why, such as ByClientGone.
func (t *Ticket) Cancel(by string) {
	t.desk.end(t, llm.AskAnswer{Action: llm.ActionBlock}, cmp.Or(by, ByClientGone))
}
