// Package endure tries to break archestra: it is killed, its disk fails, its
// upstream misbehaves, its clients leave, for as long as one likes.
package endure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/subject"
)

// server is an archestra that keeps its records in dir, which outlives it.
type server struct {
	bench  *subject.Bench
	dir    string
	target client.Target
	cmd    *exec.Cmd
	done   chan struct{}
	err    error // how it ended, when done is closed
}

// start runs archestra and returns when it takes connections.
func start(ctx context.Context, b *subject.Bench, dir, upstream string, flags ...string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &server{bench: b, dir: dir, done: make(chan struct{}), target: subject.Target(fmt.Sprintf("127.0.0.1:%d", port), upstream)}
	v := subject.Variant{}
	s.cmd = v.Command(b, dir, upstream, port, flags...)
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of ours is not its own
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	for end := time.Now().Add(time.Minute); ; {
		conn, err := net.DialTimeout("tcp", s.target.Addr, time.Second)
		if err == nil {
			return s, conn.Close()
		}
		select {
		case <-s.done:
			return nil, fmt.Errorf("archestra ended: %w: %s", errors.Join(errEnded, s.err), s.log())
		case <-ctx.Done():
			s.kill()
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.kill()
			return nil, fmt.Errorf("archestra takes no connection: %s", s.log())
		}
	}
}

var errEnded = errors.New("it ended by itself")

func (s *server) logPath() string { return filepath.Join(s.dir, "log") }

// log is the end of what it printed.
func (s *server) log() string {
	b, _ := os.ReadFile(s.logPath()) // for the text of an error
	return string(b[max(0, len(b)-600):])
}

// kill ends it as kill -9 does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may be gone
	<-s.done
}

// end asks it to end and tells how it did.
func (s *server) end(limit time.Duration) error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("it was gone: %w: %s", err, s.log())
	}
	select {
	case <-s.done:
		if s.err != nil {
			return fmt.Errorf("it ended with %w: %s", s.err, s.log())
		}
		return nil
	case <-time.After(limit):
		s.kill()
		return fmt.Errorf("it did not end within %v", limit)
	}
}

// status is what the control socket tells.
type status struct {
	Running  int
	Counters map[string]int64
	Problems []string
}

// status asks the server how it fares: that it answers shows that it is healthy.
func (s *server) status(ctx context.Context) (out status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(s.dir, "data", "control.sock"))
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://archestra/v1/status", nil)
	if err != nil {
		return out, err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return out, err
	}
	defer func() { _ = res.Body.Close() }() // it is read
	return out, json.NewDecoder(res.Body).Decode(&out)
}

// row is what the runs need of an interaction.
type row struct {
	ID         string
	State      string
	Status     int
	ResponseID string `json:"response_id"`
	Text       string
	Error      *struct{ Type, Code, Message, Source string }
}

// rows lists every interaction, with or without a running server.
func rows(b *subject.Bench, dir string) (all []row, err error) {
	err = subject.Ask(b, dir, func(line []byte) error {
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	}, "logs", "--json", "--limit", "0")
	return all, err
}

// states counts rows by state.
func states(all []row) map[string]int {
	n := map[string]int{}
	for _, r := range all {
		n[r.State]++
	}
	return n
}
