// Package filter is the one grammar by which people pick interactions: in
// `tail`, `logs`, `export`, `stats`, `policy test` and behind the screen's `/`.
//
//	provider:anthropic model:*opus* status:>=400 -state:done since:1h "free text"
//
// A space is and; `|` is or and binds looser, so that `a b | c` is (a and b) or
// c; `-` negates what follows; parentheses group. Between the values of one
// word `|` without spaces gives alternatives: `provider:openai|anthropic`.
//
// A word compares as its kind does ([Words] lists them): text ignores the case
// of ASCII letters and takes `*` for anything; numbers, money and durations
// take >, >=, <, <=, = and !=. What an interaction does not have matches
// nothing, except an empty value: `agent:""` finds those without an agent, and
// `tool:*` those with a tool call. Everything else is free text, which
// [ContainsText] explains. Quotes keep spaces and signs together; inside them a
// backslash keeps `"`, `*` and itself literal.
//
// [Parse] gives a tree of exported nodes, so that a store can turn it into its
// own query language instead of calling Match.
package filter

import (
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Expr is a filter: one of [And], [Or], [Not], [Match], [Compare], [When] and
// [Text].
type Expr interface {
	// Match reports whether the filter picks i. Free text is looked up by text,
	// which tells whether the interaction's words hold a phrase; where text is
	// nil, the interaction itself is searched. Relative times count from now.
	Match(i *llm.Interaction, text func(phrase string) bool) bool
	// String returns the filter in its canonical spelling; Parse reads it back.
	String() string
}

// And picks what all of its members pick; without members, everything.
type And []Expr

// Or picks what any of its members picks. Parse makes none without members.
type Or []Expr

// Not picks what X does not.
type Not struct{ X Expr }

// Match compares a text of the interaction, such as its model, with a pattern.
type Match struct {
	Word    string
	Pattern Pattern
}

// Op is a comparison.
type Op string

// The comparisons. Parse writes != as a Not.
const (
	Equal        Op = "="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
)

// Compare compares a number of the interaction. What N counts is the word's
// [Kind]: one for Count, pico-dollars for Money, nanoseconds for Duration, and
// 1 or 0 for Bool.
type Compare struct {
	Word string
	Op   Op
	N    int64
}

// When compares the interaction's start with a moment: "since" picks what
// started then or later, "until" what started before.
type When struct {
	Word string
	Ago  time.Duration // counted from now, where At is zero
	At   time.Time
}

// Moment returns the moment that w means at now.
func (w When) Moment(now time.Time) time.Time {
	if w.At.IsZero() {
		return now.Add(-w.Ago)
	}
	return w.At
}

// Text is free text: a phrase, whose words stand beside each other and whose
// last may go on.
type Text string

// Match implements Expr.
func (e And) Match(i *llm.Interaction, text func(string) bool) bool {
	for _, x := range e {
		if !x.Match(i, text) {
			return false
		}
	}
	return true
}

// Match implements Expr.
func (e Or) Match(i *llm.Interaction, text func(string) bool) bool {
	for _, x := range e {
		if x.Match(i, text) {
			return true
		}
	}
	return false
}

// Match implements Expr.
func (e Not) Match(i *llm.Interaction, text func(string) bool) bool { return !e.X.Match(i, text) }

// Match implements Expr.
func (e Match) Match(i *llm.Interaction, _ func(string) bool) bool {
	w, ok := Lookup(e.Word)
	return ok && w.texts != nil && w.texts(i, e.Pattern.matcher(w.Kind))
}

// Match implements Expr.
func (e Compare) Match(i *llm.Interaction, _ func(string) bool) bool {
	w, ok := Lookup(e.Word)
	if !ok || w.number == nil {
		return false
	}
	n, known := w.number(i)
	if !known {
		return false
	}
	switch e.Op {
	case Equal:
		return n == e.N
	case Less:
		return n < e.N
	case LessEqual:
		return n <= e.N
	case Greater:
		return n > e.N
	case GreaterEqual:
		return n >= e.N
	}
	return false
}

// Match implements Expr.
func (e When) Match(i *llm.Interaction, _ func(string) bool) bool {
	return i.StartedAt.Before(e.Moment(time.Now())) == (e.Word == "until")
}

// Match implements Expr.
func (e Text) Match(i *llm.Interaction, text func(string) bool) bool {
	if text != nil {
		return text(string(e))
	}
	return ContainsText(string(AppendText(nil, i)), string(e))
}

// String implements Expr.
func (e And) String() string {
	var parts []string
	for _, x := range e {
		s := x.String()
		if or, ok := x.(Or); ok && !or.sameWord() {
			s = "(" + s + ")"
		}
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// String implements Expr.
func (e Or) String() string {
	parts := make([]string, len(e))
	same := e.sameWord()
	for i, x := range e {
		parts[i] = x.String()
		if same && i > 0 {
			_, parts[i], _ = strings.Cut(parts[i], ":")
		}
	}
	if same {
		return strings.Join(parts, "|")
	}
	return strings.Join(parts, " | ")
}

// sameWord reports whether all members are values of one word, which are
// written as alternatives.
func (e Or) sameWord() bool {
	for _, x := range e {
		if w := wordOf(x); w == "" || w != wordOf(e[0]) {
			return false
		}
	}
	return len(e) > 0
}

func wordOf(x Expr) string {
	switch x := x.(type) {
	case Match:
		return x.Word
	case Compare:
		return x.Word
	case When:
		return x.Word
	}
	return ""
}

// String implements Expr.
func (e Not) String() string {
	switch x := e.X.(type) {
	case And:
		return "-(" + x.String() + ")"
	case Or:
		if !x.sameWord() {
			return "-(" + x.String() + ")"
		}
	}
	return "-" + e.X.String()
}

// String implements Expr.
func (e Match) String() string { return e.Word + ":" + e.Pattern.String() }

// String implements Expr.
func (e Compare) String() string {
	op := string(e.Op)
	if e.Op == Equal {
		op = ""
	}
	w, _ := Lookup(e.Word)
	return e.Word + ":" + op + formatNumber(w.Kind, e.N)
}

// String implements Expr.
func (e When) String() string {
	if e.At.IsZero() {
		return e.Word + ":" + formatDuration(e.Ago)
	}
	return e.Word + ":" + e.At.Format(time.RFC3339Nano)
}

// String implements Expr.
func (e Text) String() string {
	if needsQuotes(string(e)) || headOf(string(e)) != "" {
		return quote(string(e))
	}
	return string(e)
}
