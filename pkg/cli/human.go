package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// unknown stands where a value is not known. It is never zero.
const unknown = "~"

// none stands where there is nothing to say.
const none = "–"

// humanDuration writes d to two figures or so: 850ms, 1.2s, 42s, 3m12s, 2h05m.
func humanDuration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + humanDuration(-d)
	case d < 999500*time.Microsecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + "ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	if s/3600%24 == 0 {
		return fmt.Sprintf("%dd", s/86400)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}

func humanMillis(m *llm.Millis) string {
	if m == nil {
		return none
	}
	return humanDuration(m.Duration())
}

// humanCount writes n to three figures: 612, 4.1k, 41k, 1.2M.
func humanCount(n int64) string {
	f := float64(n)
	for _, unit := range []string{"", "k", "M", "G"} {
		if math.Abs(f) < 999.5 || unit == "G" {
			if unit != "" && math.Abs(f) < 9.95 {
				return strconv.FormatFloat(f, 'f', 1, 64) + unit
			}
			return strconv.FormatFloat(f, 'f', 0, 64) + unit
		}
		f /= 1000
	}
	return ""
}

// humanBytes writes a size with decimal units, as disks and networks count.
func humanBytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	s := humanCount(n)
	return s[:len(s)-1] + " " + s[len(s)-1:] + "B"
}

// humanTokens writes in→out. What is not known is ~.
func humanTokens(u *llm.Usage) string {
	if u == nil {
		return unknown
	}
	side := func(n *int64) string {
		if n == nil {
			return unknown
		}
		return humanCount(*n)
	}
	return side(u.InputTokens) + "→" + side(u.OutputTokens)
}

// humanCost writes dollars: two decimals, or two figures where that is less.
func humanCost(c *llm.Decimal) string {
	if c == nil {
		return unknown
	}
	d := *c
	switch {
	case d == 0:
		return "$0"
	case d < 0:
		d = -d
		return "-" + humanCost(&d)
	}
	decimals, small := 2, llm.Decimal(llm.DecimalScale/10)
	for d < small && decimals < 12 {
		decimals, small = decimals+1, small/10
	}
	step := llm.Decimal(math.Pow10(12 - decimals))
	return "$" + fixed((d+step/2)/step*step, decimals)
}

func fixed(d llm.Decimal, decimals int) string {
	whole, frac, _ := strings.Cut(d.String(), ".")
	return whole + "." + (frac + strings.Repeat("0", decimals))[:decimals]
}

// humanTime writes a moment as short as it is clear on the day now.
func humanTime(t, now time.Time) string {
	t = t.In(now.Location())
	y, m, d := t.Date()
	ny, nm, nd := now.Date()
	switch {
	case y == ny && m == nm && d == nd:
		return t.Format("15:04:05")
	case y == ny:
		return t.Format("Jan _2 15:04")
	}
	return t.Format("2006-01-02")
}

// shortID is the end of an id, which tells interactions of one moment apart and
// finds them again.
func shortID(id string) string {
	const digits = 8
	if len(id) <= digits {
		return id
	}
	return id[len(id)-digits:]
}

// plural writes a count with its noun.
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + one + "s"
}
