// Command gen writes the price table that package price embeds.
//
// The figures are those of pydantic's genai-prices, a public data set under the
// MIT licence, as its npm package carries them: npm fetches the package, the
// literal in it is read, nothing of it is run. What that set does not hold
// (service tiers, a few models) comes from overlay.json, which names its
// sources. The same inputs give the same bytes.
//
//	go run ./gen -out prices.json                     # fetches the package
//	go run ./gen -from dist/index.cjs -day 2026-09-23 -out prices.json
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	pkg     = "@pydantic/genai-prices"
	release = "0.1.8"
)

//go:embed overlay.json
var overlayJSON []byte

func main() {
	from := flag.String("from", "", "the package's dist/index.cjs (default: fetch the package with npm)")
	day := flag.String("day", "", "the day of the package's release (default: ask npm)")
	out := flag.String("out", "prices.json", "where the table goes")
	flag.Parse()
	if err := run(*from, *day, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, day, out string) error {
	var script []byte
	var err error
	if from != "" {
		script, err = os.ReadFile(from)
	} else {
		script, err = fetch()
	}
	if err != nil {
		return err
	}
	if day == "" {
		if day, err = released(); err != nil {
			return err
		}
	}
	base, err := readBase(string(script))
	if err != nil {
		return fmt.Errorf("reading %s: %w", pkg, err)
	}
	var over overlay
	if err := json.Unmarshal(overlayJSON, &over); err != nil {
		return fmt.Errorf("overlay.json: %w", err)
	}
	models, err := over.apply(base)
	if err != nil {
		return fmt.Errorf("overlay.json: %w", err)
	}
	return os.WriteFile(out, render(models, day, &over), 0o644)
}

// fetch lets npm download and unpack nothing but the package itself.
func fetch() ([]byte, error) {
	dir, err := os.MkdirTemp("", "prices")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	npm := exec.Command("npm", "pack", "--silent", "--ignore-scripts", pkg+"@"+release)
	npm.Dir = dir
	if msg, err := npm.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, msg)
	}
	tarballs, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(tarballs) != 1 {
		return nil, errors.New("npm pack left no package")
	}
	return exec.Command("tar", "-xzOf", tarballs[0], "package/dist/index.cjs").Output()
}

func released() (string, error) {
	out, err := exec.Command("npm", "view", pkg, "time", "--json").Output()
	if err != nil {
		return "", fmt.Errorf("npm view: %w (say -day)", err)
	}
	var times map[string]string
	if err := json.Unmarshal(out, &times); err != nil {
		return "", fmt.Errorf("npm view: %w (say -day)", err)
	}
	if day, _, ok := strings.Cut(times[release], "T"); ok {
		return day, nil
	}
	return "", errors.New("npm view does not know the day of the release (say -day)")
}

var dataStart = regexp.MustCompile(`=\[\{id:"`)

// readBase finds the data in the package's script and reads the providers that
// archestra serves.
func readBase(script string) ([]*model, error) {
	at := dataStart.FindStringIndex(script)
	if at == nil {
		return nil, errors.New("no data in the script")
	}
	data := literal{text: script, pos: at[0] + 1}
	v, err := data.value()
	if err != nil {
		return nil, err
	}
	var models []*model
	for _, p := range v.([]any) {
		provider, _ := p.(map[string]any)
		name := map[any]string{
			"openai": "openai", "anthropic": "anthropic", "google": "gemini", "cerebras": "cerebras", "x-ai": "xai",
		}[provider["id"]]
		if name == "" {
			continue
		}
		list, _ := provider["models"].([]any)
		for _, m := range list {
			entry, _ := m.(map[string]any)
			got, err := readModel(name, entry)
			if err != nil {
				return nil, fmt.Errorf("%s %v: %w", name, entry["id"], err)
			}
			if got != nil {
				models = append(models, got)
			}
		}
	}
	if len(models) < 100 {
		return nil, fmt.Errorf("only %d models", len(models))
	}
	return models, nil
}
