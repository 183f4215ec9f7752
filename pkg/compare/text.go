package compare

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// most bounds the words that are compared one by one; what comes behind counts as
// one word each way.
const most = 2000

// texts tells how alike two texts are, and where they part.
func texts(was, is string) (alike float64, diff string) {
	if was == is {
		return 1, ""
	}
	a, b := words(was), words(is)
	if slices.Equal(a, b) {
		return 1, "only white space differs"
	}
	same := common(a, b)
	alike = 2 * float64(same) / float64(len(a)+len(b))
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	lead := ""
	if n > 0 {
		lead = strings.Join(a[max(0, n-3):n], " ") + " "
		if n > 3 {
			lead = "…" + lead
		}
	}
	tail := func(w []string) string {
		if n >= len(w) {
			return "(ends)"
		}
		return strings.Join(w[n:], " ")
	}
	return alike, fmt.Sprintf("%s was %s", short(lead+tail(b)), short(lead+tail(a)))
}

func words(s string) []string {
	w := strings.Fields(s)
	if len(w) > most {
		w = append(w[:most:most], strings.Join(w[most:], " "))
	}
	return w
}

// common is the length of the longest common subsequence.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

const shortLen = 80

// short is the beginning of a text, quoted.
func short(s string) string {
	if len(s) > shortLen {
		end := shortLen
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return `"` + s + `"`
}
