package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

// blockSize is how many bytes of slots are compressed together. More of them
// take less space and more time to read one.
const blockSize = 64 << 10

// batch is what one transaction gathers.
type batch struct {
	pos      position
	size     int64
	records  int
	begun    []*begun
	refs     []string // bases that records referred to
	pins     []hash   // blobs that records used
	profiles map[string]use

	// The block that is being filled, and the rows that wait for its number.
	block []byte
	rows  []waiting

	// What full-text search is to find.
	text  []byte
	texts []noted

	// Memory that is used again.
	slot   []byte
	parts  []byte
	packed []byte
	args   []any
}

type use struct{ first, last int64 }

// waiting is a row whose slot lies in a block that is not written yet.
type waiting struct {
	row *row
	n   int64
}

func (b *batch) reset(pos position) {
	*b = batch{
		pos: pos, profiles: map[string]use{}, begun: b.begun[:0], rows: b.rows[:0],
		block: b.block[:0], slot: b.slot[:0], parts: b.parts[:0], packed: b.packed[:0], args: b.args[:0],
		text: b.text[:0], texts: b.texts[:0],
	}
	const keep = 2 << 20 // what a large entry needed is not kept for ever
	for _, buf := range []*[]byte{&b.block, &b.slot, &b.parts, &b.packed, &b.text} {
		if cap(*buf) > keep {
			*buf = nil
		}
	}
}

func (b *batch) useProfile(w *row) {
	at, ok := b.profiles[w.profile]
	if !ok {
		at = use{w.startedAt, w.startedAt}
	}
	b.profiles[w.profile] = use{min(at.first, w.startedAt), max(at.last, w.startedAt)}
}

// pack puts the slot of an interaction into the block.
func (a *applier) pack(ctx context.Context, w *row, n int64, slot []byte) error {
	b := &a.batch
	if len(b.block) > 0 && len(b.block)+len(slot) > blockSize {
		if err := a.flushBlock(ctx); err != nil {
			return err
		}
	}
	b.block = appendBytes(b.block, slot)
	b.rows = append(b.rows, waiting{w, n})
	return nil
}

// flushBlock writes the block and the rows of its interactions.
func (a *applier) flushBlock(ctx context.Context) error {
	b := &a.batch
	if len(b.rows) == 0 {
		return nil
	}
	id := int64(0)
	for _, w := range b.rows {
		id = max(id, w.n)
	}
	codec, data := a.squeeze(b.packed, b.block)
	if codec != plain {
		b.packed = data
	}
	if _, err := a.stmts.block.ExecContext(ctx, id, len(b.rows), int64(codec), data); err != nil {
		return fmt.Errorf("write a block: %w", err)
	}
	err := a.conn.Raw(func(any) error {
		for slot, w := range b.rows {
			b.args = w.row.values(b.args[:0], w.n, id, slot)
			if err := a.stmts.row.exec(ctx, b.args...); err != nil {
				return fmt.Errorf("write a row: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	clear(b.rows)
	b.block, b.rows = b.block[:0], b.rows[:0]
	return nil
}

// squeeze compresses, as well as there is time for. It may use buf's memory.
func (a *applier) squeeze(buf, data []byte) (codec, []byte) {
	if a.batch.records > rush {
		return a.squeezer.press(buf, data)
	}
	return a.squeezer.squeeze(buf, data)
}

// note keeps the text of an interaction for the index.
func (b *batch) note(n int64, text []byte) {
	if len(text) > 0 {
		start := len(b.text)
		b.text = append(b.text, text...)
		b.texts = append(b.texts, noted{n, start, len(b.text)})
	}
}

// noted is where a text lies in the batch's.
type noted struct {
	n          int64
	start, end int
}

// index makes the texts findable. It comes last in the transaction and in the
// order of n, since FTS5 writes out what it has gathered at every statement that
// could be undone alone, and at every number that is less than the last one.
func (a *applier) index(ctx context.Context) error {
	slices.SortFunc(a.batch.texts, func(x, y noted) int { return cmp.Compare(x.n, y.n) })
	return a.conn.Raw(func(any) error {
		for _, t := range a.batch.texts {
			text := a.batch.text[t.start:t.end]
			if !isASCII(text) {
				text = a.batch.spell(text)
			}
			if err := a.stmts.search.exec(ctx, t.n, string(text)); err != nil {
				return fmt.Errorf("write to the index: %w", err)
			}
		}
		return nil
	})
}

// isASCII reports whether text needs no more than the index's own tokenizer.
func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// spell writes the words of a text one behind the other, as filter cuts them.
func (b *batch) spell(text []byte) []byte {
	b.slot = b.slot[:0]
	for token := range filter.Tokens(string(text)) {
		b.slot = append(append(b.slot, token...), ' ')
	}
	return b.slot
}
