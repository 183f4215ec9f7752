package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// scroll moves what has the keys by n lines or rows.
func (m *model) scroll(n int) {
	switch m.at {
	case inList:
		m.list.move(n)
	case inSidebar:
		m.side.move(n, m.list.rows)
	default:
		if p := m.text(); p != nil {
			p.scroll(n)
		}
	}
}

// text is the text in view, if there is one.
func (m *model) text() *pager {
	switch m.shown() {
	case inDetail:
		return m.detail.pager()
	case inCompare:
		return &m.compare.pager
	case inHelp:
		return &m.help
	case inWhole:
		return &m.whole
	}
	return nil
}

func (m *model) page() int {
	if p := m.text(); p != nil {
		return p.height
	}
	if m.list.width >= doubleWidth-2 && m.list.width < tableWidth-2 {
		return m.list.height / 2
	}
	return m.list.height
}

func (m *model) toTop() {
	if p := m.text(); p != nil {
		p.top()
	} else if m.at == inList {
		m.list.top()
	} else {
		m.side.at = 0
	}
}

func (m *model) toEnd() {
	if p := m.text(); p != nil {
		p.bottom()
	} else if m.at == inList {
		m.list.resume()
	} else {
		m.side.move(1<<20, m.list.rows)
	}
}

func (m *model) wheel(msg tea.MouseMsg) {
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		m.scroll(-3)
	case tea.MouseButtonWheelDown:
		m.scroll(3)
	}
}

func (m *model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	if m.mouse {
		m.notice = paint.Words("mouse on: the wheel scrolls; hold Shift to select text")
		return tea.EnableMouseCellMotion
	}
	m.notice = paint.Words("mouse off")
	return tea.DisableMouse
}

func (m *model) toSidebar() {
	if m.sidebarWidth() == 0 {
		m.showSidebar(true)
	}
	if m.sidebarWidth() > 0 {
		m.at = inSidebar
		m.side.move(0, m.list.rows)
	}
}

func (m *model) showSidebar(show bool) {
	m.side.hidden, m.side.asked = !show, show
	if !show {
		m.at = inList
	} else if m.width < tableWidth {
		m.notice = paint.Words("the sidebar needs 100 columns; filter with / instead")
	}
}

func (m *model) nextError(step int) {
	m.list.pause()
	if !m.list.next(step) {
		m.notice = paint.Words("no more errors that way")
	}
}

func (m *model) toggleMark() {
	if m.list.mark == m.list.sel {
		m.list.mark = nil
	} else {
		m.list.mark = m.list.sel
	}
	m.list.pause()
}

// current is the row that a key is about.
func (m *model) current() *row {
	if m.shown() == inDetail {
		return m.detail.row
	}
	return m.list.sel
}
