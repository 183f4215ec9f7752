package endure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

var diskFaults = []fault{
	{"disk-full", "a full disk costs no answer and is told loudly; with room again, it is recorded again", diskFull},
	{"disk-full-closed", "the same with record-failure closed: no client gets an answer whole that cannot be recorded", diskFullClosed},
	{"disk-read-only", "a folder that cannot be written to: serve says so at once and ends", diskReadOnly},
	{"disk-slow", "a disk that takes 100 ms for each write holds an answer no longer than the bound, and loses nothing", diskSlow},
}

// small mounts a file system of size bytes as the data folder.
func (x *field) small(size int64, flags uintptr) (unmount func(), err error) {
	data := filepath.Join(x.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", flags, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		return nil, fmt.Errorf("%w: mount a small file system: %w", errSkipped, err)
	}
	return func() { _ = unix.Unmount(data, unix.MNT_DETACH) }, nil
}

// ballast fills the data folder until nothing fits, and returns what removes it again.
func (x *field) ballast() (remove func() error, err error) {
	path := filepath.Join(x.dir, "data", "ballast")
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2] // the last bytes of room
		}
	}
	return func() error { return os.Remove(path) }, f.Close()
}

// pictures sends n requests of 100 kB that do not compress, and returns how many
// were answered as they should, and the first other answer.
func (x *field) pictures(ctx context.Context, n int, seed uint64) (good int, other answer) {
	next := payload.Image(100_000, seed)
	for range n {
		r := next()
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		a := post(ctx, x.srv, string(bytes.Join(r.Body, nil)))
		cancel()
		if a.err == nil && a.status == http.StatusOK && a.body == plainBody {
			good++
		} else if other == (answer{}) {
			other = a
		}
	}
	return good, other
}

