package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
)

// tally is a row of the table of traces as JSON.
type tally struct {
	Rules     string  `json:"rules"` // tried, or in_force to compare with
	Source    string  `json:"source"`
	Suite     string  `json:"suite,omitempty"` // absent in the sum of a source
	Attacked  int     `json:"attacked"`
	Succeeded int     `json:"succeeded"` // undefended
	Stopped   int     `json:"stopped"`
	Left      int     `json:"left"`
	LeftRate  float64 `json:"left_percent"`  // of the attacked
	FloorRate float64 `json:"floor_percent"` // that no refused call can stop
	Benign    int     `json:"benign"`
	Touched   int     `json:"touched"`
	TouchRate float64 `json:"touched_percent"`
	Blocked   int     `json:"blocked"`
	Asks      int     `json:"asks"`
	AsksRun   float64 `json:"asks_per_run"`
}

func (a *app) policyTraces(ctx context.Context, cmd *cobra.Command, o policyTestOptions) error {
	if o.filter != "" || o.since != "" {
		return usagef("--filter and --since pick recorded traffic; they cannot be had with --traces")
	}
	rules, err := a.trial(cmd, o.policy)
	if err != nil {
		return a.faults(err)
	}
	if err := a.measure(ctx, o, "tried", rules.tried); err != nil || rules.inForce == nil {
		return err
	}
	if !o.json {
		if err := errors.Join(a.out.line(), a.out.line(cellOf("By the rules in force:").text)); err != nil {
			return err
		}
	}
	return a.measure(ctx, o, "in_force", rules.inForce)
}

// measure replays every trace through rules, and prints the table.
func (a *app) measure(ctx context.Context, o policyTestOptions, name string, p *policy.Policy) error {
	var all trace.Table
	for _, path := range o.traces {
		if err := a.measureFile(ctx, &all, absolutePath(a.workdir, path), o.tools, p); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	t := newTable(a.out, tallyColumns...)
	for _, s := range all.Suites() {
		var err error
		if o.json {
			err = a.json(tally{
				Rules: name, Source: s.Source, Suite: s.Suite, Attacked: s.Attacked, Succeeded: s.Succeeded, Stopped: s.Succeeded - s.Left, Left: s.Left,
				LeftRate: s.SuccessRate(), FloorRate: s.FloorRate(), Benign: s.Benign, Touched: s.Touched, TouchRate: s.TouchedRate(),
				Blocked: s.Blocked, Asks: s.Asks, AsksRun: s.AsksPerRun(),
			})
		} else {
			err = t.row(tallyRow(&s)...)
		}
		if err != nil {
			return err
		}
	}
	return t.flush()
}

func (a *app) measureFile(ctx context.Context, all *trace.Table, path, tools string, p *policy.Policy) error {
	if tools == "" {
		tools = filepath.Join(filepath.Dir(path), "tools")
	}
	suites, err := suiteTools(absolutePath(a.workdir, tools))
	if err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	analyzer := fact.NewAnalyzer(0)
	return all.Measure(ctx, in, runtime.GOMAXPROCS(0), func() *trace.Replayer {
		return &trace.Replayer{Analyzer: analyzer, Policy: p, Tools: func(suite string) []llm.Tool { return suites[suite] }}
	})
}

// suiteTools reads the tools of each suite. Without them tools are judged by their
// names alone.
func suiteTools(dir string) (map[string][]llm.Tool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	out := map[string][]llm.Tool{}
	for _, path := range files {
		in, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		list, err := trace.Tools(in)
		_ = in.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".json")] = list
	}
	return out, nil
}

var tallyColumns = []column{
	{title: "SOURCE", cut: 8, drop: 6},
	{title: "SUITE", cut: 8},
	{title: "ATTACKED", right: true, drop: 5},
	{title: "SUCCEED", right: true},
	{title: "STOPPED", right: true},
	{title: "LEFT", right: true},
	{title: "FLOOR", right: true, drop: 1},
	{title: "BENIGN", right: true, drop: 4},
	{title: "TOUCHED", right: true},
	{title: "BLOCKED", right: true, drop: 3},
	{title: "ASKS/RUN", right: true, drop: 2},
}

func tallyRow(s *trace.Score) []cell {
	number := func(n int) cell { return cellOf(fmt.Sprint(n)) }
	suite := s.Suite
	if suite == "" {
		suite = "all"
	}
	return []cell{
		cellOf(s.Source), cellOf(suite), number(s.Attacked), number(s.Succeeded), number(s.Succeeded - s.Left),
		cellOf(fmt.Sprintf("%.2f %%", s.SuccessRate())), cellOf(fmt.Sprintf("%.2f %%", s.FloorRate())),
		number(s.Benign), cellOf(fmt.Sprintf("%.1f %%", s.TouchedRate())), number(s.Blocked), cellOf(fmt.Sprintf("%.2f", s.AsksPerRun())),
	}
}
