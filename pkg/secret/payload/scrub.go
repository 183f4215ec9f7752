package payload

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// Scrubber conceals known values in what is about to be stored: a raw response,
// and the texts that were read from it. It writes stars over them, as many as
// there were bytes, so that JSON stays JSON, frames stay frames, and what points
// into the bytes stays right. It is safe for concurrent use.
//
// It finds a value as it is, with the escapes of a JSON string as the usual
// writers of JSON make them, and with those of JSON inside of a JSON string. What
// a stream has cut into several frames it cannot see in the raw bytes. Whoever
// stores these finds out by what they mean: if Holds is true of a text of the
// answer, put together from its pieces, then decode the bytes that were scrubbed
// once more, and if Holds is still true of a text of these, do not store them.
type Scrubber struct {
	spellings [][]byte // the longest first
}

// NewScrubber returns a Scrubber for values, such as those of [Values]. Values
// shorter than [secret.MinKnown] stand in texts by chance, and are left alone.
func NewScrubber(values []string) *Scrubber {
	s := &Scrubber{}
	seen := map[string]bool{}
	add := func(text string) {
		if len(text) >= secret.MinKnown && !seen[text] {
			seen[text] = true
			s.spellings = append(s.spellings, []byte(text))
		}
	}
	for _, v := range values {
		if len(v) < secret.MinKnown {
			continue
		}
		add(v)
		for _, once := range escapings(v) {
			add(once)
			for _, twice := range escapings(once) {
				add(twice)
			}
		}
	}
	slices.SortFunc(s.spellings, func(a, b []byte) int {
		return cmp.Or(len(b)-len(a), bytes.Compare(a, b))
	})
	return s
}

// escapings returns a text as writers of JSON spell it inside of a string: with
// no escapes but those that must be, with <, > and & escaped (Go), in ASCII alone
// (Python), and with slashes escaped (PHP).
func escapings(text string) []string {
	least := jsonscan.AppendString(nil, text)
	list := []string{unquoted(least)}
	if lit, err := json.Marshal(text); err == nil {
		list = append(list, unquoted(lit))
	}
	ascii := inASCII(list[0])
	return append(list, ascii, strings.ReplaceAll(list[0], "/", `\/`), strings.ReplaceAll(ascii, "/", `\/`))
}

func unquoted(lit []byte) string { return string(lit[1 : len(lit)-1]) }

// inASCII escapes what is not ASCII, with small hexadecimal digits.
func inASCII(text string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteByte(byte(r))
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			b.Write([]byte{'\\', 'u', hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15]})
		}
	}
	return b.String()
}

// Bytes returns a response with stars over the values: JSON, a stream of events,
// or any other text. Where there is none, it returns the same bytes; it never
// changes those that it was given.
func (s *Scrubber) Bytes(raw []byte) []byte {
	clean := raw
	for _, spelled := range s.spellings {
		for at := 0; ; at += len(spelled) {
			i := bytes.Index(clean[at:], spelled)
			if i < 0 {
				break
			}
			if at += i; &clean[0] == &raw[0] {
				clean = bytes.Clone(raw)
			}
			for k := range spelled {
				clean[at+k] = '*'
			}
		}
	}
	return clean
}

// Text does the same for a text of the record.
func (s *Scrubber) Text(text string) string {
	if !s.Holds(text) {
		return text
	}
	return string(s.Bytes([]byte(text)))
}

// Holds tells whether a text has one of the values in it.
func (s *Scrubber) Holds(text string) bool {
	return slices.ContainsFunc(s.spellings, func(spelled []byte) bool { return strings.Contains(text, borrow(spelled)) })
}
