package control

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSocketIsTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, &backend{})
	info, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	stop := start(t, dir, &backend{})
	if l, err := Listen(dir); !errors.Is(err, ErrRunning) {
		if err == nil {
			l.Close()
		}
		t.Errorf("a second server: %v, want ErrRunning", err)
	}
	if _, err := client(t, dir).Status(t.Context()); err != nil {
		t.Errorf("the first server is gone: %v", err)
	}
	stop()
	if _, err := os.Stat(filepath.Join(dir, socketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stays behind: %v", err)
	}
}

func TestStaleSocketIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	leaveStale(t, dir)
	start(t, dir, &backend{})
	if _, err := client(t, dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, socketName)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(dir); err == nil {
		l.Close()
		t.Error("a file was replaced by a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestLongPath(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", shortDir(t))
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stop := start(t, dir, &backend{})
	// A shell with another environment still finds it.
	t.Setenv("XDG_RUNTIME_DIR", "")
	if _, err := client(t, dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	if _, err := client(t, dir).Status(t.Context()); !errors.Is(err, ErrNoServer) {
		t.Errorf("after the end: %v, want ErrNoServer", err)
	}
}

// shortDir is a temporary directory with a short path; t.TempDir's holds the
// name of the test.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestRuntimeDirMustBeOurs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("directories have no mode there")
	}
	base := shortDir(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	dir := filepath.Join(base, "archestra")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := runtimeDir(); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := runtimeDir(); err == nil {
		t.Error("others can enter, and it was taken")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := runtimeDir(); err == nil {
		t.Error("a link was followed")
	}
}
