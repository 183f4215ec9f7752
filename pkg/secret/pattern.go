package secret

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// pattern is a regular expression in a form that is matched at one place of a
// text, byte by byte: the automaton has found where an expression may begin, and
// what is left is to look whether it does. It backtracks, as Perl does and as
// package regexp is defined to, and gives up after a bounded number of steps.
//
// A pattern is made of the parts of syntax that secrets' rules use. Everything
// above ASCII counts as bytes: a class that holds the runes there holds the
// bytes 0x80 to 0xff.
type pattern struct {
	code   []step
	groups int
	first  set // with which bytes a match can begin
	// lead is what may stand before a match and belongs to it, for those that
	// look at the whole match. No search starts there.
	lead    set
	leadMax int
}

// set is a set of bytes.
type set [4]uint64

func (s *set) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }
func (s *set) add(c byte)      { s[c>>6] |= 1 << (c & 63) }

func (s *set) join(t *set) {
	for i := range s {
		s[i] |= t[i]
	}
}

func (s *set) meets(t *set) bool {
	return s[0]&t[0]|s[1]&t[1]|s[2]&t[2]|s[3]&t[3] != 0
}

type op uint8

const (
	opDone  op = iota
	opClass    // min to max bytes of a set
	opOne      // one byte of a set
	opGap      // as many bytes as there are of two sets, in that order
	opLines    // anything on this line and the next few
	opSplit    // one of several ways, the first that leads to a match
	opJump
	opSave // a group begins or ends
	opWord // at the edge of a word
	opNotWord
	opBegin
	opEnd
)

type step struct {
	op       op
	lazy     bool
	sole     bool // opClass: only where the bytes of the set end can the rest match
	set      set
	min, max int // opClass, opGap: of the first set
	ways     []int
	to       int // opJump; opSave: the number of the place
	then     *gap
}

// gap is the second half of opGap.
type gap struct {
	set   set
	max   int
	after set // what follows the gap and is in neither set
}

const endless = 1 << 30

// maxSteps bounds the work of one match.
const maxSteps = 1 << 16

// newPattern compiles an expression in Perl's syntax.
func newPattern(expr string) (*pattern, error) {
	for text, mark := range lineMarks {
		expr = strings.ReplaceAll(expr, text, mark)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	p := &pattern{groups: tree.MaxCap()}
	if err := p.compile(tree); err != nil {
		return nil, fmt.Errorf("%q: %w", expr, err)
	}
	p.code = append(p.code, step{op: opDone})
	p.dropLead(0)
	p.mergeGaps()
	p.bound()
	if p.firstOf(0, &p.first, map[int]bool{}) {
		return nil, fmt.Errorf("%q matches nothing at all", expr)
	}
	return p, nil
}

// lineMarks are the ways in which rules say "somewhere on this line or the next
// five". Tried as they stand they would cost the product of the lines' lengths.
var lineMarks = map[string]string{
	`(?:.*?|.*?(?:[\r\n]{1,2}.*?){1,5})`: `(?P<lines_first>)`,
	`(?:.*|.*(?:[\r\n]{1,2}.*){1,5})`:    `(?P<lines_last>)`,
}

const maxLines = 5

func (p *pattern) compile(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r >= 0x80 {
				for _, b := range []byte(string(r)) {
					var s set
					s.add(b)
					p.code = append(p.code, step{op: opOne, set: s})
				}
				continue
			}
			var s set
			s.add(byte(r))
			if re.Flags&syntax.FoldCase != 0 && unicode.IsLetter(r) {
				s.add(byte(r ^ 0x20))
			}
			p.code = append(p.code, step{op: opOne, set: s})
		}
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		p.code = append(p.code, step{op: opOne, set: setOf(re)})
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if err := p.compile(sub); err != nil {
				return err
			}
		}
	case syntax.OpAlternate:
		return p.alternate(re.Sub)
	case syntax.OpCapture:
		if strings.HasPrefix(re.Name, "lines_") {
			p.code = append(p.code, step{op: opLines, lazy: re.Name == "lines_first"})
			return nil
		}
		if re.Name != "" {
			return p.compile(re.Sub[0]) // a name says what it is, not that it is the secret
		}
		p.code = append(p.code, step{op: opSave, to: 2 * re.Cap})
		if err := p.compile(re.Sub[0]); err != nil {
			return err
		}
		p.code = append(p.code, step{op: opSave, to: 2*re.Cap + 1})
	case syntax.OpStar:
		return p.repeat(re, 0, endless)
	case syntax.OpPlus:
		return p.repeat(re, 1, endless)
	case syntax.OpQuest:
		return p.repeat(re, 0, 1)
	case syntax.OpRepeat:
		if re.Max < 0 {
			return p.repeat(re, re.Min, endless)
		}
		return p.repeat(re, re.Min, re.Max)
	case syntax.OpWordBoundary:
		p.code = append(p.code, step{op: opWord})
	case syntax.OpNoWordBoundary:
		p.code = append(p.code, step{op: opNotWord})
	case syntax.OpBeginText:
		p.code = append(p.code, step{op: opBegin})
	case syntax.OpEndText:
		p.code = append(p.code, step{op: opEnd})
	default:
		return fmt.Errorf("%s has no place here", re.Op)
	}
	return nil
}

// alternate compiles the ways, each of which goes on behind the last.
func (p *pattern) alternate(subs []*syntax.Regexp) error {
	split := len(p.code)
	p.code = append(p.code, step{op: opSplit})
	var jumps, ways []int
	for _, sub := range subs {
		ways = append(ways, len(p.code))
		if err := p.compile(sub); err != nil {
			return err
		}
		jumps = append(jumps, len(p.code))
		p.code = append(p.code, step{op: opJump})
	}
	p.code[split].ways = ways
	for _, j := range jumps {
		p.code[j].to = len(p.code)
	}
	return nil
}

func (p *pattern) repeat(re *syntax.Regexp, least, most int) error {
	sub, lazy := re.Sub[0], re.Flags&syntax.NonGreedy != 0
	switch sub.Op {
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		p.code = append(p.code, step{op: opClass, set: setOf(sub), min: least, max: most, lazy: lazy})
		return nil
	case syntax.OpLiteral:
		if len(sub.Rune) == 1 && sub.Rune[0] < 0x80 {
			before := len(p.code)
			if err := p.compile(sub); err != nil {
				return err
			}
			p.code[before] = step{op: opClass, set: p.code[before].set, min: least, max: most, lazy: lazy}
			return nil
		}
	}
	if most == endless || most > 8 {
		return fmt.Errorf("a group that repeats without end")
	}
	for range least {
		if err := p.compile(sub); err != nil {
			return err
		}
	}
	var splits []int
	for range most - least {
		splits = append(splits, len(p.code))
		p.code = append(p.code, step{op: opSplit})
		if err := p.compile(sub); err != nil {
			return err
		}
	}
	for _, s := range splits {
		p.code[s].ways = []int{s + 1, len(p.code)}
		if lazy {
			p.code[s].ways = []int{len(p.code), s + 1}
		}
	}
	return nil
}

// setOf returns the bytes of a class.
func setOf(re *syntax.Regexp) set {
	var s set
	ranges := re.Rune
	switch re.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		for r := lo; r <= hi && r < 0x80; r++ {
			s.add(byte(r))
		}
		// Case folding adds single runes above ASCII to classes of letters (the
		// Kelvin sign to k); only a range that is wide is meant.
		if hi-max(lo, 0x80) > 0x100 {
			for b := 0x80; b <= 0xff; b++ {
				s.add(byte(b))
			}
		}
	}
	return s
}
