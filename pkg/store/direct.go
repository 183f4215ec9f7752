package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// direct is a statement that is given to the driver itself. What comes once for
// every interaction goes this way: database/sql copies each argument, and locks
// for each row.
type direct struct {
	stmt driver.Stmt
	args []driver.NamedValue
}

// prepareDirect prepares a statement on the connection, for use within its Raw.
func prepareDirect(ctx context.Context, conn *sql.Conn, text string) (*direct, error) {
	d := &direct{}
	err := conn.Raw(func(c any) error {
		p, ok := c.(driver.ConnPrepareContext)
		if !ok {
			return errors.New("the driver prepares nothing")
		}
		stmt, err := p.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		if _, ok := stmt.(driver.StmtExecContext); !ok {
			return errors.Join(errors.New("the driver executes nothing"), stmt.Close())
		}
		d.stmt = stmt
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// exec runs the statement. The arguments must be what a driver takes: int64,
// string, []byte, bool or nil. It may be called within Raw of its connection only.
func (d *direct) exec(ctx context.Context, args ...any) error {
	d.args = d.args[:0]
	for i, v := range args {
		d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	_, err := d.stmt.(driver.StmtExecContext).ExecContext(ctx, d.args)
	clear(d.args) // keeps no text
	return err
}

func (d *direct) close() error {
	if d == nil {
		return nil
	}
	return d.stmt.Close()
}
