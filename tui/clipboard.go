package tui

import (
	"context"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aymanbagabas/go-osc52/v2"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// maxSequence is the longest clipboard sequence, in bytes, that terminals are
// known to take.
const maxSequence = 74_994

// toClipboard copies text and says what became of it: to the system's clipboard
// where a program for it is at hand, else by the terminal's OSC 52, which no
// terminal confirms; what is too long for that goes into a file.
func toClipboard(ctx context.Context, out io.Writer, text string) printable.Text {
	if words := clipboardProgram(os.Getenv); words != nil {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Stdin = strings.NewReader(text)
		if cmd.Run() == nil {
			return line("copied %s with %s", size(int64(len(text))), words[0])
		}
	}
	if out == nil || base64.StdEncoding.EncodedLen(len(text)) > maxSequence {
		name, err := writeNew(os.TempDir(), "archestra-copy", ".txt", []byte(text))
		if err != nil {
			return line("not copied: %v", err)
		}
		return line("too long for the terminal's clipboard; written to %s", name)
	}
	seq := osc52.New(text)
	if os.Getenv("TMUX") != "" {
		seq = seq.Tmux()
	}
	if _, err := seq.WriteTo(out); err != nil {
		return line("not copied: %v", err)
	}
	return paint.Words("sent to the terminal's clipboard; if pasting gives something else, it takes no OSC 52: use s")
}

// clipboardProgram returns the program that fills this machine's clipboard, or
// nil: over SSH that would be the wrong machine's.
func clipboardProgram(env func(string) string) []string {
	if env("SSH_TTY") != "" || env("SSH_CONNECTION") != "" {
		return nil
	}
	for _, c := range []struct {
		needs string
		words []string
	}{
		{"", []string{"pbcopy"}},
		{"WAYLAND_DISPLAY", []string{"wl-copy"}},
		{"DISPLAY", []string{"xclip", "-selection", "clipboard"}},
		{"", []string{"clip.exe"}},
	} {
		if c.needs == "" || env(c.needs) != "" {
			if _, err := exec.LookPath(c.words[0]); err == nil {
				return c.words
			}
		}
	}
	return nil
}
