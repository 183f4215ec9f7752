package llm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Millis is a duration that is written as a number of milliseconds.
type Millis time.Duration

// MillisOf returns d as Millis, by reference, for the optional members.
func MillisOf(d time.Duration) *Millis { m := Millis(d); return &m }

// Duration returns m as a time.Duration.
func (m Millis) Duration() time.Duration { return time.Duration(m) }

// MarshalJSON writes milliseconds with at most three decimals.
func (m Millis) MarshalJSON() ([]byte, error) {
	us := time.Duration(m).Round(time.Microsecond).Microseconds()
	return strconv.AppendFloat(nil, float64(us)/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("a duration in milliseconds: %w", err)
	}
	*m = Millis(math.Round(f * 1e6))
	return nil
}

// Decimal is an exact amount of money in pico-dollars (1e-12 USD), so that a
// price per million tokens times a count of tokens stays a whole number.
type Decimal int64

// DecimalScale is how many Decimals make one dollar.
const DecimalScale = 1_000_000_000_000

// String writes dollars exactly, without trailing zeros: "0.0123".
func (d Decimal) String() string {
	sign := ""
	u := uint64(d)
	if d < 0 {
		sign, u = "-", -u
	}
	s := fmt.Sprintf("%s%d.%012d", sign, u/DecimalScale, u%DecimalScale)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalJSON writes the amount as a JSON number of dollars.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number of dollars with at most twelve decimals.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	v, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// ParseDecimal reads dollars, such as "0.0123" or "-2". More than twelve
// decimals, an exponent or an overflow is an error.
func ParseDecimal(s string) (Decimal, error) {
	digits, neg := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole == "" || len(frac) > 12 || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not an amount of dollars", s)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 12-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not an amount of dollars: %w", s, err)
	}
	if neg {
		v = -v
	}
	return Decimal(v), nil
}
