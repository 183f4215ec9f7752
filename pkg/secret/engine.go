package secret

import (
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// engine is the work of one scan for secrets.
type engine struct {
	set   *ruleSet
	text  string
	path  string
	done  []int  // for each rule, the end of its last match
	spent []int  // for each rule, the steps of its matches
	seen  []int8 // for each rule whose keyword need not be in a match: 1 it is in the text, -1 it is not
	m     match
	found []Finding
	used  bool // something was tried: done, spent and seen hold what must not stay
}

var engines = sync.Pool{New: func() any { return new(engine) }}

// scan appends what the rules find in a text.
func (set *ruleSet) scan(dst []Finding, path, text string) []Finding {
	e := engines.Get().(*engine)
	e.set, e.text, e.path, e.found = set, text, path, dst
	if cap(e.done) < len(set.rules) {
		e.done, e.spent, e.seen = make([]int, len(set.rules)), make([]int, len(set.rules)), make([]int8, len(set.rules))
	}
	e.done, e.spent, e.seen = e.done[:len(set.rules)], e.spent[:len(set.rules)], e.seen[:len(set.rules)]
	e.m.barren = span{}
	if e.run(); e.used { // most texts are short, and nothing is tried in them
		clear(e.done)
		clear(e.spent)
		clear(e.seen)
		e.used = false
	}
	dst = e.found
	e.text, e.path, e.found, e.m.text = "", "", nil, ""
	engines.Put(e)
	return dst
}

func (e *engine) run() {
	words, text := e.set.words, e.text
	next, class, width := words.next, &words.class, uint32(words.width)
	state := uint32(0)
	for i := 0; i < len(text); i++ {
		state = next[state+uint32(class[text[i]])]
		if state < ends {
			continue
		}
		state &^= ends
		e.used = true
		for _, r := range e.set.hits[state/width] {
			if r.offset != roams {
				e.try(r.rule, i+1-r.offset)
			} else if e.done[r.rule] == 0 {
				e.roam(r.rule)
				e.done[r.rule] = len(text) + 1
			}
		}
	}
}

// roam looks for a rule everywhere.
func (e *engine) roam(r int) {
	p := e.set.rules[r].pattern
	word := p.code[0].op == opWord && !p.first.has(' ')
	e.seen[r] = 1
	for i := range len(e.text) {
		if p.first.has(e.text[i]) && !(word && i > 0 && isWord(e.text[i-1])) {
			e.try(r, i)
		}
	}
}

// try looks whether a rule matches at a place.
func (e *engine) try(n, start int) {
	r := e.set.rules[n]
	if start < e.done[n] || !r.pattern.first.has(e.text[start]) {
		return
	}
	if e.spent[n] > 16*maxSteps+32*len(e.text) {
		return // a text that is made to be slow for this rule
	}
	end, ok := e.m.at(r.pattern, e.text, start)
	e.spent[n] += e.m.steps
	if !ok || r.path != nil && e.path != "" && !r.path.MatchString(e.path) {
		return
	}
	from, to := e.secret(r, start, end)
	secret := e.text[from:to]
	if from == to || isPlaceholder(secret) || e.seen[n] <= 0 && !hasKeyword(r, e.text[start:end]) && !e.keywordSeen(n) {
		return
	}
	e.done[n] = end
	if r.entropy > 0 && entropy(secret) <= r.entropy {
		return
	}
	if r.generic && e.set.madeUp(secret, e.text[:start], e.text[start:from]) {
		return
	}
	if e.allowed(r, secret, start, end) {
		return
	}
	e.found = append(e.found, Finding{Kind: KindSecret, Rule: r.id, Start: from, End: to})
}

// secret returns the place of the secret in the match that was just made.
func (e *engine) secret(r *rule, start, end int) (from, to int) {
	if r.group > 0 {
		if from, to = e.m.group(r.group); from >= 0 {
			return from, to
		}
		return start, end
	}
	for g := 1; g <= r.pattern.groups; g++ {
		if from, to = e.m.group(g); from >= 0 && to > from {
			return from, to
		}
	}
	return start, end
}

func (e *engine) allowed(r *rule, secret string, start, end int) bool {
	text := e.text
	for n := 0; n < r.pattern.leadMax && start > 0 && r.pattern.lead.has(text[start-1]); n++ {
		start--
	}
	whole := text[start:end]
	var doubts []*allowList
	if r.path != nil && e.path == "" && r.pattern.leadMax > 0 && e.set.generic != nil {
		// Without its file's name, such a rule knows no more than the generic one.
		doubts = e.set.generic.allow
	}
	for _, lists := range [...][]*allowList{e.set.allow, r.allow, doubts} {
		for _, a := range lists {
			line := ""
			if a.target == "line" {
				line = lineAround(text, start, end)
			}
			if a.allows(&e.m, secret, whole, line) {
				return true
			}
		}
	}
	return false
}

// lineAround returns the line or lines of a range, cut where they are long.
func lineAround(text string, start, end int) string {
	const most = 1024
	from, to := max(0, start-most), min(len(text), end+most)
	if i := strings.LastIndexByte(text[from:start], '\n'); i >= 0 {
		from += i + 1
	}
	if i := strings.IndexByte(text[end:to], '\n'); i >= 0 {
		to = end + i
	}
	return text[from:to]
}

// keywordSeen tells whether a keyword of a rule is anywhere in the text.
func (e *engine) keywordSeen(n int) bool {
	if e.seen[n] == 0 {
		e.seen[n] = -1
		if hasKeyword(e.set.rules[n], e.text) {
			e.seen[n] = 1
		}
	}
	return e.seen[n] > 0
}

func hasKeyword(r *rule, text string) bool {
	for _, k := range r.keywords {
		if containsFold(text, k) {
			return true
		}
	}
	return len(r.keywords) == 0
}

// containsFold tells whether a text holds a word, given in lower case.
func containsFold(text, word string) bool {
	c := word[0]
	for i := 0; i+len(word) <= len(text); i++ {
		if lower(text[i]) == c && equalFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

func equalFold(text, word string) bool {
	for i := range len(word) {
		if lower(text[i]) != word[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lowered returns a text with the letters of ASCII in lower case; its length stays.
func lowered(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= 'A' && c <= 'Z' {
			b := []byte(text)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return text
}

// logs holds n × log2(n).
var logs = func() (t [512]float64) {
	for n := 1; n < len(t); n++ {
		t[n] = float64(n) * math.Log2(float64(n))
	}
	return t
}()

// entropy returns Shannon's measure of a text, in bits a character, counted as
// gitleaks does: over characters, by the length in bytes.
func entropy(text string) float64 {
	var counts [utf8.RuneSelf]int
	var sum, rest float64
	n := 0
	var other map[rune]int
	for _, c := range text {
		if c < utf8.RuneSelf {
			counts[c]++
			n++
			continue
		}
		if other == nil {
			other = map[rune]int{}
		}
		other[c]++
	}
	length := float64(len(text))
	add := func(c int) {
		if c > 0 {
			f := float64(c) / length
			rest -= f * math.Log2(f)
		}
	}
	if other == nil && len(text) < len(logs) {
		for _, c := range counts {
			sum += logs[c]
		}
		if n == 0 {
			return 0
		}
		return math.Log2(length) - sum/length
	}
	for _, c := range counts {
		add(c)
	}
	for _, c := range other {
		add(c)
	}
	return rest
}
