package secret

import "math/bits"

// anchor is a literal that stands at a fixed place of every match of a pattern
// (or of those that go one way): where the automaton finds it, the match begins
// offset bytes before the literal's end.
type anchor struct {
	literal string // lower case
	offset  int
}

const (
	maxPaths   = 256
	maxPath    = 64
	minLiteral = 2
	maxLiteral = 16
)

// anchors returns the anchors of a pattern; ok is false where a
// match can do without any literal, so that no anchor finds it.
func (p *pattern) anchors() (list []anchor, ok bool) {
	paths := &pathFinder{p: p}
	paths.walk(0, nil)
	if len(paths.found) == 0 || len(paths.found) > maxPaths {
		return nil, false
	}
	seen := map[anchor]bool{}
	for _, path := range paths.found {
		a, ok := best(path)
		if !ok {
			return nil, false
		}
		if !seen[a] {
			seen[a] = true
			list = append(list, a)
		}
	}
	return list, true
}

// pathFinder collects the beginnings of all matches, as long as each byte has a
// fixed place.
type pathFinder struct {
	p     *pattern
	found [][]set
}

func (f *pathFinder) walk(pc int, path []set) {
	for len(f.found) <= maxPaths && len(path) < maxPath {
		switch s := &f.p.code[pc]; s.op {
		case opOne:
			path = append(path, s.set)
		case opClass:
			for range min(s.min, maxPath) {
				path = append(path, s.set)
			}
			if s.max != s.min {
				f.end(path)
				return
			}
		case opGap, opLines, opDone:
			f.end(path)
			return
		case opSplit:
			for _, w := range s.ways {
				f.walk(w, append([]set(nil), path...))
			}
			return
		case opJump:
			pc = s.to - 1
		}
		pc++
	}
	f.end(path)
}

func (f *pathFinder) end(path []set) { f.found = append(f.found, path) }

// best returns the longest literal of a path, the first of equals.
func best(path []set) (a anchor, ok bool) {
	var run []byte
	for i := range len(path) + 1 {
		if i < len(path) {
			if c, one := path[i].letter(); one {
				run = append(run, c)
				continue
			}
		}
		if len(run) >= minLiteral && len(run) > len(a.literal) {
			n := min(len(run), maxLiteral)
			a, ok = anchor{string(run[:n]), i - len(run) + n}, true
		}
		run = run[:0]
	}
	return a, ok
}

// letter tells whether the set holds one byte only, or one letter in both cases,
// and returns it in lower case.
func (s *set) letter() (byte, bool) {
	n, c := s.size(), byte(0)
	for i, w := range s {
		if w != 0 {
			c = byte(i<<6 + bits.TrailingZeros64(w))
		}
	}
	if c >= 'A' && c <= 'Z' && (n == 1 || n == 2 && s.has(c|0x20)) {
		return c | 0x20, true
	}
	return c, n == 1
}

func (s *set) size() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}
