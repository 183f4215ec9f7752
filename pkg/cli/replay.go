package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/compare"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

type replayOptions struct {
	ref, provider, model, profile string
	times                         int
	json                          bool
}

func newReplay(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay ID [--provider P] [--model M] [--times N]",
		Short: "Send a recorded request again, and compare the answers",
		Long: `Sends the request of a recorded interaction again, and compares the answers:
texts, tool calls, finish reasons, tokens, cost and time. --provider sends it to
another provider that speaks the same API, --model asks for another model; all
other bytes of the body stay.

It goes through the server that runs, so that it is recorded and judged like every
request; without one a server is started for it. Credentials are never recorded:
the server's own are sent. Tool calls of the answers are not executed.

An id may be shortened while it is unique; "last" is the newest interaction.`,
		Example: `  archestra replay last
  archestra replay 3f9a21c0 --provider cerebras --model gpt-oss-120b --times 5
  archestra replay 3f9a21c0 --times 3 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("which interaction? Give one ID, or last")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ref = args[0]
			return a.replay(cmd.Context(), cmd, o)
		},
	}
	cmd.Flags().StringVar(&o.provider, "provider", "", "send it to this provider; the same one unless given")
	cmd.Flags().StringVar(&o.model, "model", "", "ask for this model; the same one unless given")
	cmd.Flags().IntVarP(&o.times, "times", "n", 1, "how often to send it")
	// Registering can only fail for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(providerNames(), cobra.ShellCompDirectiveNoFileComp))
	addProfile(cmd, &o.profile, "")
	addJSON(cmd, &o.json)
	addSourceFlags(cmd)
	return cmd
}

func (a *app) replay(ctx context.Context, cmd *cobra.Command, o replayOptions) error {
	switch {
	case o.times < 1 || o.times > 1000:
		return usagef("--times %d: want a count from 1 to 1000", o.times)
	case o.profile != "" && !provider.ValidProfile(o.profile):
		return checkProfile(o.profile)
	}
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	again, err := readAgain(ctx, src, o)
	src.close()
	if err != nil {
		return err
	}
	own, err := ensureServer(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := own.stop(); err != nil {
			a.say("The server that was started for this: %v", err)
		}
	}()
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	if err := again.find(ctx, client, cfg); err != nil {
		return err
	}
	for _, n := range again.notes {
		a.say("%s", n)
	}
	var runs []*llm.Interaction
	for k := range o.times {
		i, err := again.send(ctx, client)
		if err != nil {
			return fmt.Errorf("run %d: %w", k+1, err)
		}
		if again.noKey != "" && (i.Status == http.StatusUnauthorized || i.Status == http.StatusForbidden) {
			return errors.New(again.noKey)
		}
		runs = append(runs, i)
		if o.json {
			if err := a.json(runLine{Event: "run", Run: k + 1, Original: again.original.ID, Interaction: i, Comparison: compare.Exchanges(again.original, i)}); err != nil {
				return err
			}
		}
	}
	if o.json {
		return a.json(replaySummary{Event: "summary", Original: again.original.ID, Runs: len(runs), OriginalNumbers: compare.NumbersOf(again.original), Median: compare.Median(runs)})
	}
	return a.compared(again.original, runs)
}

// runLine is what replay --json prints of each run.
type runLine struct {
	Event    string `json:"event"` // "run"
	Run      int    `json:"run"`
	Original string `json:"original"`
	compare.Comparison
	Interaction *llm.Interaction `json:"interaction"`
}

// replaySummary is its last line.
type replaySummary struct {
	Event           string          `json:"event"` // "summary"
	Original        string          `json:"original"`
	Runs            int             `json:"runs"`
	OriginalNumbers compare.Numbers `json:"original_numbers"`
	Median          compare.Numbers `json:"median"`
}

// compared prints the original, the runs and their medians.
func (a *app) compared(original *llm.Interaction, runs []*llm.Interaction) error {
	t := newTable(a.out, column{title: "RUN"}, column{title: "ID", drop: 3}, column{title: "MODEL", cut: 12, drop: 2}, column{title: "STATE"},
		column{title: "ANSWER"}, column{title: "TOOL CALLS", drop: 6}, column{title: "FINISH", drop: 1}, column{title: "IN→OUT", right: true, drop: 5},
		column{title: "COST", right: true}, column{title: "TTFT", right: true, drop: 4}, column{title: "TOOK", right: true})
	row := func(name string, i *llm.Interaction, answer, calls string) error {
		return t.row(cellOf(name), cell{cellOf(shortID(i.ID)).text, dim}, cellOf(i.Provider+"/"+modelOf(i)), stateCell(i), cellOf(answer), cellOf(calls),
			cellOf(strings.Join(i.FinishReasons, ",")), cellOf(humanTokens(i.Usage)), cellOf(humanCost(i.CostUSD)), cellOf(humanMillis(i.TTFTMS)), cellOf(humanMillis(i.DurationMS)))
	}
	if err := row("original", original, none, countCalls(original)); err != nil {
		return err
	}
	var notes []string
	for k, i := range runs {
		c := compare.Exchanges(original, i)
		answer, calls := "same", countCalls(i)
		if !c.TextEqual {
			answer = fmt.Sprintf("%d%% alike", int(100*c.Alike))
			notes = append(notes, fmt.Sprintf("run %d: %s", k+1, c.Text))
		}
		if !c.ToolCallsEqual {
			calls += ", changed"
			for _, d := range c.ToolCalls {
				notes = append(notes, fmt.Sprintf("run %d: tool call %s", k+1, d))
			}
		} else if len(i.ToolCalls) > 0 {
			calls += ", same"
		}
		if i.Error != nil {
			notes = append(notes, fmt.Sprintf("run %d: %s", k+1, i.Error.Message))
		}
		if err := row(fmt.Sprint(k+1), i, answer, calls); err != nil {
			return err
		}
	}
	if len(runs) > 1 {
		m := compare.Median(runs)
		if err := t.row(cellOf("median"), cellOf(""), cellOf(""), cellOf(""), cellOf(""), cellOf(""), cellOf(""),
			cellOf(humanTokens(&llm.Usage{InputTokens: m.InputTokens, OutputTokens: m.OutputTokens})), cellOf(humanCost(m.CostUSD)), cellOf(humanMillis(m.TTFTMS)), cellOf(humanMillis(m.DurationMS))); err != nil {
			return err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	p := newPage(a.out)
	for k, n := range notes {
		if k == 0 {
			p.line(plain, "")
		}
		p.line(plain, "%s", n)
	}
	return p.flush()
}

func countCalls(i *llm.Interaction) string {
	if len(i.ToolCalls) == 0 {
		return none
	}
	return fmt.Sprint(len(i.ToolCalls))
}
