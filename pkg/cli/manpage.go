package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// manPage writes the manual page of the whole program, archestra(1), in the
// language of man(7): every command that is shown, its flags and its examples,
// and the settings. The date is that of the release.
func manPage(w io.Writer, root *cobra.Command, version string, date time.Time) error {
	m := &manual{}
	m.raw(`.TH ARCHESTRA 1 "%s" "archestra %s" "User Commands"`, date.UTC().Format(time.DateOnly), roff(version))
	m.section("NAME")
	m.text("archestra - " + strings.ToLower(root.Short[:1]) + root.Short[1:])
	m.section("SYNOPSIS")
	m.text("archestra COMMAND [FLAG...] [ARGUMENT...]")
	m.section("DESCRIPTION")
	m.text(root.Long)
	m.section("COMMANDS")
	m.command(root)
	m.section("ENVIRONMENT")
	m.text("A flag counts before its variable, a variable before .env in the working directory, that before the configuration file. The key of the file is the flag's name.")
	for _, s := range config.Settings() {
		help := s.Help
		if s.Default != "" {
			help += " (" + s.Default + ")"
		}
		m.item(s.Var, help)
	}
	m.section("EXIT STATUS")
	m.text("0 on success, 1 on a failure, 2 where the command line is wrong.")
	_, err := io.WriteString(w, m.b.String())
	return err
}

// manual is a page while it is written.
type manual struct{ b strings.Builder }

func (m *manual) raw(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *manual) section(title string) { m.raw(".SH %s", title) }

// text writes paragraphs, which empty lines part. The reader's terminal breaks
// the lines.
func (m *manual) text(s string) {
	for i, p := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			m.raw(".PP")
		}
		m.lines(p)
	}
}

// verbatim keeps the lines as they are.
func (m *manual) verbatim(s string) {
	m.raw(".PP\n.RS 4\n.nf")
	m.lines(strings.Trim(s, "\n"))
	m.raw(".fi\n.RE")
}

func (m *manual) item(term, help string) {
	m.raw(".TP\n\\fB%s\\fR", roff(term))
	m.lines(help)
}

func (m *manual) lines(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		m.raw("%s", roff(line))
	}
}

// command writes the commands below c, each with those below it.
func (m *manual) command(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if sub.Runnable() && !sub.HasSubCommands() {
			m.raw(".SS %s", roff(sub.UseLine()))
			long := sub.Long
			if long == "" {
				long = sub.Short + "."
			}
			m.text(long)
			sub.LocalFlags().VisitAll(m.flag)
			if sub.Example != "" {
				m.raw(".PP\nExamples:")
				m.verbatim(sub.Example)
			}
		}
		m.command(sub)
	}
}

func (m *manual) flag(f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	kind, help := pflag.UnquoteUsage(f)
	term := "--" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", " + term
	}
	if kind != "" {
		term += " " + kind
	}
	m.item(term, help)
}

// roff writes a line of text so that none of it is a request or an escape.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}
