package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal starts a program on a terminal of its own and returns the other end
// of it (pty(7)).
func terminal(t *testing.T, c *exec.Cmd) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c.Env = append(c.Environ(), "ARCHESTRA_PORT=0", "ARCHESTRA_DATA_DIR="+t.TempDir()+"/data", "XDG_CONFIG_HOME="+t.TempDir(), "TERM=xterm")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return master
}

// screen is what a program has printed on its terminal.
type screen struct {
	text
	ended chan struct{}
}

func watch(master *os.File) *screen {
	s := &screen{ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			_, _ = s.Write(b[:n])
			if err != nil { // EIO: the last program has left the terminal
				return
			}
		}
	}()
	return s
}

func (s *screen) await(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(s.String(), what); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q did not come: %q", what, s.String())
		}
	}
}

// TestTerminalIsAskedNothing: a command that draws no screen sends no queries.
func TestTerminalIsAskedNothing(t *testing.T) {
	c := exec.Command("archestra", "version")
	s := watch(terminal(t, c))
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if out := s.String(); !strings.HasPrefix(out, "archestra ") || strings.Contains(out, "\x1b") {
		t.Errorf("it prints %q", out)
	}
}

// TestRunKeepsTheTerminal: the command has the terminal and is in its foreground,
// an interrupt from the keyboard reaches it once, and its exit code is ours.
func TestRunKeepsTheTerminal(t *testing.T) {
	const script = `trap 'echo caught' INT
test -t 0 && test -t 1 && echo terminal
while ! read line; do :; done
echo "read $line"
exit 9`
	c := exec.Command("archestra", "run", "--", "sh", "-c", script)
	master := terminal(t, c)
	s := watch(master)
	defer func() { _ = c.Process.Kill() }() // it has ended where all is well
	s.await(t, "terminal\r\n")
	if _, err := master.Write([]byte{3}); err != nil { // ^C
		t.Fatal(err)
	}
	s.await(t, "caught\r\n")
	if _, err := master.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	<-s.ended
	if code := c.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d, %v", code, err)
	}
	if out := s.String(); strings.Count(out, "caught") != 1 || !bytes.Contains([]byte(out), []byte("read hello\r\n")) {
		t.Errorf("the terminal shows %q", out)
	}
}
