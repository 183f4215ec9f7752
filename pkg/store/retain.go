package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	deleteRows   = 500  // interactions in one transaction
	deletePieces = 2000 // pieces in one transaction
	vacuumPages  = 1000 // pages given back in one transaction
)

// retain deletes what is too old or too much, and gives its space back, a small
// transaction at a time; between two of them it applies what has come.
func (s *Store) retain() error {
	ctx := context.Background()
	a := s.applier
	if s.options.Retain > 0 {
		before := time.Now().Add(-s.options.Retain).UnixNano()
		for {
			n, err := a.delete(ctx, "SELECT n, id, block FROM interaction WHERE started_at < ? ORDER BY started_at LIMIT ?", before, deleteRows)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if s.pause() {
				return nil
			}
		}
	}
	if s.options.RetainSize > 0 {
		// What was deleted above takes no room from here on.
		if err := s.collect(ctx); err != nil {
			return err
		}
		for {
			size, err := a.size(ctx)
			if err != nil {
				return err
			}
			if size <= s.options.RetainSize {
				break
			}
			count, err := a.share(ctx, size-s.options.RetainSize, size)
			if err != nil {
				return err
			}
			n, err := a.delete(ctx, "SELECT n, id, block FROM interaction WHERE block IS NOT NULL ORDER BY n LIMIT ?", count)
			if err != nil {
				return err
			}
			if n == 0 {
				break // only what runs is left
			}
			if err := s.collect(ctx); err != nil {
				return err
			}
			if s.pause() {
				return nil
			}
		}
	}
	if err := s.collect(ctx); err != nil {
		return err
	}
	return s.vacuum(ctx)
}

// pause applies what has come, and reports whether the store is closing.
func (s *Store) pause() bool {
	s.apply()
	return s.stopping()
}

func (s *Store) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// share returns how many interactions to delete next, so that about excess of
// size bytes goes with them.
func (a *applier) share(ctx context.Context, excess, size int64) (int64, error) {
	var all int64
	err := a.conn.QueryRowContext(ctx, "SELECT count(*) FROM interaction WHERE block IS NOT NULL").Scan(&all)
	if err != nil {
		return 0, err
	}
	return min(max(int64(float64(all)*float64(excess)/float64(size)), 1), deleteRows), nil
}

// size returns how many bytes the database uses, free pages aside, with its
// blobs.
func (a *applier) size(ctx context.Context) (int64, error) {
	var pages, free, page, kept int64
	for query, to := range map[string]*int64{
		"PRAGMA page_count": &pages, "PRAGMA freelist_count": &free, "PRAGMA page_size": &page,
		"SELECT ifnull(sum(kept), 0) FROM piece WHERE id < 0": &kept,
	} {
		if err := a.conn.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, fmt.Errorf("measure the database: %w", err)
		}
	}
	return (pages-free)*page + kept, nil
}

