package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// deaf is how long a prompt takes no answer after it has appeared: what was
// typed ahead approves nothing.
const deaf = 300 * time.Millisecond

// keptSettled bounds how many settled questions are remembered, so that what is
// told late does not bring them back.
const keptSettled = 256

// question is a tool call that waits for a person.
type question struct {
	ask   llm.Ask
	sent  *llm.AskAnswer // on its way to the server
	err   error          // why the last answer was not taken
	draft []byte         // the arguments as they were edited, until they are taken
}

// asks are the open questions, in the order in which they became known. The
// first is shown, and stays until it is settled: no other one slips under the
// user's fingers.
type asks struct {
	open    []*question
	settled []askKey  // the newest last
	ready   string    // the question that the keys are about; "" while they are not
	since   time.Time // since when they are
	ticking bool
}

// askKey tells questions apart. Ids are short and come again in time.
type askKey struct {
	id string
	at int64 // when it was asked, in nanoseconds
}

func keyOf(a *llm.Ask) askKey { return askKey{a.ID, a.AskedAt.UnixNano()} }

// first is the question that is shown, or nil.
func (a *asks) first() *question {
	if len(a.open) == 0 {
		return nil
	}
	return a.open[0]
}

func (a *asks) find(id string) *question {
	for _, q := range a.open {
		if q.ask.ID == id {
			return q
		}
	}
	return nil
}

func (a *asks) add(ask *llm.Ask) {
	if slices.Contains(a.settled, keyOf(ask)) {
		return
	}
	if q := a.find(ask.ID); q != nil {
		if keyOf(&q.ask) == keyOf(ask) {
			return
		}
		a.drop(ask.ID) // its end was not told
	}
	a.open = append(a.open, &question{ask: *ask})
}

// drop forgets an open question, and returns it.
func (a *asks) drop(id string) *question {
	q := a.find(id)
	if q == nil {
		return nil
	}
	if len(a.settled) == keptSettled {
		a.settled = slices.Delete(a.settled, 0, 1)
	}
	a.settled = append(a.settled, keyOf(&q.ask))
	a.open = slices.DeleteFunc(a.open, func(o *question) bool { return o == q })
	return q
}

// watch notes since when the keys are about the first question.
func (a *asks) watch(answerable bool, now time.Time) {
	id := ""
	if q := a.first(); q != nil && answerable {
		id = q.ask.ID
	}
	if id != a.ready {
		a.ready, a.since = id, now
	}
}

// askNews is what the server told of a question.
type askNews struct {
	ask     llm.Ask
	settled bool
}

// asksMsg is the server's list of open questions, with the ids of those that
// were known when it was asked for.
type asksMsg struct {
	known []string
	list  []llm.Ask
	err   error
}

// fetchAsks asks for the open questions.
func (m *model) fetchAsks() tea.Cmd {
	msg := asksMsg{known: make([]string, 0, len(m.asks.open))}
	for _, q := range m.asks.open {
		msg.known = append(msg.known, q.ask.ID)
	}
	ctx, src := m.ctx, m.src
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		msg.list, msg.err = src.Asks(ctx)
		return msg
	}
}

func (m *model) gotAsks(msg *asksMsg) {
	if msg.err != nil {
		if m.attached {
			m.notice = line("open questions cannot be read: %v", msg.err)
		}
		return
	}
	if !m.attached {
		return // it belongs to a server that has gone
	}
	for k := range msg.list {
		m.asks.add(&msg.list[k])
	}
	for _, id := range msg.known {
		if !slices.ContainsFunc(msg.list, func(a llm.Ask) bool { return a.ID == id }) {
			m.settled(&llm.Ask{ID: id})
		}
	}
}

// settled drops a question and says what became of it.
func (m *model) settled(ask *llm.Ask) {
	if q := m.asks.drop(ask.ID); q != nil {
		m.notice = outcome(q, ask)
	}
}

// outcome says in a line how a question ended.
func outcome(q *question, as *llm.Ask) printable.Text {
	tool := toolName(q.ask.Tool).String()
	done := "denied "
	if as.Answer == llm.ActionAllow {
		done = "allowed "
	}
	if sent := q.sent; sent != nil && sent.Action == as.Answer && as.By == "terminal" {
		switch {
		case sent.Always:
			return printable.Line("you allowed " + tool + ", and from now on always for exactly this")
		case sent.Arguments != nil:
			return printable.Line("you allowed " + tool + " with your arguments")
		case sent.Action == llm.ActionAllow:
			return printable.Line("you allowed " + tool + " once")
		}
		return printable.Line("you denied " + tool)
	}
	switch as.By {
	case "":
		return printable.Line("the question about " + tool + " was settled elsewhere")
	case "terminal":
		return printable.Line("somebody else " + done + tool)
	}
	return printable.Line(done + tool + ": " + settledBy(as.By).String())
}

// settledBy says in words who answered a question.
func settledBy(by string) printable.Text {
	switch by {
	case "terminal":
		return paint.Words("a person answered")
	case "timeout":
		return paint.Words("nobody answered in time")
	case "unattended":
		return paint.Words("no terminal was there to ask")
	case "client_gone":
		return paint.Words("the client went away")
	case "shutdown":
		return paint.Words("the server ended")
	case "overflow":
		return paint.Words("too many questions were open")
	}
	return printable.Line(by)
}

// tickMsg says that a second is over.
type tickMsg struct{}

// afterIn makes the command that sends a message when a time is over, unless
// ctx ends before.
func afterIn(ctx context.Context) func(time.Duration, tea.Msg) tea.Cmd {
	return func(d time.Duration, msg tea.Msg) tea.Cmd {
		return func() tea.Msg {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-ctx.Done():
				return nil
			case <-t.C:
				return msg
			}
		}
	}
}

// tick makes the countdown go on, as long as there is one.
func (m *model) tick() tea.Cmd {
	q := m.asks.first()
	if q == nil || q.ask.ExpiresAt == nil || m.asks.ticking {
		return nil
	}
	m.asks.ticking = true
	return m.after(time.Second, tickMsg{})
}

// ticked looks whether the server forgot to tell that the time is up.
func (m *model) ticked() tea.Cmd {
	m.asks.ticking = false
	if q := m.asks.first(); q != nil && q.ask.ExpiresAt != nil && m.now().Sub(*q.ask.ExpiresAt) > 2*time.Second {
		return m.fetchAsks()
	}
	return nil
}
