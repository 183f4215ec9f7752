package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/rules"
)

func newPolicy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check, list, try and explain the rules",
		Long: `The rules decide what becomes of each tool call that a model proposes: it passes,
a person is asked, or it is blocked. They stand in policy.yaml beside the
configuration file, in .archestra/policy.yaml of a project, which may only
tighten, and archestra brings some of its own.`,
		Example: `  archestra policy list
  archestra policy check ~/.config/archestra/policy.yaml
  archestra policy explain last`,
		RunE: group,
	}
	cmd.AddCommand(newPolicyCheck(a), newPolicyList(a), newPolicyExplain(a), newPolicyTest(a), newPolicyImport(a))
	return cmd
}

func newPolicyCheck(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check rules and run the tests that stand in them",
		Long: `Reads a file of rules, and runs the examples (match, not_match) in it. Each fault
is a line: file, line, what is wrong. What may not be meant as it stands, such as a
condition that also holds where its argument is missing, is a warning on standard
error. Without a file it checks those in force; -
is standard input.

A file .archestra/policy.yaml is checked as a project's, which may only tighten.`,
		Example: `  archestra policy check
  archestra policy check policy.yaml
  archestra policy import claude ~/.claude/settings.json | archestra policy check -`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyCheck(cmd, args) },
	}
	config.AddFlags(cmd.Flags(), "policy", "config")
	return cmd
}

func (a *app) policyCheck(cmd *cobra.Command, args []string) error {
	var files []policy.File
	if len(args) == 1 {
		f, err := a.policyFile(args[0])
		if err != nil {
			return err
		}
		files = append(files, f)
	} else {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		for _, path := range []string{cfg.Guard.Policy, rules.Find(a.workdir)} {
			f, err := a.policyFile(path)
			if path == "" || errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		if len(files) == 0 {
			a.say("There is no %s yet; the rules that archestra brings are in force.", cfg.Guard.Policy)
		}
	}
	p, err := policy.Load(files...)
	if err != nil {
		return a.faults(err)
	}
	for _, w := range p.Warnings() {
		a.say("warning: %v", w)
	}
	count, tests := 0, 0
	for _, r := range p.Rules() {
		if r.File != "" {
			count++
			tests += r.Tests
		}
	}
	return a.out.line(cellOf("ok: " + plural(int64(count), "rule") + ", " + plural(int64(tests), "test")).text)
}

// policyFile reads a file of rules; "-" is standard input.
func (a *app) policyFile(path string) (policy.File, error) {
	f := policy.File{Name: path, Project: strings.HasSuffix(filepath.ToSlash(path), rules.ProjectFile)}
	var err error
	if path == "-" {
		f.Name = "standard input"
		f.Data, err = io.ReadAll(a.in)
		return f, err
	}
	f.Data, err = os.ReadFile(absolutePath(a.workdir, path))
	return f, err
}

func absolutePath(workdir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(workdir, path)
}

// faults prints what is wrong with rules, each on a line.
func (a *app) faults(err error) error {
	all := []error{err}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		all = joined.Unwrap()
	}
	if len(all) == 1 {
		return err
	}
	for _, e := range all {
		if err := a.out.line(cellOf(e.Error()).text); err != nil {
			return err
		}
	}
	return errors.New(plural(int64(len(all)), "fault") + " in the rules")
}

// openRules opens the rules in force.
func (a *app) openRules(cfg *config.Config) (*policy.Policy, error) {
	r, err := rules.Open(rules.Options{File: cfg.Guard.Policy, Project: rules.Find(a.workdir)})
	if err != nil {
		return nil, err
	}
	return r.Policy(), nil
}

func newPolicyList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules in force",
		Long: `Lists the rules in force in the order in which they are tried: denials, questions,
allowances, then what archestra asks about by itself; behind them the rules about
tool results. The first that matches decides.

The rules are read from the files. Where a server runs and goes by other rules, as
it was started elsewhere or cannot load what a file says now, that is told on
standard error.`,
		Example: `  archestra policy list
  archestra policy list --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyList(cmd, asJSON) },
	}
	addJSON(cmd, &asJSON)
	config.AddFlags(cmd.Flags(), "policy", "config")
	return cmd
}

func (a *app) policyList(cmd *cobra.Command, asJSON bool) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	p, err := a.openRules(cfg)
	a.otherRules(cmd.Context(), cfg, p)
	if err != nil {
		return a.faults(err)
	}
	t := newTable(a.out,
		column{title: "ACTION"},
		column{title: "RULE"},
		column{title: "FROM", cut: 12, drop: 2},
		column{title: "BECAUSE", cut: 12, drop: 1},
	)
	for _, r := range p.Rules() {
		if asJSON {
			err = a.json(r)
		} else {
			err = t.row(actionCell(r), cellOf(r.ID), cellOf(placeOf(r.File, r.Line)), cellOf(r.Because))
		}
		if err != nil {
			return err
		}
	}
	return t.flush()
}

// otherRules tells on standard error where the running server goes by other rules
// than these, and why. No rules are those that do not load.
func (a *app) otherRules(ctx context.Context, cfg *config.Config, p *policy.Policy) {
	client := control.NewClient(cfg.DataDir)
	defer client.Close()
	status, err := client.Status(ctx)
	switch {
	case err != nil: // none runs, or none that can be asked: the files are all that there is
		return
	case status.Mode == string(config.ModeOff):
		a.say("The running server judges nothing: it was started with mode off.")
		return
	case status.Mode == string(config.ModeReport):
		a.say("The running server only reports what these rules would do: it was started with mode report.")
	}
	if p != nil && status.Rules == p.Digest() {
		return
	}
	where := "those that archestra brings, alone"
	if len(status.RuleFiles) > 0 {
		where = "those of " + strings.Join(status.RuleFiles, " and ")
	}
	a.say("warning: the running server goes by other rules than these: %s.", where)
	for _, problem := range status.Problems {
		a.say("%s", problem)
	}
}

// actionCell says what a rule does, of a rule about results how far it believes.
func actionCell(r policy.Info) cell {
	if r.Trust != "" {
		return cellOf("result " + r.Trust)
	}
	return cell{cellOf(string(r.Action)).text, actionStyle(r.Action)}
}

func actionStyle(a llm.Action) style {
	switch a {
	case llm.ActionBlock:
		return red
	case llm.ActionAsk:
		return yellow
	}
	return plain
}

// placeOf says where a rule stands.
func placeOf(file string, line int) string {
	if file == "" {
		return "built in"
	}
	return file + ":" + strconv.Itoa(line)
}
