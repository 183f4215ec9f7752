package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

const (
	// useSlack is how far the column used of a piece may lie behind, so that a
	// piece which every turn uses is not written every turn.
	useSlack = 1024

	batchBytes = 8 << 20 // of the journal, in one transaction
	batchTime  = 500 * time.Millisecond

	calmDelay = 100 * time.Millisecond // from the first record to its transaction
	busyDelay = time.Second            // the same while many come: larger transactions cost less
	busyBatch = 64                     // records in a batch that make it busy
	rush      = 256                    // records in a batch behind which space counts less than time
)

// applier brings the journal into the database. It is the only one that writes
// there; everything of it runs in one goroutine.
type applier struct {
	dir      string // of the journal
	db       *sql.DB
	conn     *sql.Conn
	journal  *journal // nil while what was found at start is replayed
	blobs    *blobs
	bases    *bases
	squeezer *squeezer
	log      *slog.Logger
	stmts    statements

	pos       position // applied and committed
	nextN     int64
	nextPiece int64
	unindexed int64 // bytes of text that wait for the index
	open      map[string]*begun
	recipes   *recipes
	reader    *segmentReader
	segment   uint64 // that reader reads
	intern    map[string]string
	rushed    bool // the last batch was a rush, and this one will be
	careful   int  // 1 while a record that cannot be applied is looked for, else 0

	// The segments that were found at start, with their sizes, and the last one.
	found map[uint64]int64
	last  uint64

	batch batch
}

// begun is an interaction that has begun and not ended.
type begun struct {
	n   int64
	row *row // until it is in the database
}

// statements are prepared once.
type statements struct {
	block, texts, findPiece, addPiece, usePiece, profile, progress *sql.Stmt

	row, rowAgain, search *direct
}

func (a *applier) prepare(ctx context.Context) error {
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&a.stmts.block, "INSERT OR REPLACE INTO block (id, live, codec, data) VALUES (?, ?, ?, ?)"},
		{&a.stmts.texts, "INSERT INTO unindexed (least, size, codec, data) VALUES (?, ?, ?, ?)"},
		{&a.stmts.findPiece, "SELECT id, used FROM piece WHERE hash = ?"},
		{&a.stmts.addPiece, "INSERT INTO piece (id, hash, size, codec, kept, used, data) VALUES (?, ?, ?, ?, ?, ?, ?)"},
		{&a.stmts.usePiece, "UPDATE piece SET used = max(used, ?) WHERE id = ?"},
		{&a.stmts.profile, `INSERT INTO profile VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET
			first_used = min(first_used, ?2), last_used = max(last_used, ?3)`},
		{&a.stmts.progress, "UPDATE progress SET segment = ?, offset = ?, next_n = ?, next_piece = ?"},
	} {
		stmt, err := a.conn.PrepareContext(ctx, s.text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", s.text, err)
		}
		*s.to = stmt
	}
	for _, s := range []struct {
		to   **direct
		text string
	}{
		{&a.stmts.row, "INSERT" + insertRow},
		{&a.stmts.rowAgain, "INSERT OR REPLACE" + insertRow},
		{&a.stmts.search, "INSERT INTO search (rowid, text) VALUES (?, ?)"},
	} {
		stmt, err := prepareDirect(ctx, a.conn, s.text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", s.text, err)
		}
		*s.to = stmt
	}
	return nil
}

func (s *statements) close() error {
	err := errors.Join(s.row.close(), s.rowAgain.close(), s.search.close())
	for _, stmt := range []*sql.Stmt{s.block, s.texts, s.findPiece, s.addPiece, s.usePiece, s.profile, s.progress} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	return err
}

// load reads where the database stands, and forgets all that a transaction which
// failed may have left behind.
func (a *applier) load(ctx context.Context) error {
	a.closeReader()
	a.recipes.clear()
	a.open = map[string]*begun{}
	err := a.conn.QueryRowContext(ctx, "SELECT segment, offset, next_n, next_piece FROM progress").
		Scan(&a.pos.segment, &a.pos.offset, &a.nextN, &a.nextPiece)
	if err != nil {
		return fmt.Errorf("read the progress: %w", err)
	}
	err = a.conn.QueryRowContext(ctx, "SELECT ifnull(sum(size), 0) FROM unindexed").Scan(&a.unindexed)
	if err != nil {
		return fmt.Errorf("measure what is not indexed: %w", err)
	}
	rows, err := a.conn.QueryContext(ctx, "SELECT n, id FROM interaction WHERE state IN ('streaming', 'held')")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var n int64
		var id string
		if err := rows.Scan(&n, &id); err != nil {
			return err
		}
		a.open[id] = &begun{n: n}
	}
	return rows.Err()
}

// step applies what is written of the journal, at most one batch, and reports
// whether there is more. limit is the most records to take, 0 for no limit.
func (a *applier) step(ctx context.Context, limit int) (more bool, err error) {
	if _, err := a.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return true, err
	}
	a.rushed = a.batch.records > rush
	a.batch.reset(a.pos)
	more, err = a.read(ctx, limit)
	if err == nil && a.batch.pos != a.pos {
		err = a.finish(ctx)
	} else if err == nil {
		_, err = a.conn.ExecContext(ctx, "ROLLBACK")
		return more, err
	}
	if err == nil {
		_, err = a.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, e := a.conn.ExecContext(ctx, "ROLLBACK")
		if isNoTransaction(e) {
			e = nil // SQLite has rolled back by itself
		}
		a.batch.size, a.batch.records = 0, 0
		return true, errors.Join(err, e, a.load(ctx))
	}
	a.pos = a.batch.pos
	for _, id := range a.batch.refs {
		a.bases.unref(id)
	}
	a.blobs.unpin(a.batch.pins...)
	return more, nil
}

