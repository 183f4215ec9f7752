package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// retainEvery is how often what is too old is looked for.
const retainEvery = time.Hour

// tidyAfter is how long nothing must happen before disk that is not needed is
// given back.
const tidyAfter = 2 * time.Second

// dsn names the database and how each connection to it is set up. The order of
// the pragmas matters: auto_vacuum must come before the first write.
func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// openWriter opens the one connection that writes.
//
// synchronous is NORMAL: SQLite then syncs only when it moves its log into the
// database, in this goroutine, where nobody waits for it. What a power cut takes
// from the log's end is gone, but the database is whole.
func (a *applier) openWriter(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path,
		"busy_timeout(1000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(NORMAL)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-4000)", "temp_store(MEMORY)")+"&_txlock=immediate")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	a.db = db
	if a.conn, err = db.Conn(ctx); err != nil {
		return errors.Join(fmt.Errorf("open the database: %w", err), db.Close())
	}
	err = migrate(ctx, a.conn, migrations)
	if err == nil {
		err = a.prepare(ctx)
	}
	if err == nil {
		err = a.load(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the database: %w", err), a.close())
	}
	return nil
}

func (a *applier) close() error {
	a.closeReader()
	err := a.stmts.close()
	return errors.Join(err, a.conn.Close(), a.db.Close())
}

func (a *applier) closeReader() {
	if a.reader != nil {
		_ = a.reader.close() // it was only read
		a.reader = nil
	}
}

// recover applies what the last process left in the journal, and ends its
// interactions. It returns how many records were lost.
func (a *applier) recover(ctx context.Context) (skipped int64, err error) {
	numbers, err := segments(a.dir)
	if err != nil {
		return 0, fmt.Errorf("read the journal: %w", err)
	}
	if err := checkSegments(a.dir, numbers); err != nil {
		return 0, fmt.Errorf("read the journal: %w", err)
	}
	a.found = map[uint64]int64{}
	for _, n := range numbers {
		info, err := os.Stat(segmentPath(a.dir, n))
		if err != nil {
			return 0, fmt.Errorf("read the journal: %w", err)
		}
		a.found[n] = info.Size()
		a.last = max(a.last, n)
	}
	if len(numbers) > 0 && a.pos.segment+1 < numbers[0] {
		a.pos = position{segment: numbers[0]} // the database is not the journal's
	}
	for more := true; more; {
		var n int64
		if more, n, err = a.advance(ctx); err != nil {
			return skipped, fmt.Errorf("replay the journal: %w", err)
		}
		skipped += n
	}
	if _, err := a.conn.ExecContext(ctx, "UPDATE interaction SET state = 'interrupted' WHERE state IN ('streaming', 'held')"); err != nil {
		return skipped, fmt.Errorf("end what was interrupted: %w", err)
	}
	clear(a.open)
	a.closeReader()
	if len(numbers) > 0 {
		if err := a.checkpoint(ctx); err != nil {
			return skipped, err
		}
	}
	for _, n := range numbers {
		if err := removeFile(segmentPath(a.dir, n)); err != nil {
			return skipped, err
		}
	}
	return skipped, a.sweep(ctx)
}

// end returns how far a segment can be read, and whether another follows.
func (a *applier) end(segment uint64) (int64, bool) {
	if a.journal != nil {
		return a.journal.end(segment)
	}
	return a.found[segment], segment < a.last
}

// advance applies a batch; a record that cannot be applied is skipped, so that
// it does not stop all that follow. Other errors are worth trying again.
func (a *applier) advance(ctx context.Context) (more bool, skipped int64, err error) {
	more, err = a.step(ctx, a.careful)
	switch {
	case err == nil:
		a.careful = 0
		return more, 0, nil
	case !hopeless(err):
		return true, 0, err
	case a.careful == 0:
		a.careful = 1 // find the one that is to blame
		return true, 0, nil
	}
	a.log.Error("a record could not be brought into the database and is lost", "error", err)
	if e := a.skip(ctx); e != nil {
		return true, 0, errors.Join(err, e)
	}
	return true, 1, nil
}

// checkpoint syncs what was committed, moves it into the database file and
// empties SQLite's log, as far as no reader needs it.
func (a *applier) checkpoint(ctx context.Context) error {
	var busy, size, moved int64
	err := a.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &size, &moved)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// skip steps over the next record.