// delete removes the interactions that a query gives. Those which a record that
// is not applied yet refers to are left for the next time.
func (a *applier) delete(ctx context.Context, query string, args ...any) (deleted int, err error) {
	var indexed int64
	err = a.transact(ctx, func() error {
		rows, err := a.conn.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		var numbers []int64
		blocks := map[int64]int64{}
		for rows.Next() {
			var n int64
			var id string
			var block *int64
			if err := rows.Scan(&n, &id, &block); err != nil {
				return errors.Join(err, rows.Close())
			}
			if !a.bases.forget(id) {
				continue
			}
			a.recipes.forget(id)
			numbers = append(numbers, n)
			if block != nil {
				blocks[*block]++
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		// What is to be deleted must be in the index, or it would come there later.
		for more := len(numbers) > 0; more; {
			done, err := a.indexSome(ctx, "SELECT id, size, codec, data FROM unindexed WHERE least <= ?", slices.Max(numbers))
			if err != nil {
				return err
			}
			indexed += done
			more = done > 0
		}
		for _, n := range numbers {
			if err := a.exec(ctx, "DELETE FROM interaction WHERE n = ?", n); err != nil {
				return err
			}
			if err := a.exec(ctx, "DELETE FROM search WHERE rowid = ?", n); err != nil {
				return err
			}
		}
		for block, count := range blocks {
			if err := a.unblock(ctx, block, count); err != nil {
				return err
			}
		}
		deleted = len(numbers)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("delete old interactions: %w", err)
	}
	a.unindexed -= indexed
	return deleted, nil
}

// collect removes the pieces that no interaction can use: those last used before
// the first interaction that is left. See the column used.
func (s *Store) collect(ctx context.Context) error {
	a := s.applier
	for {
		first := int64(math.MaxInt64) // nothing is left
		err := a.conn.QueryRowContext(ctx, "SELECT ifnull(min(n), ?) FROM interaction WHERE block IS NOT NULL", first).Scan(&first)
		if err != nil {
			return fmt.Errorf("collect pieces: %w", err)
		}
		n, err := a.collectSome(ctx, first)
		if err != nil {
			return fmt.Errorf("collect pieces: %w", err)
		}
		if n < deletePieces || s.pause() {
			return nil
		}
	}
}

func (a *applier) collectSome(ctx context.Context, first int64) (n int, err error) {
	var condemned []blob
	lagging := first
	if first < math.MaxInt64 {
		lagging -= useSlack
	}
	err = a.transact(ctx, func() error {
		rows, err := a.conn.QueryContext(ctx, "SELECT id, hash, codec FROM piece WHERE used < ? AND (id < 0 OR used < ?) LIMIT ?",
			first, lagging, deletePieces)
		if err != nil {
			return err
		}
		var ids []int64
		for rows.Next() {
			n++
			var id, c int64
			var key []byte
			if err := rows.Scan(&id, &key, &c); err != nil {
				return errors.Join(err, rows.Close())
			}
			if id < 0 && len(key) == len(hash{}) {
				b := blob{hash: hash(key), codec: codec(c)}
				if !a.blobs.condemn(b.hash) {
					continue
				}
				condemned = append(condemned, b)
			}
			ids = append(ids, id)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, id := range ids {
			if err := a.exec(ctx, "DELETE FROM piece WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
	return n, errors.Join(err, a.blobs.release(condemned, err == nil))
}

// vacuum gives free pages back to the disk.
func (s *Store) vacuum(ctx context.Context) error {
	a := s.applier
	for {
		var free int64
		if err := a.conn.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil {
			return fmt.Errorf("give space back: %w", err)
		}
		if free < vacuumPages {
			return nil
		}
		if err := a.exec(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages)); err != nil {
			return fmt.Errorf("give space back: %w", err)
		}
		if s.pause() {
			return nil
		}
	}
}

// sweep removes files in blobs that the database does not know.
func (a *applier) sweep(ctx context.Context) error {
	known := map[hash]codec{}
	rows, err := a.conn.QueryContext(ctx, "SELECT hash, codec FROM piece WHERE id < 0")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var key []byte
		var c int64
		if err := rows.Scan(&key, &c); err != nil {
			return err
		}
		if len(key) == len(hash{}) {
			known[hash(key)] = codec(c)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	err = a.blobs.sweep(func(h hash, c codec) bool {
		k, ok := known[h]
		return ok && k == c
	})
	if err != nil {
		return fmt.Errorf("look through the blobs: %w", err)
	}
	return nil
}

func (a *applier) exec(ctx context.Context, query string, args ...any) error {
	_, err := a.conn.ExecContext(ctx, query, args...)
	return err
}

// transact runs f in a transaction.
func (a *applier) transact(ctx context.Context, f func() error) error {
	if err := a.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = a.exec(ctx, "COMMIT")
	}
	if err != nil {
		if e := a.exec(ctx, "ROLLBACK"); !isNoTransaction(e) {
			err = errors.Join(err, e)
		}
	}
	return err
}
