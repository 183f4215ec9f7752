package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

type providersOptions struct{ json, all bool }

func newProviders(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "providers", Short: "The providers that can be called", Example: "  archestra providers list", RunE: group}
	var o providersOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List providers: state, base URL, upstream, key, APIs, models",
		Long: `Lists the providers: whether each is ready and why not, the base URL for
clients, the upstream, where the key comes from, the APIs that are observed in
full, and the models of local servers.

A running server tells how it stands; without one, this shell's settings do. A
provider with no key is usable: clients send their own. Those that are off are
shown by --all.`,
		Example: `  archestra providers list
  archestra providers list --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.providers(cmd.Context(), cmd, o) },
	}
	addJSON(list, &o.json)
	list.Flags().BoolVar(&o.all, "all", false, "also those that are off")
	addSourceFlags(list)
	cmd.AddCommand(list)
	return cmd
}

func (a *app) providers(ctx context.Context, cmd *cobra.Command, o providersOptions) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	all, err := client.Providers(ctx)
	if errors.Is(err, control.ErrNoServer) {
		all, err = listProviders(ctx, cfg, true)
	}
	if err != nil {
		return err
	}
	t := newTable(a.out,
		column{title: "PROVIDER"},
		column{title: "STATE", drop: 5},
		column{title: "BASE URL FOR CLIENTS", whole: true},
		column{title: "UPSTREAM", cut: 20, drop: 3},
		column{title: "KEY FROM", cut: 8, drop: 4},
		column{title: "APIS", cut: 8, drop: 2},
		column{title: "NOTE", cut: 12, drop: 1},
	)
	off := 0
	for i := range all {
		p := &all[i]
		if p.State == string(provider.StateOff) && !o.all {
			off++
			continue
		}
		if o.json {
			err = a.json(p)
		} else {
			err = t.row(providerCells(p)...)
		}
		if err != nil {
			return err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if off > 0 && !o.json {
		a.say("%s off; --all shows them.", plural(int64(off), "provider")+map[bool]string{true: " is", false: " are"}[off == 1])
	}
	return nil
}

func providerCells(p *control.Provider) []cell {
	state := cellOf(p.State)
	switch p.State {
	case string(provider.StateUnreachable):
		state.style = red
	case string(provider.StateOff):
		state.style = dim
	}
	apis := make([]string, len(p.APIs))
	for i, api := range p.APIs {
		apis[i] = string(api)
	}
	key := p.KeySource
	if key == "" {
		key = "the client"
	}
	note := p.Why
	if len(p.Models) > 0 {
		note = "models: " + strings.Join(p.Models, ", ")
	}
	return []cell{cellOf(p.Name), state, cellOf(p.BaseURL), cellOf(p.Upstream), cellOf(key), cellOf(strings.Join(apis, ", ")), cellOf(note)}
}

// listProviders looks at the providers from here. With probe it asks local
// servers and credentials too.
func listProviders(ctx context.Context, cfg *config.Config, probe bool) ([]control.Provider, error) {
	all, err := provider.List(ctx, cfg, probe)
	if err != nil {
		return nil, err
	}
	out := make([]control.Provider, len(all))
	for i, s := range all {
		out[i] = control.Provider{
			Name: s.Name, Title: s.Title, State: string(s.State), Why: s.Why, BaseURL: s.BaseURL, Upstream: s.Upstream,
			KeySource: s.KeySource, APIs: s.APIs, Models: s.Models,
		}
	}
	return out, nil
}