func (a *applier) skip(ctx context.Context) error {
	a.batch.reset(a.pos)
	for {
		end, follows := a.end(a.batch.pos.segment)
		if a.batch.pos.offset < end {
			_, payload, err := a.next(end)
			a.batch.pos.offset = end
			if err == nil {
				a.batch.pos.offset = a.reader.offset()
				a.batch.size, a.batch.records = int64(frameHead+len(payload)), 1
			}
			break
		}
		if !follows {
			return nil
		}
		a.batch.pos = position{segment: a.batch.pos.segment + 1}
	}
	if err := a.finish(ctx); err != nil {
		return err
	}
	a.pos = a.batch.pos
	return nil
}

// hopeless reports whether an error comes from the record itself, and not from
// the disk.
func hopeless(err error) bool {
	if errors.Is(err, errDamaged) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}

// isConstraint reports whether an error says that there is such a row already.
func isConstraint(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// isNoTransaction reports whether a rollback found nothing to roll back.
func isNoTransaction(err error) bool {
	return err != nil && strings.Contains(err.Error(), "no transaction is active")
}

// run applies the journal as it grows, and collects what is too old.
func (s *Store) run() {
	defer close(s.ended)
	old := time.NewTimer(0)
	defer old.Stop()
	clean := func() {
		if err := s.retain(); err != nil {
			s.failed(err)
		}
		old.Reset(retainEvery)
	}
	wait := time.NewTimer(0)
	<-wait.C
	defer wait.Stop()
	tidy := time.NewTimer(tidyAfter)
	defer tidy.Stop()
	rest := time.NewTimer(s.options.indexAfter)
	defer rest.Stop()
	delay := calmDelay
	for {
		select {
		case <-s.journal.news:
			// More will come: a larger transaction costs less.
			wait.Reset(delay)
			select {
			case <-wait.C:
			case <-s.urge:
			case <-s.stop:
				s.apply()
				return
			}
			wait.Stop()
		case <-s.urge:
		case <-tidy.C:
			s.journal.tidy()
			continue
		case <-rest.C:
			s.index(0, func() bool { return len(s.journal.news) > 0 || s.stopping() })
			continue
		case <-s.search:
			s.index(0, s.pause)
			continue
		case <-old.C:
			clean()
			continue
		case done := <-s.clean:
			s.apply()
			clean()
			close(done)
			continue
		case <-s.stop:
			s.apply()
			return
		}
		records := s.apply()
		if delay = calmDelay; records > busyBatch {
			delay = busyDelay
		}
		if records > 0 {
			tidy.Reset(tidyAfter)
			rest.Reset(s.options.indexAfter)
			s.index(s.options.maxUnindexed, s.pause)
		}
	}
}

// apply brings what is written into the database and returns how many records
// that were. After a failure it tries again with the next news, or after a while.
func (s *Store) apply() (records int) {
	a := s.applier
	for more := true; more; {
		var skipped int64
		var err error
		segment := a.pos.segment
		more, skipped, err = a.advance(context.Background())
		if err != nil {
			s.failed(err)
			s.again()
			return records
		}
		records += a.batch.records
		s.journal.applied(a.batch.size)
		if a.pos.segment != segment {
			a.closeReader() // some systems do not remove what is open
			// SQLite must have synced before the segments go.
			err := a.checkpoint(context.Background())
			if err == nil {
				err = s.journal.remove(a.pos)
			}
			if err != nil {
				s.failed(err)
			}
		}
		s.journal.count(func(h *Health) { h.Skipped += skipped })
		s.publish(a.pos)
	}
	return records
}

// index brings texts into the full-text index until no more than most bytes of
// them wait, a small transaction at a time; after each it asks whether to stop.
func (s *Store) index(most int64, stop func() bool) {
	for s.applier.unindexed > most {
		if err := s.applier.index(context.Background()); err != nil {
			s.failed(err)
			return
		}
		if stop() {
			return
		}
	}
}

// again makes the applier try once more in a while.
func (s *Store) again() {
	time.AfterFunc(retryAfter, func() { poke(s.journal.news) })
}

func (s *Store) failed(err error) {
	s.options.Log.Error("the recorder's database failed", "error", err)
	s.journal.count(func(h *Health) { h.fail(err) })
}
