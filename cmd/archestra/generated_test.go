package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

var update = flag.Bool("update", false, "write the generated parts of the documents")

// TestGenerated: the tables in the documents are those of the code. After a
// change of the code: go test ./cmd/archestra -run TestGenerated -update.
func TestGenerated(t *testing.T) {
	for _, part := range []struct{ file, name, text string }{
		{"settings.md", "settings", settingsTable()},
		{"settings.md", "providers", providersTable()},
		{"find.md", "filter words", wordsTable()},
		{"policy.md", "built-in rules", rulesTable()},
	} {
		path := filepath.Join("..", "..", "docs", part.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		begin := fmt.Sprintf("<!-- %s: generated, see cmd/archestra/generated_test.go -->\n", part.name)
		before, rest, found := strings.Cut(string(text), begin)
		have, after, ended := strings.Cut(rest, "<!-- end -->\n")
		if !found || !ended {
			t.Fatalf("%s has no place for %s", path, part.name)
		}
		if *update {
			if err := os.WriteFile(path, []byte(before+begin+part.text+"<!-- end -->\n"+after), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(part.text, have); diff != "" {
			t.Errorf("%s: %s are stale; go test ./cmd/archestra -run TestGenerated -update writes them\n%s", path, part.name, diff)
		}
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| flag, key of the file | variable | default | what it is |\n|---|---|---|---|\n")
	for _, s := range config.Settings() {
		name := "`--" + s.Name + "`"
		switch {
		case s.Secret:
			name = "`" + s.Name + "` (no flag)"
		case s.NoFlag:
			name = "`" + s.Name + "` (no flag)"
		case s.NoFile:
			name += " (not in the file)"
		}
		fallback := ""
		if s.Default != "" {
			fallback = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s. Accepted: %s |\n", name, s.Var, fallback, cell(s.Help), cell(s.Accepts))
	}
	return b.String()
}

func providersTable() string {
	var b strings.Builder
	b.WriteString("| provider | base URL | without it | key |\n|---|---|---|---|\n")
	for _, p := range provider.All() {
		base := "off"
		if p.BaseURL != "" {
			base = "`" + p.BaseURL + "`"
		}
		fmt.Fprintf(&b, "| `%s`: %s | `%s` | %s | `%s` |\n", p.Name, p.Title, p.BaseURLVar, base, strings.Join(p.KeyVars, "`, else `"))
	}
	return b.String()
}

func wordsTable() string {
	var b strings.Builder
	b.WriteString("| word | finds |\n|---|---|\n")
	for _, w := range filter.Words() {
		help := cell(w.Help)
		if len(w.Values) > 0 {
			help += ": `" + strings.Join(w.Values, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s:%s` | %s |\n", w.Name, cell(w.Example), help)
	}
	return b.String()
}

// rulesTable lists what archestra brings, as `archestra policy list` does.
func rulesTable() string {
	var b strings.Builder
	b.WriteString("| rule | does | because |\n|---|---|---|\n")
	filled := strings.NewReplacer("{arg}", "*an argument*", "{path}", "*an argument*", "{value}", "*a path*", "{secret}", "*its kind*", "{note}", "*…*")
	for _, r := range policy.Default().Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Action, cell(filled.Replace(r.Because)))
	}
	return b.String()
}

// cell is a text as it stands in a table of Markdown.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