// alarmed waits until the status tells of a problem, or of none any more.
func (x *field) alarmed(ctx context.Context, want bool) error {
	// A problem is told for a minute behind its last failure.
	for end := time.Now().Add(90 * time.Second); ; {
		st, err := x.srv.status(ctx)
		if err != nil {
			return err
		}
		if (len(st.Problems) > 0) == want {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("a problem is told: %v, counters %v", st.Problems, st.Counters)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func diskFull(ctx context.Context, x *field) error {
	unmount, err := x.small(12<<20, 0)
	if err != nil {
		return err
	}
	defer unmount()
	if err := x.start(ctx, whole); err != nil {
		return err
	}
	if good, other := x.pictures(ctx, 5, 1); good != 5 {
		return fmt.Errorf("with room, %d of 5 were answered; status %d, %w", good, other.status, other.err)
	}
	remove, err := x.ballast()
	if err != nil {
		return err
	}
	if good, other := x.pictures(ctx, 20, 2); good != 20 {
		return fmt.Errorf("without room, %d of 20 were answered; status %d, %w: %.200s", good, other.status, other.err, other.body)
	}
	if err := x.alarmed(ctx, true); err != nil {
		return fmt.Errorf("without room: %w", err)
	}
	if err := remove(); err != nil {
		return err
	}
	before := len(mustRows(x))
	if err := x.healthy(ctx); err != nil {
		return err
	}
	if good, other := x.pictures(ctx, 5, 3); good != 5 {
		return fmt.Errorf("with room again, %d of 5 were answered; status %d, %w", good, other.status, other.err)
	}
	if err := x.alarmed(ctx, false); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	for end := time.Now().Add(15 * time.Second); len(mustRows(x)) < before+6; {
		if time.Now().After(end) {
			return fmt.Errorf("with room again, %d of 6 were recorded", len(mustRows(x))-before)
		}
		time.Sleep(100 * time.Millisecond) // asking is work for the server
	}
	if err := x.srv.end(20 * time.Second); err != nil {
		return err
	}
	return checkDatabases(filepath.Join(x.dir, "data"))
}

// mustRows lists what is recorded; nothing where that cannot be told.
func mustRows(x *field) []row {
	all, err := rows(x.bench, x.dir)
	if err != nil {
		return nil
	}
	return all
}

func diskFullClosed(ctx context.Context, x *field) error {
	unmount, err := x.small(12<<20, 0)
	if err != nil {
		return err
	}
	defer unmount()
	if err := x.start(ctx, whole, "--record-failure", "closed"); err != nil {
		return err
	}
	remove, err := x.ballast()
	if err != nil {
		return err
	}
	if good, _ := x.pictures(ctx, 20, 2); good > 0 {
		return fmt.Errorf("without room, %d of 20 answers came whole", good)
	}
	if n := states(mustRows(x))["done"]; n > 0 {
		return fmt.Errorf("%d answers that were not given are recorded as done", n)
	}
	if err := remove(); err != nil {
		return err
	}
	for end := time.Now().Add(15 * time.Second); ; {
		if good, other := x.pictures(ctx, 1, 4); good == 1 {
			break
		} else if time.Now().After(end) {
			return fmt.Errorf("with room again, the client gets status %d: %.200s", other.status, other.body)
		}
		time.Sleep(100 * time.Millisecond) // a refused request is tried again, as a client does
	}
	return x.healthy(ctx)
}

func diskReadOnly(ctx context.Context, x *field) error {
	unmount, err := x.small(1<<20, unix.MS_RDONLY)
	if err != nil {
		return err
	}
	defer unmount()
	begun := time.Now()
	err = x.start(ctx, whole)
	switch {
	case err == nil:
		return errors.New("it started")
	case !errors.Is(err, errEnded):
		return err
	case time.Since(begun) > 10*time.Second:
		return fmt.Errorf("it took %v to say so", time.Since(begun))
	case !strings.Contains(err.Error(), "read-only"):
		return fmt.Errorf("it does not say why: %w", err)
	}
	return nil
}

// diskSlow lets strace delay the writes and syncs of files in the data folder.
func diskSlow(ctx context.Context, x *field) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("%w: strace is not installed", errSkipped)
	}
	if err := x.start(ctx, whole); err != nil {
		return err
	}
	if err := x.healthy(ctx); err != nil {
		return err
	}
	// Sockets are written to with write, too, files by the store with pwrite64,
	// fsync and their kin; the journal's own write is found by its path.
	pid := fmt.Sprint(x.srv.cmd.Process.Pid)
	args := []string{"-f", "-qq", "-o", os.DevNull, "-p", pid, "-e", "trace=pwrite64,pwritev,fsync,fdatasync,write",
		"-e", "inject=pwrite64,pwritev,fsync,fdatasync,write:delay_enter=100000"}
	journals, err := filepath.Glob(filepath.Join(x.dir, "data", "journal", "*"))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(x.dir, "data", "*.db*"))
	if err != nil {
		return err
	}
	for _, path := range append(journals, files...) {
		args = append(args, "-P", path)
	}
	slow := exec.CommandContext(ctx, strace, args...)
	var said bytes.Buffer
	slow.Stderr = &said
	if err := slow.Start(); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- slow.Wait() }()
	select {
	case err := <-stopped:
		return fmt.Errorf("%w: strace: %w: %s", errSkipped, err, said.String())
	case <-time.After(time.Second): // it says nothing when it has attached
	}
	const asked = 20
	var longest time.Duration
	for i := range asked {
		a := ask(ctx, x.srv, i%2 == 0, 20*time.Second)
		if a.err != nil || a.status != http.StatusOK {
			return fmt.Errorf("the client got status %d, %w", a.status, a.err)
		}
		longest = max(longest, a.took)
	}
	_ = slow.Process.Signal(os.Interrupt) // strace lets go of the server and ends
	<-stopped
	// 250 ms is the bound of the wait; strace itself slows everything else.
	if longest > time.Second {
		return fmt.Errorf("an answer took %v", longest)
	}
	n, err := x.settled(ctx, asked+1)
	if err != nil || n["done"] != asked+1 {
		return fmt.Errorf("recorded as %v: %w", n, err)
	}
	return x.healthy(ctx)
}
