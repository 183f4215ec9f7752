package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// maxQuoted is how much of a value a reason quotes, in bytes.
const maxQuoted = 80

// quoted quotes a value for a reason, on one line and cut to a length.
func quoted(s string) string {
	if len(s) > maxQuoted {
		cut := maxQuoted
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// shown quotes a value for a reason, unless it is a secret: cut to a length it would
// be one that nobody finds again.
func shown(s, secret string) string {
	if secret != "" {
		return "(a secret: " + secret + ")"
	}
	return quoted(s)
}

// where says in words where a place is.
func where(h *fact.Seen) string {
	var b strings.Builder
	switch h.Origin {
	case fact.User:
		b.WriteString("your own text")
	case fact.System:
		b.WriteString("the instructions")
	case fact.Field:
		fmt.Fprintf(&b, "the field %s that %s returned", quoted(h.Key), h.Tool)
	default:
		fmt.Fprintf(&b, "text that %s returned", h.Tool)
	}
	if h.Message >= 0 {
		fmt.Fprintf(&b, " (message %d, bytes %d-%d)", h.Message, h.Start, h.End)
	}
	return b.String()
}

// explain fills a built-in rule's sentence.
func (g *finding) explain() string {
	s := g.rule.Text
	if g.value != nil {
		arg := g.value.Path
		if g.value.Secret == "" {
			arg += "=" + quoted(g.value.Text)
		}
		s = strings.ReplaceAll(s, "{arg}", arg)
		s = strings.ReplaceAll(s, "{secret}", g.value.Secret)
	}
	s = strings.ReplaceAll(s, "{arg}", "a value")
	s = strings.ReplaceAll(s, "{note}", g.note)
	if g.place != nil {
		s += "; see " + where(g.place)
	}
	return s
}
