package tui

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// recent is how many recorded interactions the list begins with where the user
// named no time.
const recent = 300

// maxBody bounds what the screen reads of one body, in bytes.
const maxBody = 16 << 20

// answerIn bounds every question to the server: it is on this machine.
const answerIn = 20 * time.Second

// nextBatch waits for news, and for the frame to be over that the last ones
// were shown in.
func nextBatch(ctx context.Context, p *pump) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(frame):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.ready:
			return p.take()
		}
	}
}

// serverMsg is what the server tells of itself.
type serverMsg struct {
	status    control.Status
	providers []control.Provider
	err       error
}

func askServer(ctx context.Context, src Source) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		var m serverMsg
		if m.status, m.err = src.Status(ctx); m.err == nil {
			m.providers, m.err = src.Providers(ctx)
		}
		return m
	}
}

// search is one look into the record, read a part at a time.
type search struct {
	ctx    context.Context
	cancel context.CancelFunc
	src    Source
	query  control.Query
	text   bool // it looks up the filter's free text
	begin  sync.Once
	found  chan *llm.Interaction
	err    error // set before found is closed
}

// foundMsg is a part of what a search found.
type foundMsg struct {
	of   *search
	list []*llm.Interaction
	done bool
	err  error
}

func newSearch(ctx context.Context, src Source, q control.Query, text bool) *search {
	ctx, cancel := context.WithCancel(ctx)
	return &search{ctx: ctx, cancel: cancel, src: src, query: q, text: text, found: make(chan *llm.Interaction)}
}

func (s *search) run() {
	defer close(s.found)
	for i, err := range s.src.Interactions(s.ctx, s.query) {
		if err != nil {
			s.err = err
			return
		}
		select {
		case s.found <- i:
		case <-s.ctx.Done():
			s.err = s.ctx.Err()
			return
		}
	}
}

// more reads the next part: what comes within a moment, or a screen's worth.
func (s *search) more() tea.Cmd {
	return func() tea.Msg {
		s.begin.Do(func() { go s.run() })
		m := foundMsg{of: s}
		moment := time.After(100 * time.Millisecond)
		for len(m.list) < 500 {
			select {
			case i, ok := <-s.found:
				if !ok {
					s.cancel()
					m.done, m.err = true, s.err
					return m
				}
				m.list = append(m.list, i)
			case <-moment:
				return m
			}
		}
		return m
	}
}

// searchText looks up a filter with free text.
func searchText(ctx context.Context, src Source, e filter.Expr) *search {
	return newSearch(ctx, src, control.Query{Filter: e, Limit: 10_000}, true)
}

// openedMsg is what the detail shows of one interaction.
type openedMsg struct {
	id      string
	i       *llm.Interaction
	conv    *llm.Conversation
	convErr error
	ex      *control.Exchange
	err     error
}

// open fetches an interaction. Its parts may be missing: what runs is not all
// recorded yet.
func open(ctx context.Context, src Source, id string) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		m := openedMsg{id: id}
		m.i, m.err = src.Interaction(ctx, id)
		m.conv, m.convErr = src.Conversation(ctx, id)
		if ex, err := src.Exchange(ctx, id); err == nil {
			m.ex = ex
		}
		return m
	}
}

// bodyMsg is one side's body.
type bodyMsg struct {
	id    string
	side  control.Side
	wire  bool
	bytes []byte
	cut   bool // there is more
	err   error
}

func readBody(ctx context.Context, src Source, id string, side control.Side, wire bool) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		m := bodyMsg{id: id, side: side, wire: wire}
		m.bytes, m.cut, m.err = body(ctx, src, id, side, !wire)
		return m
	}
}

func body(ctx context.Context, src Source, id string, side control.Side, decode bool) (b []byte, cut bool, err error) {
	r, err := src.Body(ctx, id, side, decode)
	if err != nil {
		return nil, false, err
	}
	b, err = io.ReadAll(io.LimitReader(r, maxBody+1))
	if err = errors.Join(err, r.Close()); len(b) > maxBody {
		return b[:maxBody], true, err
	}
	return b, false, err
}
