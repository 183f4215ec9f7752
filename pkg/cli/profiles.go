package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
)

func newProfiles(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "profiles", Short: "The profiles that requests ran under", Example: "  archestra profiles list", RunE: group}
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List profiles with first and last use, requests, tokens, cost, blocked",
		Example: `  archestra profiles list
  archestra profiles list --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.profiles(cmd.Context(), cmd, asJSON) },
	}
	addJSON(list, &asJSON)
	addSourceFlags(list)
	cmd.AddCommand(list)
	return cmd
}

func (a *app) profiles(ctx context.Context, cmd *cobra.Command, asJSON bool) error {
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()
	all, err := src.Profiles(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 && !asJSON {
		a.say("No profile was used yet; the first request under a profile creates it.")
		return nil
	}
	now := time.Now()
	t := newTable(a.out, append([]column{
		{title: "PROFILE", cut: 8},
		{title: "FIRST USE", drop: 1},
		{title: "LAST USE", drop: 2},
	}, totalColumns...)...)
	for i := range all {
		p := &all[i]
		if asJSON {
			err = a.json(p)
		} else {
			err = t.row(append([]cell{cellOf(p.ID), cellOf(humanTime(p.FirstUsed, now)), cellOf(humanTime(p.LastUsed, now))}, totalCells(&p.Totals)...)...)
		}
		if err != nil {
			return err
		}
	}
	return t.flush()
}

// The columns of control.Totals.
var totalColumns = []column{
	{title: "REQUESTS", right: true},
	{title: "ERRORS", right: true, drop: 4},
	{title: "BLOCKED", right: true, drop: 3},
	{title: "IN→OUT", right: true, drop: 5},
	{title: "COST", right: true},
}

func totalCells(t *control.Totals) []cell {
	cost := humanCost(t.CostUSD)
	if t.CostUSD != nil && t.Unpriced > 0 {
		cost += "+" // and what is not known
	}
	return []cell{
		cellOf(humanCount(t.Requests)),
		countCell(t.Errors, yellow),
		countCell(t.Blocked, red),
		cellOf(humanCount(t.InputTokens) + "→" + humanCount(t.OutputTokens)),
		cellOf(cost),
	}
}

// countCell stands out where there is something to count.
func countCell(n int64, st style) cell {
	c := cellOf(humanCount(n))
	if n > 0 {
		c.style = st
	}
	return c
}
