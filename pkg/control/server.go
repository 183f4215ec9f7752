package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Server serves a Backend to this user's own programs.
type Server struct {
	backend Backend
	http    *http.Server
}

// NewServer makes a server. log hears of what goes wrong in the server itself,
// never of what was asked or answered.
func NewServer(b Backend, log *slog.Logger) *Server {
	s := &Server{backend: b}
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second, // a program of ours sends its header at once
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve answers on l until Shutdown or Close. It returns nil after either.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// Shutdown stops listening and waits until running requests have ended or ctx
// ends. Streams of events end when the backend's feed is closed: close it first.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("control socket: %w", err), s.http.Close())
	}
	return nil
}

// Close ends everything at once.
func (s *Server) Close() error { return s.http.Close() }

// Handler returns the API as a handler, for a listener of one's own.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", object(func(r *http.Request) (any, error) { return s.backend.Status(r.Context()) }))
	mux.HandleFunc("GET /v1/interactions", s.interactions)
	mux.HandleFunc("GET /v1/interactions/{ref}", object(func(r *http.Request) (any, error) {
		return s.backend.Interaction(r.Context(), r.PathValue("ref"))
	}))
	mux.HandleFunc("GET /v1/interactions/{ref}/exchange", object(func(r *http.Request) (any, error) {
		return s.backend.Exchange(r.Context(), r.PathValue("ref"))
	}))
	mux.HandleFunc("GET /v1/interactions/{ref}/conversation", object(func(r *http.Request) (any, error) {
		return s.backend.Conversation(r.Context(), r.PathValue("ref"))
	}))
	mux.HandleFunc("GET /v1/interactions/{ref}/request", s.body(SideRequest))
	mux.HandleFunc("GET /v1/interactions/{ref}/response", s.body(SideResponse))
	mux.HandleFunc("GET /v1/profiles", list(func(r *http.Request) ([]Profile, error) { return s.backend.Profiles(r.Context()) }))
	mux.HandleFunc("GET /v1/providers", list(func(r *http.Request) ([]Provider, error) { return s.backend.Providers(r.Context()) }))
	mux.HandleFunc("GET /v1/stats", list(s.stats))
	mux.HandleFunc("GET /v1/asks", list(func(r *http.Request) ([]llm.Ask, error) { return s.backend.Asks(r.Context()) }))
	mux.HandleFunc("POST /v1/asks/{id}", object(s.answer))
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, badRequest(fmt.Errorf("%s %s is not a call that archestra knows", r.Method, r.URL.Path)))
	})
	return mux
}

// writeTimeout bounds one write to a client that does not read: a suspended
// tail, say. It reattaches when it goes on.
const writeTimeout = time.Minute

// object answers with one JSON object.
func object(get func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := get(r)
		if err != nil {
			fail(w, err)
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		deadline(w)
		// A client that has gone does not hear of it.
		_, _ = w.Write(append(b, '\n'))
	}
}

// list answers with one JSON object a line.
func list[T any](get func(*http.Request) ([]T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all, err := get(r)
		if err != nil {
			fail(w, err)
			return
		}
		out := newLines(w)
		for i := range all {
			if out.write(&all[i]) != nil {
				return
			}
		}
		out.end(nil)
	}
}

func (s *Server) interactions(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		fail(w, err)
		return
	}
	out := newLines(w)
	for i, err := range s.backend.Interactions(r.Context(), q) {
		if err != nil {
			out.end(err)
			return
		}
		if out.write(i) != nil {
			return
		}
	}
	out.end(nil)
}

func (s *Server) stats(r *http.Request) ([]Stat, error) {
	v := r.URL.Query()
	q, err := parseQuery(v)
	if err != nil {
		return nil, err
	}
	sq := StatsQuery{Filter: q.Filter, Since: q.Since}
	for _, name := range v["by"] {
		sq.By = append(sq.By, Group(name))
	}
	return s.backend.Stats(r.Context(), sq)
}

func (s *Server) body(side Side) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		decode := r.URL.Query().Get("decode") == "true"
		body, err := s.backend.Body(r.Context(), r.PathValue("ref"), side, decode)
		if err != nil {
			fail(w, err)
			return
		}
		defer body.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		// A body that breaks off must not look whole: the connection is cut.
		if _, err := io.Copy(deadlined{w}, body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// parseQuery reads the parameters that pick interactions.
func parseQuery(v url.Values) (Query, error) {
	q := Query{Before: v.Get("before")}
	var err error
	if q.Filter, err = filter.Parse(v.Get("filter")); err != nil {
		return q, badRequest(err)
	}
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return q, badRequest(fmt.Errorf("since: %w", err))
		}
	}
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 0 {
			return q, badRequest(fmt.Errorf("limit: %q is not a count", s))
		}
	}
	return q, nil
}

// values writes q as parameters, for parseQuery to read.
func (q Query) values() url.Values {
	v := url.Values{}
	if q.Filter != nil {
		v.Set("filter", q.Filter.String())
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Before != "" {
		v.Set("before", q.Before)
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

func fail(w http.ResponseWriter, err error) {
	status, e := toWire(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	deadline(w)
	// A client that has gone does not hear of it.
	_ = json.NewEncoder(w).Encode(errorBody{e})
}

// deadline gives the next write its time. A writer without deadlines is a
// test's, and needs none.
func deadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

type deadlined struct{ http.ResponseWriter }

func (d deadlined) Write(p []byte) (int, error) {
	deadline(d.ResponseWriter)
	return d.ResponseWriter.Write(p)
}
