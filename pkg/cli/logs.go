package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

type logsOptions struct {
	filterFlags
	limit int
	json  bool
}

func newLogs(a *app) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "List recorded interactions, newest last",
		Long: `Lists recorded interactions, newest last, with and without a running server.

The id is the end of the interaction's whole id; archestra show takes either.
A cost that is not known is ~.`,
		Example: `  archestra logs
  archestra logs --since 1h --filter 'provider:anthropic cost:>0.10'
  archestra logs --filter 'state:failed | status:>=400' --limit 0 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logs(cmd.Context(), cmd, o) },
	}
	o.add(cmd)
	cmd.Flags().IntVarP(&o.limit, "limit", "n", 50, "at most so many, the newest; 0 for all")
	addJSON(cmd, &o.json)
	addSourceFlags(cmd)
	return cmd
}

func (a *app) logs(ctx context.Context, cmd *cobra.Command, o logsOptions) error {
	now := time.Now()
	q := control.Query{Limit: o.limit}
	var err error
	if q.Filter, q.Since, err = o.parse(now); err != nil {
		return err
	}
	if o.limit < 0 {
		return usagef("--limit %d: want a count, or 0 for all", o.limit)
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()

	t := newTable(a.out, logColumns...)
	n := 0
	for i, err := range src.Interactions(ctx, q) {
		if err != nil {
			return err
		}
		n++
		if o.json {
			err = a.json(i)
		} else {
			err = t.row(logRow(i, now)...)
		}
		if err != nil {
			return err
		}
	}
	if n == 0 && !o.json {
		a.say("Nothing is recorded in %s%s.", src.dataDir, thatMatches(q))
	}
	return t.flush()
}

// thatMatches says why there may be nothing though something is recorded.
func thatMatches(q control.Query) string {
	if q.Filter == nil && q.Since.IsZero() {
		return ""
	}
	return " that matches"
}

var logColumns = []column{
	{title: "ID", drop: 7},
	{title: "TIME"},
	{title: "PROFILE", cut: 6, drop: 3},
	{title: "PROVIDER", cut: 4, drop: 5},
	{title: "MODEL", cut: 8},
	{title: "STATE"},
	{title: "IN→OUT", right: true, drop: 6},
	{title: "TTFT", right: true, drop: 2},
	{title: "COST", right: true, drop: 4},
	{title: "VERDICT", cut: 8, drop: 1},
}

func logRow(i *llm.Interaction, now time.Time) []cell {
	return []cell{
		{cellOf(shortID(i.ID)).text, dim},
		cellOf(humanTime(i.StartedAt, now)),
		cellOf(i.Profile),
		cellOf(i.Provider),
		cellOf(modelOf(i)),
		stateCell(i),
		cellOf(humanTokens(i.Usage)),
		cellOf(humanMillis(i.TTFTMS)),
		cellOf(humanCost(i.CostUSD)),
		verdictCell(i),
	}
}

func modelOf(i *llm.Interaction) string {
	switch {
	case i.Model != "":
		return i.Model
	case i.RequestModel != "":
		return i.RequestModel
	case i.API == llm.APIOther:
		return i.Method + " " + i.Path
	}
	return none
}

// stateCell tells the state by a glyph and a word, and the status where that
// says more.
func stateCell(i *llm.Interaction) cell {
	c := cellOf(glyph(i.State) + " " + stateWord(i))
	switch i.State {
	case llm.StateFailed, llm.StateRefused, llm.StateInterrupted:
		c.style = red
	case llm.StateIncomplete, llm.StateCancelled, llm.StateHeld:
		c.style = yellow
	case llm.StateStreaming:
		c.style = blue
	}
	return c
}

func stateWord(i *llm.Interaction) string {
	if i.Status >= 400 {
		return string(i.State) + " " + strconv.Itoa(i.Status)
	}
	return string(i.State)
}

// glyph is the sign of a state.
func glyph(s llm.State) string {
	switch s {
	case llm.StateStreaming:
		return "▸"
	case llm.StateHeld:
		return "?"
	case llm.StateDone:
		return "✓"
	case llm.StateFailed:
		return "!"
	case llm.StateCancelled:
		return "×"
	case llm.StateIncomplete:
		return "…"
	case llm.StateRefused:
		return "✗"
	case llm.StateInterrupted:
		return "†"
	}
	return "·"
}

// verdictCell tells the sternest verdict and the tool, or what was called.
func verdictCell(i *llm.Interaction) cell {
	var worst *llm.ToolCall
	for k := range i.ToolCalls {
		if c := &i.ToolCalls[k]; worst == nil || sternness(c) > sternness(worst) {
			worst = c
		}
	}
	if worst == nil {
		for _, f := range i.Findings {
			if f.Action != "" {
				return cell{cellOf(f.Action + " " + f.Kind).text, yellow}
			}
		}
		return cellOf("")
	}
	verdict, st := verdictWords(worst)
	words := strings.Join(nonEmpty(verdict, worst.Name), " ")
	if n := len(i.ToolCalls); n > 1 {
		words += " +" + strconv.Itoa(n-1)
	}
	c := cellOf(words)
	if st != plain {
		c.style = st
	}
	return c
}
