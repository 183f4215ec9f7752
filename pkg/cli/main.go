package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	_ "github.com/archestra-ai/archestra-cli/pkg/cli/noquery" // before Bubble Tea is initialised
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Main runs the command line of this process and returns its exit code.
func Main() int {
	// A reader that has had enough is an error of the write and not the end of
	// the process: a server must outlive whoever reads its log.
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // the terminal was closed, and nohup was not used
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	signalled := make(chan struct{})
	context.AfterFunc(ctx, func() {
		stop() // from now on a signal does what it does by default
		close(signalled)
	})
	workdir, err := os.Getwd()
	if err != nil {
		workdir = "."
	}
	return run(ctx, &app{
		in: os.Stdin, out: newScreen(os.Stdout, os.LookupEnv), err: newScreen(os.Stderr, os.LookupEnv),
		lookupEnv: os.LookupEnv, workdir: workdir, signalled: signalled,
	}, os.Args[1:])
}

// run runs one command line.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	var child childExit
	if errors.As(err, &child) {
		return int(child)
	}
	code := exitCode(a, err)
	if code != exitOK {
		fmt.Fprintf(a.err, "archestra: %s\n", printable.New(err.Error()))
	}
	if code == exitUsage {
		fmt.Fprintf(a.err, "%s --help tells how it is used.\n", cmd.CommandPath())
	}
	return code
}

// exitCode maps an error to an exit code, for the whole program.
func exitCode(a *app, err error) int {
	var (
		usage   *usageError
		setting *config.Error
		words   *filter.Error
	)
	switch {
	case err == nil, errors.Is(err, errPipeClosed):
		return exitOK
	case !a.started, errors.As(err, &usage), errors.As(err, &words),
		errors.As(err, &setting) && setting.Origin == config.FromFlag:
		return exitUsage
	}
	return exitFailure
}

var errInterrupted = errors.New("interrupted")

// usageError is what the caller did wrong.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "archestra",
		Short: "A local security proxy between AI applications and model providers",
		Long: `archestra stands between AI applications and model providers on this machine:
it records every exchange, shows it while it happens, and stops what the rules
forbid. All else passes byte for byte as it came.

Point a client at http://localhost:9000/v1/{provider}/{profile}, such as
http://localhost:9000/v1/openai/default.`,
		Example: `  archestra serve
  archestra tail
  archestra logs --since 1h`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          group,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.started = true
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		newServe(a),
		newProviders(a),
		newProfiles(a),
		newTail(a),
		newLogs(a),
		newShow(a),
		newStats(a),
		newExport(a),
		newReplay(a),
		newAsk(a),
		newPolicy(a),
		newEnv(a),
		newRun(a),
		newDoctor(a),
		newDemo(a),
		newVersion(a),
		newCompletion(a),
	)
	a.completeAll(root)
	return root
}

// group is what a command does that only holds others: it tells which.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%q is not a command of %s", args[0], cmd.CommandPath())
	}
	return cmd.Help()
}
