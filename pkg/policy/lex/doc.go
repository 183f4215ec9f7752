// Package lex reads the texts of a conversation for package fact: it cuts a
// text into cells (fields, lines, running text), cells into folded tokens, and
// finds the identifiers in it (hosts, addresses, accounts, paths, …).
//
// Folding makes spellings that a reader or a model takes for the same thing
// equal: case, accents, full-width and look-alike letters, characters that show
// nothing. What was behind an encoding (base64, percent, hexadecimal, tag
// characters) is read as well and marked so. Every token knows its bytes in the
// source, so that a verdict can point at them.
//
// The package is pure: the same text gives the same Doc.
package lex

import (
	"sort"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// Form says how a text stood in its source compared with what was looked for.
type Form uint8

// The forms, from the plainest.
const (
	Exact      Form = iota // letter by letter, but for case
	Normalised             // after folding look-alikes and hidden characters
	Split                  // in pieces that follow each other
	Encoded                // behind base64, percent, hexadecimal or tag characters
)

func (f Form) String() string { return [...]string{"exact", "normalised", "split", "encoded"}[f&3] }

// Token is a run of letters and digits, or one ideograph.
type Token struct {
	Hash       uint64 // of the folded text
	Start, End uint32 // bytes of the source
	Cell       uint32
	Form       Form // Exact, Normalised or Encoded
}

// Kind says what a cell is.
type Kind uint8

// The kinds of cells.
const (
	Field Kind = iota // a short value of a structured text, or a short name in it
	Line              // a short line of an unstructured text
	Prose             // running text, wherever it stands
)

func (k Kind) String() string { return [...]string{"field", "line", "prose", "?"}[k&3] }

// Cell is a piece of a text that one author wrote as one value.
type Cell struct {
	Key        string // the name that it stands under, where it has one
	Start, End uint32 // bytes of the source
	First      uint32 // its first token
	Tokens     uint32 // how many tokens it has, those behind encodings left out
	Record     uint32 // which item of a list it belongs to
	Kind       Kind
	IsName     bool // it is itself the name of a member
	escaped    bool // backslash escapes stand in it
}

// Mark is a place with characters that do not show.
type Mark struct {
	Start, End uint32
	What       string // "tag characters", "bidirectional override", "zero-width characters"
}

// Doc is what was read in one text.
type Doc struct {
	Text       string
	Tokens     []Token
	Visible    int // how many tokens stand in the text itself, in order; those behind encodings follow
	Cells      []Cell
	Idents     []Ident
	Hidden     []Mark
	Structured bool // it was read as fields: JSON, YAML or the like
	bare       bool // no identifiers are looked for
}

// New reads a text that a tool returned: structure is looked for.
func New(text string) *Doc {
	d := &Doc{Text: text}
	if d.Cells = structure(text); d.Cells != nil {
		d.Structured = true
	} else {
		d.Cells = lines(text)
	}
	d.read()
	return d
}

// Plain reads a text as one piece of running text, as a person writes.
func Plain(text string) *Doc {
	d := &Doc{Text: text, Cells: []Cell{{End: uint32(len(text)), Kind: Prose}}}
	d.read()
	return d
}

// Words reads the words of a text alone: those that Plain gives, without the
// identifiers.
func Words(text string) *Doc {
	d := &Doc{Text: text, Cells: []Cell{{End: uint32(len(text)), Kind: Prose}}, bare: true}
	d.read()
	return d
}

// Size is about how many bytes the doc holds, its text among them.
func (d *Doc) Size() int {
	n := int(unsafe.Sizeof(*d)) + len(d.Text) + int(unsafe.Sizeof(Token{}))*cap(d.Tokens) + int(unsafe.Sizeof(Cell{}))*cap(d.Cells) +
		int(unsafe.Sizeof(Ident{}))*cap(d.Idents) + int(unsafe.Sizeof(Mark{}))*cap(d.Hidden)
	for i := range d.Idents {
		n += len(d.Idents[i].Key)
	}
	return n
}

func (d *Doc) read() {
	room := tokens.Get().(*[]Token)
	d.Tokens = (*room)[:0]
	for i := range d.Cells {
		c := &d.Cells[i]
		c.First = uint32(len(d.Tokens))
		d.tokenise(i)
		c.Tokens = uint32(len(d.Tokens)) - c.First
		if c.Kind != Prose && d.running(c) {
			c.Kind = Prose
		}
		if !d.bare {
			d.idents(i)
		}
	}
	d.Visible = len(d.Tokens)
	d.decode()
	*room = d.Tokens
	d.Tokens = append(make([]Token, 0, len(d.Tokens)), d.Tokens...)
	if cap(*room) <= maxRoom {
		tokens.Put(room)
	}
	d.Cells, d.Idents = fitted(d.Cells), fitted(d.Idents)
}

// tokens holds room for the tokens of a text while it is read.
var tokens = sync.Pool{New: func() any { return new([]Token) }}

// maxRoom bounds the room that is kept, in tokens.
const maxRoom = 1 << 15

// fitted gives back what a slice has too much room for.
func fitted[T any](s []T) []T {
	if cap(s)-len(s) > len(s)/8 {
		return append(make([]T, 0, len(s)), s...)
	}
	return s
}

// shortWords is how many words a value may have and still be read as a name, a
// title or an identifier, not as a sentence. An address or a title of a paper
// fits; a request hardly does.
const shortWords = 8

// running tells whether a cell reads as running text.
func (d *Doc) running(c *Cell) bool {
	if c.Tokens > shortWords {
		// A URL or an address has many tokens and no space.
		words := 0
		for i, in := c.Start, false; i < c.End && words <= shortWords; i++ {
			if space(d.Text[i]) {
				in = false
			} else if !in {
				in = true
				words++
			}
		}
		return words > shortWords || words > 5 && c.Kind == Line
	}
	if c.Tokens < 4 || c.End == c.Start {
		return false
	}
	switch d.Text[c.End-1] {
	case '.', '!', '?':
		return true
	}
	return false
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// CellAt returns the cell that holds a byte of the source, or -1.
func (d *Doc) CellAt(at uint32) int {
	i := sort.Search(len(d.Cells), func(i int) bool { return d.Cells[i].End > at })
	if i < len(d.Cells) && d.Cells[i].Start <= at {
		return i
	}
	return -1
}

// Word returns the folded text of token i.
func (d *Doc) Word(i int) string {
	t := d.Tokens[i]
	if t.Form == Encoded {
		return ""
	}
	return Fold(d.Text[t.Start:t.End])
}

// Spells tells whether want begins with the folded text of token i, and returns the
// rest of it.
func (d *Doc) Spells(i int, want []byte) (rest []byte, ok bool) {
	t := d.Tokens[i]
	if t.Form == Encoded {
		return want, true
	}
	text := d.Text[t.Start:t.End]
	for k := 0; k < len(text); k++ {
		c := text[k]
		if c >= utf8.RuneSelf {
			w := Fold(text)
			return want[min(len(w), len(want)):], len(w) <= len(want) && string(want[:len(w)]) == w
		}
		if low, alnum := alnum(c); alnum {
			c = low
		}
		if k >= len(want) || want[k] != c {
			return want, false
		}
	}
	return want[len(text):], true
}

// Between returns the tokens [first, last) that lie in bytes [start, end) of the
// source, those behind encodings left out.
func (d *Doc) Between(start, end uint32) (first, last int) {
	first = sort.Search(d.Visible, func(i int) bool { return d.Tokens[i].Start >= start })
	for last = first; last < d.Visible && d.Tokens[last].End <= end; last++ {
	}
	return first, last
}

// MarshalText writes the form's name.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
