package secret

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// agree checks that a pattern finds in a text what package regexp finds first.
func agree(t *testing.T, p *pattern, re *regexp.Regexp, text string) {
	t.Helper()
	var m match
	want := re.FindStringSubmatchIndex(text)
	for i := range len(text) {
		if !p.first.has(text[i]) {
			continue
		}
		end, ok := m.at(p, text, i)
		if !ok {
			if m.steps > maxSteps {
				return
			}
			continue
		}
		if want == nil {
			t.Fatalf("%s\nmatches %q at %d; regexp finds nothing", re, text, i)
		}
		if end != want[1] || p.leadMax == 0 && i != want[0] {
			t.Fatalf("%s\nmatches %q at %d to %d; regexp at %d to %d", re, text, i, end, want[0], want[1])
		}
		for g := 1; g < min(p.groups+1, maxGroups) && p.leadMax == 0; g++ {
			if from, to := m.group(g); re.SubexpNames()[g] == "" && (from != want[2*g] || from >= 0 && to != want[2*g+1]) {
				t.Fatalf("%s\nin %q: group %d is at %d to %d; regexp says %d to %d", re, text, g, from, to, want[2*g], want[2*g+1])
			}
		}
		return
	}
	if want != nil {
		t.Fatalf("%s\ndoes not match %q; regexp does at %d to %d", re, text, want[0], want[1])
	}
}

func FuzzPattern(f *testing.F) {
	for _, e := range []string{`\b(ab{2,3}|c)(?:[x;]|$)`, `a.*?b`, `(?i)k[a-c]{0,5}[x-z]{0,3}(?:=|:{1,3}=)v`, `(a|ab)(c|bcd)(d*)`, `a[^b]{2,}c`, `x(?:a-){2}y?`, `(?s)a.{0,4}b`} {
		f.Add(e, "abbb;  acxbccd k=v kabxz::=v x a-a-y a\nb")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 60 || len(text) > 200 {
			return
		}
		for _, c := range []byte(expr + text) {
			if c >= 0x80 {
				return
			}
		}
		p, err := newPattern(expr)
		if err != nil {
			return
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Fatalf("%q compiles here and not there", expr)
		}
		agree(t, p, re, text)
	})
}

// The rules themselves, over texts that are made of what they look for.
func TestPatternsOfRules(t *testing.T) {
	set, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	exprs := expressions(t)
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{" ", "\n", "\"", "'", "=", ": ", " => ", ":=", "_", "-", ".", "token", "key", "api", "abc123", "ABCDEF0123456789", "deadbeefdeadbeefdeadbeefdeadbeef", "x9Y8z7W6v5U4t3S2r1Q0", "\\n", ";", "="}
	for _, r := range set.rules {
		expr := exprs[r.id]
		if strings.Contains(expr, "{1,5})") {
			continue // opLines goes its own way; see TestLines
		}
		re := regexp.MustCompile(expr)
		words := append([]string{}, r.keywords...)
		for _, k := range r.keywords {
			words = append(words, strings.ToUpper(k))
		}
		for range 60 {
			var b strings.Builder
			for range 3 + random.IntN(12) {
				if list := pieces; random.IntN(3) == 0 && len(words) > 0 {
					b.WriteString(words[random.IntN(len(words))])
				} else {
					b.WriteString(list[random.IntN(len(list))])
				}
			}
			agree(t, r.pattern, re, b.String())
		}
	}
}

func TestLines(t *testing.T) {
	p, err := newPattern(`c(?:.*?|.*?(?:[\r\n]{1,2}.*?){1,5})[ \t\n\r]-H "(\w+)"`)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`c -H "a" -H "b"`:                     "a",
		"c x\n  y\r\n -H \"a\"":               "a",
		"c\n1\n2\n3\n4\n5 -H \"a\"":           "a",
		"c\n1\n2\n3\n4\n5\n6 -H \"a\"":        "",
		"c " + strings.Repeat("c ", 50) + `-`: "",
	} {
		var m match
		got := ""
		for i := range len(text) {
			if _, ok := m.at(p, text, i); ok {
				from, to := m.group(2)
				got = text[from:to]
				break
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzAutomaton(f *testing.F) {
	f.Add("he,she,his,hers", "ushers HIS", true)
	f.Add("a,aa,aaa", "aaaa", false)
	f.Fuzz(func(t *testing.T, list, text string, fold bool) {
		var literals []string
		for _, l := range strings.Split(list, ",") {
			if l != "" && len(literals) < 50 {
				if fold {
					l = lowered(l)
				}
				literals = append(literals, l)
			}
		}
		in := text
		if fold {
			in = lowered(text)
		}
		want := map[[2]int]bool{}
		for id, l := range literals {
			for i := 0; i+len(l) <= len(in); i++ {
				if in[i:i+len(l)] == l {
					want[[2]int{id, i + len(l)}] = true
				}
			}
		}
		a := newAutomaton(literals, fold)
		got := map[[2]int]bool{}
		a.find(text, func(id, end int) bool { got[[2]int{id, end}] = true; return true })
		if len(got) != len(want) || a.has(text) != (len(want) > 0) {
			t.Fatalf("%q in %q: %v, want %v", literals, text, got, want)
		}
		for w := range want {
			if !got[w] {
				t.Fatalf("%q in %q: %v is missing", literals, text, w)
			}
		}
	})
}
