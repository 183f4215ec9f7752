package fact

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// name is something that the user called by its name.
type name struct {
	tokens []uint64
	strong bool   // quoted, or an identifier
	at     uint32 // its first token
}

// namesIn finds what a person calls by its name: what stands in quotes,
// identifiers, and words with a capital.
func namesIn(d *lex.Doc) []name {
	var out []name
	put := func(first, last int, strong bool) {
		if first >= last {
			return
		}
		n := name{strong: strong, at: uint32(first)}
		for _, t := range d.Tokens[first:last] {
			n.tokens = append(n.tokens, t.Hash)
		}
		if len(n.tokens) == 1 && (stop[n.tokens[0]] || d.Tokens[first].End-d.Tokens[first].Start < 2) {
			return
		}
		if formatName(d, first, last) {
			return
		}
		out = append(out, n)
	}
	for _, id := range d.Idents {
		if id.Form == lex.Encoded {
			continue
		}
		a, b := d.Between(id.Start, id.End)
		if id.Kind == lex.Host {
			for a < b && (d.Word(a) == "www" || d.Word(a) == "http" || d.Word(a) == "https") {
				a++
			}
		}
		put(a, b, true)
	}
	text := d.Text
	for i := 0; i < len(text); i++ {
		q := text[i]
		if q != '"' && q != '\'' && q != '`' || i > 0 && isAlnum(text[i-1]) {
			continue
		}
		for j := i + 1; j < len(text) && j-i < 120 && text[j] != '\n'; j++ {
			if text[j] == q && (j+1 == len(text) || !isAlnum(text[j+1])) {
				a, b := d.Between(uint32(i), uint32(j))
				put(a, b, true)
				i = j
				break
			}
		}
	}
	for i := 0; i < len(d.Tokens); i++ {
		if !capital(d, i) || stop[d.Tokens[i].Hash] {
			continue
		}
		j := i + 1
		for j < len(d.Tokens) && capital(d, j) && d.Tokens[j].Start-d.Tokens[j-1].End == 1 && text[d.Tokens[j-1].End] == ' ' {
			j++
		}
		if j-i == 1 && startsSentence(d, i) && vocabulary[d.Tokens[i].Hash].verb != 0 {
			continue
		}
		put(i, j, false)
		i = j - 1
	}
	return out
}

var formatWords = hashes("yyyy yy mm dd hh ss mmm")

// formatName tells of a pattern such as 'YYYY-MM-DD', which names nothing.
func formatName(d *lex.Doc, first, last int) bool {
	for _, t := range d.Tokens[first:last] {
		if !formatWords[t.Hash] {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func capital(d *lex.Doc, i int) bool {
	t := d.Tokens[i]
	c := d.Text[t.Start]
	return 'A' <= c && c <= 'Z' && t.Form != lex.Encoded
}

func startsSentence(d *lex.Doc, i int) bool {
	if i == 0 {
		return true
	}
	gap := d.Text[d.Tokens[i-1].End:d.Tokens[i].Start]
	return strings.ContainsAny(gap, ".!?\n:")
}

// namedCall tells whether the user named what a reading call asked for.
func (s *Session) namedCall(leaves []Leaf) bool {
	for i := range leaves {
		l := &leaves[i]
		if l.Role == Names && len(l.tokens) > 0 && s.byUser(l) {
			return true
		}
	}
	return false
}

// byUser tells whether the user wrote the value of a leaf, or of a path or a URL
// the place that it lies in.
func (s *Session) byUser(l *Leaf) bool {
	if (l.Kind == lex.Host || l.Kind == lex.Path) && s.userPlace(l.Kind, l.Key) {
		return true
	}
	if len(l.tokens) == 1 && (stop[l.tokens[0].Hash] || l.tokens[0].End-l.tokens[0].Start < 2) {
		return false
	}
	return s.userSaid(l.tokens)
}

// userPlace tells whether the user named a host, or a folder above a path or a
// file of that name.
func (s *Session) userPlace(kind lex.IdentKind, key string) bool {
	if strings.Contains(key, "..") {
		return false
	}
	if _, ok := s.places[place{kind, key}]; ok {
		return true
	}
	if kind != lex.Path {
		return false
	}
	for _, f := range s.folders {
		if strings.HasPrefix(key, f+"/") || strings.HasSuffix(key, "/"+f) || key == f {
			return true
		}
	}
	return false
}

// userSaid tells whether a row of words stands in what the user wrote.
func (s *Session) userSaid(tokens []lex.Token) (said bool) {
	anchor := s.spoken.rarest(tokens)
	if anchor < 0 {
		return false
	}
	s.spoken.each(tokens[anchor].Hash, func(r ref) bool {
		said = rowAt(s.sources[r.source].read.doc, int(r.token)-anchor, tokens)
		return said
	})
	return said
}

// rowAt tells whether a row of tokens stands in one cell of d from token first on.
func rowAt(d *lex.Doc, first int, row []lex.Token) bool {
	if first < 0 || first+len(row) > len(d.Tokens) {
		return false
	}
	cell := d.Tokens[first].Cell
	for k := range row {
		if t := &d.Tokens[first+k]; t.Hash != row[k].Hash || t.Cell != cell {
			return false
		}
	}
	return true
}

// personNamed tells whether an address holds a name that the user mentioned.
func (s *Session) personNamed(address string) bool {
	for _, t := range localPart(address) {
		for n := range s.names() {
			if !n.strong && hasHash(n.tokens, t.Hash) {
				return true
			}
		}
	}
	return false
}

// namesake tells whether another address holds a name that this one holds too:
// then the name does not say which of the two is meant.
func (s *Session) namesake(address string) bool {
	own := int32(0)
	if _, ok := s.mails[address]; ok {
		own = 1
	}
	for _, t := range localPart(address) {
		if s.owners[t.Hash] > own {
			return true
		}
	}
	return false
}

// localPart returns the words before the @ of an address that can be a name.
func localPart(address string) []lex.Token {
	tokens := lex.Words(address[:max(0, strings.LastIndexByte(address, '@'))]).Tokens
	keep := tokens[:0]
	for _, t := range tokens {
		if t.End-t.Start >= 3 && !stop[t.Hash] {
			keep = append(keep, t)
		}
	}
	return keep
}

func hasHash(in []uint64, h uint64) bool {
	for _, x := range in {
		if x == h {
			return true
		}
	}
	return false
}

// hashesIn tells whether a row of hashes stands in a row of tokens.
func hashesIn(in []lex.Token, row []uint64) bool {
	for i := 0; i+len(row) <= len(in); i++ {
		if rowOf(in[i:], row) {
			return true
		}
	}
	return false
}

// rowOf tells whether tokens begin with a row of hashes.
func rowOf(in []lex.Token, row []uint64) bool {
	if len(in) < len(row) {
		return false
	}
	for k := range row {
		if in[k].Hash != row[k] {
			return false
		}
	}
	return true
}
