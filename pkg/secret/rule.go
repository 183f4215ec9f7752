package secret

import (
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

//go:generate go run ./gen -out rules.json

// rulesJSON holds the rules of gitleaks; gitleaks.LICENSE is their licence.
//
//go:embed rules.json
var rulesJSON []byte

// rule finds one kind of secret.
type rule struct {
	id       string
	pattern  *pattern
	keywords []string // in lower case; the text must hold one
	entropy  float64  // the secret must have more
	group    int      // which part of a match is the secret; 0: the first part there is
	path     *regexp.Regexp
	allow    []*allowList
	generic  bool // a name and a value that looks random, and no more
}

// ruleSet is all rules, ready for use.
type ruleSet struct {
	rules []*rule
	allow []*allowList // for every rule

	words *automaton  // finds where rules may match
	hits  [][]ref     // for each state of the automaton in which words end
	heads [256][]head // by the first byte

	generic *rule
}

// ref says that a match of a rule may begin some bytes before a word's end, or,
// where offset is roams, that it may be anywhere in a text that holds the word.
type ref struct{ rule, offset int }

const roams = -1

// head is how the secrets of a rule begin, and how long they are at least.
type head struct {
	sets  []set
	least int
}

const genericID = "generic-api-key"

// rules reads the embedded rules, once, when the first text is scanned.
var rules = sync.OnceValues(func() (*ruleSet, error) { return readRules(rulesJSON) })

func readRules(data []byte) (*ruleSet, error) {
	set := &ruleSet{}
	s := jsonscan.New(data)
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "allow":
			for range s.Array() {
				a, e := readAllow(s)
				if set.allow = append(set.allow, a); e != nil {
					err = e
				}
			}
		case "rules":
			for range s.Array() {
				r, e := readRule(s)
				if e != nil {
					err = fmt.Errorf("%s: %w", r.id, e)
					continue
				}
				if set.rules = append(set.rules, r); r.generic {
					set.generic = r
				}
			}
		}
	}
	if e := s.End(); e != nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("secret rules: %w", err)
	}
	set.index()
	return set, nil
}

func readRule(s *jsonscan.Scanner) (*rule, error) {
	r := &rule{}
	var err error
	for key := range s.Object() {
		switch string(key) {
		case "id":
			r.id = s.Text()
		case "regex":
			p, e := newPattern(s.Text())
			r.pattern, err = p, first(err, e)
		case "path":
			re, e := regexp.Compile(s.Text())
			r.path, err = re, first(err, e)
		case "keywords":
			for range s.Array() {
				r.keywords = append(r.keywords, s.Text())
			}
		case "entropy":
			f, e := strconv.ParseFloat(string(s.Raw()), 64)
			r.entropy, err = f, first(err, e)
		case "group":
			n, _ := s.Int()
			r.group = int(n)
		case "allow":
			for range s.Array() {
				a, e := readAllow(s)
				r.allow, err = append(r.allow, a), first(err, e)
			}
		}
	}
	r.generic = r.id == genericID
	return r, err
}

func first(err, next error) error {
	if err != nil {
		return err
	}
	return next
}

// index builds the automaton over the words by which rules are found.
func (set *ruleSet) index() {
	ids := map[string]int{}
	var words []string
	var refs [][]ref // for each word
	for i, r := range set.rules {
		list, ok := r.pattern.anchors()
		if !ok {
			for _, k := range r.keywords {
				list = append(list, anchor{k, roams})
			}
		}
		for _, a := range list {
			id, known := ids[a.literal]
			if !known {
				id = len(words)
				ids[a.literal] = id
				words = append(words, a.literal)
				refs = append(refs, nil)
			}
			refs[id] = append(refs[id], ref{i, a.offset})
		}
		for _, h := range r.pattern.heads() {
			for c := range 256 {
				if h.sets[0].has(byte(c)) {
					set.heads[c] = append(set.heads[c], h)
				}
			}
		}
	}
	set.words = newAutomaton(words, true)
	set.hits = make([][]ref, len(set.words.out))
	for state, ids := range set.words.out {
		for _, id := range ids {
			set.hits[state] = append(set.hits[state], refs[id]...)
		}
	}
}

