package fact

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Origin says where a value comes from.
type Origin uint8

// The origins. Of a value that was seen in several, the first of User, System,
// Field and Prose counts.
const (
	Model  Origin = iota // nobody wrote it before: the model made it
	User                 // the user wrote it
	System               // the instructions did
	Field                // a tool returned it as a value of its own
	Prose                // it stood within a text that a tool returned
)

var originNames = [...]string{"model", "user", "system", "tool.field", "tool.prose"}

func (o Origin) String() string { return originNames[o%5] }

// Seen is a place where a value was seen.
type Seen struct {
	Origin    Origin   `json:"origin"`
	Form      lex.Form `json:"form"`
	Message   int      `json:"message"` // its index; -1 is what stands outside the messages
	Part      int      `json:"part"`
	Tool      string   `json:"tool,omitempty"`
	Key       string   `json:"key,omitempty"` // the field that it stood in
	Start     int      `json:"start"`         // bytes in the part's text
	End       int      `json:"end"`
	Named     bool     `json:"named,omitempty"`   // the user named this page, file, mail or author
	Tainted   bool     `json:"tainted,omitempty"` // attack wording or hidden characters stand there
	Trusted   bool     `json:"trusted,omitempty"`
	Mentioned bool     `json:"mentioned,omitempty"` // the user mentioned a name that its title holds
	Author    bool     `json:"author,omitempty"`    // it is the address that a message came from
	Rivals    bool     `json:"rivals,omitempty"`    // others of its kind stand beside it
	Web       bool     `json:"web,omitempty"`       // an open-world read returned it

	source int32
	cell   uint32
}

// seen lists where a phrase stands, at most one place for each source and kind.
func (s *Session) seen(l *Leaf) []Seen {
	if len(l.tokens) == 0 {
		return nil
	}
	out := s.phrase(l.tokens, l.Kind)
	if len(out) == 0 && (l.Kind == lex.Host || l.Kind == lex.Email) {
		out = s.spelled(l.tokens, l.Kind)
	}
	if len(out) == 0 && joinedLen(l.tokens) >= 6 {
		out = s.pieces(l)
	}
	if len(out) == 0 && l.Role != Content {
		lex.Decoded(l.Value, func(_, _ int, text string) {
			for _, hit := range s.phrase(lex.Words(text).Tokens, lex.NoIdent) {
				hit.Form = lex.Encoded
				out = append(out, hit)
			}
		})
	}
	return out
}

// fillers are the words that marks are spelled out by: "mail at example dot com".
var fillers = hashes("dot at slash underscore dash point hyphen punkt punto")

// spelled finds an address whose marks are written as words.
func (s *Session) spelled(tokens []lex.Token, kind lex.IdentKind) (out []Seen) {
	if len(tokens) < 2 {
		return nil
	}
	var room places
	for _, r := range s.index.refs(&room, tokens[0].Hash) {
		d := s.sources[r.source].read.doc
		at, ok := int(r.token), true
		for _, want := range tokens[1:] {
			at++
			for skip := 0; skip < 2 && at < len(d.Tokens) && d.Tokens[at].Hash != want.Hash && fillers[d.Tokens[at].Hash]; skip++ {
				at++
			}
			if at >= len(d.Tokens) || d.Tokens[at].Hash != want.Hash || d.Tokens[at].Cell != d.Tokens[r.token].Cell {
				ok = false
				break
			}
		}
		if ok {
			out = s.place(out, kind, r.source, d, int(r.token), at, lex.Split)
		}
	}
	return out
}

func joinedLen(tokens []lex.Token) (n int) {
	for _, t := range tokens {
		n += int(t.End - t.Start)
	}
	return n
}

// phrase looks a row of tokens up by its rarest one.
func (s *Session) phrase(tokens []lex.Token, kind lex.IdentKind) (out []Seen) {
	anchor := s.index.rarest(tokens)
	if anchor < 0 {
		return nil
	}
	var room places
	for _, r := range s.index.refs(&room, tokens[anchor].Hash) {
		d := s.sources[r.source].read.doc
		first := int(r.token) - anchor
		if !rowAt(d, first, tokens) {
			continue
		}
		last := first + len(tokens) - 1
		form := lex.Exact
		for _, t := range d.Tokens[first : last+1] {
			form = max(form, t.Form)
		}
		if kind.Strong() && form != lex.Encoded && !bounded(d, first, last) {
			continue
		}
		out = s.place(out, kind, r.source, d, first, last, form)
	}
	return out
}

// bounded tells that an identifier ends where the phrase ends: "bob@x.com" does
// not stand in "notbob@x.com.evil.net".
func bounded(d *lex.Doc, first, last int) bool {
	if a := d.Tokens[first].Start; a > 0 {
		switch c := d.Text[a-1]; c {
		case '@', '-', '_', '+':
			return false
		case '.':
			if a > 1 && isAlnum(d.Text[a-2]) && !strings.EqualFold(d.Text[max(0, int(a)-4):a], "www.") {
				return false
			}
		}
	}
	if z := int(d.Tokens[last].End); z < len(d.Text) {
		switch c := d.Text[z]; c {
		case '@', '-', '_':
			return false
		case '.':
			if z+1 < len(d.Text) && isAlnum(d.Text[z+1]) {
				return false
			}
		}
	}
	return true
}

