package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is text that is safe to print. Its runes are printable and visible, but
// for line feeds and tabs where it has several lines. The zero Text is empty.
type Text struct{ s string }

// New makes a text of any number of lines: line feeds and tabs stay.
func New(s string) Text { return Text{sanitise(s, true)} }

// Line makes a text of one line: line feeds and tabs are shown as ␊ and ␉.
func Line(s string) Text { return Text{sanitise(s, false)} }

// Bytes is New for bytes, such as a body.
func Bytes(b []byte) Text { return New(string(b)) }

// String returns the text.
func (t Text) String() string { return t.s }

// Empty reports whether there is nothing to print.
func (t Text) Empty() bool { return t.s == "" }

// Line returns the text on one line.
func (t Text) Line() Text {
	if !strings.ContainsAny(t.s, "\n\t") {
		return t
	}
	return Text{onOneLine.Replace(t.s)}
}

var onOneLine = strings.NewReplacer("\n", "␊", "\t", "␉")

// Join lays texts end to end with sep, itself made printable, between them.
func Join(texts []Text, sep string) Text {
	var b strings.Builder
	sep = New(sep).s
	for i, t := range texts {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(t.s)
	}
	return Text{b.String()}
}

// maxMarks is how many combining marks a character may carry. The languages
// that stack them need fewer; more is a flood that covers the lines around it.
const maxMarks = 4

func sanitise(s string, lines bool) string {
	clean := cleanPrefix(s, lines)
	if clean == len(s) {
		return s
	}
	w := writer{lines: lines}
	w.b.Grow(len(s) + 16)
	w.b.WriteString(s[:clean])
	w.base = ' '
	if clean > 0 {
		w.base = rune(s[clean-1])
	}
	for rest := s[clean:]; rest != ""; {
		rest = rest[w.next(rest):]
	}
	return w.b.String()
}

// cleanPrefix returns how many bytes at the beginning of s are ASCII that stays
// as it is.
func cleanPrefix(s string, lines bool) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && !(lines && (c == '\n' || c == '\t')) || c >= 0x7f {
			return i
		}
	}
	return len(s)
}

type writer struct {
	b     strings.Builder
	lines bool
	base  rune // what the next mark would combine with
	marks int  // how many it carries
}

// next writes what begins s and returns how many bytes of s that was.
func (w *writer) next(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return w.invalid(s)
	case w.lines && (r == '\n' || r == '\t'):
		w.keep(r)
	case r < ' ':
		w.show(string('␀' + r))
	case r == 0x7f:
		w.show("␡")
	case r < 0x7f:
		w.keep(r)
	case isTag(r):
		return w.hidden(s, isTag, func(r rune) byte { return byte(r - firstTag) })
	case isSelector(r):
		return w.selectors(s, r, n)
	case unicode.Is(unicode.Zs, r):
		w.show("␣")
	case invisible(r):
		return w.named(s, r, n)
	case unicode.Is(unicode.M, r), isJamoTail(r):
		return w.mark(s, r, n)
	default:
		w.keep(r)
	}
	return n
}

func (w *writer) keep(r rune) {
	w.b.WriteRune(r)
	w.base, w.marks = r, 0
}

// show writes our own words for something; nothing combines with them.
func (w *writer) show(s string) {
	w.b.WriteString(s)
	w.base, w.marks = ' ', 0
}

// mark writes a combining mark, on a dotted circle where it would otherwise
// combine with what is not its own: a space, a border, our words.
func (w *writer) mark(s string, r rune, n int) int {
	if w.marks >= maxMarks {
		return w.named(s, r, n)
	}
	if w.base <= ' ' {
		w.keep('◌')
	}
	w.b.WriteRune(r)
	w.marks++
	return n
}

// named writes the name of the rune r, which begins s, and how often it comes.
func (w *writer) named(s string, r rune, n int) int {
	count := 1
	one, rest := s[:n], s[n:]
	for strings.HasPrefix(rest, one) {
		rest = rest[n:]
		count++
	}
	name := "⟨U+" + strings.ToUpper(leftPad(strconv.FormatInt(int64(r), 16), 4))
	if count > 1 {
		name += " ×" + strconv.Itoa(count)
	}
	w.show(name + "⟩")
	return count * n
}

// invalid writes the bytes that begin s and are not UTF-8.
func (w *writer) invalid(s string) int {
	var b strings.Builder
	i := 0
	for i < len(s) {
		if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n != 1 {
			break
		}
		b.WriteByte(' ')
		b.WriteString(strings.ToUpper(leftPad(strconv.FormatInt(int64(s[i]), 16), 2)))
		i++
	}
	w.show("⟨0x" + b.String()[1:] + "⟩")
	return i
}

// hidden writes what the run of runes that begins s spells.
func (w *writer) hidden(s string, in func(rune) bool, decode func(rune) byte) int {
	var spelt []byte
	end := len(s)
	for i, r := range s {
		if !in(r) {
			end = i
			break
		}
		spelt = append(spelt, decode(r))
	}
	w.show("⟨hidden: " + strconv.QuoteToASCII(string(spelt)) + "⟩")
	return end
}

// selectors writes variation selectors. One alone behind a symbol chooses
// between the text and the emoji form and stays; alone elsewhere it is named;
// a run of them, which no text has, spells bytes.
func (w *writer) selectors(s string, r rune, n int) int {
	next, _ := utf8.DecodeRuneInString(s[n:])
	switch {
	case isSelector(next):
		return w.hidden(s, isSelector, selectorByte)
	case (r == textForm || r == emojiForm) && w.marks == 0 && hasForms(w.base, next):
		w.b.WriteRune(r)
		w.marks++
		return n
	}
	return w.named(s, r, n)
}

func leftPad(s string, width int) string {
	return strings.Repeat("0", max(0, width-len(s))) + s
}
