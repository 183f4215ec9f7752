//go:build linux

package control

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestStrangersAreNotServed has another user connect to a socket that was left
// open for everybody by mistake.
func TestStrangersAreNotServed(t *testing.T) {
	if path := os.Getenv("CONTROL_TEST_SOCKET"); path != "" {
		knock(path)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, dir, &backend{})
	path := filepath.Join(dir, socketName)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "knock")
	if err := os.WriteFile(bin, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[uint32]int{0: served, 65534: turnedAway} {
		cmd := exec.CommandContext(t.Context(), bin, "-test.run=^TestStrangersAreNotServed$")
		cmd.Dir = "/"
		cmd.Env = []string{"CONTROL_TEST_SOCKET=" + path}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != want {
			t.Errorf("user %d: exit code %d, want %d (%v, %s)", uid, cmd.ProcessState.ExitCode(), want, err, out)
		}
	}
}

// The exit codes of a process that knocks.
const (
	served     = 3
	turnedAway = 4
	noEntrance = 5
)

func knock(path string) {
	c, err := net.DialTimeout("unix", path, time.Minute)
	if err != nil {
		os.Exit(noEntrance)
	}
	// Where the write fails, so does the read.
	_, _ = c.Write([]byte("GET /v1/status HTTP/1.0\r\n\r\n"))
	if n, err := c.Read(make([]byte, 100)); n == 0 || err != nil {
		os.Exit(turnedAway)
	}
	os.Exit(served)
}
