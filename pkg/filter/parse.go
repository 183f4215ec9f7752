package filter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deeply parentheses may nest, and maxWild how many parts a
// pattern has: a store's LIKE takes time that grows with its power.
const (
	maxDepth = 100
	maxWild  = 8
)

// Error is a filter that cannot be read, and where: the bytes [Pos, End) of the
// text are at fault.
type Error struct {
	Pos, End int
	Msg      string
}

func (e *Error) Error() string { return fmt.Sprintf("filter, character %d: %s", e.Pos+1, e.Msg) }

// Parse reads a filter. The empty filter picks everything. Every error is an
// [*Error].
func Parse(s string) (Expr, error) {
	p := &parser{s: s}
	e := p.or()
	if p.err == nil && p.pos < len(s) {
		p.fail(p.pos, p.pos+1, `")" closes nothing; quote it to search for it`)
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

type parser struct {
	s     string
	pos   int
	depth int
	err   error
}

// or reads alternatives, up to the end or to a parenthesis that closes.
func (p *parser) or() Expr {
	var alternatives Or
	for {
		alternatives = appendOr(alternatives, p.and())
		if p.err != nil {
			return nil
		}
		bar := p.pos
		for p.peek() == '|' { // || as well
			p.pos++
		}
		if p.pos == bar {
			if len(alternatives) == 1 {
				return alternatives[0]
			}
			return alternatives
		}
		if p.space(); p.pos == len(p.s) || p.peek() == ')' {
			p.fail(bar, bar+1, `"|" needs something on either side`)
			return nil
		}
		if isEmpty(alternatives[len(alternatives)-1]) {
			p.fail(bar, bar+1, `"|" needs something on either side`)
			return nil
		}
	}
}

func isEmpty(e Expr) bool {
	and, ok := e.(And)
	return ok && len(and) == 0
}

// and reads what stands side by side.
func (p *parser) and() Expr {
	terms := And{}
	for p.err == nil {
		p.space()
		if c := p.peek(); c == 0 && p.pos >= len(p.s) || c == '|' || c == ')' {
			break
		}
		terms = appendAnd(terms, p.unit())
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return terms
}

// appendAnd and appendOr keep the tree flat.
func appendAnd(list And, e Expr) And {
	if and, ok := e.(And); ok {
		return append(list, and...)
	}
	return append(list, e)
}

func appendOr(list Or, e Expr) Or {
	if or, ok := e.(Or); ok {
		return append(list, or...)
	}
	return append(list, e)
}

func not(e Expr) Expr {
	if n, ok := e.(Not); ok {
		return n.X
	}
	return Not{e}
}

func (p *parser) unit() Expr {
	start := p.pos
	switch p.peek() {
	case '-':
		negate := false
		for p.peek() == '-' {
			negate = !negate
			p.pos++
		}
		if c := p.peek(); c == 0 || c == '|' || c == ')' || p.atSpace() {
			p.fail(start, p.pos, `"-" negates what follows without a space`)
			return nil
		}
		e := p.unit()
		if p.err == nil && negate {
			e = not(e)
		}
		return e
	case '(':
		if p.depth++; p.depth > maxDepth {
			p.fail(start, start+1, "too many parentheses")
			return nil
		}
		p.pos++
		e := p.or()
		if p.err != nil {
			return nil
		}
		if p.peek() == ')' && isEmpty(e) {
			p.fail(start, p.pos+1, "the parentheses hold nothing")
			return nil
		}
		if p.peek() != ')' {
			p.fail(start, start+1, `"(" is not closed; quote it to search for it`)
			return nil
		}
		p.pos++
		p.depth--
		return e
	case '"':
		return p.text(start, strings.Join(p.quoted(), "*"))
	}
	bare := p.bare()
	head := headOf(bare)
	if head == "" {
		return p.text(start, bare)
	}
	w, ok := Lookup(head)
	if !ok {
		p.fail(start, start+len(head), unknown(head))
		return nil
	}
	p.pos = start + len(head) + 1
	return p.values(w)
}

// text makes free text, which must hold a word to look for.
func (p *parser) text(start int, s string) Expr {
	for range Tokens(s) {
		return Text(s)
	}
	p.fail(start, p.pos, "free text needs a letter or a digit")
	return nil
}

// values reads what follows a word's colon.
func (p *parser) values(w Word) Expr {
	var alternatives Or
	for {
		e := p.value(w)
		if p.err != nil {
			return nil
		}
		alternatives = append(alternatives, e)
		// A bar without spaces goes on, unless another word or group follows it.
		if p.peek() != '|' || p.pos+1 >= len(p.s) {
			break
		}
		next := p.s[p.pos+1:]
		if r, _ := utf8.DecodeRuneInString(next); unicode.IsSpace(r) || strings.ContainsRune("|)(-", r) || knownHead(next) {
			break
		}
		p.pos++
	}
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return alternatives
}

// value reads one value of w.
func (p *parser) value(w Word) Expr {
	start := p.pos
	op, negate := p.op()
	opEnd := p.pos
	var parts Pattern
	isQuoted := p.peek() == '"'
	if isQuoted {
		if parts = p.quoted(); p.err != nil {
			return nil
		}
	} else {
		bare := p.bare()
		if bare == "" {
			p.fail(start, p.pos, fmt.Sprintf("%s needs a value, such as %s:%s", w.Name, w.Name, w.Example))
			return nil
		}
		parts = splitWild(bare)
	}
	if len(parts) > maxWild {
		p.fail(start, p.pos, "too many *")
		return nil
	}
	e, msg := term(w, op, parts)
	if msg != "" {
		p.fail(start, p.pos, msg)
		return nil
	}
	if opEnd > start && !w.ordered() && op != Equal {
		p.fail(start, opEnd, fmt.Sprintf("%s cannot be compared with %s; quote the value if it begins so", w.Name, op))
		return nil
	}
	if negate {
		return not(e)
	}
	return e
}

// op reads a comparison; none is Equal.
func (p *parser) op() (op Op, negate bool) {
	for _, s := range []string{">=", "<=", "!=", "==", ">", "<", "="} {
		if strings.HasPrefix(p.s[p.pos:], s) {
			p.pos += len(s)
			switch s {
			case "!=":
				return Equal, true
			case "==":
				return Equal, false
			}
			return Op(s), false
		}
	}
	return Equal, false
}

// quoted reads a text in quotes, as the parts between its wild cards.
func (p *parser) quoted() []string {
	start := p.pos
	var parts []string
	var b strings.Builder
	for p.pos++; p.pos < len(p.s); p.pos++ {
		c := p.s[p.pos]
		switch {
		case c == '"':
			p.pos++
			if !p.atSpace() && p.pos < len(p.s) && !strings.ContainsRune("|()", rune(p.s[p.pos])) {
				p.fail(p.pos, p.pos+1, "a space is missing behind the quotes")
			}
			return append(parts, b.String())
		case c == '*':
			if b.Len() > 0 || len(parts) == 0 { // ** is *
				parts = append(parts, b.String())
				b.Reset()
			}
		case c == '\\' && p.pos+1 < len(p.s) && strings.ContainsRune(`"*\`, rune(p.s[p.pos+1])):
			p.pos++
			b.WriteByte(p.s[p.pos])
		default:
			b.WriteByte(c)
		}
	}
	p.fail(start, len(p.s), "the quotes are not closed")
	return nil
}

// splitWild cuts at wild cards, where ** is *.
func splitWild(s string) []string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return strings.Split(s, "*")
}

// bare reads up to white space, a bar, quotes, or a parenthesis that it did not
// open itself.
func (p *parser) bare() string {
	start, open := p.pos, 0
	for p.pos < len(p.s) && !p.atSpace() {
		switch p.s[p.pos] {
		case '|', '"':
			return p.s[start:p.pos]
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				return p.s[start:p.pos]
			}
		}
		_, n := utf8.DecodeRuneInString(p.s[p.pos:])
		p.pos += n
	}
	return p.s[start:p.pos]
}

func (p *parser) atSpace() bool {
	r, _ := utf8.DecodeRuneInString(p.s[p.pos:])
	return unicode.IsSpace(r)
}

func (p *parser) space() {
	for p.pos < len(p.s) && p.atSpace() {
		_, n := utf8.DecodeRuneInString(p.s[p.pos:])
		p.pos += n
	}
}

func (p *parser) peek() byte {
	if p.pos >= len(p.s) {
		return 0
	}
	return p.s[p.pos]
}

func (p *parser) fail(pos, end int, msg string) {
	if p.err == nil {
		p.err = &Error{Pos: pos, End: max(end, pos), Msg: msg}
	}
}

// unknown says what a wrong word could have been.
func unknown(head string) string {
	names := make([]string, len(words))
	guess := ""
	for i := range words {
		names[i] = words[i].Name
		if guess == "" && near(strings.ToLower(head), words[i].Name) {
			guess = fmt.Sprintf(" (did you mean %s?)", words[i].Name)
		}
	}
	return fmt.Sprintf("there is no word %q%s; the words are %s; quote it to search for it",
		head, guess, strings.Join(names, ", "))
}

// near reports whether a and b differ by one letter put in, left out, changed
// or swapped with its neighbour, or whether the one begins the other.
func near(a, b string) bool {
	if len(a) >= 2 && strings.HasPrefix(b, a) || strings.HasPrefix(a, b) && len(b) > 3 {
		return true
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	ra, rb := a[i:], b[i:]
	switch {
	case len(b) < 4:
		return false
	case len(ra) == len(rb)+1:
		return ra[1:] == rb
	case len(rb) == len(ra)+1:
		return rb[1:] == ra
	case len(ra) != len(rb) || ra == "":
		return false
	}
	return ra[1:] == rb[1:] || len(ra) > 1 && ra[0] == rb[1] && ra[1] == rb[0] && ra[2:] == rb[2:]
}
