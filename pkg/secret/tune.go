package secret

// What follows makes a compiled pattern cheap to match, without changing what it
// matches.

// dropLead takes away a lazy class at the beginning: wherever the rest matches,
// the whole does.
func (p *pattern) dropLead(pc int) {
	for {
		switch s := &p.code[pc]; {
		case s.op == opClass && s.lazy && s.min == 0 && s.max < endless:
			p.lead, p.leadMax = s.set, max(p.leadMax, s.max)
			*s = step{op: opJump, to: pc + 1}
		case s.op == opSplit:
			for _, w := range s.ways {
				p.dropLead(w)
			}
			return
		case s.op == opJump:
			pc = s.to - 1
		case s.op != opSave:
			return
		}
		pc++
	}
}

// mergeGaps makes one step of two classes that may be empty, where what follows
// is in neither: then there is only one place where they can end, and no need to
// try others. Rules look so for what stands between a name and its value.
func (p *pattern) mergeGaps() {
	target := map[int]bool{}
	for _, s := range p.code {
		for _, w := range s.ways {
			target[w] = true
		}
		if s.op == opJump {
			target[s.to] = true
		}
	}
	for i := 0; i+2 < len(p.code); i++ {
		a, b := &p.code[i], &p.code[i+1]
		if a.op != opClass || b.op != opClass || a.min != 0 || b.min != 0 || a.lazy || b.lazy ||
			a.max == endless || b.max == endless || target[i+1] {
			continue
		}
		g := gap{set: b.set, max: b.max}
		both := a.set
		both.join(&b.set)
		if p.firstOf(i+2, &g.after, map[int]bool{}) || g.after.meets(&both) {
			continue
		}
		a.op, a.then = opGap, &g
		*b = step{op: opJump, to: i + 2}
	}
}

// bound limits how far a class without an end reaches, and marks the classes that
// need no backtracking.
func (p *pattern) bound() {
	for i := range p.code {
		s := &p.code[i]
		if s.op != opClass {
			continue
		}
		if s.max == endless {
			s.max = maxToken
			if s.set.size() > 200 && !s.set.has('\n') {
				s.max = maxLine
			}
		}
		var next set
		s.sole = !s.lazy && p.after(i+1, &next, map[int]bool{}) && !next.meets(&s.set)
	}
}

// Limits of what has none in a rule: a key in text form, and a line.
const (
	maxToken = 64 << 10
	maxLine  = 1 << 10
)

// after adds to s the bytes with which a match goes on from a step; ok is false
// where it may also end there, or ask for more than the next byte.
func (p *pattern) after(pc int, s *set, seen map[int]bool) (ok bool) {
	for ; ; pc++ {
		if seen[pc] {
			return true
		}
		seen[pc] = true
		switch c := &p.code[pc]; c.op {
		case opOne:
			s.join(&c.set)
			return true
		case opClass:
			s.join(&c.set)
			if c.min > 0 {
				return true
			}
		case opGap:
			s.join(&c.set)
			s.join(&c.then.set)
		case opSplit:
			for _, w := range c.ways {
				if !p.after(w, s, seen) {
					return false
				}
			}
			return true
		case opJump:
			pc = c.to - 1
		case opEnd:
			return true // and so do the set's bytes
		case opSave:
		default:
			return false
		}
	}
}

// firstOf adds to s the bytes with which a match from a step on can begin, and
// tells whether it can be empty.
func (p *pattern) firstOf(pc int, s *set, seen map[int]bool) bool {
	for ; ; pc++ {
		if seen[pc] {
			return false
		}
		seen[pc] = true
		switch c := &p.code[pc]; c.op {
		case opDone:
			return true
		case opOne:
			s.join(&c.set)
			return false
		case opClass:
			s.join(&c.set)
			if c.min > 0 {
				return false
			}
		case opGap:
			s.join(&c.set)
			s.join(&c.then.set)
		case opLines:
			*s = set{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		case opSplit:
			empty := false
			for _, w := range c.ways {
				if p.firstOf(w, s, seen) {
					empty = true
				}
			}
			return empty
		case opJump:
			pc = c.to - 1
		}
	}
}
