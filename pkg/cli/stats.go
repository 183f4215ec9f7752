package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
)

type statsOptions struct {
	filterFlags
	by   []string
	json bool
}

func newStats(a *app) *cobra.Command {
	var o statsOptions
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Sum up requests, errors, tokens, cost and time to first token",
		Long: `Sums up what was recorded: requests, errors, blocked calls, tokens, cost, and the
median and 95th percentile of the time to the first token.

A + behind a cost says that some prices are not known.`,
		Example: `  archestra stats
  archestra stats --by provider,model --since 7d
  archestra stats --by day --filter profile:ci --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stats(cmd.Context(), cmd, o) },
	}
	o.add(cmd)
	cmd.Flags().StringSliceVar(&o.by, "by", []string{string(control.ByProvider)}, "one row for each "+groupNames())
	// Registering can only fail for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("by", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(groupNames(), ", "), cobra.ShellCompDirectiveNoFileComp
	})
	addJSON(cmd, &o.json)
	addSourceFlags(cmd)
	return cmd
}

func groupNames() string {
	var names []string
	for _, g := range control.Groups() {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}

func (a *app) stats(ctx context.Context, cmd *cobra.Command, o statsOptions) error {
	var q control.StatsQuery
	var err error
	if q.Filter, q.Since, err = o.parse(time.Now()); err != nil {
		return err
	}
	for _, name := range o.by {
		g := control.Group(name)
		if !slices.Contains(control.Groups(), g) {
			return usagef("--by %s: want one or more of %s", name, groupNames())
		}
		if !slices.Contains(q.By, g) {
			q.By = append(q.By, g)
		}
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()
	rows, err := src.Stats(ctx, q)
	if err != nil {
		return err
	}
	if len(rows) == 0 && !o.json {
		a.say("Nothing is recorded in %s%s.", src.dataDir, thatMatches(control.Query{Filter: q.Filter, Since: q.Since}))
		return nil
	}
	var columns []column
	for _, g := range q.By {
		columns = append(columns, column{title: strings.ToUpper(string(g)), cut: 8})
	}
	columns = append(columns, totalColumns...)
	columns = append(columns, column{title: "TTFT P50", right: true, drop: 2}, column{title: "P95", right: true, drop: 1})
	t := newTable(a.out, columns...)
	for i := range rows {
		r := &rows[i]
		if o.json {
			err = a.json(r)
		} else {
			err = t.row(statCells(r, q.By)...)
		}
		if err != nil {
			return err
		}
	}
	return t.flush()
}

func statCells(r *control.Stat, by []control.Group) []cell {
	var cells []cell
	for _, g := range by {
		name := map[control.Group]string{
			control.ByProvider: r.Provider, control.ByProfile: r.Profile, control.ByModel: r.Model, control.ByDay: r.Day,
		}[g]
		if name == "" {
			name = none
		}
		cells = append(cells, cellOf(name))
	}
	cells = append(cells, totalCells(&r.Totals)...)
	return append(cells, cellOf(humanMillis(r.TTFTP50)), cellOf(humanMillis(r.TTFTP95)))
}
