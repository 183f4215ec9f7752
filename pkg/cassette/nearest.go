package cassette

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// candidates bounds how many recorded requests are compared with one that
// nothing answers: the last ones.
const candidates = 500

// explain says that nothing answers a request, and what differs from the nearest
// one that was recorded.
func (l *Library) explain(ctx context.Context, q Request) string {
	const head = "This request was not recorded"
	var of []*entry
	places := map[string]bool{}
	for _, e := range l.entries {
		places[e.place] = true
		if e.place == q.place() {
			of = append(of, e)
		}
	}
	if len(of) == 0 {
		known := make([]string, 0, len(places))
		for p := range places {
			known = append(known, p)
		}
		slices.Sort(known)
		if len(known) > 5 {
			known = append(known[:5], "…")
		}
		return fmt.Sprintf("%s. The %s holds nothing of %s; it holds %s.", head, l.Title, q.place(), strings.Join(known, ", "))
	}
	sent := tree(q)
	want := leaves(sent)
	var best *Episode
	most := -1.0
	for _, e := range of[max(0, len(of)-candidates):] {
		episode, err := e.load(ctx)
		if err != nil {
			continue // it is not there any more
		}
		if s := likeness(want, leaves(tree(episode.Request))); s > most {
			best, most = episode, s
			best.Name = e.name
		}
	}
	if best == nil {
		return head + ". What was recorded cannot be read any more."
	}
	var d differences
	d.compare("", tree(best.Request), sent)
	return fmt.Sprintf("%s. The nearest is %s of the %s; %s.", head, best.Name, l.Title, d.text())
}

// tree is a request as it is compared part by part.
func tree(q Request) any {
	var body any = q.Body
	if q.JSON {
		dec := json.NewDecoder(strings.NewReader(q.Body))
		dec.UseNumber()
		if dec.Decode(&body) != nil {
			body = q.Body
		}
	}
	if _, query, ok := strings.Cut(q.Path, "?"); ok {
		if m, is := body.(map[string]any); is {
			m["?"] = query
		}
	}
	return body
}

// leaves counts the values of a tree, each with where it stands.
func leaves(v any) map[uint64]int {
	out := map[uint64]int{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x)
			}
		case []any:
			for i, x := range v {
				walk(path+"["+strconv.Itoa(i), x)
			}
		default:
			h := fnv.New64a()
			_, _ = fmt.Fprintf(h, "%s=%v", path, v) // a hash takes everything
			out[h.Sum64()]++
		}
	}
	walk("", v)
	return out
}

// likeness is the part of the values that two trees have in common.
func likeness(a, b map[uint64]int) float64 {
	same, n := 0, 0
	for k, c := range a {
		same += min(c, b[k])
		n += c
	}
	for _, c := range b {
		n += c
	}
	if n == 0 {
		return 1
	}
	return 2 * float64(same) / float64(n)
}

// differences between what was recorded and what was sent, in words.
type differences struct {
	found []string
	more  int
}

// shown is how many differences are told.
const shown = 3

func (d *differences) add(path, format string, args ...any) {
	if len(d.found) == shown {
		d.more++
		return
	}
	if path == "" {
		path = "the body"
	}
	d.found = append(d.found, path+" "+fmt.Sprintf(format, args...))
}

func (d *differences) text() string {
	if len(d.found) == 0 {
		return "it differs in nothing that is compared"
	}
	s := strings.Join(d.found, "; ")
	if d.more > 0 {
		s += fmt.Sprintf("; and %d more", d.more)
	}
	return s
}

func (d *differences) compare(path string, was, is any) {
	switch w := was.(type) {
	case map[string]any:
		if i, ok := is.(map[string]any); ok {
			d.members(path, w, i)
			return
		}
	case []any:
		if i, ok := is.([]any); ok {
			for k := range min(len(w), len(i)) {
				d.compare(path+"["+strconv.Itoa(k)+"]", w[k], i[k])
			}
			if len(w) != len(i) {
				d.add(path, "has %d elements and had %d", len(i), len(w))
			}
			return
		}
	}
	a, b := scalar(was), scalar(is)
	if a != b {
		from := prefix(a, b)
		d.add(path, "is %s and was %s", excerpt(b, from), excerpt(a, from))
	}
}

func (d *differences) members(path string, was, is map[string]any) {
	names := map[string]bool{}
	for k := range was {
		names[k] = true
	}
	for k := range is {
		names[k] = true
	}
	sorted := make([]string, 0, len(names))
	for k := range names {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	for _, k := range sorted {
		below := k
		if path != "" {
			below = path + "." + k
		}
		w, had := was[k]
		i, has := is[k]
		switch {
		case !had:
			d.add(below, "is new: %s", excerpt(scalar(i), 0))
		case !has:
			d.add(below, "is missing; it was %s", excerpt(scalar(w), 0))
		default:
			d.compare(below, w, i)
		}
	}
}

func scalar(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// prefix is how many bytes two texts have in common at their beginning.
func prefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

const excerptLen = 60

// excerpt is the part of a text around where it begins to differ.
func excerpt(s string, from int) string {
	start := max(0, from-20)
	for start > 0 && start < len(s) && !utf8.RuneStart(s[start]) {
		start--
	}
	if start >= len(s) {
		start = 0
	}
	out := s[start:]
	if start > 0 {
		out = "…" + out
	}
	if len(out) > excerptLen {
		end := excerptLen
		for end > 0 && !utf8.RuneStart(out[end]) {
			end--
		}
		out = out[:end] + "…"
	}
	return out
}
