package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// socketName is the socket's name in the data directory. Where the path would
// be too long for a socket, pointerName stands there instead and holds the path
// of a short one elsewhere.
const (
	socketName  = "control.sock"
	pointerName = "control.path"
)

// maxSocketPath is how long a socket's path may be on every system: sun_path
// holds 104 bytes on macOS and the BSDs, 108 elsewhere, with a final NUL.
const maxSocketPath = 103

// ErrRunning tells that a server answers on the data directory's socket.
var ErrRunning = errors.New("another archestra serves this data directory")

// ErrNoServer tells that no server answers on the data directory's socket.
var ErrNoServer = errors.New("no archestra server runs here")

// Listen opens the control socket of a data directory, which must exist and be
// its owner's alone. A socket that a dead server left is removed; one that
// answers is ErrRunning. The listener serves this user's processes only, and
// removes the socket when it is closed.
func Listen(dataDir string) (net.Listener, error) {
	path, err := prepareSocket(dataDir)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close())
	}
	return ownListener{l}, nil
}

// prepareSocket says where the socket of dataDir goes, and leaves a pointer
// there if it is not in dataDir itself.
func prepareSocket(dataDir string) (string, error) {
	pointer := filepath.Join(dataDir, pointerName)
	path := filepath.Join(dataDir, socketName)
	if len(path) <= maxSocketPath {
		if err := os.Remove(pointer); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return path, nil
	}
	dir, err := runtimeDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(dataDir))
	path = filepath.Join(dir, hex.EncodeToString(sum[:8])+".sock")
	if len(path) > maxSocketPath {
		return "", fmt.Errorf("%s is too long for a socket; choose a shorter data directory", path)
	}
	next := pointer + ".new"
	if err := os.WriteFile(next, []byte(path+"\n"), 0o600); err != nil {
		return "", err
	}
	return path, os.Rename(next, pointer)
}

// socketPath says where the socket of dataDir is.
func socketPath(dataDir string) (string, error) {
	path := filepath.Join(dataDir, socketName)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	b, err := os.ReadFile(filepath.Join(dataDir, pointerName))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// runtimeDir returns a directory with a short path that is this user's alone.
func runtimeDir() (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir != "" {
		dir = filepath.Join(dir, "archestra")
	} else {
		dir = filepath.Join(os.TempDir(), "archestra-"+strconv.Itoa(os.Getuid()))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !ownedAndPrivate(info) {
		return "", fmt.Errorf("%s is not a directory of this user's alone", dir)
	}
	return dir, nil
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() || info.IsDir() {
		return errors.New("something else stands in its place")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return errors.Join(ErrRunning, c.Close())
	case refused(err), errors.Is(err, fs.ErrNotExist):
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return fmt.Errorf("does somebody serve there? %w", err)
}

// dial connects to the server of a data directory. Where there is none the
// error is ErrNoServer.
func dial(ctx context.Context, dataDir string) (net.Conn, error) {
	path, err := socketPath(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoServer
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) || refused(err) {
		return nil, ErrNoServer
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := checkPeer(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// ownListener accepts the connections of this user's processes.
type ownListener struct{ net.Listener }

func (l ownListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if checkPeer(c) == nil {
			return c, nil
		}
		// A stranger learns nothing but that the connection ended; that its
		// close may fail does not matter.
		_ = c.Close()
	}
}

// checkPeer returns an error if the other end of c is known to belong to
// another user.
func checkPeer(c net.Conn) error {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	uid, known := -1, false
	var peerErr error
	if err := raw.Control(func(fd uintptr) { uid, known, peerErr = peerUID(fd) }); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if peerErr != nil {
		return fmt.Errorf("control socket: who is the peer? %w", peerErr)
	}
	if known && uid != os.Getuid() {
		return fmt.Errorf("control socket: its other end belongs to user %d", uid)
	}
	return nil
}
