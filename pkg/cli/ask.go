package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

func newAsk(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ask",
		Short: "Answer the tool calls that wait for a person",
		Long: `A tool call that a rule wants to be asked about is held until a person answers,
here, or on the screen of archestra tail. What becomes of one that nobody
answers, the setting ask says: deny, allow or queue. Where no archestra tail runs
it becomes that at once; with queue it waits.`,
		Example: `  archestra ask list
  archestra ask allow k3fd`,
		RunE: group,
	}
	cmd.AddCommand(newAskList(a), newAskAllow(a), newAskDeny(a))
	return cmd
}

func newAskList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tool calls that wait, oldest first",
		Long: `Lists the tool calls that wait for a person, oldest first: the id, the tool, the
time that is left, the arguments on one line, why it was held, and who wants it.
Long arguments are cut, which is said; --json prints them whole.`,
		Example: `  archestra ask list
  archestra ask list --json | jq -r '[.id, .tool, .reason] | @tsv'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.askList(cmd.Context(), cmd, asJSON) },
	}
	addJSON(cmd, &asJSON)
	addSourceFlags(cmd)
	return cmd
}

const whichID = `The id is that of archestra ask list. It may be shortened while it is unique; last
is the newest, and where only one call waits the id can be left out.`

func newAskAllow(a *app) *cobra.Command {
	answer := llm.AskAnswer{Action: llm.ActionAllow}
	var arguments string
	cmd := &cobra.Command{
		Use:   "allow [ID]",
		Short: "Let a waiting tool call go on",
		Long: `Lets a waiting tool call go on, and those of the same tool to the same place for
the rest of the session. --always makes a rule of that in policy.yaml. With
--arguments it goes on once, with these in the place of its own; they are not
judged again.

` + whichID,
		Example: `  archestra ask allow k3fd
  archestra ask allow k3fd --arguments '{"command": "ls build"}'
  archestra ask allow last --always`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeAsk,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("arguments") {
				if err := ask.CheckArguments([]byte(arguments)); err != nil {
					return usagef("--arguments: %v", err)
				}
				if answer.Always {
					return usagef("--always makes a rule of the call as it is, and --arguments changes it: leave one of them out")
				}
				answer.Arguments = []byte(arguments)
			}
			return a.answer(cmd.Context(), cmd, args, answer)
		},
	}
	cmd.Flags().BoolVar(&answer.Always, "always", false, "make a rule of it, for exactly this call")
	cmd.Flags().StringVar(&arguments, "arguments", "", "what the call goes on with, a JSON object")
	addSourceFlags(cmd)
	return cmd
}

func newAskDeny(a *app) *cobra.Command {
	answer := llm.AskAnswer{Action: llm.ActionBlock}
	cmd := &cobra.Command{
		Use:   "deny [ID]",
		Short: "Refuse a waiting tool call",
		Long: `Refuses a waiting tool call, and those of the same tool to the same place for the
rest of the session. --always makes a rule of that in policy.yaml. The agent reads
that it was refused, and why.

