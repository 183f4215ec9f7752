package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

type runOptions struct {
	profile string
	explain bool
}

func newRun(a *app) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [--profile P] [--explain] -- CMD...",
		Short: "Run an agent or a script wired to the proxy",
		Long: `Runs a command so that its requests go through the proxy: it gets the variables
of archestra env, and the arguments or the inline configuration that some agents
need. No file is changed. The command keeps the terminal, its input and output,
its signals and its exit code.

Where no server runs for the data directory one is started, on a free port if the
usual one is taken, and stopped when the command has ended; it logs to serve.log
in the data directory. A server that runs already is used and left alone.

--explain shows what would be set, and what cannot be captured and why, and runs
nothing.`,
		Example: `  archestra run -- claude
  archestra run --profile ci -- codex exec "fix the flaky test"
  archestra run -- python3 script.py
  archestra run --explain -- opencode`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !o.explain {
				return usagef("which command? Give it behind --, such as archestra run -- claude")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), cmd, o, args) },
	}
	cmd.Flags().SetInterspersed(false) // what stands behind the command is the command's
	addProfile(cmd, &o.profile, provider.DefaultProfile)
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show what would be set and what cannot be captured")
	addSourceFlags(cmd)
	return cmd
}

// The exit codes of a command that did not run, as shells have them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// childExit is the exit code of a command that was run for the user. It has told
// what there is to tell.
type childExit int

func (e childExit) Error() string { return fmt.Sprintf("the command ended with exit code %d", int(e)) }

func (a *app) run(ctx context.Context, cmd *cobra.Command, o runOptions, argv []string) error {
	if err := checkProfile(o.profile); err != nil {
		return err
	}
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	if o.explain {
		site, err := siteOf(ctx, cfg, o.profile)
		if err != nil {
			return err
		}
		return a.explain(agent.Wire(site, argv, a.lookupEnv))
	}
	if _, err := exec.LookPath(argv[0]); err != nil { // before a server is started for it
		return a.cannotRun(argv[0], err)
	}
	attendance := attend()
	defer attendance.end()
	own, err := ensureServer(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := own.stop(); err != nil {
			a.say("The server that was started for this: %v", err)
		}
	}()
	site, err := siteOf(ctx, cfg, o.profile)
	if err != nil {
		return err
	}
	if attendance.ended() {
		return errInterrupted
	}
	return a.child(agent.Wire(site, argv, a.lookupEnv), attendance, a.out, nil)
}

// child runs a wired command to its end, with its output to out. started, if
// any, is told its process.
func (a *app) child(w agent.Wiring, attendance *attendance, out *screen, started func(pid int)) error {
	c := exec.Command(w.Argv[0], w.Argv[1:]...) //nolint:gosec,noctx // the user's own command, which ends when it wants
	c.Env = environ(os.Environ(), w)
	// Files are passed on as they are: a terminal stays one.
	c.Stdin, c.Stdout, c.Stderr = a.in, out.w, a.err.w
	if err := c.Start(); err != nil {
		return a.cannotRun(w.Argv[0], err)
	}
	done := attendance.forward(c.Process)
	if started != nil {
		started(c.Process.Pid)
	}
	err := c.Wait()
	done()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return childExit(exitOf(exit.ProcessState))
	}
	return fmt.Errorf("%s: %w", w.Argv[0], err)
}

func (a *app) cannotRun(name string, err error) error {
	a.say("archestra: %s cannot be run: %v", name, err)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return childExit(exitNotFound)
	}
	return childExit(exitCannotRun)
}

// environ is an environment with what a wiring sets and without what it clears.
func environ(base []string, w agent.Wiring) []string {
	out := slices.DeleteFunc(slices.Clone(base), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(w.Clear, name) || slices.ContainsFunc(w.Set, func(v agent.Setting) bool { return v.Name == name })
	})
	for _, v := range w.Set {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// explain shows a wiring, its credentials aside.
func (a *app) explain(w agent.Wiring) error {
	p := newPage(a.out)
	switch {
	case w.Client != nil:
		p.line(bold, "%s is known: %s.", w.Argv[0], w.Client.Title)
	case len(w.Argv) > 0:
		p.line(bold, "%s is not known: it gets what the SDKs read.", w.Argv[0])
	default:
		p.line(bold, "Any command gets what the SDKs read.")
	}
	p.heading("It sets")
	for _, v := range w.Set {
		value := agent.Bash.Quote(v.Value)
		if v.Secret {
			value = config.Redacted
		}
		p.line(plain, "  %s=%s", v.Name, value)
	}
	if len(w.Clear) > 0 {
		p.heading("It takes away")
		p.line(plain, "  %s", strings.Join(w.Clear, ", "))
	}
	if len(w.Added) > 0 {
		p.heading("It adds the arguments")
		for _, arg := range w.Added {
			p.line(plain, "  %s", arg)
		}
	}
	p.heading("It cannot capture")
	for _, l := range w.Limits {
		p.line(plain, "  %s", l)
	}
	return p.flush()
}
