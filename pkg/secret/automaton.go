package secret

import "slices"

// automaton finds many literals in one pass over a text (Aho and Corasick's
// machine, made deterministic). Bytes that no literal holds share a class, so
// that the table stays small and the start state, in which ordinary text keeps
// the machine, stays in the cache.
type automaton struct {
	class [256]uint8
	width int // how many classes
	// next holds for each state and class the state that follows, times width.
	// The high bit tells that a literal ends there.
	next []uint32
	// out holds for the number of a state (its offset in next by width) the
	// literals that end there.
	out [][]uint16
}

const ends = 1 << 31

// newAutomaton builds the machine for some literals. With fold, letters match in
// either case; the literals must then be in lower case.
func newAutomaton(literals []string, fold bool) *automaton {
	a := &automaton{width: 1}
	for _, l := range literals {
		for i := range len(l) {
			if a.class[l[i]] == 0 {
				a.class[l[i]] = uint8(a.width)
				a.width++
			}
		}
	}
	if fold {
		for c := byte('A'); c <= 'Z'; c++ {
			a.class[c] = a.class[c+'a'-'A']
		}
	}
	// The trie, with 0 for "no such state".
	trie := make([]uint32, a.width)
	outs := [][]uint16{nil}
	for id, l := range literals {
		s := 0
		for i := range len(l) {
			at := s*a.width + int(a.class[l[i]])
			if trie[at] == 0 {
				trie[at] = uint32(len(outs))
				trie = append(trie, make([]uint32, a.width)...)
				outs = append(outs, nil)
			}
			s = int(trie[at])
		}
		outs[s] = append(outs[s], uint16(id))
	}
	// Breadth first: a state's missing steps are those of its longest suffix
	// that is a state too, and so are the literals that end in it.
	suffix := make([]uint32, len(outs))
	queue := []uint32{0}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		for c := range a.width {
			at := int(s)*a.width + c
			to, back := trie[at], uint32(0)
			if s != 0 {
				back = trie[int(suffix[s])*a.width+c]
			}
			if to == 0 {
				trie[at] = back
				continue
			}
			suffix[to] = back
			outs[to] = slices.Concat(outs[to], outs[back])
			queue = append(queue, to)
		}
	}
	a.next, a.out = trie, outs
	for i, s := range trie {
		a.next[i] = s * uint32(a.width)
		if len(outs[s]) > 0 {
			a.next[i] |= ends
		}
	}
	return a
}

// find calls hit for each literal that ends in the text, with its number and the
// place behind it, until hit returns false.
func (a *automaton) find(text string, hit func(id, end int) bool) {
	next, class := a.next, &a.class
	state := uint32(0)
	for i := 0; i < len(text); i++ {
		state = next[state+uint32(class[text[i]])]
		if state < ends {
			continue
		}
		state &^= ends
		for _, id := range a.out[state/uint32(a.width)] {
			if !hit(int(id), i+1) {
				return
			}
		}
	}
}

// has tells whether the text holds a literal.
func (a *automaton) has(text string) bool {
	next, class := a.next, &a.class
	state := uint32(0)
	for i := range len(text) {
		if state = next[state+uint32(class[text[i]])]; state >= ends {
			return true
		}
	}
	return false
}
