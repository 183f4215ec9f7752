package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer tells that a data directory was written by a newer archestra.
var ErrNewer = errors.New("this data directory was written by a newer version of archestra; use that one, or another directory")

// migrate brings the database to the newest schema, each step in a transaction
// of its own. A step is a file whose name begins with its number; the database
// holds the number of its last step as user_version.
func migrate(ctx context.Context, conn *sql.Conn, steps fs.FS) error {
	have, want, err := schema(ctx, conn, steps)
	if err != nil {
		return err
	}
	names, err := fs.Glob(steps, "migrations/*.sql")
	if err != nil {
		return err
	}
	for number := have + 1; number <= want; number++ {
		if err := step(ctx, conn, steps, names[number-1], number); err != nil {
			return fmt.Errorf("%s: %w", names[number-1], err)
		}
	}
	return nil
}

// schema returns the schema's version that the database has, and the one that
// steps lead to.
func schema(ctx context.Context, db queryer, steps fs.FS) (have, want int, err error) {
	names, err := fs.Glob(steps, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	if have > len(names) {
		return 0, 0, fmt.Errorf("%w: its schema is %d, this one knows %d", ErrNewer, have, len(names))
	}
	return have, len(names), nil
}

func step(ctx context.Context, conn *sql.Conn, steps fs.FS, name string, number int) error {
	text, err := fs.ReadFile(steps, name)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	// A pragma takes no parameters.
	if _, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(number)); err != nil {
		return err
	}
	return tx.Commit()
}
