package policy

import (
	"strings"
	"testing"
)

// FuzzPath: a folder holds itself and what lies in it, and nothing matches a pattern
// that a simpler matcher says it does not.
func FuzzPath(f *testing.F) {
	for _, s := range [][2]string{
		{"~/code", "~/code/x"}, {"/etc/cron*", "/etc/cron.d/x"}, {"**/.ssh", "C:\\Users\\me\\.ssh\\id"}, {"$HOME/.aws", "/home/me/.aws"}, {"/", "/x"}, {".", "./a/../b"},
		{"a*b*c", "abbc"}, {"file:///root/x", "~/x"}, {"'../x'", "../../x"}, {"**/", ""}, {"%USERPROFILE%\\x", "~/X"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 200 || len(path) > 400 {
			t.Skip() // of a policy file, and of an argument as long as a path may be
		}
		newPathPattern(pattern).holds(path)
		if got, want := glob(pattern, path), slowGlob(pattern, path); got != want {
			t.Fatalf("glob(%q, %q) is %v", pattern, path, got)
		}
		clean := cleanPath(path)
		if clean == cleanPath(clean) && !strings.Contains(path, "*") && !strings.HasPrefix(clean, "**/") {
			if pp := newPathPattern(clean); !pp.holds(clean) || !pp.holds(strings.TrimSuffix(clean, "/")+"/inner") && clean != "." && clean != ".." {
				t.Fatalf("%q does not hold itself, or what is in it", clean)
			}
		}
	})
}

// slowGlob tries every length for every star.
func slowGlob(pattern, s string) bool {
	reach := make([]bool, len(s)+1) // the beginnings of s that the pattern's beginning matches
	reach[0] = true
	for i := range len(pattern) {
		next := make([]bool, len(s)+1)
		for k := range reach {
			switch {
			case pattern[i] == '*':
				next[k] = reach[k] || k > 0 && next[k-1]
			case k > 0:
				next[k] = reach[k-1] && s[k-1] == pattern[i]
			}
		}
		reach = next
	}
	return reach[len(s)]
}
