package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/doctor"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

type doctorOptions struct {
	profile string
	json    bool
}

// doctorProfile is the profile of canaries, so that they are easy to tell.
const doctorProfile = "doctor"

func newDoctor(a *app) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [--json] [-- CMD...]",
		Short: "Prove that capture works, or say what stands in its way",
		Long: `Checks, in this order: the port, the socket, permissions, the clock, whether
providers can be reached, keys, local servers and their models, the variables of
this shell, the settings files of clients (which are only read), and a canary: a
request for the list of models through each provider's path, which costs nothing
and is looked for in the records by its user agent, archestra-doctor.

With a command, that command is run as archestra run would, and doctor says
whether its requests arrived and what went round.

Each finding has a remedy. The exit code is 1 if any check failed.`,
		Example: `  archestra doctor
  archestra doctor --json
  archestra doctor -- claude -p "say hi"`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), cmd, o, args) },
	}
	cmd.Flags().SetInterspersed(false) // what stands behind the command is the command's
	addJSON(cmd, &o.json)
	addProfile(cmd, &o.profile, doctorProfile)
	addSourceFlags(cmd)
	return cmd
}

func (a *app) doctor(ctx context.Context, cmd *cobra.Command, o doctorOptions, argv []string) error {
	if err := checkProfile(o.profile); err != nil {
		return err
	}
	var failed int64
	var broken error // the output
	report := func(f doctor.Finding) {
		if f.State == doctor.Failed {
			failed++
		}
		if broken != nil {
			return
		}
		if o.json {
			broken = a.json(f)
		} else {
			broken = a.finding(f)
		}
	}
	cfg, err := a.load(cmd)
	if err != nil {
		report(doctor.Finding{Check: "settings of archestra", State: doctor.Failed, Detail: err.Error(), Remedy: "Correct it; nothing else can be looked at before."})
	} else if err := a.examine(ctx, cfg, o, argv, report); err != nil {
		return err
	}
	switch {
	case broken != nil:
		return broken
	case failed > 0:
		return errors.New(plural(failed, "check") + " failed")
	}
	return nil
}

func (a *app) examine(ctx context.Context, cfg *config.Config, o doctorOptions, argv []string, report func(doctor.Finding)) error {
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	home, _ := a.lookupEnv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir() // without one there are no files in it
	}
	p := doctor.Patient{
		Config: cfg, Server: client, Env: a.lookupEnv, Home: home, Workdir: a.workdir, Profile: o.profile,
		Version: readBuildInfo().Version, Now: time.Now, Recording: 10 * time.Second,
		Providers: func(ctx context.Context) ([]control.Provider, error) { return listProviders(ctx, cfg, true) },
		Usual:     map[string]string{"ollama": "http://127.0.0.1:11434/api/version"}, // https://docs.ollama.com/api
	}
	if len(argv) > 0 {
		attendance := attend()
		defer attendance.end()
		own, err := ensureServer(ctx, cfg)
		if err != nil {
			a.say("No server could be started for the command: %v", err) // the checks tell why
		}
		defer func() {
			if err := own.stop(); err != nil {
				a.say("The server that was started for this: %v", err)
			}
		}()
		p.Command = argv
		p.Run = func(ctx context.Context) ([]string, error) { return a.observed(ctx, cfg, o, argv, attendance) }
	}
	doctor.Examine(ctx, p, report)
	return nil
}

// observed runs a wired command and tells where else it was connected to. Its
// output is talk: data is what the doctor finds.
func (a *app) observed(ctx context.Context, cfg *config.Config, o doctorOptions, argv []string, attendance *attendance) ([]string, error) {
	site, err := siteOf(ctx, cfg, o.profile)
	if err != nil {
		return nil, err
	}
	var w *watch
	err = a.child(agent.Wire(site, argv, a.lookupEnv), attendance, a.err, func(pid int) { w = watchConnections(pid) })
	var exit childExit
	if errors.As(err, &exit) {
		err = fmt.Errorf("exit code %d", int(exit))
	}
	return w.end(), err
}

var findingMarks = map[doctor.State]struct {
	mark  string
	style style
}{
	doctor.OK: {"✓", plain}, doctor.Warning: {"!", yellow}, doctor.Failed: {"✗", red}, doctor.Skipped: {"–", dim},
}

// finding prints what a check found, for people.
func (a *app) finding(f doctor.Finding) error {
	m := findingMarks[f.State]
	line := fmt.Sprintf("%s %-13s ", m.mark, f.Check)
	if f.Subject != "" && !strings.Contains(" "+f.Detail, " "+f.Subject) {
		line += f.Subject + ": "
	}
	p := newPage(a.out)
	p.print(a.out.paint(m.style, printable.Line(line+f.Detail)))
	if f.Remedy != "" {
		p.line(plain, "%16s→ %s", "", f.Remedy)
	}
	return p.flush()
}
