package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is a text with wild cards: its literal parts, between any two of
// which anything may stand. One part is a plain text.
type Pattern []string

// Plain makes the pattern that is s itself.
func Plain(s string) Pattern { return Pattern{s} }

// Wild reports whether the pattern has a wild card.
func (p Pattern) Wild() bool { return len(p) > 1 }

// Empty reports whether the pattern is the empty text, which finds what an
// interaction does not have.
func (p Pattern) Empty() bool { return len(p) == 0 || len(p) == 1 && p[0] == "" }

// For returns the pattern that a word of kind k compares with the whole text:
// a plain value of a Prefix or Contains word gets the wild cards that it implies.
func (p Pattern) For(k Kind) Pattern {
	if p.Wild() || p.Empty() {
		return p
	}
	switch k {
	case Prefix:
		return Pattern{p[0], ""}
	case Contains:
		return Pattern{"", p[0], ""}
	}
	return p
}

func (p Pattern) matcher(k Kind) func(string) bool {
	p = p.For(k)
	return p.Match
}

// Match reports whether the whole of s fits the pattern, whatever the case of
// ASCII letters. The empty text fits the empty pattern only.
func (p Pattern) Match(s string) bool {
	if p.Empty() || s == "" {
		return p.Empty() && s == ""
	}
	first, last := p[0], p[len(p)-1]
	if !p.Wild() {
		return len(s) == len(first) && foldPrefix(s, first)
	}
	if len(s) < len(first)+len(last) || !foldPrefix(s, first) || !foldPrefix(s[len(s)-len(last):], last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range p[1 : len(p)-1] {
		for !foldPrefix(s, part) {
			if len(s) <= len(part) {
				return false
			}
			s = s[1:]
		}
		s = s[len(part):]
	}
	return true
}

// foldPrefix reports whether s begins with part, ASCII case aside.
func foldPrefix(s, part string) bool {
	if len(s) < len(part) {
		return false
	}
	for i := 0; i < len(part); i++ {
		if lower(s[i]) != lower(part[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// String writes the pattern as a value, quoted where it must be.
func (p Pattern) String() string {
	if len(p) == 0 {
		return `""`
	}
	bare := strings.Join(p, "*")
	quoted := needsQuotes(bare) || strings.ContainsAny(bare[:1], "<>=!-(") || knownHead(bare)
	for _, part := range p {
		quoted = quoted || strings.Contains(part, "*")
	}
	if !quoted {
		return bare
	}
	parts := make([]string, len(p))
	for i, part := range p {
		parts[i] = escape.Replace(part)
	}
	return `"` + strings.Join(parts, "*") + `"`
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `*`, `\*`)

func quote(s string) string { return `"` + escape.Replace(s) + `"` }

// needsQuotes reports whether s cannot stand bare: signs of the grammar, white
// space, or nothing at all.
func needsQuotes(s string) bool {
	return s == "" || s[0] == '-' || !utf8.ValidString(s) ||
		strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("\"|()\\", r)
		})
}

// headOf returns what stands before the first colon of s, where that looks like
// a word of the grammar, and not like a URL; else "".
func headOf(s string) string {
	head, rest, ok := strings.Cut(s, ":")
	if !ok || head == "" || strings.HasPrefix(rest, "//") {
		return ""
	}
	for i := 0; i < len(head); i++ {
		if c := lower(head[i]); (c < 'a' || c > 'z') && c != '_' {
			return ""
		}
	}
	return head
}

// knownHead reports whether s begins with a word and its colon, so that behind
// a | it would not be taken for a value.
func knownHead(s string) bool {
	_, ok := Lookup(headOf(s))
	return ok
}
