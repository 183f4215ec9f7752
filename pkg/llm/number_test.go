package llm_test

import (
	"encoding/json"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// FuzzParseDecimal: what is read is written so that it is read as the same amount.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "0.0123", "-2", "12.", "1.000000000001", "9223372.036854775807", "-9223372.036854775808", "1e3", "--1", ".5", "+1", "0.0000000000001", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := llm.ParseDecimal(s)
		if err != nil {
			return
		}
		again, err := llm.ParseDecimal(d.String())
		if err != nil || again != d {
			t.Fatalf("%q is %s, and that %s (%v)", s, d, again, err)
		}
		var back llm.Decimal
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &back); err != nil || back != d {
			t.Fatalf("%s comes back from %s as %s (%v)", d, b, back, err)
		}
	})
}
