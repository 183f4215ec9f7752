package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// WriteExtras writes what a package carries beside the program: the manual page
// archestra.1 and the completion scripts of bash, zsh, fish and powershell. The
// folder is made where it is missing. The date is the release's, so that the
// same source gives the same bytes.
func WriteExtras(dir, version string, date time.Time) error {
	none := func(string) (string, bool) { return "", false }
	out := &screen{w: io.Discard, width: func() int { return 0 }}
	root := newRoot(&app{in: strings.NewReader(""), out: out, err: out, lookupEnv: none, workdir: dir})
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write what goes beside the program: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"archestra.1", func(w io.Writer) error { return manPage(w, root, version, date) }},
		{"archestra.bash", func(w io.Writer) error { return completionScript(root, "bash", w) }},
		{"archestra.zsh", func(w io.Writer) error { return completionScript(root, "zsh", w) }},
		{"archestra.fish", func(w io.Writer) error { return completionScript(root, "fish", w) }},
		{"archestra.ps1", func(w io.Writer) error { return completionScript(root, "powershell", w) }},
	} {
		var b strings.Builder
		if err := file.write(&b); err != nil {
			return fmt.Errorf("write %s: %w", file.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, file.name), []byte(b.String()), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", file.name, err)
		}
	}
	return nil
}

// completionScript writes the completion script of a shell.
func completionScript(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	}
	return root.GenPowerShellCompletionWithDesc(w)
}
