package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	_, err := Open(t.Context(), dir, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.PID != os.Getpid() {
		t.Fatalf("a second Open: %v", err)
	}
	closeStore(t, s)
	open(t, dir, Options{})
}

func TestOpenReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReadOnly(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, ErrNoData) {
		t.Fatalf("no directory: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Error("OpenReadOnly made a directory")
	}
	s := open(t, dir, Options{})
	e := entry("read")
	finish(t, s, e)
	sync1(t, s)

	beside, err := OpenReadOnly(t.Context(), dir) // a server has the lock
	if err != nil {
		t.Fatal(err)
	}
	if got, err := beside.Get(t.Context(), "last"); err != nil || got.Text != "read" {
		t.Errorf("beside a server: %v, %v", got, err)
	}
	finish(t, s, entry("later"))
	sync1(t, s)
	if got, err := beside.Get(t.Context(), "last"); err != nil || got.Text != "later" {
		t.Errorf("what came later: %v, %v", got, err)
	}
	if _, err := beside.db.ExecContext(t.Context(), "DELETE FROM interaction"); err == nil {
		t.Error("a reader can delete")
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}

	// A server was killed: the journal is replayed first.
	last := entry("in the journal")
	finish(t, s, last)
	copied := crash(t, dir)
	alone, err := OpenReadOnly(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := alone.Get(t.Context(), "last"); err != nil || got.Text != "in the journal" {
		t.Errorf("after a kill: %v, %v", got, err)
	}
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	finish(t, s, entry("kept"))
	closeStore(t, s)
	for _, d := range []string{dir, filepath.Join(dir, journalName), filepath.Join(dir, blobsName)} {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(d, 0o700) })
	}
	for _, f := range []string{databaseName, "lock"} {
		if err := os.Chmod(filepath.Join(dir, f), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := os.OpenFile(filepath.Join(dir, databaseName), os.O_RDWR, 0); err == nil {
		_ = f.Close()
		t.Skip("this user may write everywhere")
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Open: %v", err)
	}
	r, err := OpenReadOnly(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // it was only read
	if got, err := r.Get(t.Context(), "last"); err != nil || got.Text != "kept" {
		t.Errorf("%v, %v", got, err)
	}
}

// A reader that must not touch anything gives SQLite no reason to.
func TestImmutable(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	finish(t, s, entry("kept"))
	closeStore(t, s)
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := removeFile(filepath.Join(dir, databaseName+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	q, err := newSqueezer()
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReader(t.Context(), dir, q, newBlobs(filepath.Join(dir, blobsName), q), true)
	if err != nil {
		t.Fatal(err)
	}
	r.owned = true
	if got, err := r.Get(t.Context(), "last"); err != nil || got.Text != "kept" {
		t.Errorf("%v, %v", got, err)
	}
	if list, err := r.List(t.Context(), Query{Filter: filter.Text("kept")}); err != nil || len(list) != 1 {
		t.Errorf("a search for what is not indexed finds %d, %v", len(list), err)
	}
	if _, err := os.Stat(filepath.Join(dir, databaseName+"-shm")); !os.IsNotExist(err) {
		t.Errorf("-shm was made: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestMigrations(t *testing.T) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "x.db"), "journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test's
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test's
	steps := fstest.MapFS{
		"migrations/0001_a.sql": {Data: []byte("CREATE TABLE a (x); INSERT INTO a VALUES (1)")},
	}
	version := func() (v int) {
		if err := conn.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for range 2 { // the second does nothing
		if err := migrate(t.Context(), conn, steps); err != nil || version() != 1 {
			t.Fatalf("%v, version %d", err, version())
		}
	}
	steps["migrations/0002_b.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (x); INSERT INTO b VALUES (1); oops")}
	if err := migrate(t.Context(), conn, steps); err == nil || version() != 1 {
		t.Fatalf("a wrong step: %v, version %d", err, version())
	}
	if _, err := conn.ExecContext(t.Context(), "SELECT * FROM b"); err == nil {
		t.Fatal("half of a step was kept")
	}
	steps["migrations/0002_b.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE a ADD COLUMN y")}
	if err := migrate(t.Context(), conn, steps); err != nil || version() != 2 {
		t.Fatalf("%v, version %d", err, version())
	}
	delete(steps, "migrations/0002_b.sql")
	if err := migrate(t.Context(), conn, steps); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer database: %v", err)
	}
}

func TestNewerDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := s.applier.conn.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(t.Context(), dir); !errors.Is(err, ErrNewer) {
		t.Errorf("OpenReadOnly beside a newer server: %v", err)
	}
	closeStore(t, s)
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("Open: %v", err)
	}
	if _, err := OpenReadOnly(t.Context(), dir); !errors.Is(err, ErrNewer) {
		t.Errorf("OpenReadOnly: %v", err)
	}
}

func TestSettings(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for pragma, want := range map[string]string{
		"auto_vacuum": "2", "journal_mode": "wal", "synchronous": "1", "wal_autocheckpoint": "4000",
	} {
		var got string
		if err := s.applier.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", pragma, got, err, want)
		}
	}
}

// A path may hold what means something in a URL.
func TestOddPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20é&mode=memory")
	s := open(t, dir, Options{})
	finish(t, s, entry("odd"))
	closeStore(t, s)
	if info, err := os.Stat(filepath.Join(dir, databaseName)); err != nil || info.Size() == 0 {
		t.Fatalf("%v, %v", info, err)
	}
	if got := recorded(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestSyncEndsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := entry("x")
	e.Interaction.State = llm.StateDone
	finish(t, s, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sync(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Sync: %v", err)
	}
}