` + whichID,
		Example: `  archestra ask deny k3fd
  archestra ask deny last --always`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeAsk,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.answer(cmd.Context(), cmd, args, answer)
		},
	}
	cmd.Flags().BoolVar(&answer.Always, "always", false, "make a rule of it, for exactly this call")
	addSourceFlags(cmd)
	return cmd
}

// askedFor bounds how long a server may take to answer about its desk, which is
// in its memory.
const askedFor = 10 * time.Second

// withAsks asks the server of the settings.
func (a *app) withAsks(ctx context.Context, cmd *cobra.Command, do func(context.Context, *control.Client) error) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	bound, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	err = do(bound, client)
	switch {
	case errors.Is(err, control.ErrNoServer):
		return fmt.Errorf("no archestra serves %s, so no tool call waits there; archestra serve starts one", cfg.DataDir)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return fmt.Errorf("the server of %s does not answer", cfg.DataDir)
	}
	return err
}

func (a *app) askList(ctx context.Context, cmd *cobra.Command, asJSON bool) error {
	return a.withAsks(ctx, cmd, func(ctx context.Context, c *control.Client) error {
		open, err := c.Asks(ctx)
		if err != nil {
			return err
		}
		if len(open) == 0 && !asJSON {
			a.say("No tool call waits for an answer.")
		}
		now := time.Now()
		for i := range open {
			if asJSON {
				err = a.json(&open[i])
			} else {
				err = a.askBlock(&open[i], now)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// askBlock prints a question, with its parts always in the same order and each
// on lines of its own: what a model wrote cannot pass for what archestra says.
func (a *app) askBlock(q *llm.Ask, now time.Time) error {
	p := newPage(a.out)
	p.line(yellow, "? %s  %s  %s", q.ID, toolName(q.Tool), timeLeft(q, now))
	args, left := askArguments(q, maxShownArguments)
	p.fold("  ", args+left)
	for _, part := range []struct{ label, words string }{
		{"why", strings.Join(nonEmpty(q.Reason, ruleNote(q.Rule)), ", ")},
		{"argument", q.Path},
		{"accepted", q.Accept},
		{"from", strings.Join(nonEmpty(q.Provider+"/"+q.Profile, q.Agent, shortID(q.Interaction)), ", ")},
	} {
		if part.words != "" {
			p.fold(fmt.Sprintf("  %-9s ", part.label), part.words)
		}
	}
	return p.flush()
}

// fold prints words behind a label, on as many lines as they need, all of them
// beside the label.
func (p *page) fold(label, words string) {
	lines := []printable.Text{printable.Line(words)}
	if w := p.out.width(); w > 0 {
		lines = lines[0].Wrap(max(w-len(label), minFold))
	}
	for _, l := range lines {
		p.print(label, l.String())
		label = strings.Repeat(" ", len(label))
	}
}

// minFold is how narrow a folded text becomes on the narrowest screen.
const minFold = 20

// maxShownArguments and maxArgumentsInLine are how many characters of arguments
// people are shown, in a list and among other words.
const (
	maxShownArguments  = 600
	maxArgumentsInLine = 200
)

// askArguments returns the arguments of a question on one line, cut to so many
// characters, and what to say of the rest.
func askArguments(q *llm.Ask, most int) (args, left string) {
	args = oneLine(q.Arguments)
	if len(q.Arguments) == 0 {
		args = string(jsonscan.AppendString(nil, q.ArgumentsText))
	}
	count := 0
	for i := range args {
		if count == most {
			return args[:i], "… and " + humanBytes(int64(len(args)-i)) + " more"
		}
		count++
	}
	return args, ""
}

// toolName is a tool's name as it stands among our words: quoted, unless it is
// a plain one.
func toolName(name string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:"
	const longest = 80
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	if name == "" || strings.Trim(name, plain) != "" {
		return string(jsonscan.AppendString(nil, name))
	}
	return name
}

func ruleNote(rule string) string {
	if rule == "" {
		return ""
	}
	return "rule " + rule
}

// timeLeft says how long a question waits yet.
func timeLeft(q *llm.Ask, now time.Time) string {
	if q.ExpiresAt == nil {
		return "waits until somebody answers"
	}
	return humanDuration(max(0, q.ExpiresAt.Sub(now)).Round(time.Second)) + " left"
}

// answer settles the question that args names.
func (a *app) answer(ctx context.Context, cmd *cobra.Command, args []string, answer llm.AskAnswer) error {
	return a.withAsks(ctx, cmd, func(ctx context.Context, c *control.Client) error {
		id, err := askID(ctx, c, args)
		if err != nil {
			return err
		}
		q, err := c.Answer(ctx, id, answer)
		if errors.Is(err, control.ErrAskUnknown) || errors.Is(err, control.ErrAskAmbiguous) {
			return fmt.Errorf("%w; archestra ask list shows what waits", err)
		}
		if err != nil {
			return err
		}
		word := "Denied"
		if q.Answer == llm.ActionAllow {
			word = "Allowed"
		}
		if answer.Always {
			word += ", always for exactly this"
		}
		shown, left := askArguments(&q, maxArgumentsInLine)
		a.say("%s: %s %s %s%s", word, q.ID, toolName(q.Tool), printable.Line(shown), left)
		return nil
	})
}

// askID returns the id that was typed, that of the newest question for last, or
// that of the only one for none.
func askID(ctx context.Context, c *control.Client, args []string) (string, error) {
	if len(args) > 0 && args[0] != "last" {
		return args[0], nil
	}
	open, err := c.Asks(ctx)
	switch {
	case err != nil:
		return "", err
	case len(open) == 0:
		return "", errors.New("no tool call waits for an answer")
	case len(args) == 0 && len(open) > 1:
		return "", usagef("%d tool calls wait: say which, by the id that archestra ask list shows", len(open))
	}
	return open[len(open)-1].ID, nil
}
