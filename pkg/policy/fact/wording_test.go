package fact

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A fence is found where a search through the text in lower case finds it.
func TestIndexFold(t *testing.T) {
	pieces := append([]string{"<", "|", "[", "#", "_", "/", "begin", "Instruction", "SYSTEM", "é", " ", "K"}, fences...)
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 4000 {
		var b strings.Builder
		for range r.IntN(6) {
			p := pieces[r.IntN(len(pieces))]
			switch r.IntN(3) {
			case 0:
				p = strings.ToUpper(p)
			case 1:
				p = p[:r.IntN(len(p)+1)]
			}
			b.WriteString(p)
		}
		text := b.String()
		low := strings.Map(func(c rune) rune {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			return c
		}, text)
		for _, f := range fences {
			want := strings.Index(low, f)
			if len(low) != len(text) {
				continue // half a character was cut off, and Map made a whole one of it
			}
			if got := indexFold(text, f); got != want {
				t.Fatalf("%q in %q: %d, want %d", f, text, got, want)
			}
			if want >= 0 {
				found++
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d fences were found", found)
	}
}
