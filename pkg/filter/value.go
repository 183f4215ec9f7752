package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// ordered reports whether the word's values can be compared by more than
// equality.
func (w Word) ordered() bool { return w.Kind == Count || w.Kind == Money || w.Kind == Duration }

// textual reports whether the word compares texts.
func (w Word) textual() bool { return w.Kind == Name || w.Kind == Prefix || w.Kind == Contains }

// term makes the node for one value, or says what is wrong with it.
func term(w Word, op Op, p Pattern) (Expr, string) {
	value := strings.Join(p, "*")
	switch {
	case w.textual():
		if msg := wrongValue(w, p); msg != "" {
			return nil, msg
		}
		return Match{w.Name, p}, ""
	case w.Kind == Moment:
		return moment(w, value)
	case w.Name == "status" && op == Equal && isClass(value):
		n := int64(value[0]-'0') * 100
		return And{Compare{w.Name, GreaterEqual, n}, Compare{w.Name, Less, n + 100}}, ""
	}
	n, err := parseNumber(w.Kind, value)
	if err != nil {
		return nil, fmt.Sprintf("%q is not %s, such as %s:%s", value, kindText[w.Kind], w.Name, w.Example)
	}
	return Compare{w.Name, op, n}, ""
}

// wrongValue says so where a word has few values and p can be none of them.
func wrongValue(w Word, p Pattern) string {
	if len(w.Values) == 0 || p.Empty() {
		return ""
	}
	for _, v := range w.Values {
		if p.Match(v) {
			return ""
		}
	}
	return fmt.Sprintf("%s cannot be %q; it is one of %s", w.Name, strings.Join(p, "*"), strings.Join(w.Values, ", "))
}

func isClass(s string) bool {
	return len(s) == 3 && s[0] >= '1' && s[0] <= '5' && strings.EqualFold(s[1:], "xx")
}

var kindText = map[Kind]string{
	Count:    "a whole number",
	Money:    "an amount of dollars",
	Duration: "a duration with its unit",
	Bool:     "true or false",
	Moment:   "a time",
}

func parseNumber(k Kind, s string) (int64, error) {
	switch k {
	case Count:
		factor := int64(1)
		if n := len(s) - 1; n > 0 {
			switch lower(s[n]) {
			case 'k':
				factor, s = 1000, s[:n]
			case 'm':
				factor, s = 1_000_000, s[:n]
			}
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil && (n < 0 || n > math.MaxInt64/factor) {
			err = strconv.ErrRange
		}
		return n * factor, err
	case Money:
		d, err := llm.ParseDecimal(strings.TrimPrefix(s, "$"))
		if err == nil && d < 0 {
			err = strconv.ErrRange
		}
		return int64(d), err
	case Duration:
		d, err := parseDuration(s)
		return int64(d), err
	case Bool:
		switch strings.ToLower(s) {
		case "true", "yes":
			return 1, nil
		case "false", "no":
			return 0, nil
		}
	}
	return 0, strconv.ErrSyntax
}

func formatNumber(k Kind, n int64) string {
	switch k {
	case Money:
		return llm.Decimal(n).String()
	case Duration:
		return formatDuration(time.Duration(n))
	case Bool:
		return strconv.FormatBool(n != 0)
	}
	return strconv.FormatInt(n, 10)
}

// parseDuration reads a Go duration, or whole days and weeks: 7d, 2w.
func parseDuration(s string) (time.Duration, error) {
	s = strings.ToLower(s)
	if n := len(s) - 1; n > 0 && (s[n] == 'd' || s[n] == 'w') {
		day := 24 * time.Hour
		if s[n] == 'w' {
			day *= 7
		}
		count, err := strconv.ParseUint(s[:n], 10, 16)
		if err != nil || count > uint64(math.MaxInt64/day) {
			return 0, strconv.ErrRange
		}
		return time.Duration(count) * day, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, strconv.ErrSyntax
	}
	return d, nil
}

// formatDuration writes d as parseDuration reads it, without needless zeros.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 && d/day <= math.MaxUint16 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// layouts are the spellings of a moment; those without a zone mean local time.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

func moment(w Word, s string) (Expr, string) {
	if ago, err := parseDuration(s); err == nil {
		return When{Word: w.Name, Ago: ago}, ""
	}
	back := -1
	switch strings.ToLower(s) {
	case "today":
		back = 0
	case "yesterday":
		back = 1
	}
	if back >= 0 {
		y, m, d := time.Now().Date()
		return When{Word: w.Name, At: time.Date(y, m, d-back, 0, 0, 0, 0, time.Local)}, ""
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, strings.ToUpper(s), time.Local); err == nil && !at.IsZero() {
			return When{Word: w.Name, At: at}, ""
		}
	}
	return nil, fmt.Sprintf("%q is not a time; %s:1h, %s:7d, %s:2026-01-31, %s:today and RFC 3339 are",
		s, w.Name, w.Name, w.Name, w.Name)
}
