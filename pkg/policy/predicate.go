package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// item is a scalar that a predicate looks at.
type item struct {
	path   string
	text   string
	origin fact.Origin
	value  *fact.Value
	any    bool // the path is "*"
}

// predicate is one test on a scalar. A denying one (not_equal, not_contains, only) must
// hold for every scalar that the path names, the others for one; but see condition.each.
type predicate struct {
	name string
	deny bool
	test func(item) bool
}

// condition is a path and what must hold there.
type condition struct {
	path  path
	tests []predicate
	line  int
	// each tells that the path has [*] and stands in a rule that stops something. There
	// not_equal and not_contains look at each element by itself: one that is not as it
	// should be is enough, however good those beside it are.
	each bool
}

// stern tells whether a predicate must hold for every scalar.
func (c *condition) stern(p *predicate) bool { return p.deny && (!c.each || p.name == "only") }

// vacuous tells whether the condition holds where its path names nothing.
func (c *condition) vacuous() bool {
	for i := range c.tests {
		if !c.tests[i].deny {
			return false
		}
	}
	return true
}

// holds tells whether the condition holds for a call's arguments, and for which.
func (c *condition) holds(f *fact.Facts) (*fact.Value, bool) {
	var items []item
	for i := range f.Values {
		v := &f.Values[i]
		// An identifier within an argument is looked at where its origin is asked
		// for; the text itself is there already.
		if c.path.match(v.Path) && (!v.Embedded || c.has("from") || c.has("host_in") || c.has("only")) {
			items = append(items, item{path: v.Path, text: v.Text, origin: v.Origin, value: v, any: c.path.all})
		}
	}
	i, ok := c.pass(items)
	if !ok || i < 0 {
		return nil, ok
	}
	return items[i].value, true
}

func (c *condition) has(name string) bool {
	for _, p := range c.tests {
		if p.name == name {
			return true
		}
	}
	return false
}

// pass tells whether some item passes every predicate that looks at one, while no
// item fails a stern one. It returns that item, or -1 where no item decided: where
// only denying predicates speak, a path that names nothing passes.
func (c *condition) pass(items []item) (int, bool) {
	single := false
	for k := range c.tests {
		p := &c.tests[k]
		if !c.stern(p) {
			single = true
			continue
		}
		for _, it := range items {
			if !p.test(it) {
				return -1, false
			}
		}
	}
	if !single || len(items) == 0 {
		return -1, c.vacuous()
	}
next:
	for i, it := range items {
		for k := range c.tests {
			if p := &c.tests[k]; !c.stern(p) && !p.test(it) {
				continue next
			}
		}
		return i, true
	}
	return -1, false
}

// all tells whether every item passes every predicate and there is one at least.
func (c *condition) all(items []item) bool {
	for _, it := range items {
		for _, p := range c.tests {
			if !p.test(it) {
				return false
			}
		}
	}
	return len(items) > 0
}

// maxRegex bounds the length of a regular expression.
const maxRegex = 2000

