// Package fold holds what the decoders of answers share: text that is kept
// within a budget and in its right order, the arguments of tool calls, counters,
// and errors that are no JSON.
package fold

import (
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// Budget bounds how many bytes a decoder keeps of what a stream says. Once it
// is spent nothing more is kept, so that what was kept has no gap.
type Budget struct {
	left      int
	unlimited bool
	spent     bool
}

// NewBudget returns a budget of limit bytes; zero or less is no limit.
func NewBudget(limit int) Budget {
	return Budget{left: limit, unlimited: limit <= 0}
}

// Spent tells that something was not kept.
func (b *Budget) Spent() bool { return b.spent }

// Take reserves n bytes, or tells that they are not to be had.
func (b *Budget) Take(n int) bool {
	switch {
	case b.unlimited:
		return true
	case b.spent || n > b.left:
		b.spent = true
		return false
	}
	b.left -= n
	return true
}

// Release gives back n bytes that are not kept any more.
func (b *Budget) Release(n int) {
	if !b.spent {
		b.left += n
	}
}

// Append appends the text of a JSON string, given with its quotes, to dst. Where
// the budget ends, the text ends with a whole character.
func (b *Budget) Append(dst, literal []byte) []byte {
	if len(literal) < 2 || literal[0] != '"' || b.spent {
		return dst
	}
	start := len(dst)
	dst = jsonscan.AppendUnescaped(dst, literal[1:len(literal)-1])
	n := len(dst) - start
	if b.unlimited || n <= b.left {
		b.left -= n
		return dst
	}
	end := start + b.left
	for end > start && !utf8.RuneStart(dst[end]) {
		end--
	}
	b.left, b.spent = 0, true
	return dst[:end]
}

// String returns the text of a JSON string, or "" where the budget cannot hold it.
func (b *Budget) String(literal []byte) string {
	text := String(literal)
	if !b.Take(len(text)) {
		return ""
	}
	return text
}
