package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// What stands where a value is not known, and where there is none.
const (
	unknown = "~"
	none    = "–"
)

func line(format string, args ...any) printable.Text {
	if len(args) == 0 {
		return printable.Line(format)
	}
	return printable.Line(fmt.Sprintf(format, args...))
}

// count writes n to three figures: 612, 4.1k, 41k, 1.2M.
func count(n int64) string {
	if n > -1000 && n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	f := float64(n) / 1000
	unit := "k"
	for _, next := range []string{"M", "G"} {
		if math.Abs(f) < 999.5 {
			break
		}
		f, unit = f/1000, next
	}
	if math.Abs(f) < 9.95 {
		return strconv.FormatFloat(f, 'f', 1, 64) + unit
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + unit
}

func size(n int64) string { return count(n) + "B" }

// took writes a duration to two figures or so.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + took(-d)
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + "ms"
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
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

func millis(m *llm.Millis) string {
	if m == nil {
		return none
	}
	return took(m.Duration())
}

// money writes dollars: "~" where the price is not known, never 0 for that.
func money(d *llm.Decimal) string {
	if d == nil {
		return unknown
	}
	return dollars(*d)
}

func dollars(d llm.Decimal) string {
	f := float64(d) / llm.DecimalScale
	switch a := math.Abs(f); {
	case d == 0:
		return "$0"
	case a < 0.0001:
		return "<$.0001"
	case a < 0.1:
		return "$" + strings.TrimPrefix(strconv.FormatFloat(f, 'f', 4, 64), "0")
	case a < 100:
		return "$" + strconv.FormatFloat(f, 'f', 2, 64)
	}
	return "$" + count(int64(math.Round(f)))
}

// shortID is the end of an id, which tells the ids of one moment apart.
func shortID(id string) string {
	if len(id) > 8 {
		return id[len(id)-8:]
	}
	return id
}

// modelOf is the model as answered, or as asked for.
func modelOf(i *llm.Interaction) string {
	if i.Model != "" {
		return i.Model
	}
	return i.RequestModel
}

// stateSign says where an interaction stands: a glyph, a word and their style.
func stateSign(i *llm.Interaction) (glyph, word string, style paint.Style) {
	switch i.State {
	case llm.StateStreaming:
		if i.FirstTokenAt == nil {
			return "◌", "sent", paint.Dim
		}
		return "▸", "streaming", paint.Live
	case llm.StateHeld:
		return "?", "HELD", paint.Warn
	case llm.StateDone:
		return "✓", "done", paint.Good
	case llm.StateFailed:
		return "!", "failed", paint.Bad
	case llm.StateCancelled:
		return "×", "cancelled", paint.Warn
	case llm.StateIncomplete:
		return "…", "incomplete", paint.Warn
	case llm.StateRefused:
		return "✗", "refused", paint.Bad
	case llm.StateInterrupted:
		return "†", "interrupted", paint.Warn
	}
	return "·", string(i.State), paint.Plain
}

// failed reports whether an interaction counts as an error.
func failed(i *llm.Interaction) bool {
	switch i.State {
	case llm.StateFailed, llm.StateIncomplete, llm.StateInterrupted:
		return true
	}
	return false
}
