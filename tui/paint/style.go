package paint

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Style is how text looks. Colour only repeats what a word says already.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Dim         // what can be skipped
	Bold        // headings
	Good        // ended well, allowed
	Live        // happening now
	Warn        // wants to be looked at
	Bad         // failed, blocked
	Key         // a key to press
	Code        // source text
	Word        // a keyword of source text
	Quote       // a string of source text
	Found       // what was searched for
	styles
)

// Back is what is behind a line.
type Back uint8

// The backs.
const (
	None Back = iota
	Selected
	Held // waits for a person: the only state that changes the background
	backs
)

// Look says what the terminal can do.
type Look struct {
	Color bool // false: no colours, only bold, faint and reversed
	Dark  bool // the background is dark
	ASCII bool // nothing beyond ASCII
}

// Theme is every style as the terminal wants it.
type Theme struct {
	open  [backs][styles]string
	plain bool // no sequences at all
	ascii bool
}

// The palette is blue and orange, which people tell apart who do not tell green
// from red. Each pair is for light and for dark backgrounds, of the 256 colours.
var (
	blue   = lipgloss.AdaptiveColor{Light: "25", Dark: "75"}
	cyan   = lipgloss.AdaptiveColor{Light: "30", Dark: "116"}
	orange = lipgloss.AdaptiveColor{Light: "130", Dark: "215"}
	fire   = lipgloss.AdaptiveColor{Light: "160", Dark: "208"}
	grey   = lipgloss.AdaptiveColor{Light: "242", Dark: "245"}
	bar    = lipgloss.AdaptiveColor{Light: "254", Dark: "237"}
	alarm  = lipgloss.AdaptiveColor{Light: "223", Dark: "58"}
)

// NewTheme makes the theme for a terminal.
func NewTheme(look Look) Theme {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI256)
	r.SetHasDarkBackground(look.Dark)
	t := Theme{ascii: look.ASCII}
	for b := range backs {
		for s := range styles {
			st := r.NewStyle()
			if look.Color {
				st = colour(st, s, b)
			} else {
				st = attributes(st, s, b)
			}
			t.open[b][s], _, _ = strings.Cut(st.Render("x"), "x")
		}
	}
	return t
}

// PlainTheme writes no styles at all.
func PlainTheme(ascii bool) Theme { return Theme{plain: true, ascii: ascii} }

func colour(st lipgloss.Style, s Style, b Back) lipgloss.Style {
	switch b {
	case Selected:
		st = st.Background(bar)
	case Held:
		st = st.Background(alarm)
	}
	switch s {
	case Dim:
		return st.Foreground(grey)
	case Bold:
		return st.Bold(true)
	case Good, Word:
		return st.Foreground(blue)
	case Live:
		return st.Foreground(cyan)
	case Warn, Quote:
		return st.Foreground(orange)
	case Bad:
		return st.Foreground(fire).Bold(true)
	case Key:
		return st.Foreground(blue).Bold(true)
	case Code:
		return st.Foreground(cyan)
	case Found:
		return st.Reverse(true)
	}
	return st
}

func attributes(st lipgloss.Style, s Style, b Back) lipgloss.Style {
	switch s {
	case Dim:
		st = st.Faint(b == None)
	case Bold, Bad, Key, Warn:
		st = st.Bold(true)
	}
	return st.Reverse(b != None || s == Found)
}

// asASCII are the signs of the screen as ASCII, cell for cell.
var asASCII = map[rune]byte{
	'✓': '+', '▸': '>', '◌': '.', '✗': 'X', '⊘': '/', '◐': '%', '⚠': '!', '▌': '#', '●': '*', '○': 'o',
	'┌': '+', '┐': '+', '└': '+', '┘': '+', '─': '-', '│': '|', '├': '+', '┤': '+', '…': '.', '·': '.',
	'→': '>', '←': '<', '↑': '^', '↓': 'v', '▼': 'v', '▶': '>', '█': '#', '░': '.', '×': 'x', '–': '-',
	'⟨': '<', '⟩': '>', '≈': '~', '¦': '|', '−': '-', '†': 't', '⚙': '*', '␛': '^', '␍': '^', '␊': '^', '␉': '^', '␣': '_',
}
