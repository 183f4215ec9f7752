// Package subject starts what is measured: archestra in its variants, and the
// proxies that it is compared with.
package subject

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/client"
	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/proc"
)

// Subject is something that stands between a client and the upstream.
type Subject struct {
	Name    string
	About   string // what it does, for the table
	Records bool   // it keeps every exchange, and Rows can count them
	// Buffers says that answers are not passed as they come, so that loads of
	// endless streams make no sense with it.
	Buffers bool

	// version tells which one is installed; an error says why it cannot be used.
	version func(b *Bench) (string, error)
	// command says how it is run on port, with upstream at host:port, in dir. A
	// nil command is direct: no process at all.
	command func(b *Bench, dir, upstream string, port int) (*exec.Cmd, error)
	target  func(addr, upstream string) client.Target
	rows    func(b *Bench, dir string) (int64, error)
	// followers is how many programs follow the live events meanwhile.
	followers int
}

// Followers is how many programs follow the subject's live events.
func (s *Subject) Followers() int { return s.followers }

// Bench is what every subject needs of the benchmark.
type Bench struct {
	Self      string // this program: the upstream, rp and floor are commands of it
	Archestra string // the program that was built
	Tools     string // where npm packages are installed
}

// All returns the subjects in the order of the table; direct is the first.
func All() []Subject {
	all := []Subject{direct, rp, floor}
	for i := range Variants {
		all = append(all, Variants[i].subject())
	}
	return append(all, nginx, haproxy, caddy, mitmdump, portkey)
}

// Version tells which version would be used, or why there is none.
func (s *Subject) Version(b *Bench) (string, error) {
	if s.version == nil {
		return "", nil
	}
	return s.version(b)
}

// Process is a subject that runs.
type Process struct {
	Subject *Subject
	Target  client.Target
	Dir     string // its own, removed by Stop
	bench   *Bench
	cmd     *exec.Cmd
	log     string
	others  []*exec.Cmd
	done    chan struct{} // closed when cmd has ended
	waited  error
}

// ErrGone tells that a subject ended before it was stopped.
var ErrGone = errors.New("the subject ended by itself")

// Start runs a subject in front of upstream and returns when it accepts connections.
func (s *Subject) Start(ctx context.Context, b *Bench, upstream string) (*Process, error) {
	plain := map[payload.Format]string{payload.Chat: payload.Chat.Path(), payload.Messages: payload.Messages.Path()}
	if s.command == nil {
		return &Process{Subject: s, Target: client.Target{Addr: upstream, Paths: plain}}, nil
	}
	dir, err := os.MkdirTemp("", "archestra-bench-")
	if err != nil {
		return nil, err
	}
	p := &Process{Subject: s, bench: b, Dir: dir, log: filepath.Join(dir, "log"), done: make(chan struct{})}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p.Target = client.Target{Addr: addr, Paths: plain}
	if s.target != nil {
		p.Target = s.target(addr, upstream)
	}
	if err := p.run(ctx, upstream, port); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", s.Name, err), p.Stop())
	}
	return p, nil
}

func (p *Process) run(ctx context.Context, upstream string, port int) (err error) {
	if p.cmd, err = p.Subject.command(p.bench, p.Dir, upstream, port); err != nil {
		return err
	}
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		p.waited = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.accepts(ctx, 30*time.Second); err != nil {
		return fmt.Errorf("%w: %s", err, p.said())
	}
	for range p.Subject.followers {
		follower := exec.Command(p.bench.Archestra, "tail", "--json")
		follower.Env, follower.Dir = p.cmd.Env, p.Dir
		if err := follower.Start(); err != nil {
			return err
		}
		p.others = append(p.others, follower)
	}
	return nil
}

// accepts waits until the subject takes connections.
func (p *Process) accepts(ctx context.Context, limit time.Duration) error {
	dialer := net.Dialer{Timeout: time.Second}
	for end := time.Now().Add(limit); ; {
		conn, err := dialer.DialContext(ctx, "tcp", p.Target.Addr)
		if err == nil {
			return conn.Close()
		}
		switch {
		case !time.Now().Before(end):
			return fmt.Errorf("it takes no connection: %w", err)
		case p.Gone():
			return ErrGone
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// said is the end of what the subject printed.
func (p *Process) said() string {
	b, _ := os.ReadFile(p.log) // only for an error's text
	return strings.TrimSpace(string(b[max(0, len(b)-500):]))
}

// Gone tells whether the subject has ended.
func (p *Process) Gone() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Tree is the processes of the subject; none for direct. Followers are no part of it.
func (p *Process) Tree() []int {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	return proc.Tree(p.cmd.Process.Pid)
}

// Others are the processes of its followers.
func (p *Process) Others() (pids []int) {
	for _, o := range p.others {
		pids = append(pids, o.Process.Pid)
	}
	return pids
}

// End asks the subject to end and waits until it has: what it keeps is whole
// then. One that does not end is killed, which is an error.
func (p *Process) End() error {
	for _, o := range p.others {
		_ = o.Process.Kill() // they keep nothing
		_ = o.Wait()
	}
	p.others = nil
	if p.cmd == nil || p.cmd.Process == nil || p.Gone() {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone by now
	select {
	case <-p.done:
		return nil
	case <-time.After(20 * time.Second):
		p.kill()
		return fmt.Errorf("%s does not end when it is asked to", p.Subject.Name)
	}
}

// kill ends the subject's whole group.
func (p *Process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // gone is as good
	<-p.done
}

// Stop ends the subject and removes what it kept.
func (p *Process) Stop() error {
	if p.Dir == "" {
		return nil
	}
	err := p.End()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // workers that outlive their master
	}
	return errors.Join(err, os.RemoveAll(p.Dir))
}

// Rows counts what an ended subject recorded.
func (p *Process) Rows() (int64, error) {
	if p.Subject.rows == nil {
		return 0, errors.New("it records nothing that can be counted")
	}
	return p.Subject.rows(p.bench, p.Dir)
}

// Kept is how many bytes on the disk the subject keeps its records in.
func (p *Process) Kept() (int64, error) { return proc.DiskUsage(filepath.Join(p.Dir, "data")) }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
