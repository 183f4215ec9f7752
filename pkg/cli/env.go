package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

type envOptions struct{ profile, shell string }

func newEnv(a *app) *cobra.Command {
	var o envOptions
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print the variables that point clients at the proxy",
		Long: `Prints the variables that point clients at the proxy, as commands of a shell
($SHELL's unless --shell names another) or as one JSON object. A running server
tells its address; without one, the settings do.

They reach what reads variables: the SDKs, and most agents. Claude Code and Codex
need arguments too, which archestra run adds. No credential is printed.`,
		Example: `  eval "$(archestra env)"
  archestra env --profile ci --shell fish | source
  archestra env --shell pwsh | Out-String | Invoke-Expression
  archestra env --shell json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.env(cmd.Context(), cmd, o) },
	}
	addProfile(cmd, &o.profile, provider.DefaultProfile)
	cmd.Flags().StringVar(&o.shell, "shell", "", "bash, zsh, fish, pwsh or json")
	// Registering can only fail for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("shell", cobra.FixedCompletions(shellNames(), cobra.ShellCompDirectiveNoFileComp))
	addSourceFlags(cmd)
	return cmd
}

func shellNames() []string {
	var names []string
	for _, sh := range agent.Shells() {
		names = append(names, string(sh))
	}
	return names
}

func (a *app) env(ctx context.Context, cmd *cobra.Command, o envOptions) error {
	if err := checkProfile(o.profile); err != nil {
		return err
	}
	shell := agent.Shell(o.shell)
	if o.shell == "" {
		path, _ := a.lookupEnv("SHELL")
		shell = agent.ShellOf(path)
	} else if !slices.Contains(agent.Shells(), shell) {
		return usagef("--shell %q is not known; accepted: %s", o.shell, strings.Join(shellNames(), ", "))
	}
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	site, err := siteOf(ctx, cfg, o.profile)
	if err != nil {
		return err
	}
	all, _ := agent.Settings(site, a.lookupEnv)
	set := slices.DeleteFunc(slices.Clone(all), func(v agent.Setting) bool { return v.Secret })
	text, err := shell.Print(set)
	if err != nil {
		return fmt.Errorf("print the variables: %w", err)
	}
	// It is a program for the shell: what it quotes must arrive as it is.
	if _, err := io.WriteString(a.out, text); err != nil {
		return err
	}
	for _, v := range all {
		if v.Secret {
			a.say("%s may hold a credential and is not printed; archestra run sets it.", v.Name)
		}
	}
	return nil
}
