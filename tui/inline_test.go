package tui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

func TestInline(t *testing.T) {
	const p, b, c = paint.Plain, paint.Bold, paint.Code
	for s, want := range map[string][]run{
		"plain":               {{p, "plain"}},
		"a **b** c":           {{p, "a "}, {b, "b"}, {p, " c"}},
		"run `go **test**` x": {{p, "run "}, {c, "go **test**"}, {p, " x"}},
		"2 ** 3 and `open":    {{p, "2 **"}, {p, " 3 and `"}, {p, "open"}},
		"****":                {{p, "**"}, {p, "**"}},
		"**all**":             {{b, "all"}},
		"":                    nil,
	} {
		if diff := cmp.Diff(want, inline(p, s), cmp.AllowUnexported(run{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", s, diff)
		}
	}
}

// TestProse asserts that wrapping loses nothing but the spaces that it breaks
// at, and that no row is too wide.
func TestProse(t *testing.T) {
	for _, s := range []string{"one **two three** four `five six seven` eight", "**日本語 is** wide `and` so on", "a  **b**   c", "x`y`"} {
		for room := 1; room < 50; room++ {
			var got strings.Builder
			prose(paint.Plain, printable.Line(s), room, func(row []run) {
				width := 0
				for _, r := range row {
					width += printable.Line(r.text).Width()
					got.WriteString(r.text)
				}
				if width > room {
					t.Errorf("%q at %d: a row of %d", s, room, width)
				}
			})
			if room < 2 { // wide characters do not fit at all
				continue
			}
			want := strings.NewReplacer("**", "", "`", "", " ", "").Replace(s)
			if have := strings.ReplaceAll(got.String(), " ", ""); have != want {
				t.Errorf("%q at %d: %q", s, room, have)
			}
		}
	}
}

// TestTrail asserts that esc leads back the way one came.
func TestTrail(t *testing.T) {
	s := busy(t, 120, 30, paint.Look{})
	s.press("g", "down", "enter", "?", "/")
	s.typed("streaming")
	s.press("enter")
	s.shows("the answer is coming")
	s.press("esc")
	s.shows("[1 Talk]")
	s.press("=", "y", "esc")
	s.shows("Cache")
	s.press("?", "esc", "esc")
	s.shows("[1 Talk]")
	s.press("esc")
	s.shows("Interactions")
	if len(s.m.trail) != 0 {
		t.Errorf("the trail is %v", s.m.trail)
	}
}
