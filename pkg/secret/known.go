package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// Known is a secret that the caller knows.
type Known struct {
	Name  string // OPENAI_API_KEY
	Value string
}

// MinKnown is how long a known secret must be. Shorter values stand in texts by
// chance, and are left alone.
const MinKnown = 8

// known finds the caller's secrets: as they are, in base64 at each of the three
// ways in which they can lie in it, percent-encoded, and with JSON's escapes.
type known struct {
	words *automaton
	forms []form
}

type form struct {
	name string
	size int
	// base64 tells that the characters beside the form hold the rest of the
	// value's first and last bits.
	base64 bool
}

func newKnown(list []Known) *known {
	k := &known{}
	var words []string
	seen := map[string]bool{}
	add := func(name, text string, base64 bool) {
		if len(text) < MinKnown || seen[text] {
			return
		}
		seen[text] = true
		words = append(words, text)
		k.forms = append(k.forms, form{name, len(text), base64})
	}
	for _, s := range list {
		v := strings.TrimSpace(s.Value)
		if len(v) < MinKnown {
			continue
		}
		add(s.Name, v, false)
		add(s.Name, url.QueryEscape(v), false)
		add(s.Name, url.PathEscape(v), false)
		add(s.Name, strings.ToLower(url.QueryEscape(v)), false)
		add(s.Name, escapeJSON(v), false)
		if lit, err := json.Marshal(v); err == nil { // with <, > and & escaped too
			add(s.Name, string(lit[1:len(lit)-1]), false)
		}
		for shift := range 3 {
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				add(s.Name, inBase64(enc, v, shift), true)
			}
		}
	}
	if len(words) > 0 {
		k.words = newAutomaton(words, false)
	}
	return k
}

// inBase64 returns the part of a value's encoding that does not depend on what
// stands around it, where shift bytes stand before it in its first group.
func inBase64(enc *base64.Encoding, value string, shift int) string {
	text := enc.EncodeToString([]byte("\x00\x00\x00"[:shift] + value))
	from := []int{0, 2, 3}[shift]
	to := len(text)
	if (shift+len(value))%3 != 0 {
		to--
	}
	return text[from:to]
}

func (k *known) scan(dst []Finding, text string) []Finding {
	if k.words == nil {
		return dst
	}
	k.words.find(text, func(id, end int) bool {
		f := &k.forms[id]
		start := end - f.size
		if f.base64 {
			if start > 0 && isBase64(text[start-1]) {
				start--
			}
			if end < len(text) && isBase64(text[end]) {
				end++
			}
		}
		dst = append(dst, Finding{Kind: KindKnown, Rule: f.name, Start: start, End: end})
		return true
	})
	return dst
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("+/-_=", c) >= 0
}
