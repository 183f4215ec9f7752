package simulate

import (
	"strings"
	"unicode/utf8"
)

// maxPiece is the most bytes of text without a space that one piece holds.
const maxPiece = 12

// nextPiece returns the length of the first piece of s: white space and the word
// after it, or the first bytes of a long word, never a part of a character.
func nextPiece(s string) int {
	i, inWord := 0, false
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		blank := r == ' ' || r == '\n' || r == '\t' || r == '\r'
		if blank && inWord {
			return i
		}
		if i > 0 && i+size > maxPiece && inWord {
			return i
		}
		inWord = inWord || !blank
		i += size
	}
	return i
}

// pieces cuts a text as models stream it, about a word at a time.
func pieces(s string) []string {
	var all []string
	for len(s) > 0 {
		n := nextPiece(s)
		all = append(all, s[:n])
		s = s[n:]
	}
	return all
}

// tokens counts the pieces of a text.
func tokens(s string) int {
	n := 0
	for len(s) > 0 {
		s = s[nextPiece(s):]
		n++
	}
	return n
}

// cutInto cuts a text into n pieces of about the same length, between
// characters; a text with fewer characters gives empty ones at the end.
func cutInto(s string, n int) []string {
	all := make([]string, 0, n)
	for left := n; left > 1; left-- {
		at := len(s) / left
		if at == 0 && len(s) > 0 {
			at = 1
		}
		for at < len(s) && !utf8.RuneStart(s[at]) {
			at++
		}
		all = append(all, s[:at])
		s = s[at:]
	}
	return append(all, s)
}

// lexicon is what words are made of; each stays below maxPiece with its space.
var lexicon = strings.Fields("the proxy reads every frame once and passes it on while " +
	"a small record of what was said is kept for those who ask later")

// words returns a text of n words, always the same.
func words(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(lexicon[i%len(lexicon)])
	}
	return b.String()
}
