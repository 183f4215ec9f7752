// Package upstream is the provider of the benchmark: fixed answers, one process.
package upstream

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Upstream answers every request by the model that it names.
type Upstream struct {
	open, served, left atomic.Int64
}

// State is what an upstream counts.
type State struct {
	Open   int64 `json:"open"`   // requests that it is answering now
	Served int64 `json:"served"` // answers that it has sent whole
	Left   int64 `json:"left"`   // requests whose caller went away before
}

// StatePath answers with the State.
const StatePath = "/bench/state"

// Serve answers on l until it is closed.
func (u *Upstream) Serve(l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+StatePath, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(State{u.open.Load(), u.served.Load(), u.left.Load()}) // to a caller that may be gone
	})
	for _, f := range []payload.Format{payload.Chat, payload.Messages} {
		mux.HandleFunc("POST "+f.Path(), func(w http.ResponseWriter, r *http.Request) { u.answer(w, r, f) })
	}
	s := http.Server{Handler: mux}
	return s.Serve(l)
}

func (u *Upstream) answer(w http.ResponseWriter, r *http.Request, f payload.Format) {
	u.open.Add(1)
	whole := false
	defer func() {
		u.open.Add(-1)
		if whole {
			u.served.Add(1)
		} else {
			u.left.Add(1)
		}
	}()
	beginning := make([]byte, 128)
	n, err := io.ReadFull(r.Body, beginning)
	if err != nil && err != io.ErrUnexpectedEOF {
		return
	}
	a := payload.AnswerTo(f, beginning[:n])
	if a == nil {
		http.Error(w, `{"error":{"message":"no such model","type":"invalid_request_error"}}`, http.StatusNotFound)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	w.Header().Set("Content-Type", a.ContentType)
	flush := http.NewResponseController(w).Flush
	switch {
	case a.Gap > 0:
		u.pace(w, r, a, flush)
		return
	case a.Stream():
		for event := range a.EachEvent() {
			if _, err = w.Write(event); err != nil || flush() != nil {
				return
			}
		}
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
		_, err = w.Write(a.Body)
	}
	whole = err == nil
}

// pace sends one event and again one until the caller leaves.
func (u *Upstream) pace(w http.ResponseWriter, r *http.Request, a *payload.Answer, flush func() error) {
	tick := time.NewTicker(a.Gap)
	defer tick.Stop()
	for {
		if _, err := w.Write(a.Body); err != nil || flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
