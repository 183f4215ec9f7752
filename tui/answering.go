package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// answeredMsg is what the server says to an answer.
type answeredMsg struct {
	id  string
	as  llm.Ask
	err error
}

// answering wraps what a key does with the question that is shown. A key that
// came too early, within a burst of others, or while an answer is on its way
// does nothing.
func answering(do func(*model, *question) tea.Cmd) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		q := m.asks.first()
		if q == nil || q.sent != nil || m.burst || m.asks.ready != q.ask.ID || m.now().Sub(m.asks.since) < deaf {
			return nil
		}
		return do(m, q)
	}
}

// gives is a key that answers.
func gives(a llm.AskAnswer) func(*model) tea.Cmd {
	return answering(func(m *model, q *question) tea.Cmd { return m.answer(q, a) })
}

// answer tells the server. The question stays until the server has taken it.
func (m *model) answer(q *question, a llm.AskAnswer) tea.Cmd {
	q.sent, q.err = &a, nil
	id, ctx, src := q.ask.ID, m.ctx, m.src
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		as, err := src.Answer(ctx, id, a)
		return answeredMsg{id, as, err}
	}
}

func (m *model) answered(msg *answeredMsg) tea.Cmd {
	q := m.asks.find(msg.id)
	if q == nil {
		return nil // the event was faster
	}
	if msg.err != nil {
		q.sent, q.err = nil, msg.err
		return m.fetchAsks() // it may be gone
	}
	msg.as.ID = q.ask.ID
	if msg.as.By == "" {
		msg.as.Answer, msg.as.By = q.sent.Action, "terminal"
	}
	m.settled(&msg.as)
	return nil
}

// rewrittenMsg is what the editor made of a question's arguments.
type rewrittenMsg struct {
	id     string
	before []byte
	after  []byte
	err    error
}

// editArguments opens the arguments of the call in the user's editor.
func editArguments(m *model, q *question) tea.Cmd {
	if q.ask.Arguments == nil {
		m.notice = paint.Words("its arguments are no JSON, so they cannot be edited")
		return nil
	}
	id, text := q.ask.ID, q.draft
	if text == nil {
		text = editable(q.ask.Arguments)
	}
	return func() tea.Msg {
		name, err := writeNew(os.TempDir(), "archestra-ask", ".json", text)
		if err != nil {
			return rewrittenMsg{id: id, err: err}
		}
		return editMsg{name, func(err error) tea.Msg {
			after, e := readSome(name)
			return rewrittenMsg{id, text, after, errors.Join(err, e, os.Remove(name))}
		}}
	}
}

// editable lays JSON out in lines, with nothing in it that an editor's terminal
// would obey. Its value stays the same.
func editable(raw []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return raw
	}
	return append(printable.EscapeJSON(nil, b.Bytes()), '\n')
}

func readSome(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxBody+1))
	if err = errors.Join(err, f.Close()); err == nil && len(b) > maxBody {
		err = fmt.Errorf("more than %s", size(maxBody))
	}
	return b, err
}

// rewritten answers with edited arguments, if they can be sent. Leaving the
// editor without a change answers nothing.
func (m *model) rewritten(msg *rewrittenMsg) tea.Cmd {
	q := m.asks.find(msg.id)
	m.asks.ready = "" // the prompt appears anew
	switch {
	case q == nil:
		m.notice = paint.Words("too late: the question was settled while you edited")
		return nil
	case q.sent != nil:
		return nil
	case msg.err != nil:
		q.err = fmt.Errorf("not edited: %w", msg.err)
		return nil
	case q.draft == nil && bytes.Equal(bytes.TrimSpace(msg.before), bytes.TrimSpace(msg.after)):
		m.notice = paint.Words("nothing was changed, and nothing answered")
		return nil
	}
	q.draft = msg.after
	args, err := checked(msg.after)
	if err != nil {
		q.err = fmt.Errorf("not sent: %w; e edits on", err)
		return nil
	}
	return m.answer(q, llm.AskAnswer{Action: llm.ActionAllow, Arguments: args})
}

// checked is edited arguments on one line, if they are a JSON object. The
// server checks further.
func checked(b []byte) (json.RawMessage, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("the arguments are not UTF-8")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return nil, fmt.Errorf("the arguments are no JSON object: %w", err)
	}
	if object == nil { // null
		return nil, errors.New("the arguments are no JSON object")
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