// newPredicate compiles a predicate by its name. values are the scalars that the
// file gives; one is as good as a list of one.
func newPredicate(name string, values []string) (predicate, error) {
	p := predicate{name: name}
	if len(values) == 0 && name != "only" {
		return p, fmt.Errorf("%s needs a value", name)
	}
	one := func(test func(it item, v string) bool) func(item) bool {
		return func(it item) bool {
			for _, v := range values {
				if test(it, v) {
					return true
				}
			}
			return false
		}
	}
	not := func(test func(item) bool) func(item) bool { return func(it item) bool { return !test(it) } }
	equal := one(func(it item, v string) bool { return it.text == v || sameNumber(it.text, v) })
	contains := one(func(it item, v string) bool { return strings.Contains(lex.Fold(it.text), lex.Fold(v)) })
	switch name {
	case "equal":
		p.test = equal
	case "not_equal":
		p.test, p.deny = not(equal), true
	case "only":
		// Every value must be one of these. Of "*" only identifiers are looked at:
		// the texts and numbers of a call may be any.
		p.deny = true
		p.test = func(it item) bool {
			return it.any && (it.value == nil || !it.value.Kind.Strong()) || equal(it)
		}
	case "contains":
		p.test = contains
	case "not_contains":
		p.test, p.deny = not(contains), true
	case "starts_with":
		p.test = one(func(it item, v string) bool { return strings.HasPrefix(it.text, v) })
	case "ends_with":
		p.test = one(func(it item, v string) bool { return strings.HasSuffix(it.text, v) })
	case "regex":
		var res []*regexp.Regexp
		for _, v := range values {
			if len(v) > maxRegex {
				return p, fmt.Errorf("a regular expression is longer than %d bytes", maxRegex)
			}
			re, err := regexp.Compile(v)
			if err != nil {
				return p, fmt.Errorf("regex: %w", err)
			}
			res = append(res, re)
		}
		p.test = func(it item) bool {
			for _, re := range res {
				if re.MatchString(it.text) {
					return true
				}
			}
			return false
		}
	case "host_in":
		p.test = one(hostIn)
	case "path_under":
		var pats []pathPattern
		for _, v := range values {
			pats = append(pats, newPathPattern(v))
		}
		p.test = func(it item) bool {
			for _, pp := range pats {
				if pp.holds(it.text) {
					return true
				}
			}
			return false
		}
	case "max":
		limit, err := strconv.ParseFloat(values[0], 64)
		if err != nil || len(values) > 1 {
			return p, fmt.Errorf("max needs one number, not %q", strings.Join(values, ", "))
		}
		p.test = func(it item) bool { n, ok := amount(it.text); return ok && n <= limit }
	case "from":
		want := map[fact.Origin]bool{}
		for _, v := range values {
			origins, err := fact.ParseOrigin(v)
			if err != nil {
				return p, err
			}
			for _, o := range origins {
				want[o] = true
			}
		}
		p.test = func(it item) bool { return want[it.origin] }
	default:
		return p, fmt.Errorf("%q is no predicate: %s", name, strings.Join(predicateNames, ", "))
	}
	return p, nil
}

var predicateNames = []string{"equal", "not_equal", "only", "contains", "not_contains", "starts_with", "ends_with", "regex", "host_in", "path_under", "max", "from"}

// Predicates returns the names of what a condition can say.
func Predicates() []string { return slices.Clone(predicateNames) }

func sameNumber(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	if err != nil {
		return false
	}
	y, err := strconv.ParseFloat(b, 64)
	return err == nil && x == y
}

// amount reads a number with or without a sign of currency and separators of
// thousands.
func amount(s string) (float64, bool) {
	s = strings.ReplaceAll(strings.Trim(s, " $€£¥"), ",", "")
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// hostIn tells whether the host of a URL or an address is v, or lies under it
// where v is "*.example.com".
func hostIn(it item, v string) bool {
	kind, host := lex.IdentOf(it.text)
	if it.value != nil && it.value.Embedded {
		kind, host = it.value.Kind, it.value.Key
	}
	switch kind {
	case lex.Host:
	case lex.Email:
		host = host[strings.LastIndexByte(host, '@')+1:]
	default:
		return false
	}
	v = strings.ToLower(strings.TrimPrefix(v, "www."))
	if rest, ok := strings.CutPrefix(v, "*."); ok {
		return strings.HasSuffix(host, "."+rest)
	}
	return host == v
}

// path names scalars: "recipients[*]", "filter.owner", "command". "*" alone names
// every scalar. Of [*] there is one at most.
type path struct {
	text   string
	all    bool
	before string
	after  string
	wild   bool
}

func newPath(s string) (path, error) {
	p := path{text: s, all: s == "*"}
	if p.all {
		return p, nil
	}
	switch strings.Count(s, "[*]") {
	case 0:
		p.before = s
	case 1:
		p.wild = true
		p.before, p.after, _ = strings.Cut(s, "[*]")
	default:
		return p, fmt.Errorf("%q has [*] more than once", s)
	}
	if s == "" || strings.Contains(p.before+p.after, "*") {
		return p, fmt.Errorf("%q is no path: name, name.name, name[0], name[*].name or *", s)
	}
	return p, nil
}

// match tells whether the path names the scalar at have. A path that ends in
// [*] names a single value too: clients and models write "a" for ["a"].
func (p path) match(have string) bool {
	if p.all || have == p.text {
		return true
	}
	if !p.wild {
		return false
	}
	rest, ok := strings.CutPrefix(have, p.before)
	if !ok {
		return false
	}
	if rest == "" {
		return p.after == ""
	}
	if rest[0] != '[' {
		return false
	}
	i := strings.IndexByte(rest, ']')
	return i > 0 && rest[i+1:] == p.after
}
