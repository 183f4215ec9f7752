// Package server owns the sockets on which clients call, the door in front of
// the proxy, and the way everything ends.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// ErrShutdown is the cause that ends the context of exchanges which did not end
// within the shutdown's bound.
var ErrShutdown = errors.New("archestra is shutting down")

// closing is how long cancelled exchanges get to write their records.
const closing = 10 * time.Second

// Server serves clients on its listeners.
type Server struct {
	listeners *Listeners
	http      *http.Server
	log       *slog.Logger
	bound     time.Duration
	cancel    context.CancelCauseFunc
	running   running // those on upgraded connections among them
}

// New builds a server. The handler sees only what the door lets in. The
// listeners are the server's from now on.
func New(cfg *config.Config, l *Listeners, handler http.Handler, log *slog.Logger) *Server {
	base, cancel := context.WithCancelCause(context.Background())
	s := &Server{listeners: l, log: log, bound: cfg.Timeouts.Shutdown, cancel: cancel}
	door := NewDoor(cfg, l.Port, handler, log)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler:           &counted{&s.running, door},
		Protocols:         protocols,
		ReadHeaderTimeout: cfg.Timeouts.RequestHeader,
		IdleTimeout:       cfg.Timeouts.Idle,
		MaxHeaderBytes:    cfg.Limits.Header,
		// No ReadTimeout and no WriteTimeout: bodies have a pace, and an answer may
		// take half an hour.
		BaseContext:                  func(net.Listener) context.Context { return base },
		DisableGeneralOptionsHandler: true, // the door answers OPTIONS *
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if !l.loopback() {
		log.Warn("archestra listens beyond this machine; every caller must send the token", "header", TokenHeader, "addresses", l.Addrs())
	}
	return s
}

// Serve answers until ctx ends. Then it takes no more connections, lets running
// exchanges end within the settings' bound, cancels those that do not with
// ErrShutdown, and returns when all have returned. The error is nil after an
// orderly end.
func (s *Server) Serve(ctx context.Context) error {
	defer s.cancel(ErrShutdown)
	failed := make(chan error, len(s.listeners.list))
	for _, ln := range s.listeners.list {
		go func() { failed <- s.http.Serve(ln) }()
	}
	var err error
	left := len(s.listeners.list)
	select {
	case <-ctx.Done():
	case err = <-failed:
		left--
		s.log.Error("a listener failed", "error", err)
	}
	s.shutdown()
	for range left {
		<-failed
	}
	return err
}

func (s *Server) shutdown() {
	bound, cancel := context.WithTimeout(context.Background(), s.bound)
	defer cancel()
	// Shutdown does not know upgraded connections: they are waited for beside it.
	err := s.http.Shutdown(bound)
	if err == nil && s.running.wait(bound) {
		return
	}
	s.log.Warn("exchanges still ran at the end of the shutdown timeout and are cancelled", "timeout", s.bound)
	s.cancel(ErrShutdown)
	grace, stop := context.WithTimeout(context.Background(), closing)
	defer stop()
	if !s.running.wait(grace) {
		s.log.Error("exchanges did not end after they were cancelled")
	}
	_ = s.http.Close() // what is left has been told already
}
