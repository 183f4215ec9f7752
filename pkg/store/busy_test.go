package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// While SQLite cannot be written, entries gather in the journal up to its limit,
// and nothing of them is lost.
func TestDatabaseCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{JournalBytes: 30_000})
	finish(t, s, entry("before"))
	sync1(t, s)
	other, err := sql.Open("sqlite", dsn(filepath.Join(dir, databaseName)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // a test's
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	accepted := 1
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := s.Finish(ctx, entry("meanwhile"))
		cancel()
		if errors.Is(err, errFull) {
			break
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) { // late, and kept
			t.Fatal(err)
		}
		if accepted++; accepted > 100 {
			t.Fatal("the journal has no limit")
		}
	}
	until(t, "a second attempt to write", func() bool { return s.Health().Failures >= 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Sync: %v", err)
	}
	if h := s.Health(); h.Failures < 2 || h.Refused != 1 || h.JournalBytes < 10_000 || h.JournalBytes > 33_000 {
		t.Errorf("health %+v", h)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	finish(t, s, entry("after"))
	sync1(t, s)
	if n := count(t, s, "interaction"); n != accepted+1 {
		t.Errorf("%d are recorded, of %d", n, accepted+1)
	}
}
