package secret

import (
	"regexp/syntax"
	"strings"
)

// required returns literals, in lower case, of which every match of an
// expression holds at least one, or nil where there are none to be had: a text
// without any of them need not be searched.
func required(re *syntax.Regexp) []string {
	need, exact := requiredOf(re)
	return better(need, exact)
}

const (
	maxExact = 1024 // strings
	minUse   = 2    // bytes: a single one is everywhere
)

// requiredOf returns what a match must hold, and, where they are few, all the
// strings that match.
func requiredOf(re *syntax.Regexp) (need, exact []string) {
	switch re.Op {
	case syntax.OpLiteral:
		return nil, []string{strings.ToLower(string(re.Rune))}
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine:
		return nil, []string{""}
	case syntax.OpCapture:
		return requiredOf(re.Sub[0])
	case syntax.OpCharClass:
		n := 0
		for i := 0; i+1 < len(re.Rune); i += 2 {
			n += int(re.Rune[i+1]-re.Rune[i]) + 1
		}
		if n > 8 {
			return nil, nil
		}
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				exact = append(exact, strings.ToLower(string(r)))
			}
		}
		return nil, exact
	case syntax.OpQuest:
		if _, e := requiredOf(re.Sub[0]); len(e) > 0 {
			return nil, append(e, "")
		}
	case syntax.OpPlus:
		need, exact = requiredOf(re.Sub[0])
		return better(need, exact), nil
	case syntax.OpRepeat:
		if re.Min > 0 {
			need, exact = requiredOf(re.Sub[0])
			return better(need, exact), nil
		}
	case syntax.OpAlternate:
		allExact, allNeed := true, true
		for _, sub := range re.Sub {
			n, e := requiredOf(sub)
			allExact = allExact && len(e) > 0
			exact = append(exact, e...)
			b := better(n, e)
			allNeed = allNeed && b != nil
			need = append(need, b...)
		}
		switch {
		case allExact && len(exact) <= maxExact:
			return nil, exact
		case allNeed:
			return need, nil
		}
	case syntax.OpConcat:
		run, whole := []string{""}, true
		for _, sub := range re.Sub {
			n, e := requiredOf(sub)
			if len(e) > 0 && len(run)*len(e) <= maxExact {
				run = cross(run, e)
				continue
			}
			whole = false
			need = better(better(need, run), better(n, e))
			if run = e; len(e) == 0 {
				run = []string{""}
			}
		}
		if whole {
			return nil, run
		}
		return better(need, run), nil
	}
	return nil, nil
}

// better returns the set whose shortest literal is longer, if it is of use.
func better(a, b []string) []string {
	if worth(b) > worth(a) {
		return b
	}
	if worth(a) < minUse {
		return nil
	}
	return a
}

func worth(set []string) int {
	if len(set) == 0 {
		return 0
	}
	n := len(set[0])
	for _, s := range set {
		n = min(n, len(s))
	}
	if n < minUse {
		return 0
	}
	return n
}

func cross(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}
