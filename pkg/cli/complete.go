package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

const (
	// completeWithin bounds what a shell waits for after Tab.
	completeWithin = 2 * time.Second
	// completeIDs is how many interactions are offered.
	completeIDs = 30
	// maxOfferedArguments is how many characters of a call's arguments stand
	// beside its id.
	maxOfferedArguments = 60
)

// completeAll tells the shell, for every command below root, what may stand for
// an ID, a profile and a filter.
func (a *app) completeAll(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		a.completeAll(cmd)
		if strings.Contains(cmd.Use+" ", " ID ") && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = a.completeID
		}
		for name, f := range map[string]cobra.CompletionFunc{"filter": a.completeFilter, "profile": a.completeProfile} {
			if cmd.Flags().Lookup(name) != nil {
				// It fails only for a flag that is missing or completed already.
				_ = cmd.RegisterFlagCompletionFunc(name, f)
			}
		}
		for name, values := range choices {
			if cmd.Flags().Lookup(name) != nil && cmd.Name() == "serve" {
				_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
			}
		}
	}
}

// choices are the settings of few values.
var choices = map[string][]cobra.Completion{
	"mode":           {string(config.ModeEnforce), string(config.ModeReport), string(config.ModeOff)},
	"ask":            {string(config.AskDeny), string(config.AskAllow), string(config.AskQueue)},
	"record-failure": {string(config.FailOpen), string(config.FailClosed)},
	"unobserved":     {string(config.UnobservedPass), string(config.UnobservedRefuse)},
	"log-level":      {"debug", "info", "warn", "error"},
	"log-format":     {string(config.LogText), string(config.LogJSON)},
}

// look opens what was recorded, for a moment. What fails offers nothing: a shell
// has no place for errors.
func (a *app) look(cmd *cobra.Command, do func(context.Context, *source)) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	src, err := a.open(ctx, cmd)
	if err != nil {
		return
	}
	defer src.close()
	do(ctx, src)
}

func (a *app) completeID(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.look(cmd, func(ctx context.Context, src *source) {
		for i, err := range src.Interactions(ctx, control.Query{Limit: completeIDs}) {
			if err != nil {
				return
			}
			// The end of an id is what lists show; a whole id may be typed too.
			id := shortID(i.ID)
			if !strings.HasPrefix(id, typed) {
				id = i.ID
			}
			if strings.HasPrefix(id, typed) {
				out = append(out, offer(id, i.StartedAt.Local().Format(time.TimeOnly)+" "+i.Provider+" "+i.Model+" "+string(i.State)))
			}
		}
	})
	slices.Reverse(out) // the newest first
	if strings.HasPrefix("last", typed) {
		out = append([]cobra.Completion{"last\tthe newest"}, out...)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeAsk offers the tool calls that wait, the oldest first.
func (a *app) completeAsk(cmd *cobra.Command, args []string, typed string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	const keep = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	cfg, err := a.load(cmd)
	if err != nil || len(args) > 0 {
		return nil, keep
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	open, err := client.Asks(ctx)
	if err != nil {
		return nil, keep
	}
	for i := range open {
		if q := &open[i]; strings.HasPrefix(q.ID, typed) {
			shown, left := askArguments(q, maxOfferedArguments)
			out = append(out, offer(q.ID, toolName(q.Tool)+" "+shown+left))
		}
	}
	if len(open) > 0 && strings.HasPrefix("last", typed) {
		out = append(out, "last\tthe newest")
	}
	return out, keep
}

func (a *app) completeProfile(cmd *cobra.Command, _ []string, typed string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, p := range a.recorded(cmd, "profile") {
		if strings.HasPrefix(p, typed) {
			out = append(out, offer(p, ""))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeFilter offers the words of a filter, and their values: those that are
// fixed, the providers, and the profiles and models that were seen.
func (a *app) completeFilter(cmd *cobra.Command, _ []string, typed string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	at, list := filter.Complete(typed)
	for _, c := range list {
		out = append(out, offer(typed[:at]+c.Text, c.Help))
	}
	if word, begun, ok := strings.Cut(typed[at:], ":"); ok && len(list) == 0 {
		for _, v := range a.recorded(cmd, word) {
			if strings.HasPrefix(v, begun) && !strings.ContainsAny(v, " \t\"|()") {
				out = append(out, offer(typed[:at]+word+":"+v, ""))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// recorded lists the values that a filter's word may have here.
func (a *app) recorded(cmd *cobra.Command, word string) (out []string) {
	switch word {
	case "provider":
		for _, p := range provider.All() {
			out = append(out, p.Name)
		}
	case "profile":
		a.look(cmd, func(ctx context.Context, src *source) {
			list, err := src.Profiles(ctx)
			if err != nil {
				return
			}
			for _, p := range list {
				out = append(out, p.ID)
			}
		})
	case "model":
		a.look(cmd, func(ctx context.Context, src *source) {
			rows, err := src.Stats(ctx, control.StatsQuery{By: []control.Group{control.ByModel}})
			if err != nil {
				return
			}
			for _, r := range rows {
				if r.Model != "" {
					out = append(out, r.Model)
				}
			}
		})
	}
	return out
}

// offer is a completion with its description. Both may hold what a client or a
// model wrote, and a shell prints them.
func offer(text, help string) cobra.Completion {
	if text = printable.Line(text).String(); help == "" {
		return text
	}
	return text + "\t" + printable.Line(help).String()
}
