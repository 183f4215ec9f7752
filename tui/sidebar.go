package tui

import (
	"cmp"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// The widths of the sidebar and of the names in it, in cells.
const (
	sidebarCells = 32
	nameCells    = 9
)

// groupWords are the filter's words of the sidebar's two groups.
var groupWords = [2]string{"provider", "profile"}

// entry is one line of the sidebar that can be chosen.
type entry struct {
	group int
	name  string
	sum   *sum   // nil where nothing was seen
	note  string // why it cannot be called
}

// sidebar lists providers and profiles. What is chosen stands in the filter and
// nowhere else.
type sidebar struct {
	hidden    bool
	asked     bool // shown although the screen is narrow
	at        int
	providers []control.Provider
}

// entries lists what can be chosen: providers, those that are idle too, then
// profiles.
func (s *sidebar) entries(r *rows) []entry {
	var out []entry
	for g := range r.groups {
		from := len(out)
		for name, sum := range r.groups[g] {
			if sum.requests > 0 {
				out = append(out, entry{group: g, name: name, sum: sum})
			}
		}
		if g == 0 {
			for _, p := range s.providers {
				if used := r.groups[0][p.Name]; used == nil || used.requests == 0 {
					if p.State != "off" {
						out = append(out, entry{name: p.Name, note: p.State})
					}
				} else if p.State != "ready" {
					k := slices.IndexFunc(out, func(e entry) bool { return e.name == p.Name })
					out[k].note = p.State
				}
			}
		}
		slices.SortFunc(out[from:], func(a, b entry) int {
			if (a.sum == nil) != (b.sum == nil) {
				if a.sum != nil {
					return -1
				}
				return 1
			}
			return cmp.Compare(a.name, b.name)
		})
	}
	return out
}

func (s *sidebar) move(n int, r *rows) {
	s.at = max(0, min(s.at+n, len(s.entries(r))-1))
}

func (s *sidebar) selected(r *rows) (entry, bool) {
	all := s.entries(r)
	if s.at >= len(all) {
		return entry{}, false
	}
	return all[s.at], true
}

// view makes the sidebar's lines; chosen holds the names that the filter asks for.
func (s *sidebar) view(r *rows, e filter.Expr, width int, focused bool) []paint.Line {
	chosen := [2][]string{namesIn(e, groupWords[0]), namesIn(e, groupWords[1])}
	var out []paint.Line
	group := -1
	for k, en := range s.entries(r) {
		if en.group != group {
			if group >= 0 {
				out = append(out, paint.Line{})
			}
			group = en.group
			out = append(out, groupHead(group))
		}
		out = append(out, s.entryLine(en, chosen[group], width, focused && k == s.at))
	}
	return out
}

func groupHead(g int) paint.Line {
	var l paint.Line
	if g == 0 {
		l.Say(paint.Bold, "Providers")
	} else {
		l.Say(paint.Bold, "Profiles")
	}
	return l
}

func (s *sidebar) entryLine(en entry, chosen []string, width int, here bool) paint.Line {
	var l paint.Line
	if here {
		l.On(paint.Selected)
		l.Say(paint.Key, "▌")
	} else {
		l.Gap(1)
	}
	style := paint.Plain
	if slices.Contains(chosen, en.name) {
		l.Say(paint.Key, "●")
		style = paint.Bold
	} else {
		l.Gap(1)
	}
	if en.sum == nil {
		l.Cell(paint.Dim, printable.Line(en.name), nameCells)
		l.Gap(1)
		switch en.note {
		case "ready":
			l.Say(paint.Dim, "idle")
		case "unreachable":
			l.Say(paint.Warn, "down")
		default:
			l.Add(paint.Dim, printable.Line(en.note))
		}
		l.Fit(width)
		return l
	}
	l.Cell(style, printable.Line(en.name), nameCells)
	l.Right(style, printable.Line(count(en.sum.requests)), 5)
	if en.sum.errors > 0 {
		l.Right(paint.Warn, line("%d%%!", (en.sum.errors*100+en.sum.requests-1)/en.sum.requests), 6)
	} else {
		l.Gap(6)
	}
	l.Gap(1)
	l.Right(paint.Dim, printable.Line(en.sum.spend()), width-l.Width())
	return l
}

// namesIn lists the plain values that e, at its top, asks of word.
func namesIn(e filter.Expr, word string) []string {
	for _, x := range conjuncts(e) {
		if names, ok := plainNames(x, word); ok {
			return names
		}
	}
	return nil
}

func conjuncts(e filter.Expr) []filter.Expr {
	switch e := e.(type) {
	case nil:
		return nil
	case filter.And:
		return e
	}
	return []filter.Expr{e}
}

// plainNames returns the names where x is word:a|b and nothing else.
func plainNames(x filter.Expr, word string) ([]string, bool) {
	switch x := x.(type) {
	case filter.Match:
		if x.Word == word && !x.Pattern.Wild() && !x.Pattern.Empty() {
			return []string{x.Pattern[0]}, true
		}
	case filter.Or:
		var names []string
		for _, m := range x {
			n, ok := plainNames(m, word)
			if !ok {
				return nil, false
			}
			names = append(names, n...)
		}
		return names, len(names) > 0
	}
	return nil, false
}

// withNames returns e asking for exactly these names of word.
func withNames(e filter.Expr, word string, names []string) filter.Expr {
	var and filter.And
	for _, x := range conjuncts(e) {
		if _, ok := plainNames(x, word); !ok {
			and = append(and, x)
		}
	}
	var or filter.Or
	for _, n := range names {
		or = append(or, filter.Match{Word: word, Pattern: filter.Plain(n)})
	}
	switch len(or) {
	case 0:
	case 1:
		and = append(filter.And{or[0]}, and...)
	default:
		and = append(filter.And{or}, and...)
	}
	if len(and) == 0 {
		return nil
	}
	return and
}

// toggle adds name to what e asks of word, or takes it away.
func toggle(e filter.Expr, word, name string) filter.Expr {
	names := slices.Clone(namesIn(e, word))
	if k := slices.Index(names, name); k >= 0 {
		names = slices.Delete(names, k, k+1)
	} else {
		names = append(names, name)
	}
	return withNames(e, word, names)
}
