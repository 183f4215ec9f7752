package fold

import "slices"

// runCost is what the place of a piece of text costs a budget.
const runCost = 16

// Text gathers text that comes in pieces. Each piece has a key, and the whole
// text is the pieces in the order of their keys; those of one key follow each
// other as they came. Most streams send them in that order.
type Text struct {
	buf      []byte
	runs     []run
	disorder bool
}

type run struct {
	key uint64
	end int
}

// Append adds the text of a JSON string, given with its quotes, and tells
// whether there was any.
func (t *Text) Append(b *Budget, key uint64, literal []byte) bool {
	if len(literal) <= 2 {
		return false
	}
	last := len(t.runs) - 1
	if last < 0 || t.runs[last].key != key {
		if !b.Take(runCost) {
			return true
		}
		t.disorder = t.disorder || last >= 0 && key < t.runs[last].key
		t.runs = append(t.runs, run{key: key})
		last++
	}
	t.buf = b.Append(t.buf, literal)
	t.runs[last].end = len(t.buf)
	return true
}

// Since returns the text from a byte offset on, in the order in which it came.
func (t *Text) Since(from int) string {
	if from < 0 || from >= len(t.buf) {
		return ""
	}
	return string(t.buf[from:])
}

// Len returns how many bytes have come.
func (t *Text) Len() int { return len(t.buf) }

// String returns the whole text in its right order.
func (t *Text) String() string {
	if !t.disorder {
		return string(t.buf)
	}
	type piece struct {
		key  uint64
		text []byte
	}
	pieces := make([]piece, len(t.runs))
	start := 0
	for i, r := range t.runs {
		pieces[i] = piece{r.key, t.buf[start:r.end]}
		start = r.end
	}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	out := make([]byte, 0, len(t.buf))
	for _, p := range pieces {
		out = append(out, p.text...)
	}
	return string(out)
}
