package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/rules"
)

type serveOptions struct {
	json bool
	tape tapeFlags
	said string // what the tape is, for the ready line
}

func newServe(a *app) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the proxy",
		Long: `Starts the proxy, by default on localhost:9000, and prints what it serves, where
it records, and the base URLs for clients. With --json the same is one line, for
scripts; it comes when the proxy answers.

Every setting is a flag, a variable (ARCHESTRA_PORT for --port), a line of .env
in the working directory, or a key of the configuration file; the first of them
counts.

The rules judge every tool call before the client gets it (archestra policy), hold
the doubtful for a person (archestra ask), and look for secrets in requests and
for links in answers: --mode, --on-block, --ask, --secrets, --personal, --links.
With --mode report all of it is recorded and nothing is stopped or changed.

--record DIR writes a cassette: a folder of exchanges without credentials, to be
reviewed and kept. --replay answers from such a folder, or from recorded traffic
that filter words pick, without a key or a network: equal requests get what was
recorded, and others an error that says what differs.

SIGINT and SIGTERM end it: it takes no more requests, lets running answers end
within --shutdown-timeout, and keeps everything. A second signal ends it at once.`,
		Example: `  archestra serve
  archestra serve --port 0 --json
  ARCHESTRA_OLLAMA_BASE_URL=http://localhost:11434 archestra serve --mode report
  archestra serve --record testdata/cassette
  archestra serve --replay testdata/cassette --replay-speed instant`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), cmd, o) },
	}
	config.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "print the ready line as JSON")
	o.tape.add(cmd)
	return cmd
}

func (a *app) serve(ctx context.Context, cmd *cobra.Command, o serveOptions) error {
	if err := o.tape.check(cmd); err != nil {
		return err
	}
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	h, err := assemble(ctx, cfg, surroundings{rules.Find(a.workdir), os.Environ()}, a.err, a.tape(ctx, o.tape, &o.said))
	if err != nil {
		return err
	}
	if v, ok := a.lookupEnv("GOGC"); !ok || v == "" { // the user's own word holds
		defer tuneCollector()()
	}
	if err := a.ready(ctx, h, o); err != nil {
		h.log.Error("the ready line could not be printed", "error", err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-a.signalled:
			if n := h.feed.Running(); n > 0 {
				a.say("Waiting up to %s for %s to end; interrupt again to end at once.", humanDuration(h.cfg.Timeouts.Shutdown), plural(int64(n), "running answer"))
			}
		case <-ended:
		}
	}()
	return h.run(ctx)
}

// readyLine is what serve --json prints when the proxy answers.
type readyLine struct {
	Event string `json:"event"` // "ready"
	control.Status
	Port      int                `json:"port"`
	Providers []control.Provider `json:"providers"` // those that are not off
	// Tape says what it answers from, or records to, beside its own records.
	Tape string `json:"tape,omitempty"`
}

func (a *app) ready(ctx context.Context, h *house, o serveOptions) error {
	status, err := h.backend.Status(ctx)
	if err != nil {
		return err
	}
	all, err := listProviders(ctx, h.cfg, false)
	if err != nil {
		return err
	}
	line := readyLine{Event: "ready", Status: status, Port: h.cfg.Port, Providers: []control.Provider{}, Tape: o.said}
	for _, p := range all {
		if p.State != string(provider.StateOff) {
			line.Providers = append(line.Providers, p)
		}
	}
	if o.json {
		return a.json(line)
	}
	p := newPage(a.out)
	p.line(bold, "archestra %s serves %s", status.Version, status.BaseURL)
	keep := "for ever"
	if d := h.cfg.Record.Retain; d > 0 {
		keep = "for " + humanDuration(d)
	}
	if n := h.cfg.Record.RetainSize; n > 0 {
		keep += ", at most " + humanBytes(n)
	}
	p.line(plain, "It records to %s (%s).", status.DataDir, keep)
	if o.said != "" {
		p.line(plain, "%s", o.said)
	}
	p.line(plain, "Mode: %s. Watch it with: archestra tail", status.Mode)
	p.line(plain, "")
	if err := p.flush(); err != nil {
		return err
	}
	t := newTable(a.out, column{title: "PROVIDER"}, column{title: "STATE", drop: 5}, column{title: "BASE URL FOR CLIENTS", whole: true}, column{title: "UPSTREAM", cut: 16, drop: 1})
	for _, p := range line.Providers {
		cells := providerCells(&p)
		if err := t.row(cells[:4]...); err != nil {
			return err
		}
	}
	return t.flush()
}

// spoolDir makes an empty folder for large bodies that wait. What a server that
// died left there is of no use: nobody else uses it while the store is locked.
func spoolDir(path string) (string, error) {
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("clear the spool: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("make the spool: %w", err)
	}
	return path, nil
}
