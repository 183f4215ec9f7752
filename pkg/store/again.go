package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// An interaction ends again where bytes came behind its terminal event. It has
// another n then; its row takes the place of the one before, whose slot and text
// must go, too.

// again is a row of an interaction that is there already.
type again struct {
	waiting
	block int64
	slot  int
}

// replace writes the rows that could not be inserted.
func (a *applier) replace(ctx context.Context) error {
	for _, w := range a.batch.again {
		var n int64
		var block *int64
		err := a.conn.QueryRowContext(ctx, "SELECT n, block FROM interaction WHERE id = ?", w.row.id).Scan(&n, &block)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look for a row that is there: %w", err)
		}
		if block != nil {
			if err := a.unblock(ctx, *block, 1); err != nil {
				return err
			}
			a.batch.gone = append(a.batch.gone, n)
		}
		err = a.conn.Raw(func(any) error {
			a.batch.args = w.row.values(a.batch.args[:0], w.n, w.block, w.slot)
			return a.stmts.rowAgain.exec(ctx, a.batch.args...)
		})
		if err != nil {
			return fmt.Errorf("write a row again: %w", err)
		}
	}
	clear(a.batch.again)
	a.batch.again = a.batch.again[:0]
	return nil
}

// unblock lets go of so many slots of a block, and of the block with the last one.
func (a *applier) unblock(ctx context.Context, block, slots int64) error {
	if err := a.exec(ctx, "UPDATE block SET live = live - ? WHERE id = ?", slots, block); err != nil {
		return err
	}
	return a.exec(ctx, "DELETE FROM block WHERE id = ? AND live <= 0", block)
}

// forgetTexts removes the texts of the rows that were replaced.
func (a *applier) forgetTexts(ctx context.Context) error {
	for _, n := range a.batch.gone {
		if err := a.forgetText(ctx, n); err != nil {
			return fmt.Errorf("remove a text: %w", err)
		}
	}
	a.batch.gone = a.batch.gone[:0]
	return nil
}

// forgetText removes a text from where it waits, or from the index. It is one of the
// last that came, mostly.
func (a *applier) forgetText(ctx context.Context, n int64) error {
	rows, err := a.conn.QueryContext(ctx, "SELECT id, size, codec, data FROM unindexed WHERE least <= ? ORDER BY id DESC", n)
	if err != nil {
		return err
	}
	var id, size int64
	var left []noted
	found := false
	for !found && rows.Next() {
		var c int64
		var data []byte
		if err := rows.Scan(&id, &size, &c, &data); err != nil {
			return errors.Join(err, rows.Close())
		}
		if data, err = a.squeezer.expand(codec(c), data); err != nil {
			continue // nobody can read it
		}
		list, err := notedIn(data)
		if err != nil {
			continue
		}
		left = left[:0]
		for _, t := range list {
			if t.n != n {
				left = append(left, t)
			}
		}
		found = len(left) < len(list)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if !found {
		return a.exec(ctx, "DELETE FROM search WHERE rowid = ?", n)
	}
	// What is left takes the place of the row, by the way on which it came.
	if err := a.exec(ctx, "DELETE FROM unindexed WHERE id = ?", id); err != nil {
		return err
	}
	a.unindexed -= size
	for _, t := range left {
		if err := a.note(ctx, t.n, t.text); err != nil {
			return err
		}
	}
	return a.flushTexts(ctx)
}
