package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The names in the data directory.
const (
	databaseName = "archestra.db"
	journalName  = "journal"
	blobsName    = "blobs"
)

// makeDir makes the data directory and what it holds, for its user alone
// whatever the umask says.
func makeDir(dir string) error {
	for _, d := range []string{dir, filepath.Join(dir, journalName), filepath.Join(dir, blobsName)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
		if err := os.Chmod(d, 0o700); err != nil { //nolint:gosec // a directory
			return err
		}
	}
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(filepath.Join(dir, databaseName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(private(f), f.Close())
}

// private makes f readable by its user alone.
func private(f *os.File) error { return f.Chmod(0o600) }

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}
