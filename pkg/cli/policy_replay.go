package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

type policyTestOptions struct {
	filterFlags
	limit  int
	traces []string
	tools  string
	policy string
	json   bool
}

func newPolicyTest(a *app) *cobra.Command {
	var o policyTestOptions
	cmd := &cobra.Command{
		Use:   "test [--traces FILE...]",
		Short: "Replay recorded traffic, or traces, through rules",
		Long: `Judges what was recorded once more, by the rules in force or by those of --policy,
and tells what would have been blocked and asked about, and what is decided
otherwise than before. Nothing is changed, and nobody is asked. With --policy it
compares with the rules in force, else with what was decided then.

With --traces it replays logged runs of agents whose every tool call is labelled,
one JSON object a line, gzipped or not, and prints both sides: how many attacks
still succeed, and how many benign runs are touched. The tools of a suite are read
from tools/SUITE.json beside the file.`,
		Example: `  archestra policy test --since 7d
  archestra policy test --policy stricter.yaml --filter profile:ci
  archestra policy test --traces runs.jsonl.gz
  archestra policy test --policy stricter.yaml --traces a.jsonl.gz b.jsonl.gz --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(o.traces) == 0 {
				if len(args) > 0 {
					return usagef("%s: give trace files behind --traces, and rules behind --policy", args[0])
				}
				return a.policyReplay(cmd.Context(), cmd, o)
			}
			o.traces = append(o.traces, args...)
			return a.policyTraces(cmd.Context(), cmd, o)
		},
	}
	o.add(cmd)
	cmd.Flags().IntVarP(&o.limit, "limit", "n", 1000, "at most so many interactions, the newest; 0 for all")
	cmd.Flags().StringVar(&o.policy, "policy", "", "the file of rules to try, in the place of those in force")
	cmd.Flags().StringArrayVar(&o.traces, "traces", nil, "trace files to replay; more may follow")
	cmd.Flags().StringVar(&o.tools, "tools", "", "the folder of the traces' tools, SUITE.json")
	addJSON(cmd, &o.json)
	addSourceFlags(cmd)
	return cmd
}

// trial is a pair of rules: those that are tried, and those in force to compare
// them with, or nil where they are the same.
type trial struct {
	cfg            *config.Config
	tried, inForce *policy.Policy
}

func (a *app) trial(cmd *cobra.Command, path string) (t trial, err error) {
	// The flag names rules to try; the setting of that name stays as it is.
	others := pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "policy" {
			others.AddFlag(f)
		}
	})
	if t.cfg, err = config.Load(a.lookupEnv, a.workdir, others); err != nil {
		return t, err
	}
	if t.tried, err = a.openRules(t.cfg); err != nil || path == "" {
		return t, err
	}
	t.inForce = t.tried
	f, err := a.policyFile(path)
	if err != nil {
		return t, err
	}
	t.tried, err = policy.Load(f)
	return t, err
}

// replayed is a recorded call, judged once more.
type replayed struct {
	Interaction string     `json:"interaction"`
	StartedAt   time.Time  `json:"started_at"`
	Profile     string     `json:"profile"`
	Tool        string     `json:"tool"`
	ID          string     `json:"id,omitempty"`
	Was         llm.Action `json:"was,omitempty"` // decided then, or by the rules in force
	WasRule     string     `json:"was_rule,omitempty"`
	Now         llm.Action `json:"now"`
	Rule        string     `json:"rule"`
	Reason      string     `json:"reason,omitempty"`
	Changed     bool       `json:"changed"`
}

// replay judges recorded interactions, the oldest first.
type replay struct {
	trial
	analyzer *fact.Analyzer
	memories map[string]*[2]policy.Memory // of a session: for the tried rules, for those in force
}

func (a *app) policyReplay(ctx context.Context, cmd *cobra.Command, o policyTestOptions) error {
	now := time.Now()
	q := control.Query{Limit: o.limit}
	var err error
	if q.Filter, q.Since, err = o.parse(now); err != nil {
		return err
	}
	if o.limit < 0 {
		return usagef("--limit %d: want a count, or 0 for all", o.limit)
	}
	r := replay{memories: map[string]*[2]policy.Memory{}}
	if r.trial, err = a.trial(cmd, o.policy); err != nil {
		return a.faults(err)
	}
	if r.analyzer, err = newAnalyzer(r.cfg); err != nil {
		return err
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()

	t := newTable(a.out, replayColumns...)
	count := map[llm.Action]int64{}
	var interactions, calls, changed, lost int64
	for i, err := range src.Interactions(ctx, q) {
		if err != nil {
			return err
		}
		if len(i.ToolCalls) == 0 && i.API != llm.APIResponses {
			continue
		}
		judged, err := r.judge(ctx, src, i)
		if errors.Is(err, control.ErrNotKept) {
			lost++
			continue
		}
		if err != nil {
			return fmt.Errorf("the interaction %s: %w", i.ID, err)
		}
		if len(judged) > 0 {
			interactions++
		}
		for _, c := range judged {
			calls++
			count[c.Now]++
			if c.Changed {
				changed++
			}
			if o.json {
				err = a.json(c)
			} else if c.Changed || c.Now != llm.ActionAllow {
				err = t.row(replayRow(&c, now)...)
			}
			if err != nil {
				return err
			}
		}
	}
	if lost > 0 {
		a.say("Of %s the request was not kept; left out.", plural(lost, "interaction"))
	}
	if o.json {
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	before := "what was decided then"
	if r.inForce != nil {
		before = "the rules in force"
	}
	return a.out.line(cellOf(fmt.Sprintf("%s in %s: %d allowed, %d asked about, %d blocked; %d otherwise than by %s",
		plural(calls, "call"), plural(interactions, "interaction"), count[llm.ActionAllow], count[llm.ActionAsk], count[llm.ActionBlock], changed, before)).text)
}

// judge judges the calls of one interaction in their place.
func (r *replay) judge(ctx context.Context, src control.Reader, i *llm.Interaction) ([]replayed, error) {
	c, err := conversationOf(ctx, src, i)
	if err != nil {
		return nil, err
	}
	key := i.Provider + "\x00" + i.Profile + "\x00" + i.Client.Session
	if i.Client.Session == "" {
		key += i.ID
	}
	m := r.memories[key]
	if m == nil {
		m = new([2]policy.Memory)
		r.memories[key] = m
	}
	tried := r.tried.Session(r.analyzer, i.Profile, c, &m[0])
	var inForce *policy.Session
	if r.inForce != nil {
		inForce = r.inForce.Session(r.analyzer, i.Profile, c, &m[1])
	}
	var out []replayed
	for k := range i.ToolCalls {
		call := &i.ToolCalls[k]
		v := tried.Judge(*call)
		x := replayed{
			Interaction: i.ID, StartedAt: i.StartedAt, Profile: i.Profile, Tool: call.Name, ID: call.ID,
			Was: decided(call), WasRule: call.Rule, Now: decision(v), Rule: v.Rule, Reason: v.Reason,
		}
		if inForce != nil {
			old := inForce.Judge(*call)
			x.Was, x.WasRule = decision(old), old.Rule
			if call.Answer != "" {
				m[1].Remember(old.Sink, call.Answer)
			}
		}
		x.Changed = x.Was != "" && x.Was != x.Now
		if call.Answer != "" { // what a person said then, they say again
			m[0].Remember(v.Sink, call.Answer)
		}
		out = append(out, x)
	}
	if i.API == llm.APIResponses {
		tried.Hold(i.ResponseID, answerOf(i))
	}
	return out, nil
}

var replayColumns = []column{
	{title: "ID", drop: 4},
	{title: "TIME", drop: 3},
	{title: "PROFILE", cut: 6, drop: 2},
	{title: "TOOL", cut: 8},
	{title: "WAS"},
	{title: "NOW"},
	{title: "RULE", cut: 8},
	{title: "BECAUSE", cut: 12, drop: 1},
}

func replayRow(c *replayed, now time.Time) []cell {
	was := string(c.Was)
	if was == "" {
		was = none
	}
	st := plain
	if c.Changed {
		st = bold
	}
	return []cell{
		{cellOf(shortID(c.Interaction)).text, dim},
		cellOf(humanTime(c.StartedAt, now)),
		cellOf(c.Profile),
		cellOf(c.Tool),
		{cellOf(was).text, st},
		{cellOf(string(c.Now)).text, actionStyle(c.Now)},
		cellOf(c.Rule),
		cellOf(c.Reason),
	}
}
