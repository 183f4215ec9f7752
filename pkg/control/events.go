package control

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// serverHeader names the run of the server whose numbers the events bear.
const serverHeader = "Archestra-Server"

// EventsOptions say which events to follow.
type EventsOptions struct {
	Filter filter.Expr // nil picks all; it looks at what is known at each event
	// Since first repeats what was recorded then or later, as finished events
	// with the number 0; zero repeats nothing.
	Since time.Time
	// Progress asks for progress events too, ten a second for each interaction.
	Progress bool
	// Answers tells the server that whoever follows answers the questions that it
	// sees: while nobody does, a call that a rule asks about is settled at once.
	Answers bool
	// Attached is called when the stream begins, and again after each time it
	// was lost; detached when it is lost, or could not be had. Both may be nil.
	Attached func()
	Detached func(error)
}

// events streams what happens, until the client goes or the feed ends. What
// runs already comes first, as started events with the number 0, and what waits
// for a person, as held events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q, err := parseQuery(v)
	if err != nil {
		fail(w, err)
		return
	}
	status, err := s.backend.Status(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	sub := s.backend.Feed().Subscribe(feed.Options{After: after(v, status.Server), Answers: v.Get("answers") == "true"})
	defer sub.Close()
	w.Header().Set(serverHeader, status.Server)

	out := newLines(w)
	told, err := s.history(out, r, q)
	if err != nil {
		out.end(err)
		return
	}
	if out.flush() != nil { // the header at least: the client knows that it is attached
		return
	}
	progress := v.Get("progress") == "true"
	for {
		e, err := sub.Next(r.Context())
		if errors.Is(err, io.EOF) {
			out.end(nil)
			return
		}
		if err != nil {
			return // the client has gone
		}
		if told.tell(&e) && (progress || e.Type != llm.EventProgress) && matches(q.Filter, &e) {
			if out.write(&e) != nil {
				return
			}
		}
		if !sub.Ready() && out.buf.Len() > 0 && out.flush() != nil {
			return
		}
	}
}

// after returns the number of the last event that the client has seen of this
// run of the server, or 0.
func after(v url.Values, server string) uint64 {
	if v.Get("server") != server {
		return 0
	}
	n, err := strconv.ParseUint(v.Get("after"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// matches picks by the filter; what waits for a person is seen whatever the filter.
func matches(f filter.Expr, e *llm.Event) bool {
	return f == nil || e.Ask != nil || e.Interaction == nil || f.Match(e.Interaction, nil)
}

// told are interactions whose end has been told from the record already.
type told map[string]struct{}

// tell reports whether the event is news.
func (t told) tell(e *llm.Event) bool {
	if e.Interaction == nil {
		return true
	}
	_, known := t[e.Interaction.ID]
	if known && e.Type == llm.EventFinished {
		delete(t, e.Interaction.ID)
	}
	return !known
}

// history writes what was recorded since q.Since.
func (s *Server) history(out *lines, r *http.Request, q Query) (told, error) {
	if q.Since.IsZero() {
		return nil, nil
	}
	t := told{}
	for i, err := range s.backend.Interactions(r.Context(), q) {
		if err != nil {
			return nil, err
		}
		if !i.State.Final() {
			continue
		}
		e := llm.Event{Type: llm.EventFinished, At: i.StartedAt, Interaction: i}
		if i.FinishedAt != nil {
			e.At = *i.FinishedAt
		}
		if err := out.write(&e); err != nil {
			return nil, err
		}
		t[i.ID] = struct{}{}
	}
	return t, nil
}
