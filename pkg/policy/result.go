package policy

import (
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// ResultRule says how far a tool result is believed.
type ResultRule struct {
	ID      string
	Trust   fact.Trust
	Because string
	File    string
	Line    int

	tools    []string
	profiles []string
	when     []resultCondition
	tests    []test
}

// resultCondition looks at the result (path) or at the call that it answers (arg).
type resultCondition struct {
	condition
	arg bool
}

// ResultVerdict is what the rules say of a tool result.
type ResultVerdict struct {
	Trust   fact.Trust
	Rule    string // "" where no rule spoke
	Because string
	// Replacement stands in the place of a blocked result.
	Replacement string
}

// match tells whether a rule speaks of a result. A rule that trusts must hold for
// everything that its paths name: one stranger among friends is a stranger. The
// others must hold for something.
func (r *ResultRule) match(profile, tool string, args []fact.Leaf, items []item) bool {
	if !anyGlob(r.tools, tool) || !anyGlob(r.profiles, profile) {
		return false
	}
	for i := range r.when {
		c := &r.when[i]
		var at []item
		if c.arg {
			for _, l := range args {
				if c.path.match(l.Path) {
					at = append(at, item{path: l.Path, text: l.Value})
				}
			}
		} else {
			for _, it := range items {
				if c.path.match(it.path) {
					at = append(at, it)
				}
			}
		}
		if r.Trust == fact.Trusted {
			if !c.all(at) {
				return false
			}
		} else if _, ok := c.pass(at); !ok {
			return false
		}
	}
	return true
}

// maxResultItems bounds how many scalars of a result are looked at. A result with
// more is not trusted by a rule with conditions.
const maxResultItems = 20_000

// resultItems reads the scalars of a result: of JSON by their paths, of other
// structured text by their names, as if each stood in a list ("name" and
// "[*].name" both find them). The whole text has the path "text".
func resultItems(text string) (items []item, complete bool) {
	items = append(items, item{path: "text", text: text})
	w := itemWalk{s: jsonscan.New([]byte(text)), out: items}
	if k := w.s.Kind(); k == jsonscan.Object || k == jsonscan.Array {
		w.value("", 0)
		if w.s.End() == nil {
			return w.out, !w.full
		}
	}
	d := lex.New(text)
	if !d.Structured {
		return items, true
	}
	for i := range d.Cells {
		c := &d.Cells[i]
		if c.IsName || len(items) > maxResultItems {
			continue
		}
		value := text[c.Start:c.End]
		items = append(items, item{path: c.Key, text: value}, item{path: "[" + strconv.Itoa(int(c.Record)) + "]." + c.Key, text: value})
	}
	return items, len(items) <= maxResultItems
}

type itemWalk struct {
	s    *jsonscan.Scanner
	out  []item
	full bool
}

func (w *itemWalk) value(at string, depth int) {
	if len(w.out) > maxResultItems || depth > 64 {
		w.full = true
		w.s.Skip()
		return
	}
	switch w.s.Kind() {
	case jsonscan.Object:
		for name := range w.s.Object() {
			p := string(name)
			if at != "" {
				p = at + "." + p
			}
			w.value(p, depth+1)
		}
	case jsonscan.Array:
		for i := range w.s.Array() {
			w.value(at+"["+strconv.Itoa(i)+"]", depth+1)
		}
	case jsonscan.String:
		w.out = append(w.out, item{path: at, text: w.s.Text()})
	case jsonscan.Invalid:
		w.s.Skip()
	default:
		w.out = append(w.out, item{path: at, text: string(w.s.Raw())})
	}
}
