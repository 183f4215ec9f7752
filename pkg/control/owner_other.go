//go:build !unix

package control

import "io/fs"

// ownedAndPrivate trusts that the directory for temporary files is the user's
// own, as it is on Windows.
func ownedAndPrivate(fs.FileInfo) bool { return true }
