package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/server"
	"github.com/archestra-ai/archestra-cli/pkg/store"
)

// starting bounds how long a server may take until it answers.
const starting = 30 * time.Second

// ownServer is a server that this process has started, or nil where one ran.
type ownServer struct {
	cmd   *exec.Cmd
	ended chan error
	bound time.Duration // for its end
}

// ensureServer starts a server for the data directory unless one runs.
func ensureServer(ctx context.Context, cfg *config.Config) (*ownServer, error) {
	_, err := serverStatus(ctx, cfg)
	if err == nil || !errors.Is(err, control.ErrNoServer) {
		return nil, err
	}
	own, err := startServer(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), store.ErrLocked.Error()) {
		return own, err
	}
	// Another one began at the same moment, and answers soon.
	ctx, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	for {
		if _, again := serverStatus(ctx, cfg); !errors.Is(again, control.ErrNoServer) {
			return nil, again
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// startServer starts this program as a server and waits until it answers.
func startServer(ctx context.Context, cfg *config.Config) (*ownServer, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	args := []string{"serve", "--json", "--data-dir", cfg.DataDir}
	if cfg.File != "" {
		args = append(args, "--config", cfg.File)
	}
	if taken(ctx, cfg) {
		args = append(args, "--port", "0")
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(cfg.DataDir, "serve.log"), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	defer log.Close()
	s := &ownServer{cmd: exec.Command(program, args...), ended: make(chan error, 1), bound: cfg.Timeouts.Shutdown + closing} //nolint:gosec,noctx // this program; stop ends it
	s.cmd.Stderr = log
	apart(s.cmd)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	ready := make(chan bool, 1)
	go func() {
		r := bufio.NewReader(out)
		_, err := r.ReadString('\n')
		ready <- err == nil
		_, _ = io.Copy(io.Discard, r) // until it ends
		s.ended <- s.cmd.Wait()
	}()
	wait, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	select {
	case ok := <-ready:
		if ok {
			return s, nil
		}
		<-s.ended
		return nil, fmt.Errorf("a server was started and ended at once: %s", lastLine(log))
	case <-wait.Done():
		_ = s.cmd.Process.Kill() // it may have ended at this moment
		<-s.ended
		return nil, fmt.Errorf("a server was started and did not answer: %w", wait.Err())
	}
}

// taken tells that another program has the port of the settings.
func taken(ctx context.Context, cfg *config.Config) bool {
	l, err := server.Listen(ctx, cfg)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = l.Close() // nothing was done with it
	return false
}

// lastLine is what a server said last.
func lastLine(log *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(log, 0, 64<<10))
	if err != nil || len(b) == 0 {
		return "it said nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.TrimPrefix(lines[len(lines)-1], "archestra: ")
}

// stop ends the server in order, and by force where it takes too long. It does
// nothing where none was started.
func (s *ownServer) stop() error {
	if s == nil {
		return nil
	}
	if err := askToEnd(s.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended: // how it ended is in its log
		return nil
	case <-time.After(s.bound):
		_ = s.cmd.Process.Kill() // it may have ended at this moment
		<-s.ended
		return errors.New("it did not end in time and was killed")
	}
}
