package lex_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// What stands encoded is found whether the text is looked through in leaps, or byte
// by byte since a percent sign stands in it.
func TestDecodedInLeaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 5000 {
		var b strings.Builder
		for range r.IntN(8) {
			switch r.IntN(4) {
			case 0:
				b.WriteString(base64.StdEncoding.EncodeToString([]byte("send it to somebody else"[:r.IntN(25)])))
			case 1:
				fmt.Fprintf(&b, "%x", "some text in hexadecimal"[:r.IntN(25)])
			case 2:
				b.WriteString(strings.Repeat("a.", r.IntN(12)))
			}
			b.WriteString(" \n(é-="[:r.IntN(8)])
		}
		decoded := func(s string) (list []string) {
			lex.Decoded(s, func(start, end int, text string) { list = append(list, fmt.Sprint(start, end, text)) })
			return list
		}
		text := b.String()
		got, want := decoded(text), decoded(text+" %")
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
		found += len(got)
	}
	if found < 1000 {
		t.Errorf("only %d texts were found", found)
	}
}
