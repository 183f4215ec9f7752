package tui

import (
	"slices"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// maxTyped bounds what can be typed or pasted into a line, in characters.
const maxTyped = 2000

// editor is the text of one line and a cursor in it.
type editor struct {
	runes []rune
	at    int
}

func (e *editor) set(s string) {
	e.runes = []rune(s)
	e.at = len(e.runes)
}

func (e *editor) value() string { return string(e.runes) }

// typed takes a key in, with the keys of a shell's line.
func (e *editor) typed(msg tea.KeyMsg) {
	switch msg.Type {
	case tea.KeyRunes, tea.KeySpace:
		for _, r := range msg.Runes {
			if unicode.IsPrint(r) && len(e.runes) < maxTyped {
				e.runes = slices.Insert(e.runes, e.at, r)
				e.at++
			}
		}
	case tea.KeyBackspace:
		if e.at > 0 {
			e.cut(e.at-1, e.at)
		}
	case tea.KeyDelete, tea.KeyCtrlD:
		if e.at < len(e.runes) {
			e.cut(e.at, e.at+1)
		}
	case tea.KeyLeft, tea.KeyCtrlB:
		e.at = max(e.at-1, 0)
	case tea.KeyRight, tea.KeyCtrlF:
		e.at = min(e.at+1, len(e.runes))
	case tea.KeyHome, tea.KeyCtrlA:
		e.at = 0
	case tea.KeyEnd, tea.KeyCtrlE:
		e.at = len(e.runes)
	case tea.KeyCtrlU:
		e.cut(0, e.at)
	case tea.KeyCtrlK:
		e.cut(e.at, len(e.runes))
	case tea.KeyCtrlW:
		k := e.at
		for k > 0 && e.runes[k-1] == ' ' {
			k--
		}
		for k > 0 && e.runes[k-1] != ' ' {
			k--
		}
		e.cut(k, e.at)
	}
}

func (e *editor) cut(from, to int) {
	e.runes = slices.Delete(e.runes, from, to)
	e.at = from
}