// pieces finds a value that stands in pieces ("US13 3000 …", "U S 1 3"), or whose
// own pieces stand as one word.
func (s *Session) pieces(l *Leaf) []Seen {
	kind := l.Kind
	var joined []byte
	for _, t := range l.tokens {
		joined = append(joined, lex.Fold(l.text[t.Start:t.End])...)
	}
	if len(joined) > 256 {
		return nil
	}
	var out []Seen
	var room places
	if len(l.tokens) > 1 {
		for _, r := range s.index.refs(&room, lex.Hash(string(joined))) {
			out = s.place(out, kind, r.source, s.sources[r.source].read.doc, int(r.token), int(r.token), lex.Split)
		}
	}
	var start lex.Hasher
	for n := 1; n < len(joined); n++ {
		for _, r := range s.index.refs(&room, start.Add(joined[n-1])) {
			d := s.sources[r.source].read.doc
			if last, ok := joins(d, int(r.token), joined, n); ok {
				out = s.place(out, kind, r.source, d, int(r.token), last, lex.Split)
			}
		}
	}
	return out
}

// joins tells whether the tokens from first on spell want when put together. By its
// hash the first of them is want[:n].
func joins(d *lex.Doc, first int, want []byte, n int) (last int, ok bool) {
	t, cell := first, d.Tokens[first].Cell
	if d.Tokens[first].Form == lex.Exact { // else its bytes have their say
		t, want = t+1, want[n:]
	}
	for ; t < d.Visible && d.Tokens[t].Cell == cell; t++ {
		if want, ok = d.Spells(t, want); !ok {
			return 0, false
		}
		if len(want) == 0 {
			return t, true
		}
	}
	return 0, false
}

// place adds a place to the list, unless one of that source and kind is there.
func (s *Session) place(out []Seen, kind lex.IdentKind, n int32, d *lex.Doc, first, last int, form lex.Form) []Seen {
	src := &s.sources[n]
	ci := d.Tokens[first].Cell
	c := &d.Cells[ci]
	hit := Seen{Form: form, Message: int(src.message), Part: int(src.part), Key: c.Key, Start: int(d.Tokens[first].Start), End: int(d.Tokens[last].End), source: n, cell: ci}
	switch src.role {
	case llm.RoleUser:
		hit.Origin = User
	case llm.RoleSystem:
		hit.Origin = System
	default:
		hit.Tool = src.tool.Name
		hit.Trusted = src.trust == Trusted
		hit.Web = src.tool.Class == ClassOpenRead
		hit.Origin = Prose
		n := last - first + 1
		whole := int(c.Tokens) <= 2*n+2
		switch kind {
		case lex.Host, lex.Account, lex.Phone:
			whole = int(c.Tokens) <= n+1 // "www" or "tel" before it
		case lex.Email:
			whole = int(c.Tokens) <= n+4 // the name of its owner
		}
		switch {
		case form == lex.Encoded:
		case c.Kind == lex.Field && whole, c.Kind == lex.Line && whole && src.tool.Class == ClassRead && src.tool.Nouns&(File|Message) == 0:
			hit.Origin = Field
		}
		if hit.Origin == Field && kind == lex.Email && senderKey(c.Key) && src.trust != Trusted {
			hit.Origin = Prose // whoever writes a message chooses what stands there
			hit.Author = true
		}
		if src.call != nil && src.call.has(d, first, last) || src.tool.Local && hit.Origin == Prose && c.Kind != lex.Field && len(d.Cells) == 1 {
			return out // an echo of what the model asked for, or a tool's own report
		}
	}
	for i := range out {
		if out[i].source == n && out[i].Origin == hit.Origin {
			if hit.Origin == Prose && out[i].cell != ci && len(out) < 32 {
				continue
			}
			return out
		}
	}
	if hit.Origin == Prose || hit.Origin == Field {
		lvl := s.vouched(n, c.Record)
		hit.Named = lvl == named || s.asksForIt(n)
		hit.Mentioned = lvl == mentioned
		hit.Rivals = hit.Origin == Prose && hit.Named && rivals(d, ci, kind, int(d.Tokens[first].Start))
		hit.Tainted = src.tainted && src.recordTainted(c.Record)
	}
	return append(out, hit)
}

// has tells whether the call itself carried the words [first, last] of a doc.
func (p *past) has(d *lex.Doc, first, last int) bool {
	for i := range p.leaves {
		in := p.leaves[i].tokens
		for k := range in {
			if k+last-first < len(in) && sameRow(in[k:k+last-first+1], d.Tokens[first:last+1]) {
				return true
			}
		}
	}
	return false
}

func sameRow(a, b []lex.Token) bool {
	for i := range a {
		if a[i].Hash != b[i].Hash {
			return false
		}
	}
	return true
}
