package cassette

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// normalForm is a request's body as it is compared.
type normalForm struct {
	// Text is compact JSON, or the text itself where the body is none.
	Text string
	JSON bool
	// Hidden is what stands behind the numbers, in their order.
	Hidden []hidden
}

// normalise brings a body, without its content encoding, into its normal form.
// The normal form of a normal form is itself.
func (r *Rules) normalise(body []byte, contentType string) normalForm {
	w := &writer{rules: r, body: body}
	s := jsonscan.New(body)
	if s.Kind() == jsonscan.Object || s.Kind() == jsonscan.Array {
		if s.Skip(); s.End() == nil {
			w.value(0, "")
			return normalForm{Text: string(w.out), JSON: true, Hidden: w.hidden.values}
		}
	}
	if !utf8.Valid(body) {
		return normalForm{Text: digest(body)}
	}
	text := string(body)
	if media, params, err := mime.ParseMediaType(contentType); err == nil && strings.HasPrefix(media, "multipart/") && len(params["boundary"]) > 8 {
		text = strings.ReplaceAll(text, params["boundary"], "boundary") // new in every request
	}
	return normalForm{Text: w.text(text), Hidden: w.hidden.values}
}

// digest stands for data that nobody reads.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]) + " (" + strconv.Itoa(len(data)) + " bytes)"
}

// writer writes a normal form.
type writer struct {
	rules  *Rules
	body   []byte
	out    []byte
	hidden numbers
}

type member struct {
	name string
	at   int
}

// value writes the value at an offset of the body. path names the members that
// lead to it, joined by dots; the elements of an array are at the array's own.
func (w *writer) value(at int, path string) {
	s := jsonscan.At(w.body, at)
	switch s.Kind() {
	case jsonscan.Object:
		var members []member
		for name := range s.Object() {
			members = append(members, member{string(name), s.Pos()})
		}
		slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
		w.out = append(w.out, '{')
		first := true
		for _, m := range members {
			below := m.name
			if path != "" {
				below = path + "." + m.name
			}
			if w.rules.ignored(below) || below == itemID && !w.reference(members) {
				continue
			}
			if !first {
				w.out = append(w.out, ',')
			}
			first = false
			w.out = append(jsonscan.AppendString(w.out, m.name), ':')
			w.value(m.at, below)
		}
		w.out = append(w.out, '}')
	case jsonscan.Array:
		w.out = append(w.out, '[')
		for i := range s.Array() {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.value(s.Pos(), path)
		}
		w.out = append(w.out, ']')
	case jsonscan.String:
		w.out = jsonscan.AppendString(w.out, w.text(s.Text()))
	case jsonscan.Number:
		w.out = append(w.out, number(s.Raw())...)
	default:
		w.out = append(w.out, s.Raw()...)
	}
}

// itemID is the id of an item that OpenAI's responses are given. A client makes it
// up (Codex does in each run), unless the item is a reference to one that the
// provider keeps.
const itemID = "input.id"

func (w *writer) reference(members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool {
		return m.name == "type" && jsonscan.At(w.body, m.at).Text() == "item_reference"
	})
}

// number writes a whole number one way: 1.0 and 1e0 are 1. Others stay as they are.
func number(raw []byte) []byte {
	if !bytes.ContainsAny(raw, ".eE") {
		return raw
	}
	const exact = 1 << 53
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && f == float64(int64(f)) && f > -exact && f < exact {
		return strconv.AppendInt(nil, int64(f), 10)
	}
	return raw
}

// dataFrom is the length from which a string without white space is data: an
// image or a file, of which the digest says enough.
const dataFrom = 4 << 10

func (w *writer) text(s string) string {
	if len(s) >= dataFrom && !strings.ContainsAny(s, " \n\t") {
		return digest([]byte(s))
	}
	s = w.hidden.replace(s, w.rules.secretSpans(s))
	s = maskRuns(maskDates(s))
	for _, m := range w.rules.mask {
		s = m.ReplaceAllString(s, masked)
	}
	return s
}

// masked stands where something was that is new in each run.
const masked = "<masked>"

// span is a part of a text that is a secret, or stands for one.
type span struct {
	start, end int
	label      string
}

// hidden is a value that a number stands for, and what kind of value it is.
type hidden struct{ value, label string }

// numbers gives values numbers in the order in which they first come.
type numbers struct {
	values []hidden
	seen   map[string]string
}

// numbered is what stands for the nth secret. It is as long as the placeholders
// that the guard puts into requests, and looks like one.
func numbered(label string, n int) string { return fmt.Sprintf("REDACTED_%s_%016d", label, n) }

func (n *numbers) replace(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.start])
		b.WriteString(n.of(text[s.start:s.end], s.label))
		at = s.end
	}
	b.WriteString(text[at:])
	return b.String()
}

func (n *numbers) of(value, label string) string {
	if p, ok := n.seen[value]; ok {
		return p
	}
	if n.seen == nil {
		n.seen = map[string]string{}
	}
	n.values = append(n.values, hidden{value, label})
	p := numbered(label, len(n.values))
	n.seen[value] = p
	return p
}
