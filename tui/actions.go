package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// doneMsg tells how something ended that the user asked for.
type doneMsg struct{ text printable.Text }

func done(format string, args ...any) tea.Msg { return doneMsg{line(format, args...)} }

// copyKind is what is copied.
type copyKind int

const (
	copyCURL copyKind = iota
	copyAnswer
	copyJSON
	copyArguments
	copyID
)

func (m *model) beginCopy() {
	if m.current() != nil {
		m.enter(inMenu)
	}
}

// copies makes the command behind an entry of the copy menu.
func copies(what copyKind) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		r := m.current()
		m.back()
		if r == nil {
			return nil
		}
		id, ctx, src, base, out := r.i.ID, m.ctx, m.src, m.base(), m.opts.Out
		return func() tea.Msg {
			ctx, cancel := context.WithTimeout(ctx, answerIn)
			defer cancel()
			text, err := textOf(ctx, src, id, what, base)
			if err != nil {
				return done("not copied: %v", err)
			}
			return doneMsg{toClipboard(ctx, out, text)}
		}
	}
}

// textOf makes what is to be copied.
func textOf(ctx context.Context, src Source, id string, what copyKind, base string) (string, error) {
	if what == copyID {
		return id, nil
	}
	i, err := src.Interaction(ctx, id)
	if err != nil {
		return "", err
	}
	switch what {
	case copyCURL:
		b, cut, err := body(ctx, src, id, control.SideRequest, true)
		if err != nil {
			return "", err
		}
		if cut {
			return "", errors.New("the request is too large for a command line")
		}
		return curl(i, b, base), nil
	case copyAnswer:
		return harmless(i.Text), nil
	case copyArguments:
		var all []string
		for k := range i.ToolCalls {
			all = append(all, arguments(&i.ToolCalls[k]))
		}
		if len(all) == 0 {
			return "", errors.New("it calls no tool")
		}
		return harmless(strings.Join(all, "\n")), nil
	}
	b, err := asJSON(i)
	return string(b), err
}

// harmless leaves out the control characters, which a shell or a terminal would
// obey when the text is pasted.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// asJSON is the interaction as `show --json` prints it, in lines.
func asJSON(i *llm.Interaction) ([]byte, error) {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(printable.EscapeJSON(nil, b), '\n'), nil
}

// save writes the selected interaction into the working directory. It never
// overwrites.
func (m *model) save() tea.Cmd {
	r := m.current()
	if r == nil {
		return nil
	}
	id, ctx, src := r.i.ID, m.ctx, m.src
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		i, err := src.Interaction(ctx, id)
		if err != nil {
			return done("not saved: %v", err)
		}
		b, err := asJSON(i)
		if err != nil {
			return done("not saved: %v", err)
		}
		name, err := writeNew(".", "archestra-"+shortID(id), ".json", b)
		if err != nil {
			return done("not saved: %v", err)
		}
		return done("saved as %s", name)
	}
}

// writeNew writes a file that only the user can read, under the first name that
// is free.
func writeNew(dir, stem, ext string, b []byte) (string, error) {
	for n := 1; n < 1000; n++ {
		name := stem + ext
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, ext)
		}
		f, err := os.OpenFile(filepath.Join(dir, filepath.Base(name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(b)
		return f.Name(), errors.Join(err, f.Close())
	}
	return "", errors.New("too many files of that name")
}

// editedMsg says that the editor has ended.
type editedMsg struct{ err error }

// edit opens the selected interaction in the user's editor: a copy, which is
// removed afterwards.
func (m *model) edit() tea.Cmd {
	r := m.current()
	if r == nil {
		return nil
	}
	id, ctx, src := r.i.ID, m.ctx, m.src
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		i, err := src.Interaction(ctx, id)
		if err != nil {
			return done("not opened: %v", err)
		}
		b, err := asJSON(i)
		if err != nil {
			return done("not opened: %v", err)
		}
		name, err := writeNew(os.TempDir(), "archestra-"+shortID(id), ".json", b)
		if err != nil {
			return done("not opened: %v", err)
		}
		return editMsg{name, func(err error) tea.Msg { return editedMsg{errors.Join(err, os.Remove(name))} }}
	}
}

// editMsg says that a file is ready for the editor, and what is to be done then.
type editMsg struct {
	file string
	then func(error) tea.Msg
}

// runEditor gives the terminal to the editor.
func runEditor(file string, then func(error) tea.Msg) tea.Cmd {
	words := strings.Fields(os.Getenv("VISUAL"))
	if len(words) == 0 {
		words = strings.Fields(os.Getenv("EDITOR"))
	}
	if len(words) == 0 {
		words = []string{"vi"}
	}
	return tea.ExecProcess(exec.Command(words[0], append(words[1:], file)...), then)
}

func (m *model) edited(msg editedMsg) {
	if msg.err != nil {
		m.notice = line("the editor: %v", msg.err)
		return
	}
	m.notice = paint.Words("what was opened was a copy; it is gone")
}
