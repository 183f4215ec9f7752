package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// body turns a body as the journal has it into one as the database has it: what
// is new of a request becomes pieces, and what is old the pieces that it had
// before.
func (a *applier) body(ctx context.Context, dst []byte, r *reader, id string, isRequest bool) ([]byte, error) {
	head := r.bodyHead()
	baseID := string(r.bytes())
	count := r.int()
	inPieces := isRequest && head.Size >= smallBody
	made := &recipe{used: a.nextN}
	var old *recipe
	if baseID != "" {
		var err error
		if old, err = a.recipeOf(ctx, baseID); err != nil {
			return dst, err
		}
		made.used = min(made.used, old.used)
		a.batch.refs = append(a.batch.refs, baseID)
	}
	parts := a.batch.parts[:0]
	last, written := int64(0), 0
	flush := func(from int) { // writes the ingredients that came since
		for _, x := range made.parts[from:] {
			parts = appendIngredient(parts, x, last)
			last = x.piece
			written++
		}
	}
	for ; count > 0 && r.err == nil; count-- {
		from := len(made.parts)
		switch kind := r.byte(); kind {
		case partNew:
			data := r.bytes()
			if inPieces {
				if err := a.cutPieces(ctx, made, data); err != nil {
					return dst, err
				}
				break
			}
			parts = appendBytes(append(parts, partNew), data)
			written++
		case partOld:
			off, n := r.int(), r.int()
			if old == nil || !made.addRange(old, off, n) {
				head.Truncated = true // the base was lost in a crash of the machine
				a.log.Warn("a recorded body is incomplete: the one that it continues is gone", "id", id)
			}
		case partBlob:
			var b blob
			copy(b.hash[:], r.take(len(b.hash)))
			b.size = int64(r.int())
			b.codec = codec(r.byte())
			b.kept = int64(r.int())
			if r.err != nil {
				break
			}
			x, err := a.usePiece(ctx, made, b, nil)
			if err != nil {
				return dst, err
			}
			made.add(x)
			a.batch.pins = append(a.batch.pins, b.hash)
		default:
			r.fail()
		}
		if !inPieces {
			flush(from)
		}
	}
	if r.err != nil {
		return dst, fmt.Errorf("%w: %w", errDamaged, r.err)
	}
	if err := a.refresh(ctx, made); err != nil {
		return dst, err
	}
	if inPieces {
		flush(0)
		a.recipes.put(id, made.whole(head.Size))
	}
	a.batch.parts = parts
	dst = appendBodyHead(dst, &record.Body{Encoding: head.Encoding, Truncated: head.Truncated}, head.Size)
	return append(binary.AppendUvarint(dst, uint64(written)), parts...), nil
}

// cutPieces adds data to a recipe as pieces.
func (a *applier) cutPieces(ctx context.Context, made *recipe, data []byte) error {
	for len(data) > 0 {
		n := cut(data)
		part := data[:n]
		data = data[n:]
		x, err := a.usePiece(ctx, made, blob{hash: sha256.Sum256(part), size: int64(n)}, part)
		if err != nil {
			return err
		}
		made.add(x)
	}
	return nil
}

// usePiece finds a piece or adds it. data is nil for a blob.
func (a *applier) usePiece(ctx context.Context, made *recipe, b blob, data []byte) (ingredient, error) {
	var id, used int64
	err := a.stmts.findPiece.QueryRowContext(ctx, b.hash[:]).Scan(&id, &used)
	if err == nil {
		if id >= 0 {
			made.used = min(made.used, used)
		}
		return ingredient{piece: id, len: int(b.size)}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return ingredient{}, fmt.Errorf("find a piece: %w", err)
	}
	id = a.nextPiece
	a.nextPiece++
	kept, stored, c := b.kept, any(nil), b.codec
	if data != nil {
		var small []byte
		if c, small = a.squeeze(a.batch.packed, data); c != plain {
			a.batch.packed = small
		}
		kept, stored = int64(len(small)), small
	} else {
		id = -id
	}
	if _, err := a.stmts.addPiece.ExecContext(ctx, id, b.hash[:], b.size, int64(c), kept, a.nextN, stored); err != nil {
		return ingredient{}, fmt.Errorf("write a piece: %w", err)
	}
	return ingredient{piece: id, len: int(b.size)}, nil
}

// refresh writes that the pieces of a recipe are in use: always for files, which
// may be large, and for the others if it was written too long ago.
func (a *applier) refresh(ctx context.Context, made *recipe) error {
	late := a.nextN-made.used > useSlack
	var done map[int64]bool
	for _, x := range made.parts {
		if x.piece >= 0 && !late || done[x.piece] {
			continue
		}
		if done == nil {
			done = map[int64]bool{}
		}
		done[x.piece] = true
		if _, err := a.stmts.usePiece.ExecContext(ctx, a.nextN, x.piece); err != nil {
			return fmt.Errorf("write the use of a piece: %w", err)
		}
	}
	if late {
		made.used = a.nextN
	}
	return nil
}

// recipeOf returns the recipe of an earlier request's body. One that is gone is
// empty.
func (a *applier) recipeOf(ctx context.Context, id string) (*recipe, error) {
	if r := a.recipes.get(id); r != nil {
		return r, nil
	}
	if err := a.flushBlock(ctx); err != nil { // it may be in there
		return nil, err
	}
	made := &recipe{}
	slot, err := readSlot(ctx, a.conn, a.squeezer, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return &recipe{used: a.nextN}, nil
	case err != nil:
		return nil, fmt.Errorf("read an earlier body: %w", err)
	}
	b, err := slot.body(Request)
	if err != nil {
		return nil, err
	}
	for _, p := range b.parts {
		if p.data == nil {
			made.add(p.ingredient)
		}
	}
	// used is not known: the next request that is made of it will write it.
	made = made.whole(b.Size)
	a.recipes.put(id, made)
	return made, nil
}
