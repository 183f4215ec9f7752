// Command gen writes the rules that package secret embeds.
//
// The rules are those of gitleaks, under the MIT licence, as the default
// configuration of its Go module states them. The go command fetches the
// module; nothing of it is compiled into archestra. The same module gives the
// same bytes.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/zricethezav/gitleaks/v8@v8.30.1"

// rule is one line of the file. Names are short where they stand often.
type rule struct {
	ID       string      `json:"id"`
	Regex    string      `json:"regex"`
	Keywords []string    `json:"keywords"`
	Entropy  json.Number `json:"entropy,omitempty"`
	Group    int         `json:"group,omitempty"`
	Path     string      `json:"path,omitempty"`
	Allow    []allow     `json:"allow,omitempty"`
}

// allow says what is no secret after all.
type allow struct {
	Target string   `json:"target,omitempty"` // what the expressions look at: "" the secret, match, line
	Regex  []string `json:"regex,omitempty"`
	Words  []string `json:"words,omitempty"`
}

func main() {
	out := flag.String("out", "rules.json", "where the rules go")
	from := flag.String("from", "", "gitleaks.toml (default: the one in "+module+")")
	flag.Parse()
	if err := run(*from, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, out string) error {
	if from == "" {
		info, err := exec.Command("go", "mod", "download", "-json", module).Output()
		if err != nil {
			return fmt.Errorf("go mod download: %w", err)
		}
		var m struct{ Dir string }
		if err := json.Unmarshal(info, &m); err != nil || m.Dir == "" {
			return errors.New("go mod download tells no directory")
		}
		from = filepath.Join(m.Dir, "config", "gitleaks.toml")
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	tables, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	rules, global, err := convert(tables)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(out, render(rules, global), 0o644)
}

// convert picks what the engine uses. Rules for names of files alone, and lists
// of allowed files, have no use here: there are no files.
func convert(tables []table) (rules []rule, global []allow, err error) {
	for _, t := range tables {
		switch t.name {
		case "":
		case "allowlist":
			a, ok := allowOf(t)
			if !ok {
				return nil, nil, errors.New("the global list is empty")
			}
			global = append(global, a)
		case "rules":
			r := rule{ID: t.text("id"), Regex: t.text("regex"), Keywords: t.list("keywords"), Path: t.text("path")}
			r.Entropy = json.Number(t.text("entropy"))
			fmt.Sscan(t.text("secretGroup"), &r.Group)
			if known := []string{"id", "description", "regex", "keywords", "path", "entropy", "secretGroup", "tags"}; !t.only(known) {
				return nil, nil, fmt.Errorf("%s: a member that is not known", r.ID)
			}
			rules = append(rules, r)
		case "rules.allowlists":
			if a, ok := allowOf(t); ok {
				r := &rules[len(rules)-1]
				r.Allow = append(r.Allow, a)
			}
		default:
			return nil, nil, fmt.Errorf("a table that is not known: %s", t.name)
		}
	}
	rules = slices.DeleteFunc(rules, func(r rule) bool { return r.Regex == "" })
	if len(rules) < 200 {
		return nil, nil, fmt.Errorf("only %d rules", len(rules))
	}
	return rules, global, nil
}

func allowOf(t table) (allow, bool) {
	a := allow{Target: t.text("regexTarget"), Regex: t.list("regexes"), Words: t.list("stopwords")}
	if strings.EqualFold(t.text("condition"), "AND") && len(t.list("paths")) > 0 {
		return a, false // only in some files
	}
	return a, len(a.Regex)+len(a.Words) > 0
}

func render(rules []rule, global []allow) []byte {
	var b strings.Builder
	b.WriteString("{\n\"about\": \"Rules of gitleaks (" + module + "), Copyright (c) 2019 Zachary Rice, MIT licence. Written by pkg/secret/gen; do not edit.\",\n")
	line(&b, "\"allow\": ", global, ",\n\"rules\": [\n")
	for i, r := range rules {
		end := ",\n"
		if i == len(rules)-1 {
			end = "\n"
		}
		line(&b, "", r, end)
	}
	b.WriteString("]\n}\n")
	return []byte(b.String())
}

func line(b *strings.Builder, before string, v any, after string) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and numbers
	b.WriteString(before + strings.TrimSuffix(text.String(), "\n") + after)
}
