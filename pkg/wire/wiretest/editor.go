package wiretest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// same leaves a text as it is.
type same struct{}

func (same) Write(text string) string { return text }
func (same) Flush() string            { return "" }

// upper writes in capitals at once.
type upper struct{ same }

func (upper) Write(text string) string { return strings.ToUpper(text) }

// late holds all but what is older than its last few bytes, and writes it as as says.
type late struct {
	keep int
	as   func(string) string
	held string
}

func (l *late) Write(text string) string {
	l.held += text
	n := max(0, len(l.held)-l.keep)
	for n > 0 && n < len(l.held) && !utf8.RuneStart(l.held[n]) {
		n--
	}
	var out string
	out, l.held = l.held[:n], l.held[n:]
	return l.as(out)
}

func (l *late) Flush() string {
	out := l.held
	l.held = ""
	return l.as(out)
}

// Replacer replaces words, and holds back what may be the beginning of one.
type Replacer struct {
	With map[string]string
	held string
}

// Write implements wire.TextEditor.
func (r *Replacer) Write(text string) string {
	text = r.held + text
	r.held = ""
	var out strings.Builder
next:
	for i := 0; i < len(text); {
		for word, with := range r.With {
			if strings.HasPrefix(text[i:], word) {
				out.WriteString(with)
				i += len(word)
				continue next
			}
		}
		for word := range r.With {
			if strings.HasPrefix(word, text[i:]) {
				r.held = text[i:]
				break next
			}
		}
		out.WriteByte(text[i])
		i++
	}
	return out.String()
}

// Flush implements wire.TextEditor.
func (r *Replacer) Flush() string {
	out := r.held
	r.held = ""
	return out
}

// editing is a way to edit, and what comes of it.
type editing struct {
	name      string
	editor    func(wire.TextKind) wire.TextEditor
	text      func(string) string // of an answer's text
	arguments func(string) string
	same      bool // nothing is changed
}

func asItIs(text string) string { return text }

// editings are those that leave arguments JSON, and that do not care where a text
// is cut into blocks. The last one replaces a word.
func editings(word string) []editing {
	const with = "\"so\\\"\n\t\u2028é😀</script>"
	both := func(answer, arguments func() wire.TextEditor) func(wire.TextKind) wire.TextEditor {
		return func(k wire.TextKind) wire.TextEditor {
			if k == wire.TextArguments {
				return arguments()
			}
			return answer()
		}
	}
	holding := func(n int, as func(string) string) func() wire.TextEditor {
		return func() wire.TextEditor { return &late{keep: n, as: as} }
	}
	out := []editing{
		{"capitals", both(func() wire.TextEditor { return upper{} }, func() wire.TextEditor { return nil }), strings.ToUpper, asItIs, false},
		{"all held", both(holding(1<<30, strings.ToUpper), holding(1<<30, asItIs)), strings.ToUpper, asItIs, false},
		{"some held", both(holding(9, strings.ToUpper), holding(9, asItIs)), strings.ToUpper, asItIs, false},
		{"delayed", both(holding(3, asItIs), holding(1, asItIs)), asItIs, asItIs, true},
		{"arguments left", both(holding(5, asItIs), func() wire.TextEditor { return nil }), asItIs, asItIs, true},
	}
	if word != "" {
		replace := func(with string) (func() wire.TextEditor, func(string) string) {
			return func() wire.TextEditor { return &Replacer{With: map[string]string{word: with}} },
				func(text string) string { return strings.ReplaceAll(text, word, with) }
		}
		e, text := replace(with)
		ea, args := replace("Anything")
		out = append(out, editing{"the word " + word, both(e, ea), text, args, false})
	}
	return out
}

// word picks a long word of some texts.
func word(texts ...string) string {
	var words []string
	for _, t := range texts {
		words = append(words, strings.FieldsFunc(t, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' })...)
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	if len(words) == 0 || len(words[0]) < 4 {
		return ""
	}
	return words[0]
}
