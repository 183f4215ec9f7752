package store

import (
	"context"
	"fmt"
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

	// The texts that are to be written next, and the least n among them.
	texts []byte
	least int64

	// Rows that are there already, and the numbers of those that they replaced.
	again []again
	gone  []int64

	// Memory that is used again.
	slot   []byte
	parts  []byte
	packed []byte
	args   []any
}

type use struct{ first, last int64 }

// waiting is a row whose slot lies in a block that is not written yet.
type waiting struct {
	row     *row
	n       int64
	isKnown bool // the database has it already, without a slot
}

func (b *batch) reset(pos position) {
	*b = batch{
		pos: pos, profiles: map[string]use{}, begun: b.begun[:0], rows: b.rows[:0],
		block: b.block[:0], slot: b.slot[:0], parts: b.parts[:0], packed: b.packed[:0], args: b.args[:0],
		texts: b.texts[:0], again: b.again[:0], gone: b.gone[:0],
	}
	const keep = 2 << 20 // what a large entry needed is not kept for ever
	for _, buf := range []*[]byte{&b.block, &b.slot, &b.parts, &b.packed, &b.texts} {
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
func (a *applier) pack(ctx context.Context, w waiting, slot []byte) error {
	b := &a.batch
	if len(b.block) > 0 && len(b.block)+len(slot) > blockSize {
		if err := a.flushBlock(ctx); err != nil {
			return err
		}
	}
	b.block = appendBytes(b.block, slot)
	b.rows = append(b.rows, w)
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
			if err := a.insert(ctx, w, id, slot); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.replace(ctx); err != nil {
		return err
	}
	clear(b.rows)
	b.block, b.rows = b.block[:0], b.rows[:0]
	return nil
}

// squeeze compresses, as well as there is time for. It may use buf's memory.
func (a *applier) squeeze(buf, data []byte) (codec, []byte) {
	if a.rushed || a.batch.records > rush {
		return a.squeezer.press(buf, data)
	}
	return a.squeezer.squeeze(buf, data)
}
