package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui"
)

type tailOptions struct {
	filterFlags
	json, plain  bool
	answers      bool
	ascii, mouse bool
}

func newTail(a *app) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow what passes, as it happens",
		Long: `Follows what passes through the running server, as it happens. A server that is
not there yet, or goes away, is waited for.

On a terminal this is a screen: ? lists its keys. --plain prints lines instead.

In a pipe, and with --json, each event is one line of JSON: started,
first_token, tool_call, verdict, held, finished, and lost where this reader was
too slow. What runs already is told first, with seq 0, and so is what is held.

A held event tells of a tool call that waits for a person, in its member ask,
and a verdict event with that member how it was settled; --filter hides neither.
archestra ask answers. The screen counts as somebody who can be asked, and so do
lines on a terminal; what goes into a pipe or a program does with --answers alone.`,
		Example: `  archestra tail
  archestra tail --plain --filter 'provider:anthropic tool:*'
  archestra tail --since 10m --json | jq 'select(.type == "finished")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.tail(cmd.Context(), cmd, o) },
	}
	o.add(cmd)
	addJSON(cmd, &o.json)
	cmd.Flags().BoolVar(&o.plain, "plain", false, "one line an event, for people")
	cmd.Flags().BoolVar(&o.answers, "answers", false, "whoever reads this answers the questions in it")
	cmd.Flags().BoolVar(&o.ascii, "ascii", false, "draw the screen without signs beyond ASCII")
	cmd.Flags().BoolVar(&o.mouse, "mouse", false, "let the wheel scroll the screen; selecting text then needs Shift")
	addSourceFlags(cmd)
	return cmd
}

func (a *app) tail(ctx context.Context, cmd *cobra.Command, o tailOptions) error {
	if o.json && o.plain {
		return usagef("--json and --plain cannot be had together")
	}
	var opts control.EventsOptions
	var err error
	if opts.Filter, opts.Since, err = o.parse(time.Now()); err != nil {
		return err
	}
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	if !o.json && !o.plain && a.interactive() {
		return tui.Run(ctx, tui.Options{
			Source: client, Filter: o.filter, Since: opts.Since, BaseURL: cfg.ClientURL() + "/v1",
			ASCII: o.ascii, NoColor: !a.out.colour, Mouse: o.mouse, In: a.in, Out: a.out.w,
		})
	}

	attached, told := false, false
	opts.Attached = func() {
		if told {
			a.say("Attached.")
		}
		attached, told = true, false
	}
	opts.Detached = func(err error) {
		switch {
		case told:
		case attached:
			a.say("The server has gone; waiting for it to come back.")
		case errors.Is(err, control.ErrNoServer):
			a.say("No archestra serves %s; waiting for one. Start it with: archestra serve", cfg.DataDir)
		default:
			a.say("The server cannot be reached: %v; trying on.", err)
		}
		told = true
	}
	opts.Answers = o.answers || a.out.terminal && !o.json
	show := func(e *llm.Event) error { return a.json(e) }
	if o.plain || a.out.terminal && !o.json {
		show = func(e *llm.Event) error { return a.plainEvent(e) }
	}
	for e, err := range client.Events(ctx, opts) {
		if err != nil {
			if ctx.Err() != nil {
				return nil // whoever looked has seen enough
			}
			return err
		}
		if err := show(&e); err != nil {
			return err
		}
	}
	return nil
}

// interactive reports whether a screen can be drawn and keys can be read.
func (a *app) interactive() bool {
	kind, _ := a.lookupEnv("TERM")
	in, ok := a.in.(*os.File)
	return ok && a.out.terminal && kind != "dumb" && term.IsTerminal(in.Fd())
}

// plainEvent prints one event in a line.
func (a *app) plainEvent(e *llm.Event) error {
	if e.Type == llm.EventLost {
		return a.out.line(printable.Line(fmt.Sprintf("… %s lost: this reader was too slow", plural(int64(e.Lost), "event"))))
	}
	var who []string
	i := e.Interaction
	switch {
	case i != nil:
		who = []string{shortID(i.ID), i.Profile, i.Provider, modelOf(i)}
	case e.Ask != nil: // of an exchange that is over, or not known here
		who = []string{shortID(e.Ask.Interaction), e.Ask.Profile, e.Ask.Provider}
	default:
		return nil
	}
	mark, st, words := eventWords(e)
	head := printable.Line(e.At.Local().Format("15:04:05") + " ")
	word := printable.Line(fmt.Sprintf("%s %-11s ", mark, strings.ReplaceAll(string(e.Type), "_", " ")))
	if e.Type == llm.EventFinished {
		word = printable.Line(fmt.Sprintf("%s %-11s ", mark, i.State))
	}
	rest := printable.Line(strings.Join(nonEmpty(append(who, words)...), " "))
	if w := a.out.width(); w > 0 {
		rest = rest.Truncate(max(0, w-head.Width()-word.Width()))
	}
	_, err := io.WriteString(a.out, head.String()+a.out.paint(st, word)+rest.String()+"\n")
	return err
}

// eventWords says in short what an event tells.
func eventWords(e *llm.Event) (mark string, st style, words string) {
	if e.Ask != nil {
		return askWords(e)
	}
	i := e.Interaction
	switch e.Type {
	case llm.EventStarted:
		return "◌", plain, ""
	case llm.EventFirstToken:
		return "▸", blue, humanMillis(i.TTFTMS)
	case llm.EventToolCall, llm.EventVerdict, llm.EventHeld:
		c := e.ToolCall
		if c == nil {
			return "→", blue, ""
		}
		args := c.ArgumentsText
		if len(c.Arguments) > 0 {
			args = oneLine(c.Arguments)
		}
		verdict, st := verdictWords(c)
		words = strings.Join(nonEmpty(verdict, c.Rule, c.Name, args), " ")
		switch {
		case c.Verdict == llm.ActionBlock:
			return "✗", st, words
		case c.Verdict == llm.ActionAsk:
			return "?", st, words
		case st == yellow:
			return "○", st, words
		}
		return "→", blue, words
	case llm.EventProgress:
		return "·", dim, e.Text
	}
	state := stateCell(i)
	facts := nonEmpty(humanTokens(i.Usage), "ttft "+humanMillis(i.TTFTMS), "took "+humanMillis(i.DurationMS), humanCost(i.CostUSD))
	if i.Status != 0 {
		facts = append([]string{fmt.Sprint(i.Status)}, facts...)
	}
	if i.Error != nil {
		facts = append(facts, strings.Join(nonEmpty(i.Error.Type, i.Error.Code, i.Error.Message), ", "))
	}
	return glyph(i.State), state.style, strings.Join(facts, " ")
}

// askWords says in short what is asked, or how it was settled. What a person
// needs to answer stands before the arguments, which may be long.
func askWords(e *llm.Event) (mark string, st style, words string) {
	q := e.Ask
	shown, left := askArguments(q, maxArgumentsInLine)
	call := toolName(q.Tool) + " " + shown + left
	if e.Type != llm.EventHeld {
		mark, st = "✗", red
		if q.Answer == llm.ActionAllow {
			mark, st = "✓", blue
		}
		return mark, st, strings.Join(nonEmpty("ask", q.ID, string(q.Answer), "by "+q.By, q.Rule, call), " ")
	}
	until := ""
	if q.ExpiresAt != nil {
		until = "until " + q.ExpiresAt.Local().Format(time.TimeOnly)
	}
	words = strings.Join(nonEmpty("ask", q.ID, until, q.Rule, call), " ")
	if q.Reason != "" {
		words += " (" + q.Reason + ")"
	}
	return "?", yellow, words
}
