package llm_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

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

// TestMillis: microseconds are written as the shortest float of their milliseconds.
func TestMillis(t *testing.T) {
	for _, us := range []int64{0, 1, -1, 10, 999, 1000, 1001, 1100, -1500, 123_456_789, 3_600_000_000, 1 << 50} {
		b, err := json.Marshal(llm.Millis(time.Duration(us) * time.Microsecond))
		if want := strconv.FormatFloat(float64(us)/1000, 'f', -1, 64); err != nil || string(b) != want {
			t.Errorf("%d µs are %s ms, not %s (%v)", us, b, want, err)
		}
	}
}
