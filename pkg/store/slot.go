package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// Side is one side of an exchange.
type Side int

// The sides.
const (
	Request Side = iota
	Response
)

// slot is what a block keeps of one interaction.
type slot struct {
	doc     []byte
	headers [2][]byte
	bodies  []byte
}

// queryer is what both the pool of readers and the writer's connection are.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readSlot returns the slot of an interaction, which must be known by its whole
// id and must have ended.
func readSlot(ctx context.Context, db queryer, q *squeezer, id string) (*slot, error) {
	var number int
	var c int64
	var data []byte
	err := db.QueryRowContext(ctx, `SELECT i.slot, b.codec, b.data FROM interaction i JOIN block b ON b.id = i.block
		WHERE i.id = ?`, id).Scan(&number, &c, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &NotFoundError{ID: id}
	}
	if err != nil {
		return nil, err
	}
	block, err := q.expand(codec(c), data)
	if err != nil {
		return nil, err
	}
	return slotOf(block, number)
}

// slotOf takes a slot out of a block.
func slotOf(block []byte, number int) (*slot, error) {
	r := &reader{b: block}
	for range number {
		r.bytes()
	}
	r.b = r.bytes()
	s := &slot{doc: r.bytes(), headers: [2][]byte{r.bytes(), r.bytes()}}
	s.bodies = r.b
	return s, r.err
}

// interaction reads the slot's interaction.
func (s *slot) interaction() (*llm.Interaction, error) {
	i := new(llm.Interaction)
	if err := json.Unmarshal(s.doc, i); err != nil {
		return nil, fmt.Errorf("read an interaction: %w", err)
	}
	return i, nil
}

func (s *slot) header(side Side) (http.Header, error) {
	r := &reader{b: s.headers[side]}
	if len(r.b) == 0 {
		return nil, nil
	}
	h := r.header()
	return h, r.err
}

// maxBody bounds what a broken database can make us allocate.
const maxBody = 4 << 30

// storedBody is a body as the database has it.
type storedBody struct {
	record.Body
	parts []storedPart
}

// storedPart is a range of a piece, or data.
type storedPart struct {
	ingredient
	data []byte
}

func (s *slot) body(side Side) (*storedBody, error) {
	r := &reader{b: s.bodies}
	b := &storedBody{}
	for range int(side) + 1 {
		b.Body = r.bodyHead()
		b.parts = b.parts[:0]
		last := int64(0)
		for n := r.int(); n > 0 && r.err == nil; n-- {
			switch r.byte() {
			case partNew:
				data := r.bytes()
				b.parts = append(b.parts, storedPart{data: data, ingredient: ingredient{len: len(data)}})
			case partPiece:
				x := r.ingredient(last)
				last = x.piece
				b.parts = append(b.parts, storedPart{ingredient: x})
			default:
				r.fail()
			}
		}
	}
	return b, r.err
}

// assemble puts a body together.
func (b *storedBody) assemble(ctx context.Context, db queryer, q *squeezer, files *blobs) ([]byte, error) {
	size := 0
	for _, p := range b.parts {
		size += p.len
	}
	if size < 0 || int64(size) > maxBody {
		return nil, fmt.Errorf("%d bytes are too many", size)
	}
	out := make([]byte, 0, size)
	pieces := map[int64][]byte{}
	for _, p := range b.parts {
		if p.data != nil || p.len == 0 {
			out = append(out, p.data...)
			continue
		}
		piece, ok := pieces[p.piece]
		if !ok {
			var err error
			if piece, err = readPiece(ctx, db, q, files, p.piece); err != nil {
				return nil, err
			}
			pieces[p.piece] = piece
		}
		if p.off > len(piece) || p.len > len(piece)-p.off {
			return nil, fmt.Errorf("piece %d is too short", p.piece)
		}
		out = append(out, piece[p.off:p.off+p.len]...)
	}
	return out, nil
}

func readPiece(ctx context.Context, db queryer, q *squeezer, files *blobs, id int64) ([]byte, error) {
	var key, data []byte
	var c int64
	if err := db.QueryRowContext(ctx, "SELECT hash, codec, data FROM piece WHERE id = ?", id).Scan(&key, &c, &data); err != nil {
		return nil, fmt.Errorf("read piece %d: %w", id, err)
	}
	if id >= 0 {
		return q.expand(codec(c), data)
	}
	if len(key) != len(hash{}) {
		return nil, fmt.Errorf("piece %d has no hash", id)
	}
	return files.read(hash(key), codec(c))
}
