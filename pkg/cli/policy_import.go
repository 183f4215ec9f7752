package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/policy/adopt"
)

func newPolicyImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import claude|codex FILE",
		Short: "Take rules over from an agent's own permission settings",
		Long: `Prints a file of rules made from the permissions of Claude Code (settings.json) or
Codex (rules/*.rules, config.toml). What no rule can say stands in it as a
comment. Where the two cannot mean the same, what is denied or asked about
becomes wider, and what is allowed narrower.

Nothing is written: look at it, and put what you want into policy.yaml.`,
		Example: `  archestra policy import claude ~/.claude/settings.json
  archestra policy import claude .claude/settings.json > policy.yaml
  archestra policy import codex ~/.codex/rules/default.rules
  archestra policy import codex ~/.codex/config.toml`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return []cobra.Completion{"claude", "codex"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || args[0] != "claude" && args[0] != "codex" {
				return usagef("whose settings? Give claude or codex, and a file")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.policyImport(args[0], args[1]) },
	}
}

func (a *app) policyImport(whose, path string) error {
	path = absolutePath(a.workdir, path)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out []byte
	switch {
	case whose == "claude":
		out, err = adopt.Claude(data, a.projectOf(path))
	case strings.EqualFold(filepath.Ext(path), ".toml"):
		out, err = adopt.CodexConfig(data)
	default:
		out, err = adopt.CodexRules(data)
	}
	if err != nil {
		return err
	}
	_, err = a.out.Write(out) // every character in it shows, see package adopt
	return err
}

// projectOf returns the folder of the project whose settings of Claude Code a file
// holds, or "" for a user's.
func (a *app) projectOf(path string) string {
	dir := filepath.Dir(path)
	home, _ := a.lookupEnv("HOME")
	if filepath.Base(dir) != ".claude" || filepath.Dir(dir) == filepath.Clean(home) {
		return ""
	}
	return filepath.ToSlash(filepath.Dir(dir))
}
