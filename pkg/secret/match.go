package secret

import "strings"

// match is one run of a pattern over a text.
type match struct {
	p     *pattern
	text  string
	steps int // of the last match
	// barren is where the rest of a pattern with opLines was looked for in vain
	// already; lines of two matches overlap.
	barren span
	saved  [2 * maxGroups]int
}

// span is a range of places, with the pattern and the text that it belongs to.
type span struct {
	p        *pattern
	from, to int
}

// maxGroups is how many groups are kept. Later ones match and are forgotten.
const maxGroups = 16

// at tells whether the pattern matches from a place of the text on, and returns
// the end of the match. ok is false too where the work was too much.
func (m *match) at(p *pattern, text string, pos int) (end int, ok bool) {
	m.p, m.text, m.steps = p, text, 0
	for i := range min(2*(p.groups+1), len(m.saved)) {
		m.saved[i] = -1
	}
	return m.run(0, pos)
}

// group returns the place of a group, or -1.
func (m *match) group(n int) (start, end int) {
	if n >= maxGroups {
		return -1, -1
	}
	return m.saved[2*n], m.saved[2*n+1]
}

func (m *match) run(pc, pos int) (int, bool) {
	text := m.text
	for {
		if m.steps++; m.steps > maxSteps {
			return 0, false
		}
		s := &m.p.code[pc]
		switch s.op {
		case opDone:
			return pos, true
		case opOne:
			if pos >= len(text) || !s.set.has(text[pos]) {
				return 0, false
			}
			pos++
		case opClass:
			return m.class(s, pc, pos)
		case opLines:
			return m.lines(s, pc, pos)
		case opGap:
			n, ok := s.end(text, pos)
			if !ok {
				return 0, false
			}
			pos = n
		case opSplit:
			for i, w := range s.ways {
				if i == len(s.ways)-1 {
					pc = w - 1
					break
				}
				if end, ok := m.run(w, pos); ok {
					return end, true
				}
			}
		case opJump:
			pc = s.to - 1
		case opSave:
			if s.to >= len(m.saved) {
				break
			}
			before := m.saved[s.to]
			m.saved[s.to] = pos
			end, ok := m.run(pc+1, pos)
			if !ok {
				m.saved[s.to] = before
			}
			return end, ok
		case opWord, opNotWord:
			edge := (pos > 0 && isWord(text[pos-1])) != (pos < len(text) && isWord(text[pos]))
			if edge != (s.op == opWord) {
				return 0, false
			}
		case opBegin:
			if pos != 0 {
				return 0, false
			}
		case opEnd:
			if pos != len(text) {
				return 0, false
			}
		}
		pc++
	}
}

// class tries the counts of a repeated class, the most first, or the least
// first where it is lazy.
func (m *match) class(s *step, pc, pos int) (int, bool) {
	text := m.text
	limit := len(text)
	if s.max < limit-pos {
		limit = pos + s.max
	}
	if s.lazy {
		n := pos
		for ; n < pos+s.min; n++ {
			if n >= limit || !s.set.has(text[n]) {
				return 0, false
			}
		}
		next := &m.p.code[pc+1]
		for {
			if next.op != opOne || n < len(text) && next.set.has(text[n]) {
				if end, ok := m.run(pc+1, n); ok {
					return end, true
				}
			}
			if n >= limit || !s.set.has(text[n]) || m.steps > maxSteps {
				return 0, false
			}
			n++
		}
	}
	n := pos
	for n < limit && s.set.has(text[n]) {
		n++
	}
	m.steps += (n - pos) / 8
	if s.sole {
		if n < pos+s.min {
			return 0, false
		}
		return m.run(pc+1, n)
	}
	// A step of one byte follows: only places before such a byte are worth a try.
	next := &m.p.code[pc+1]
	for ; n >= pos+s.min; n-- {
		if next.op == opOne && (n >= len(text) || !next.set.has(text[n])) {
			continue
		}
		if end, ok := m.run(pc+1, n); ok {
			return end, true
		}
		if m.steps > maxSteps {
			return 0, false
		}
	}
	return 0, false
}

// lines tries the places on the rest of this line and on the next few: the first
// that leads to a match where it is lazy, else the last one of this line, then
// the last one of all.
func (m *match) lines(s *step, pc, pos int) (int, bool) {
	text := m.text
	limit := min(len(text), pos+maxRegion)
	first, end := -1, pos
	for breaks := 0; breaks <= maxLines && end < limit; breaks++ {
		i := strings.IndexByte(text[end:limit], '\n')
		if i < 0 {
			end = limit
			break
		}
		if end += i; first < 0 {
			first = end
		}
		if breaks < maxLines {
			if end++; byteAt(text, end) == '\n' {
				end++ // an empty line is one break with the one before it
			}
		}
	}
	end = min(end, limit)
	if first < 0 {
		first = end
	}
	next := &m.p.code[pc+1]
	skip := span{}
	if m.barren.p == m.p {
		skip = m.barren
	}
	try := func(n int) (int, bool) {
		if n >= skip.from && n < skip.to || next.op == opOne && (n >= len(text) || !next.set.has(text[n])) {
			return 0, false
		}
		return m.run(pc+1, n)
	}
	if s.lazy {
		for n := pos; n <= end; n++ {
			if n >= skip.from && n < skip.to {
				n = skip.to - 1
				continue
			}
			if e, ok := try(n); ok {
				return e, true
			}
		}
	} else {
		for n := first; n >= pos; n-- {
			if n >= skip.from && n < skip.to {
				n = skip.from
				continue
			}
			if e, ok := try(n); ok {
				return e, true
			}
		}
		for n := end; n > first; n-- {
			if n >= skip.from && n < skip.to {
				n = skip.from
				continue
			}
			if e, ok := try(n); ok {
				return e, true
			}
		}
	}
	if m.steps <= maxSteps {
		m.barren = span{m.p, pos, end + 1}
		if skip.to > pos && skip.from <= pos {
			m.barren.from = skip.from
		}
	}
	return 0, false
}

// maxRegion bounds how far the lines of opLines may reach.
const maxRegion = 8 << 10

// end returns where a gap ends.
func (s *step) end(text string, pos int) (int, bool) {
	n, limit := pos, min(len(text), pos+s.max+s.then.max+1)
	for n < limit && (s.set.has(text[n]) || s.then.set.has(text[n])) {
		n++
	}
	if n >= len(text) || !s.then.after.has(text[n]) {
		return 0, false
	}
	// The second class takes what it can from the end.
	second := n
	for second > pos && n-second < s.then.max && s.then.set.has(text[second-1]) {
		second--
	}
	if second-pos > s.max {
		return 0, false
	}
	for i := pos; i < second; i++ {
		if !s.set.has(text[i]) {
			return 0, false
		}
	}
	return n, true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
