package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// app is what every command works with: its streams and its surroundings.
type app struct {
	in        io.Reader
	out, err  *screen
	lookupEnv func(string) (string, bool)
	workdir   string

	// signalled is closed when the process was told to end, and another signal
	// would end it at once; nil where nobody tells.
	signalled chan struct{}
	started   bool // the command line was understood, and the command runs
}

// load reads the settings that commands without a server need.
func (a *app) load(cmd *cobra.Command) (*config.Config, error) {
	return config.Load(a.lookupEnv, a.workdir, cmd.Flags())
}

// say tells a person something, in a line on standard error.
func (a *app) say(format string, args ...any) {
	// Nothing can be done where standard error is gone.
	_, _ = fmt.Fprintf(a.err, "%s\n", printable.New(fmt.Sprintf(format, args...)))
}

// json prints v as one line of JSON that is safe on a terminal.
func (a *app) json(v any) error { return writeJSON(a.out, v) }

func writeJSON(w io.Writer, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(printable.EscapeJSON(nil, []byte(b.String())))
	return err
}

// errPipeClosed tells that whoever read our output has had enough.
var errPipeClosed = errors.New("the output was closed")

// screen is an output, perhaps a terminal.
type screen struct {
	w        io.Writer
	terminal bool
	colour   bool
	width    func() int // cells in a line; 0 sets no limit
}

func newScreen(f *os.File, lookupEnv func(string) (string, bool)) *screen {
	s := &screen{w: f, terminal: term.IsTerminal(f.Fd()), width: func() int { return 0 }}
	if s.terminal {
		s.width = func() int {
			w, _, err := term.GetSize(f.Fd())
			if err != nil {
				return 80
			}
			return w
		}
	}
	// https://no-color.org: any value that is not empty.
	noColour, _ := lookupEnv("NO_COLOR")
	kind, _ := lookupEnv("TERM")
	s.colour = s.terminal && noColour == "" && kind != "dumb"
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = errPipeClosed
	}
	return n, err
}

// line prints texts, one after the other, and ends the line.
func (s *screen) line(texts ...printable.Text) error {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(t.String())
	}
	b.WriteByte('\n')
	_, err := io.WriteString(s, b.String())
	return err
}

// style is how a text looks on a terminal with colours: the parameters of a
// Select Graphic Rendition sequence (ECMA-48). It only adds to what the words say.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	yellow style = "33"
	blue   style = "34"
)

// paint returns t as it is to be printed on s.
func (s *screen) paint(st style, t printable.Text) string {
	if st == plain || !s.colour || t.Empty() {
		return t.String()
	}
	return "\x1b[" + string(st) + "m" + t.String() + "\x1b[0m"
}

// filterFlags are the flags that pick interactions.
type filterFlags struct{ filter, since string }

func (f *filterFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.filter, "filter", "", `which interactions, such as 'provider:openai status:>=400 "free text"'`)
	cmd.Flags().StringVar(&f.since, "since", "", "only what started since then: 10m, 2h, 7d ago, today, 2026-01-31")
}

// parse reads them. The filter is nil where none was given.
func (f *filterFlags) parse(now time.Time) (expr filter.Expr, since time.Time, err error) {
	if f.filter != "" {
		if expr, err = filter.Parse(f.filter); err != nil {
			return nil, since, err
		}
	}
	if f.since != "" {
		when, err := filter.Parse("since:" + f.since)
		w, ok := when.(filter.When)
		if err != nil || !ok {
			return nil, since, usagef("--since %s: want how long ago, such as 10m, 2h or 7d, or a date", f.since)
		}
		since = w.Moment(now)
	}
	return expr, since, nil
}
