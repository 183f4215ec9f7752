package printable

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzEscapeJSON: what a terminal is shown of JSON says the same as the JSON, and
// nothing in it is more than a character to see, but for the controls below a space,
// which stand in no string of JSON.
func FuzzEscapeJSON(f *testing.F) {
	for _, s := range []string{`{}`, `"plain"`, "\"\u202e\u2066x\u2069\"", "[\"\x7f\u009b31m\",\"\U000e0041\"]", "\"\xff\"", `"\u202e"`, "\"\u200d\ufeff\"", "{\"\u200b\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		out := EscapeJSON(nil, src)
		if !utf8.Valid(out) {
			t.Fatalf("%q is no UTF-8", out)
		}
		if json.Valid(src) {
			var a, b any
			if err := json.Unmarshal(src, &a); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(out, &b); err != nil {
				t.Fatalf("%q became %q: %v", src, out, err)
			}
			if !cmp.Equal(a, b) {
				t.Fatalf("%q became %q, which says something else", src, out)
			}
		}
		for _, r := range string(out) {
			if r >= 0x7f && (invisible(r) || isTag(r)) {
				t.Fatalf("%q still holds %U", out, r)
			}
		}
	})
}
