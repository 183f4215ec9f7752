package fact

import (
	"sort"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// ref is a token of a source.
type ref struct{ source, token int32 }

// concordance tells where in the texts of a conversation a word stands. Its places are
// linked backwards, four bytes each, so that texts are put on top and taken off
// again at the cost of their own words.
type concordance struct {
	last  map[uint64]posting
	prev  []uint32          // by place: one more than the place before it of the same word, or 0
	half  map[uint64]uint32 // of words that stand in many places, the last of the first ones
	texts []laid
	peak  int // the most words that last held: a map does not shrink
}

type posting struct{ place, n uint32 }

// laid is a text and where its places begin.
type laid struct {
	first  uint32
	source int32
}

// maxPostings bounds how many places of a value's rarest word are looked at: the
// first and the last of them.
const maxPostings = 256

// push puts a text on top.
func (w *concordance) push(source int32, tokens []lex.Token) {
	if w.last == nil {
		w.last = map[uint64]posting{}
	}
	w.texts = append(w.texts, laid{uint32(len(w.prev)), source})
	for i := range tokens {
		h := tokens[i].Hash
		if h == 0 {
			w.prev = append(w.prev, 0)
			continue
		}
		p := w.last[h]
		at := uint32(len(w.prev))
		if p.n == 0 {
			w.prev = append(w.prev, 0)
		} else {
			w.prev = append(w.prev, p.place+1)
		}
		p.place, p.n = at, p.n+1
		w.last[h] = p
		if p.n == maxPostings/2 {
			if w.half == nil {
				w.half = map[uint64]uint32{}
			}
			w.half[h] = at
		}
	}
	w.peak = max(w.peak, len(w.last))
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
		p := w.last[h]
		if p.n == maxPostings/2 {
			delete(w.half, h)
		}
		if before == 0 {
			delete(w.last, h)
			continue
		}
		w.last[h] = posting{before - 1, p.n - 1}
	}
	w.texts = w.texts[:len(w.texts)-1]
}

// count tells in how many places a word stands.
func (w *concordance) count(h uint64) int { return int(w.last[h].n) }

// refs appends the places of a word to dst, in order: all of them, or the first and
// the last of many.
func (w *concordance) refs(dst []ref, h uint64) []ref {
	p := w.last[h]
	n := int(p.n)
	if n == 0 {
		return dst
	}
	few := min(n, maxPostings)
	at := len(dst)
	dst = append(dst, make([]ref, few)...)
	next := p.place
	for i := few - 1; i >= 0; i-- {
		if n > maxPostings && i == maxPostings/2-1 {
			next = w.half[h]
		}
		dst[at+i] = w.ref(next)
		next = w.prev[next] - 1
	}
	return dst
}

// each calls f with the places of a word, the last first, until it is told enough.
func (w *concordance) each(h uint64, f func(ref) (enough bool)) {
	p := w.last[h]
	for next := p.place + 1; p.n > 0 && next > 0; next = w.prev[next-1] {
		if f(w.ref(next - 1)) {
			return
		}
	}
}

func (w *concordance) ref(place uint32) ref {
	i := sort.Search(len(w.texts), func(i int) bool { return w.texts[i].first > place }) - 1
	return ref{w.texts[i].source, int32(place - w.texts[i].first)}
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
	return 4*cap(w.prev) + mapEntry(16)*w.peak + mapEntry(12)*len(w.half) + 8*cap(w.texts)
}

// mapEntry is about what an entry of a map costs, of which key and value have so
// many bytes: maps are between half full and seven eighths full.
func mapEntry(bytes int) int { return (bytes + 1) * 3 / 2 }
