package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// place is where the keys go.
type place uint16

const (
	inList place = 1 << iota
	inSidebar
	inFilter // typing a filter
	inDetail
	inSearch  // typing what to look for in a text
	inMenu    // choosing what to copy
	inConfirm // yes or no
	inHelp
	inCompare
	inWhole   // all of a question about a tool call
	whenAsked // beside the others: such a question is on the screen

	inTexts  = inDetail | inHelp | inCompare | inWhole
	anywhere = inList | inSidebar | inDetail | inCompare
)

// shortcut is a key, where it works and what it does.
type shortcut struct {
	key.Binding
	at   place
	hint bool // worth a place in the hint line
	do   func(*model) tea.Cmd
}

// keyTable is every key of the screen. The first entry that fits wins; the hint
// line and `?` read the same table.
func keyTable() []shortcut {
	bind := func(at place, hint bool, help, desc string, do func(*model) tea.Cmd, keys ...string) shortcut {
		return shortcut{key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc)), at, hint, do}
	}
	still := func(do func(*model)) func(*model) tea.Cmd {
		return func(m *model) tea.Cmd { do(m); return nil }
	}
	by := func(n int) func(*model) tea.Cmd { return still(func(m *model) { m.scroll(n) }) }
	const hint, quiet = true, false
	scrolls := inList | inSidebar | inTexts
	return []shortcut{
		bind(whenAsked, quiet, "a", "allow it once", gives(llm.AskAnswer{Action: llm.ActionAllow}), "a"),
		bind(whenAsked, quiet, "A", "allow exactly this, now and always", gives(llm.AskAnswer{Action: llm.ActionAllow, Always: true}), "A"),
		bind(whenAsked, quiet, "d", "deny it", gives(llm.AskAnswer{Action: llm.ActionBlock}), "d"),
		bind(whenAsked, quiet, "e", "edit its arguments in $EDITOR, and allow that", answering(editArguments), "e"),
		bind(whenAsked, quiet, "v", "view all of it", still((*model).viewWhole), "v"),

		bind(inList, hint, "enter", "open", (*model).openSelected, "enter", "l", "right"),
		bind(inSidebar, hint, "space", "add to the filter", (*model).toggleEntry, " "),
		bind(inSidebar, hint, "enter", "only this", (*model).isolateEntry, "enter"),
		bind(inSidebar, hint, "0", "clear the choice", (*model).clearEntries, "0"),

		bind(inDetail, hint, "1-5", "tabs", still(func(m *model) { m.detail.show(m.key) }), "1", "2", "3", "4", "5"),
		bind(inDetail, quiet, "tab", "next tab", still(func(m *model) { m.detail.turn(1) }), "tab", "l", "right"),
		bind(inDetail, quiet, "shift-tab", "previous tab", still(func(m *model) { m.detail.turn(-1) }), "shift+tab", "left", "h"),
		bind(inDetail, hint, "t", "request or response", (*model).switchSide, "t"),
		bind(inDetail, quiet, "b", "as on the wire or decoded", (*model).switchWire, "b"),
		bind(inDetail, quiet, "z", "fold or unfold system and tools", still(func(m *model) { m.detail.fold() }), "z"),
		bind(inDetail, quiet, "J/K", "next and previous interaction", (*model).openNext, "J"),
		bind(inDetail, quiet, "K", "", (*model).openPrevious, "K"),

		bind(scrolls, quiet, "j/k", "down and up", by(1), "j", "down"),
		bind(scrolls, quiet, "k", "", by(-1), "k", "up"),
		bind(scrolls, quiet, "ctrl-d/u", "half a page", still(func(m *model) { m.scroll(m.page() / 2) }), "ctrl+d"),
		bind(scrolls, quiet, "ctrl-u", "", still(func(m *model) { m.scroll(-m.page() / 2) }), "ctrl+u"),
		bind(scrolls, quiet, "pgdn/pgup", "a page", still(func(m *model) { m.scroll(m.page()) }), "pgdown", "ctrl+f"),
		bind(scrolls, quiet, "pgup", "", still(func(m *model) { m.scroll(-m.page()) }), "pgup", "ctrl+b"),
		bind(scrolls, quiet, "g/G", "first and last", still(func(m *model) { m.toTop() }), "g", "home"),
		bind(scrolls, quiet, "G", "", still(func(m *model) { m.toEnd() }), "G", "end"),

		bind(inList|inSidebar, hint, "/", "filter", still((*model).beginFilter), "/"),
		bind(inTexts, hint, "/", "search", still((*model).beginSearch), "/"),
		bind(inTexts, quiet, "n/N", "next and previous hit", still(func(m *model) { m.hit(1) }), "n"),
		bind(inTexts, quiet, "N", "", still(func(m *model) { m.hit(-1) }), "N"),
		bind(inList, hint, "F", "follow", still(func(m *model) { m.list.toggleFollow() }), "F"),
		bind(inList, quiet, "n/N", "next and previous error", still(func(m *model) { m.nextError(1) }), "n"),
		bind(inList, quiet, "N", "", still(func(m *model) { m.nextError(-1) }), "N"),
		bind(inList, hint, "space", "mark", still((*model).toggleMark), " "),
		bind(inList|inDetail, quiet, "=", "compare with the mark or the turn before", (*model).compareSelected, "="),
		bind(inList|inDetail|inCompare, hint, "y", "copy", still((*model).beginCopy), "y"),
		bind(inList|inDetail, quiet, "e", "open in $EDITOR", (*model).edit, "e"),
		bind(inList|inDetail, quiet, "s", "save as JSON", (*model).save, "s"),
		bind(inList|inDetail, quiet, "r", "send again", still((*model).beginResend), "r"),

		bind(inList, hint, "tab", "sidebar", still((*model).toSidebar), "tab", "h", "left"),
		bind(inSidebar, hint, "tab", "list", still(func(m *model) { m.at = inList }), "tab", "l", "right", "esc"),
		bind(inList|inSidebar, quiet, "[ ]", "hide or show the sidebar", still(func(m *model) { m.showSidebar(false) }), "["),
		bind(inList|inSidebar, quiet, "]", "", still(func(m *model) { m.showSidebar(true) }), "]"),
		bind(inList, quiet, "esc", "clear the filter", (*model).clearFilter, "esc"),
		bind(anywhere, quiet, "M", "mouse on or off", (*model).toggleMouse, "M"),
		bind(anywhere, hint, "?", "help", still((*model).beginHelp), "?"),
		bind(inTexts, hint, "esc", "back", (*model).back, "esc", "q", "backspace"),
		bind(inList|inSidebar, hint, "q", "quit", func(*model) tea.Cmd { return tea.Quit }, "q"),
		bind(anywhere|inFilter|inSearch|inMenu|inConfirm|inHelp|inWhole, quiet, "ctrl-c", "quit", func(*model) tea.Cmd { return tea.Quit }, "ctrl+c"),

		bind(inFilter, hint, "enter", "apply", (*model).endFilter, "enter"),
		bind(inFilter, hint, "tab", "complete", still(func(m *model) { m.query.complete() }), "tab"),
		bind(inFilter, hint, "esc", "leave as it was", (*model).back, "esc"),
		bind(inSearch, hint, "enter", "look for it", still((*model).endSearch), "enter"),
		bind(inSearch, hint, "esc", "leave", (*model).back, "esc"),

		bind(inMenu, hint, "c", "cURL", copies(copyCURL), "c"),
		bind(inMenu, hint, "a", "answer", copies(copyAnswer), "a"),
		bind(inMenu, hint, "j", "JSON", copies(copyJSON), "j"),
		bind(inMenu, hint, "t", "tool arguments", copies(copyArguments), "t"),
		bind(inMenu, hint, "i", "id", copies(copyID), "i"),
		bind(inMenu, hint, "esc", "nothing", (*model).back, "esc", "q"),
		bind(inConfirm, hint, "y", "yes", (*model).resend, "y"),
		bind(inConfirm, hint, "n", "no", (*model).back, "n", "esc", "q"),
	}
}

// typing reports whether keys are letters of a line.
func (m *model) typing() bool { return m.at == inFilter || m.at == inSearch }

// press runs what a key means here. Keys that come fast arrive as one message.
func (m *model) press(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyRunes && !m.typing() && (len(msg.Runes) > 1 || msg.Paste) {
		if msg.Paste {
			return nil // text is no command
		}
		m.burst = true
		defer func() { m.burst = false }()
		var cmds []tea.Cmd
		for k, r := range msg.Runes {
			if m.typing() { // the first ones opened it
				return tea.Batch(append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: msg.Runes[k:]}))...)
			}
			cmds = append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}))
		}
		return tea.Batch(cmds...)
	}
	m.key = msg.String()
	at := m.at
	if m.answerable() {
		at |= whenAsked
	}
	for k := range m.keys {
		if s := &m.keys[k]; s.at&at != 0 && slices.Contains(s.Keys(), m.key) {
			return s.do(m)
		}
	}
	switch m.at {
	case inFilter:
		m.query.typed(msg, true)
	case inSearch:
		m.query.typed(msg, false)
	}
	return nil
}
