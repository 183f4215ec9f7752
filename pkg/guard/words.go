package guard

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// policyFacts are written as they are, and one member beside them.
type policyFacts = fact.Facts

// quote quotes a name that a model wrote.
func quote(s string) string { return strconv.QuoteToGraphic(cut(s, 100)) }

// clean makes one harmless line of a text that quotes what a model wrote.
func clean(s string, most int) string {
	return cut(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s), most)
}

// cut shortens a text to so many bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}
