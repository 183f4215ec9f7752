package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newCompletion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long:  "Prints the completion script of bash, zsh, fish or powershell.",
		Example: `  source <(archestra completion bash)
  archestra completion zsh > "${fpath[1]}/_archestra"
  archestra completion fish > ~/.config/fish/completions/archestra.fish
  archestra completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(cmd.ValidArgs, args[0]) {
				return usagef("which shell? Give one of %s", strings.Join(cmd.ValidArgs, ", "))
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return completionScript(cmd.Root(), args[0], a.out)
		},
	}
}
