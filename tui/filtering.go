package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"
)

func (m *model) beginFilter() {
	m.enter(inFilter)
	s := m.filter
	if s != "" {
		s += " "
	}
	m.query.begin(s)
	m.list.pause()
}

func (m *model) endFilter() tea.Cmd {
	e, err := parseFilter(m.query.input.value())
	if err != nil {
		m.query.err = err
		return nil
	}
	m.back()
	return m.setFilter(e)
}

func (m *model) clearFilter() tea.Cmd {
	if m.filter == "" {
		m.list.mark = nil
		return nil
	}
	return m.setFilter(nil)
}

func (m *model) toggleEntry() tea.Cmd {
	e, ok := m.side.selected(m.list.rows)
	if !ok {
		return nil
	}
	return m.setFilter(toggle(m.list.expr, groupWords[e.group], e.name))
}

func (m *model) isolateEntry() tea.Cmd {
	e, ok := m.side.selected(m.list.rows)
	if !ok {
		return nil
	}
	word := groupWords[e.group]
	if slices.Equal(namesIn(m.list.expr, word), []string{e.name}) {
		return m.setFilter(withNames(m.list.expr, word, nil))
	}
	return m.setFilter(withNames(m.list.expr, word, []string{e.name}))
}

func (m *model) clearEntries() tea.Cmd {
	e := m.list.expr
	for _, word := range groupWords {
		e = withNames(e, word, nil)
	}
	return m.setFilter(e)
}
