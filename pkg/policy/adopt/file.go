package adopt

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// maxInput bounds the size of settings that are read, in bytes, and maxEntries how
// many entries are taken over.
const (
	maxInput   = 1 << 20
	maxEntries = 5000
)

// rule is one rule of the file to come.
type rule struct {
	action   llm.Action
	origin   string // the entry that it was made from, for the comment above
	name     string // what the id is made of
	tools    []string
	when     []condition
	because  string
	examples []example
}

type condition struct {
	arg       string
	predicate string
	values    []string
}

// example is an argument of a call that the rule must match, or must not.
type example struct {
	want       bool
	arg, value string
}

// file collects what becomes of settings.
type file struct {
	from  string // whose settings they are, in words
	short string // the beginning of ids
	notes []string
	rules []rule
	left  map[llm.Action][]string // what was not taken over from a list, and why
	other []string                // and from no list
}

func (f *file) add(r rule) {
	if len(f.rules) < maxEntries {
		f.rules = append(f.rules, r)
	}
}

// leave notes an entry that no rule can say.
func (f *file) leave(a llm.Action, entry, why string) {
	s := show(entry) + ": " + why
	if a == "" {
		f.other = append(f.other, s)
		return
	}
	if f.left == nil {
		f.left = map[llm.Action][]string{}
	}
	f.left[a] = append(f.left[a], s)
}

// maxShown is how much of an entry a comment shows, in bytes.
const maxShown = 200

// show makes a text fit for a comment: one line, nothing hidden, not too long.
func show(s string) string {
	if len(s) > maxShown {
		cut := maxShown
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	if plain(s) && s == strings.TrimSpace(s) {
		return s
	}
	return strconv.QuoteToASCII(s)
}

// plain tells whether every character of a text shows, so that what a person reads
// is what a rule would compare.
func plain(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

var listNames = map[llm.Action]string{llm.ActionBlock: "deny", llm.ActionAsk: "ask", llm.ActionAllow: "allow"}

// yaml writes the file.
func (f *file) yaml() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Taken over from %s by archestra policy import.", f.from)
	for _, n := range f.notes {
		line("# %s", n)
	}
	line("version: 1")
	ids := map[string]bool{}
	for _, a := range []llm.Action{llm.ActionBlock, llm.ActionAsk, llm.ActionAllow} {
		some := false
		begin := func() {
			if !some {
				line("\n%s:", listNames[a])
			}
			some = true
		}
		origin := ""
		for i := range f.rules {
			r := &f.rules[i]
			if r.action != a {
				continue
			}
			begin()
			if r.origin != origin {
				line("  # %s", show(r.origin))
				origin = r.origin
			}
			r.yaml(line, unique(f.short+"-"+listNames[a]+"-"+slug(r.name), ids))
		}
		for i, s := range f.left[a] {
			if i == 0 && !some {
				line("")
			}
			line("  # not taken over from %s: %s", listNames[a], s)
		}
	}
	for i, s := range f.other {
		if i == 0 {
			line("")
		}
		line("# not taken over: %s", s)
	}
	return []byte(b.String())
}

func (r *rule) yaml(line func(string, ...any), id string) {
	line("  - id: %s", scalar(id))
	line("    tool: %s", list(r.tools))
	if len(r.when) > 0 {
		line("    when:")
	}
	for _, c := range r.when {
		line("      - {arg: %s, %s: %s}", scalar(c.arg), c.predicate, list(c.values))
	}
	if r.because != "" {
		line("    because: %s", scalar(r.because))
	}
	for _, want := range []bool{true, false} {
		some := false
		for _, e := range r.examples {
			if e.want != want {
				continue
			}
			if !some {
				line("    %s:", map[bool]string{true: "match", false: "not_match"}[want])
				some = true
			}
			line("      - {args: {%s: %s}}", scalar(e.arg), scalar(e.value))
		}
	}
}

// list writes one scalar by itself, and several as a list.
func list(values []string) string {
	if len(values) == 1 {
		return scalar(values[0])
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

var (
	bare     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	reserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
)

// scalar writes a text as YAML, within braces or not.
func scalar(s string) string {
	switch {
	case bare.MatchString(s) && !reserved.MatchString(s):
		return s
	case plain(s):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	// YAML knows every escape that Go writes.
	return strconv.QuoteToASCII(s)
}

// slug makes a part of an id.
func slug(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		} else {
			dash = true
		}
		if b.Len() >= 32 {
			break
		}
	}
	if b.Len() == 0 {
		return "rule"
	}
	return b.String()
}

func unique(id string, taken map[string]bool) string {
	out := id
	for n := 2; taken[out]; n++ {
		out = fmt.Sprintf("%s-%d", id, n)
	}
	taken[out] = true
	return out
}
