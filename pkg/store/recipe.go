package store

import (
	"container/list"
	"encoding/binary"
)

// ingredient is a range of a piece.
type ingredient struct {
	piece    int64
	off, len int
}

// recipe tells what a request's body is made of.
type recipe struct {
	parts []ingredient
	// used is a lower bound of the column used of all its pieces.
	used int64
}

// add appends a range; one that goes on where the last one ended becomes a part
// of it.
func (r *recipe) add(x ingredient) {
	if k := len(r.parts) - 1; k >= 0 {
		if last := &r.parts[k]; last.piece == x.piece && last.off+last.len == x.off {
			last.len += x.len
			return
		}
	}
	r.parts = append(r.parts, x)
}

// whole returns r if it makes size bytes. One that does not has lost a part, so
// that its offsets mean nothing: nothing can be made of it.
func (r *recipe) whole(size int64) *recipe {
	for _, x := range r.parts {
		size -= int64(x.len)
	}
	if size != 0 {
		return &recipe{used: r.used}
	}
	return r
}

// addRange appends what from has in [off, off+n), and reports whether it has
// all of it.
func (r *recipe) addRange(from *recipe, off, n int) bool {
	for _, x := range from.parts {
		if n == 0 {
			break
		}
		if off >= x.len {
			off -= x.len
			continue
		}
		take := min(n, x.len-off)
		r.add(ingredient{x.piece, x.off + off, take})
		n -= take
		off = 0
	}
	return n == 0
}

func appendIngredient(dst []byte, x ingredient, last int64) []byte {
	dst = binary.AppendVarint(append(dst, partPiece), x.piece-last)
	dst = binary.AppendUvarint(dst, uint64(x.off))
	return binary.AppendUvarint(dst, uint64(x.len))
}

func (r *reader) ingredient(last int64) ingredient {
	delta, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return ingredient{}
	}
	r.b = r.b[n:]
	return ingredient{last + delta, r.int(), r.int()}
}

// recipes remembers the recipes of the last requests, since the next ones are
// made of them.
type recipes struct {
	limit int // ingredients
	size  int
	order list.List // of *cooked, the newest in front
	byID  map[string]*list.Element
}

type cooked struct {
	id     string
	recipe *recipe
}

func newRecipes(limit int) *recipes {
	return &recipes{limit: limit, byID: map[string]*list.Element{}}
}

func (c *recipes) get(id string) *recipe {
	at, ok := c.byID[id]
	if !ok {
		return nil
	}
	c.order.MoveToFront(at)
	return at.Value.(*cooked).recipe
}

func (c *recipes) put(id string, r *recipe) {
	c.forget(id)
	c.byID[id] = c.order.PushFront(&cooked{id, r})
	for c.size += len(r.parts); c.size > c.limit; {
		c.forget(c.order.Back().Value.(*cooked).id)
	}
}

func (c *recipes) forget(id string) {
	if at, ok := c.byID[id]; ok {
		c.size -= len(c.order.Remove(at).(*cooked).recipe.parts)
		delete(c.byID, id)
	}
}

func (c *recipes) clear() {
	c.order.Init()
	clear(c.byID)
	c.size = 0
}