// read takes records from the journal into the batch.
func (a *applier) read(ctx context.Context, limit int) (more bool, err error) {
	deadline := time.Now().Add(batchTime)
	for {
		end, follows := a.end(a.batch.pos.segment)
		if a.batch.pos.offset >= end {
			if !follows {
				return false, nil
			}
			a.batch.pos = position{segment: a.batch.pos.segment + 1}
			continue
		}
		if limit > 0 && a.batch.records >= limit || a.batch.size >= batchBytes ||
			a.batch.records%64 == 63 && time.Now().After(deadline) {
			return true, nil
		}
		kind, payload, err := a.next(end)
		switch {
		case errors.Is(err, errTorn), errors.Is(err, io.EOF):
			// What follows in this segment was never whole.
			a.batch.pos.offset = end
			continue
		case err != nil:
			return true, fmt.Errorf("read the journal: %w", err)
		}
		a.batch.size += int64(frameHead + len(payload))
		a.batch.records++
		if err := a.apply(ctx, kind, payload); err != nil {
			return true, err
		}
		a.batch.pos.offset = a.reader.offset()
	}
}

// next reads the frame at the batch's position.
func (a *applier) next(end int64) (kind byte, payload []byte, err error) {
	pos := a.batch.pos
	if a.reader == nil || a.segment != pos.segment || a.reader.offset() != max(pos.offset, int64(len(segmentMagic))) {
		a.closeReader()
		if a.reader, err = openSegment(a.dir, pos.segment, pos.offset); err != nil {
			a.reader = nil
			return 0, nil, err
		}
		a.segment = pos.segment
	}
	return a.reader.next(end)
}

// errDamaged is a record that cannot be applied, now or later.
var errDamaged = errors.New("a record of the journal is damaged")

func (a *applier) apply(ctx context.Context, kind byte, payload []byte) error {
	r := &reader{b: payload, intern: a.intern}
	switch kind {
	case frameStart:
		w := r.row()
		if r.err != nil {
			return fmt.Errorf("%w: %w", errDamaged, r.err)
		}
		if _, again := a.open[w.id]; !again {
			w.state = string(llm.StateStreaming)
			b := &begun{n: a.nextN, row: w}
			a.open[w.id] = b
			a.nextN++
			a.batch.begun = append(a.batch.begun, b)
		}
		return nil
	case frameEntry:
		return a.entry(ctx, r)
	}
	return fmt.Errorf("%w: kind %d", errDamaged, kind)
}

// entry applies an interaction that has ended.
func (a *applier) entry(ctx context.Context, r *reader) error {
	w := r.row()
	doc, requestHeader, responseHeader := r.sized(), r.sized(), r.sized()
	slot := appendBytes(a.batch.slot[:0], doc)
	slot = appendBytes(slot, requestHeader)
	slot = appendBytes(slot, responseHeader)
	n, isKnown := a.number(w.id)
	slot, err := a.body(ctx, slot, r, w.id, true)
	if err != nil {
		return err
	}
	if slot, err = a.body(ctx, slot, r, w.id, false); err != nil {
		return err
	}
	a.batch.slot = slot
	text := r.sized()
	if r.err != nil {
		return fmt.Errorf("%w: %w", errDamaged, r.err)
	}
	if err := a.note(ctx, n, text); err != nil {
		return err
	}
	a.batch.useProfile(w)
	return a.pack(ctx, waiting{w, n, isKnown}, slot)
}

// number gives an interaction that has ended its n: the one that it began with,
// unless that is long ago, so that n and used stay close. isKnown tells that its
// row is in the database.
func (a *applier) number(id string) (n int64, isKnown bool) {
	if b, ok := a.open[id]; ok {
		isKnown = b.row == nil
		b.row = nil // it is not needed any more
		delete(a.open, id)
		if a.nextN-b.n < useSlack {
			return b.n, isKnown
		}
	}
	a.nextN++
	return a.nextN - 1, isKnown
}

// insert writes a row, or leaves it to replace. It may be called within Raw of the
// connection only.
func (a *applier) insert(ctx context.Context, w waiting, block int64, slot int) error {
	a.batch.args = w.row.values(a.batch.args[:0], w.n, block, slot)
	stmt := a.stmts.row
	if w.isKnown {
		stmt = a.stmts.rowAgain
	}
	err := stmt.exec(ctx, a.batch.args...)
	if err != nil && !w.isKnown && isConstraint(err) {
		a.batch.again = append(a.batch.again, again{w, block, slot})
		return nil
	}
	if err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	return nil
}

// finish completes the transaction of a batch.
func (a *applier) finish(ctx context.Context) error {
	if err := a.flushBlock(ctx); err != nil {
		return err
	}
	if err := a.flushTexts(ctx); err != nil {
		return err
	}
	err := a.conn.Raw(func(any) error {
		for _, b := range a.batch.begun {
			if b.row == nil {
				continue
			}
			if err := a.insert(ctx, waiting{row: b.row, n: b.n}, -1, 0); err != nil {
				return err
			}
			a.batch.useProfile(b.row)
			b.row = nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.replace(ctx); err != nil {
		return err
	}
	if err := a.forgetTexts(ctx); err != nil {
		return err
	}
	for name, use := range a.batch.profiles {
		if _, err := a.stmts.profile.ExecContext(ctx, name, use.first, use.last); err != nil {
			return fmt.Errorf("write a profile: %w", err)
		}
	}
	_, err = a.stmts.progress.ExecContext(ctx, int64(a.batch.pos.segment), a.batch.pos.offset, a.nextN, a.nextPiece)
	if err != nil {
		return fmt.Errorf("write the progress: %w", err)
	}
	return nil
}
