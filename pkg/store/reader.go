package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// Reader answers queries about what is in the database. All methods may be
// called concurrently.
type Reader struct {
	db       *sql.DB
	squeezer *squeezer
	files    *blobs
	owned    bool // squeezer is to be closed with the reader
	// searched is told that a search had to read texts which are not indexed yet;
	// nil where nobody would index them.
	searched func()
}

func openReader(ctx context.Context, dir string, q *squeezer, files *blobs, immutable bool) (*Reader, error) {
	name := dsn(filepath.Join(dir, databaseName), "busy_timeout(10000)", "query_only(ON)", "cache_size(-1000)")
	if immutable {
		name += "&immutable=1"
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	have, want, err := schema(ctx, db, migrations)
	if err == nil && have < want {
		err = fmt.Errorf("%w: its schema is %d, not %d", errOlder, have, want)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), db.Close())
	}
	return &Reader{db: db, squeezer: q, files: files}, nil
}

// errOlder remains where a server of an older version has the directory in use.
var errOlder = errors.New("the database is of an older version; restart the server")

// ErrNoData tells that nothing was ever recorded in a data directory.
var ErrNoData = errors.New("nothing was recorded yet")

// OpenReadOnly opens what is recorded in dir, for a command that runs beside the
// server or without one. Without a server, what a process that died has left in
// the journal is brought into the database first. Where there is no database the
// error is ErrNoData.
func OpenReadOnly(ctx context.Context, dir string) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, databaseName)
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoData)
	} else if err != nil {
		return nil, err
	}
	// A process that ended well leaves no segments.
	left, err := segments(filepath.Join(dir, journalName))
	if err != nil || len(left) > 0 {
		if err := settle(ctx, dir); err != nil {
			return nil, err
		}
	}
	q, err := newSqueezer()
	if err != nil {
		return nil, err
	}
	files := newBlobs(filepath.Join(dir, blobsName), q)
	r, err := openReader(ctx, dir, q, files, false)
	if errors.Is(err, errOlder) {
		if err = settle(ctx, dir); err == nil {
			r, err = openReader(ctx, dir, q, files, false)
		}
	}
	if info, e := os.Stat(path + "-wal"); cannotWrite(err) && (e != nil || info.Size() == 0) {
		// SQLite needs to write beside the database even to read it, unless it is
		// told that nobody changes it. Who could?
		r, err = openReader(ctx, dir, q, files, true)
	}
	if err != nil {
		return nil, errors.Join(err, q.close())
	}
	r.owned = true
	return r, nil
}

// settle brings a data directory into order that no server is using. Where that
// cannot be done, what is in the database can still be read.
func settle(ctx context.Context, dir string) error {
	s, err := Open(ctx, dir, Options{})
	if err == nil {
		return s.Close(ctx)
	}
	if errors.Is(err, ErrLocked) || cannotWrite(err) {
		return nil
	}
	return err
}

// cannotWrite reports whether an error means that a file cannot be written.
func cannotWrite(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		code := e.Code() & 0xff
		return code == sqlite3.SQLITE_CANTOPEN || code == sqlite3.SQLITE_READONLY
	}
	return errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// Close closes the reader. A Store's is closed with it.
func (r *Reader) Close() error {
	err := r.db.Close()
	if r.owned {
		err = errors.Join(err, r.squeezer.close())
	}
	return err
}

// What errors.Is finds in a [NotFoundError] and in an [AmbiguousError].
var (
	ErrNotFound  = errors.New("there is no such interaction")
	ErrAmbiguous = errors.New("several interactions fit")
)

// NotFoundError tells which id was not found.
type NotFoundError struct{ ID string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("%q: %v", e.ID, ErrNotFound) }

// Is makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// AmbiguousError tells which interactions a shortened id could mean.
type AmbiguousError struct {
	ID         string
	Candidates []string // some of them
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q: %v: %s, …", e.ID, ErrAmbiguous, strings.Join(e.Candidates, ", "))
}

// Is makes errors.Is(err, ErrAmbiguous) true.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// Resolve returns the whole id that id means: itself, the one interaction whose
// id begins or, failing that, ends so (ids begin with the time, so that the end
// tells more), or the newest one for "last".
func (r *Reader) Resolve(ctx context.Context, id string) (string, error) {
	return resolve(ctx, r.db, id)
}

func resolve(ctx context.Context, db queryer, id string) (string, error) {
	if id == "last" {
		var last string
		err := db.QueryRowContext(ctx, "SELECT id FROM interaction ORDER BY started_at DESC, n DESC LIMIT 1").Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return "", &NotFoundError{ID: id}
		}
		return last, err
	}
	if id == "" {
		return "", &NotFoundError{ID: id}
	}
	var exact string
	err := db.QueryRowContext(ctx, "SELECT id FROM interaction WHERE id = ?", id).Scan(&exact)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return exact, err
	}
	lower := strings.ToLower(id)
	found, err := ids(ctx, db, "SELECT id FROM interaction WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT 6", lower)
	if err == nil && len(found) == 0 {
		found, err = ids(ctx, db, "SELECT id FROM interaction WHERE substr(id, -length(?1)) = ?1 ORDER BY id LIMIT 6", lower)
	}
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", &NotFoundError{ID: id}
	case len(found) > 1:
		return "", &AmbiguousError{ID: id, Candidates: found}
	}
	return found[0], nil
}

func ids(ctx context.Context, db queryer, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var found []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}

// Get returns one interaction, by an id as Resolve takes it.
func (r *Reader) Get(ctx context.Context, id string) (*llm.Interaction, error) {
	id, err := r.Resolve(ctx, id)
	if err != nil {
		return nil, err
	}
	one := func(queryer) (string, []any, error) { return "SELECT n FROM interaction WHERE id = ?", []any{id}, nil }
	for i, err := range r.each(ctx, one) {
		return i, err
	}
	return nil, &NotFoundError{ID: id}
}

// Body returns one side of an exchange as it went over the wire, and its header.
// An interaction that has not ended has neither.
func (r *Reader) Body(ctx context.Context, id string, side Side) (record.Body, http.Header, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // all of it from one state
	if err != nil {
		return record.Body{}, nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if id, err = resolve(ctx, tx, id); err != nil {
		return record.Body{}, nil, err
	}
	s, err := readSlot(ctx, tx, r.squeezer, id)
	if errors.Is(err, ErrNotFound) {
		return record.Body{}, nil, nil
	}
	if err != nil {
		return record.Body{}, nil, err
	}
	header, err := s.header(side)
	if err != nil {
		return record.Body{}, nil, err
	}
	b, err := s.body(side)
	if err != nil {
		return record.Body{}, nil, err
	}
	b.Data, err = b.assemble(ctx, tx, r.squeezer, r.files)
	if errors.Is(err, os.ErrNotExist) {
		// Files are not part of the state that a transaction sees.
		if _, gone := r.Resolve(ctx, id); gone != nil {
			return record.Body{}, nil, gone
		}
	}
	if err != nil {
		return record.Body{}, nil, fmt.Errorf("read a body of %s: %w", id, err)
	}
	if size := int64(len(b.Data)); size != b.Size {
		b.Size, b.Truncated = size, true
	}
	return b.Body, header, nil
}
