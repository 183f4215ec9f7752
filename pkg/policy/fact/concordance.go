package fact

import (
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// ref is a token of a source.
type ref struct{ source, token int32 }

// concordance tells where in the texts of a conversation a word stands. Its places
// are linked backwards, four bytes each, so that texts are put on top and taken off
// again at the cost of their own words.
type concordance struct {
	slots []posting         // by hash, each word in the first free slot after its own
	taken int               // slots with a word, those among them that stand nowhere any more
	live  int               // words that stand somewhere
	prev  []uint32          // by place: one more than the place before it of the same word, or 0
	half  map[uint64]uint32 // of words that stand in many places, the last of the first ones
	texts []laid
}

// posting is a word, its last place and the number of its places.
type posting struct {
	hash     uint64
	place, n uint32
}

// laid is a text and where its places begin.
type laid struct {
	first  uint32
	source int32
}

// scatter puts words where nobody can foresee, so that no text can be made of words
// that all want one slot.
var scatter = rand.Uint64() | 1

// slot returns the slot of a word, or the free one that it would take.
func (w *concordance) slot(h uint64) *posting {
	mask := uint64(len(w.slots) - 1)
	for i := (h * scatter) >> 32 & mask; ; i = (i + 1) & mask {
		if p := &w.slots[i]; p.hash == h || p.hash == 0 {
			return p
		}
	}
}

// room makes room for n words more.
func (w *concordance) room(n int) {
	if 4*(w.taken+n) <= 3*len(w.slots) {
		return
	}
	size := 64
	for 3*size < 4*(w.live+n)*5/4 {
		size *= 2
	}
	old := w.slots
	w.slots, w.taken = make([]posting, size), w.live
	for _, p := range old {
		if p.n > 0 {
			*w.slot(p.hash) = p
		}
	}
}

// maxPostings bounds how many places of a value's rarest word are looked at: the
// first and the last of them.
const maxPostings = 256

// push puts a text on top.
func (w *concordance) push(source int32, tokens []lex.Token) {
	w.texts = append(w.texts, laid{uint32(len(w.prev)), source})
	w.prev = slices.Grow(w.prev, len(tokens))
	for i := range tokens {
		h := tokens[i].Hash
		if h == 0 {
			w.prev = append(w.prev, 0)
			continue
		}
		w.room(1)
		p := w.slot(h)
		switch {
		case p.hash == 0:
			p.hash = h
			w.taken++
			fallthrough
		case p.n == 0:
			w.live++
			w.prev = append(w.prev, 0)
		default:
			w.prev = append(w.prev, p.place+1)
		}
		p.place, p.n = uint32(len(w.prev)-1), p.n+1
		if p.n == maxPostings/2 {
			if w.half == nil {
				w.half = map[uint64]uint32{}
			}
			w.half[h] = p.place
		}
	}
}

// pop takes the text off that is on top.
func (w *concordance) pop(tokens []lex.Token) {
	for i := len(tokens) - 1; i >= 0; i-- {
		at := len(w.prev) - 1
		before := w.prev[at]
		w.prev = w.prev[:at]
		h := tokens[i].Hash
		if h == 0 {
			continue
		}
		p := w.slot(h)
		if p.n == maxPostings/2 {
			delete(w.half, h)
		}
		if p.n--; p.n == 0 {
			w.live--
			continue
		}
		p.place = before - 1
	}
	w.texts = w.texts[:len(w.texts)-1]
}

// of returns what is known of a word.
func (w *concordance) of(h uint64) posting {
	if len(w.slots) == 0 || h == 0 {
		return posting{}
	}
	return *w.slot(h)
}

// count tells in how many places a word stands.
func (w *concordance) count(h uint64) int { return int(w.of(h).n) }

// places is room for as many places as refs returns.
type places [maxPostings]ref

// refs returns the places of a word, in order: all of them, or the first and the
// last of many.
func (w *concordance) refs(room *places, h uint64) []ref {
	p := w.of(h)
	n := int(p.n)
	out := room[:min(n, maxPostings)]
	next, in := p.place, len(w.texts)-1
	for i := len(out) - 1; i >= 0; i-- {
		if n > maxPostings && i == maxPostings/2-1 {
			next = w.half[h]
		}
		if w.texts[in].first > next { // most places are near the one behind them
			in = w.textOf(next, in)
		}
		out[i] = ref{w.texts[in].source, int32(next - w.texts[in].first)}
		next = w.prev[next] - 1
	}
	return out
}

// each calls f with the places of a word, the last first, until it is told enough.
func (w *concordance) each(h uint64, f func(ref) (enough bool)) {
	p := w.of(h)
	for next := p.place + 1; p.n > 0 && next > 0; next = w.prev[next-1] {
		if f(w.ref(next - 1)) {
			return
		}
	}
}

func (w *concordance) ref(place uint32) ref {
	i := w.textOf(place, len(w.texts))
	return ref{w.texts[i].source, int32(place - w.texts[i].first)}
}

// textOf returns which of the first n texts holds a place.
func (w *concordance) textOf(place uint32, n int) int {
	return sort.Search(n, func(i int) bool { return w.texts[i].first > place }) - 1
}

// rarest returns which of the tokens stands in the fewest places, or -1 if one
// stands in none.
func (w *concordance) rarest(tokens []lex.Token) int {
	anchor, fewest := -1, 0
	for i := range tokens {
		n := w.count(tokens[i].Hash)
		if n == 0 {
			return -1
		}
		if anchor < 0 || n < fewest {
			anchor, fewest = i, n
		}
	}
	return anchor
}

// size is about how many bytes it holds.
func (w *concordance) size() int {
	return 4*cap(w.prev) + 16*cap(w.slots) + mapEntry(12)*len(w.half) + 8*cap(w.texts)
}

// mapEntry is about what an entry of a map costs, of which key and value have so
// many bytes: maps are between half full and seven eighths full.
func mapEntry(bytes int) int { return (bytes + 1) * 3 / 2 }
