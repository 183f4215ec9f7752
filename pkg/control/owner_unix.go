//go:build unix

package control

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedAndPrivate reports whether a directory is this user's and nobody else
// can enter it.
func ownedAndPrivate(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}