// heads returns the ways in which matches begin with a few bytes that are all but
// fixed, if they do.
func (p *pattern) heads() (list []head) {
	if p.leadMax > 0 {
		return nil
	}
	paths := &pathFinder{p: p}
	paths.walk(0, nil)
	for _, path := range paths.found {
		n := 0
		for n < len(path) && n < maxLiteral && path[n].size() <= 4 {
			n++
		}
		if n >= 4 {
			list = append(list, head{path[:n:n], p.least()})
		}
	}
	return list
}

// least returns the length of the shortest match.
func (p *pattern) least() int {
	memo := map[int]int{}
	var from func(pc int) int
	from = func(pc int) int {
		if n, ok := memo[pc]; ok {
			return n
		}
		n := 0
		switch s := &p.code[pc]; s.op {
		case opDone:
		case opOne:
			n = 1 + from(pc+1)
		case opClass:
			n = s.min + from(pc+1)
		case opSplit:
			n = endless
			for _, w := range s.ways {
				n = min(n, from(w))
			}
		case opJump:
			n = from(s.to)
		default:
			n = from(pc + 1)
		}
		memo[pc] = n
		return n
	}
	return from(0)
}

// allowList says what is no secret although a rule found it.
type allowList struct {
	target   string // "" the secret, "match" or "line"
	anchored []*pattern
	free     []*regexp.Regexp
	need     *automaton // no free expression matches a text without one of these; nil: look always
	sure     *automaton // a text with one of these is allowed
	words    func() *automaton
}

func readAllow(s *jsonscan.Scanner) (*allowList, error) {
	a := &allowList{}
	var words, need, sure []string
	var err error
	always := false
	for key := range s.Object() {
		switch string(key) {
		case "target":
			a.target = s.Text()
		case "words":
			for range s.Array() {
				words = append(words, strings.ToLower(s.Text()))
			}
		case "regex":
			for range s.Array() {
				expr := s.Text()
				tree, e := syntax.Parse(expr, syntax.Perl)
				if err = first(err, e); e != nil {
					continue
				}
				if p, e := newPattern(expr); e == nil && anchored(tree) {
					a.anchored = append(a.anchored, p)
					continue
				}
				literals, rest := apart(tree)
				if sure = append(sure, literals...); rest == nil {
					continue
				}
				re, e := regexp.Compile(rest.String())
				a.free, err = append(a.free, re), first(err, e)
				req := required(rest)
				need, always = append(need, req...), always || req == nil
			}
		}
	}
	if !always {
		a.need = newAutomaton(need, true)
	}
	if len(sure) > 0 {
		a.sure = newAutomaton(sure, true)
	}
	a.words = func() *automaton { return nil }
	if len(words) > 0 {
		a.words = sync.OnceValue(func() *automaton { return newAutomaton(words, true) })
	}
	return a, err
}

// apart takes the plain literals out of an expression that is looked for anywhere
// in a text. The literals then match in either case.
func apart(tree *syntax.Regexp) (literals []string, rest *syntax.Regexp) {
	for tree.Op == syntax.OpCapture {
		tree = tree.Sub[0]
	}
	subs := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpAlternate {
		subs = tree.Sub
	}
	var left []*syntax.Regexp
	for _, sub := range subs {
		if _, exact := requiredOf(sub); worth(exact) > 0 && !hasEdge(sub) {
			literals = append(literals, exact...)
		} else {
			left = append(left, sub)
		}
	}
	switch len(left) {
	case 0:
		return literals, nil
	case 1:
		return literals, left[0]
	}
	return literals, &syntax.Regexp{Op: syntax.OpAlternate, Flags: tree.Flags, Sub: left}
}

// hasEdge tells whether an expression asks for the edge of a text or a word.
func hasEdge(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, hasEdge)
}

func anchored(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(tree.Sub) > 0 && anchored(tree.Sub[0])
	}
	return false
}

// allows tells whether the list allows what was found.
func (a *allowList) allows(m *match, secret, whole, line string) bool {
	text := secret
	switch a.target {
	case "match":
		text = whole
	case "line":
		text = line
	}
	if w := a.words(); w != nil && w.has(secret) {
		return true
	}
	if slices.ContainsFunc(a.anchored, func(p *pattern) bool { _, ok := m.at(p, text, 0); return ok }) {
		return true
	}
	if a.sure != nil && a.sure.has(text) {
		return true
	}
	return len(a.free) > 0 && (a.need == nil || a.need.has(text)) &&
		slices.ContainsFunc(a.free, func(re *regexp.Regexp) bool { return re.MatchString(text) })
}
