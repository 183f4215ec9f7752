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
func (m Millis) MarshalJSON() ([]byte, error) { return m.append(nil), nil }

func (m Millis) append(dst []byte) []byte {
	us := time.Duration(m).Round(time.Microsecond).Microseconds()
	if us < 0 {
		dst, us = append(dst, '-'), -us
	}
	return appendFixed(dst, uint64(us), 1000)
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
func (d Decimal) String() string { return string(d.append(nil)) }

// MarshalJSON writes the amount as a JSON number of dollars.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.append(nil), nil }

func (d Decimal) append(dst []byte) []byte {
	u := uint64(d)
	if d < 0 {
		dst, u = append(dst, '-'), -u
	}
	return appendFixed(dst, u, DecimalScale)
}

// appendFixed appends n/scale, where scale is a power of ten, exactly and without
// trailing zeros.
func appendFixed(dst []byte, n, scale uint64) []byte {
	dst = strconv.AppendUint(dst, n/scale, 10)
	if n %= scale; n == 0 {
		return dst
	}
	dst = append(dst, '.')
	for ; n != 0; n %= scale {
		scale /= 10
		dst = append(dst, '0'+byte(n/scale))
	}
	return dst
}

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
