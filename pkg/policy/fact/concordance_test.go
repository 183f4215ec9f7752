package fact

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Texts come and go in any order of a stack, and each word's places are those of
// the texts that are there.
func TestConcordance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w concordance
	var texts [][]lex.Token
	most := 0
	for range 300 {
		if len(texts) > 0 && r.IntN(7) < 3 && len(texts) > r.IntN(60) {
			w.pop(texts[len(texts)-1])
			texts = texts[:len(texts)-1]
		} else {
			text := make([]lex.Token, r.IntN(120))
			for i := range text {
				text[i].Hash = uint64(r.IntN(8)) * uint64(r.IntN(2)) // 0 is a gap
				if r.IntN(10) == 0 {
					text[i].Hash = r.Uint64() // seen once
				}
			}
			texts = append(texts, text)
			w.push(int32(len(texts)-1), text)
		}
		where := map[uint64][]ref{}
		for n, text := range texts {
			for i, token := range text {
				where[token.Hash] = append(where[token.Hash], ref{int32(n), int32(i)})
			}
		}
		for h := uint64(1); h < 8; h++ {
			want := where[h]
			if w.count(h) != len(want) {
				t.Fatalf("word %d stands in %d places, want %d", h, w.count(h), len(want))
			}
			last := len(want)
			w.each(h, func(r ref) bool {
				last--
				return r != want[last]
			})
			if last != 0 {
				t.Fatalf("of %d places of word %d, the last %d are right", len(want), h, len(want)-last)
			}
			most = max(most, len(want))
			if len(want) > maxPostings {
				want = append(append([]ref(nil), want[:maxPostings/2]...), want[len(want)-maxPostings/2:]...)
			}
			if diff := cmp.Diff(want, w.refs(new(places), h), cmp.AllowUnexported(ref{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("word %d (-want +got)\n%s", h, diff)
			}
		}
	}
	if most <= maxPostings {
		t.Errorf("no word stood in more than %d places", most)
	}
}
