package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
)

// scraps are pieces of texts that tokenizers like to differ about.
var scraps = []string{
	"fox", "Fox", "FOX", "fo", "x", "1", "10", "9f2a", "a_b", "a-b", "it's", "C++", "\x00", "\x01", "\t", "\n", "\r\n", " ", "  ", ".", "\"", "*", "^", "(", "NEAR", "AND", "or", "not", ":", "col:", "\\", "'",
	"ä", "Ä", "a\u0308", "ß", "SS", "İ", "I", "ı", "i", "K", "k", "é", "e\u0301", "Σ", "ς", "σ", "日", "本語", "カ", "ｶ", "ひ", "한국어", "ไทย", "नमस्ते", "עִבְ", "²", "Ⅷ", "①", "½", "ﬁ", "fi",
	"\u200b", "\u200d", "\u00ad", "\ufeff", "\u2028", "\ufffd", "\xff", "\xe6\x97", "\xed\xa0\x80", "👋", "👩\u200d💻", "\U0001d400", "\U00020000", "\u0301", "\u3000", "٣", "＿", "Ａ",
}

func scribble(r *rand.Rand, most int) string {
	var b strings.Builder
	for range 1 + r.IntN(most) {
		b.WriteString(scraps[r.IntN(len(scraps))])
		if r.IntN(3) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Whatever is looked for, the index finds what a look through the waiting texts does.
func TestIndexFindsWhatWaits(t *testing.T) {
	r := newRand(5)
	s := open(t, t.TempDir(), Options{})
	searched := s.searched
	s.searched = nil // nothing is indexed
	for n := range 300 {
		e := entry("")
		e.Interaction.Text, e.SearchText = scribble(r, 12), ""
		if n%2 == 0 {
			e.Interaction.Text, e.SearchText = "", scribble(r, 5)
		}
		finish(t, s, e)
	}
	sync1(t, s)
	queries := []string{"", "*", "\"", "\x00"}
	for range 150 {
		q := scribble(r, 3)
		if r.IntN(3) == 0 && len(q) > 1 { // of a longer word
			q = q[:1+r.IntN(len(q)-1)]
		}
		queries = append(queries, q)
	}
	find := func() (out []string) {
		for _, q := range queries {
			text := filter.Text(q)
			for _, e := range []filter.Expr{text, filter.Not{X: text}, filter.And{text, filter.Text("gpt")}, filter.Or{text, filter.Text("nowhere")}} {
				list, err := s.List(t.Context(), Query{Filter: e})
				if err != nil {
					t.Fatalf("%q: %v", q, err)
				}
				out = append(out, fmt.Sprintf("%T %q %v", e, q, idsOf(list)))
			}
		}
		return out
	}
	before := find()
	s.searched = searched
	indexed(t, s)
	after := find()
	for i := range before {
		if before[i] != after[i] {
			t.Errorf("waiting %s\nindexed %s", before[i], after[i])
		}
	}
	if !slices.ContainsFunc(before, func(s string) bool { return !strings.Contains(s, "[]") }) {
		t.Error("nothing is found")
	}
}
