package cli

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/archestra-ai/archestra-cli"

// layers is the house: for each package, with all below it, the packages of
// this project that its code may import, and why no others. Imports point down
// only. What a package of the table holds below itself is its own affair.
var layers = map[string]struct {
	may string
	why string
}{
	"cmd/archestra": {"pkg/cli", "main only exits with what cli says"},
	"deploy/extras": {"pkg/cli", "it writes the manual and the completions that cli knows"},
	"pkg/cli": {"pkg/agent pkg/ask pkg/cassette pkg/compare pkg/config pkg/control pkg/demo pkg/doctor pkg/feed pkg/filter pkg/guard pkg/jsonscan pkg/llm pkg/policy pkg/price pkg/printable pkg/provider pkg/proxy pkg/record pkg/rules pkg/secret " +
		"pkg/server pkg/simulate pkg/store pkg/telemetry pkg/wire tui", "it puts everything together, and nobody imports it"},
	"tui": {"pkg/control pkg/filter pkg/llm pkg/printable",
		"a screen asks over the socket like everybody else: it knows neither the store nor the proxy"},

	"pkg/doctor":   {"pkg/agent pkg/config pkg/control pkg/llm pkg/provider pkg/server", "it asks a server over the socket and the proxy over HTTP, as everybody does"},
	"pkg/server":   {"pkg/config pkg/llm pkg/provider", "listeners and the door know no exchange"},
	"pkg/proxy":    {"pkg/guard pkg/jsonscan pkg/llm pkg/provider pkg/record pkg/sse pkg/wire", "it moves bytes: whom to call is provider's, what is kept is record's, and where is the store's, which it does not know"},
	"pkg/guard":    {"pkg/ask pkg/jsonscan pkg/llm pkg/policy pkg/secret pkg/sse pkg/wire", "it puts the pure parts together: who moves the bytes and who keeps the record does not matter"},
	"pkg/control":  {"pkg/ask pkg/feed pkg/filter pkg/llm pkg/record", "the store is behind an interface, so that a client needs no database"},
	"pkg/cassette": {"pkg/jsonscan pkg/llm pkg/record pkg/secret pkg/wire", "it compares requests and plays answers: who is called and where traffic is kept are others' business"},
	"pkg/compare":  {"pkg/jsonscan pkg/llm", "it compares exchanges, however they came about"},
	"pkg/feed":     {"pkg/llm", "events are nouns; who makes and who reads them does not matter"},
	"pkg/ask":      {"pkg/jsonscan pkg/llm", "a question waits; who holds the call and who answers does not matter"},
	"pkg/store":    {"pkg/filter pkg/jsonscan pkg/llm pkg/record", "it keeps what record assembles and answers filters; it knows no wire and no provider"},
	"pkg/record":   {"pkg/jsonscan pkg/llm pkg/sse pkg/wire", "it assembles and hands on: a sink, a feed and a price are interfaces"},
	"pkg/rules":    {"pkg/llm pkg/policy", "the rules in force: it reads files, pkg/policy does not"},
	"pkg/policy":   {"pkg/jsonscan pkg/llm", "rules are pure: no clock, no I/O, no wire"},
	"pkg/secret":   {"pkg/jsonscan pkg/llm", "detectors know text alone"},
	"pkg/provider": {"pkg/config pkg/llm pkg/wire", "a provider names the formats that it speaks"},
	"pkg/simulate": {"pkg/jsonscan pkg/llm", "a provider as documented: it shares no code with what it tests"},
	"pkg/demo":     {"pkg/llm pkg/simulate", "agents are clients: they know the formats from the providers' documents"},
	"pkg/price":    {"pkg/jsonscan pkg/llm", "usage goes in, money comes out"},
	"pkg/wire":     {"pkg/jsonscan pkg/llm pkg/sse", "formats know no provider"},
	"pkg/filter":   {"pkg/jsonscan pkg/llm", "a filter judges interactions, wherever they are"},

	"pkg/telemetry": {"pkg/printable", "everybody may log"},
	"pkg/sse":       {"pkg/jsonscan", "frames have no meaning"},
	"pkg/agent":     {"", "a leaf: what clients read is the same whoever serves them"},
	"pkg/llm":       {"pkg/jsonscan", "the nouns, and how they are written"},
	"pkg/jsonscan":  {"", "a leaf"},
	"pkg/leaktest":  {"", "a leaf: tests alone import it"},
	"pkg/printable": {"", "a leaf: whatever prints imports it"},
	"pkg/config":    {"", "a leaf: settings know nothing of what they set"},
}

// TestImports holds every package to the table.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for dir, pkg := range packages(t) {
		layer := layerOf(dir)
		if layer == "" {
			t.Errorf("%s is not in the table of layers: say there what it may import, and why", dir)
			continue
		}
		seen[layer] = true
		may := strings.Fields(layers[layer].may)
		for _, path := range pkg.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			if to := layerOf(imported); to != layer && !slices.Contains(may, to) {
				t.Errorf("%s imports %s: %s", dir, imported, layers[layer].why)
			}
		}
	}
	for layer := range layers {
		if _, err := os.Stat(filepath.Join("../..", layer)); err == nil && !seen[layer] && hasGo(filepath.Join("../..", layer)) {
			t.Errorf("%s was not looked at", layer)
		}
	}
}

// TestWireFormatsDoNotKnowEachOther: what two of them share stands in wire or
// below wire/internal.
func TestWireFormatsDoNotKnowEachOther(t *testing.T) {
	for dir, pkg := range packages(t) {
		if !strings.HasPrefix(dir, "pkg/wire/") {
			continue
		}
		for _, path := range pkg.Imports {
			sibling, ok := strings.CutPrefix(path, module+"/pkg/wire/")
			if ok && !strings.HasPrefix(sibling, "internal/") {
				t.Errorf("%s imports wire/%s", dir, sibling)
			}
		}
	}
}

// TestTableIsAcyclic: the table itself allows no way back up.
func TestTableIsAcyclic(t *testing.T) {
	done := map[string]bool{}
	var visit func(layer string, above []string)
	visit = func(layer string, above []string) {
		if slices.Contains(above, layer) {
			t.Fatalf("the table allows a circle: %s", strings.Join(append(above, layer), " → "))
		}
		if done[layer] {
			return
		}
		l, ok := layers[layer]
		if !ok {
			t.Errorf("%s may import %s, which is not in the table", above[len(above)-1], layer)
		}
		for _, next := range strings.Fields(l.may) {
			visit(next, append(slices.Clone(above), layer))
		}
		done[layer] = true
	}
	for layer := range layers {
		visit(layer, nil)
	}
}

// TestPackageDocs: every package says what it is, and none is a drawer for
// what has no place.
func TestPackageDocs(t *testing.T) {
	for dir, pkg := range packages(t) {
		if pkg.Doc == "" {
			t.Errorf("%s has no package comment", dir)
		}
		switch name := filepath.Base(dir); name {
		case "util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "base", "types":
			t.Errorf("%s: %q says nothing of what is in it", dir, name)
		}
	}
}

// layerOf returns the row of the table that a package belongs to, or "".
func layerOf(dir string) string {
	for dir != "." && dir != "/" {
		if _, ok := layers[dir]; ok {
			return dir
		}
		dir = filepath.ToSlash(filepath.Dir(dir))
	}
	return ""
}

// packages reads every package of this module, tests aside, by directory.
func packages(t *testing.T) map[string]*build.Package {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*build.Package{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		_, nested := os.Stat(filepath.Join(path, "go.mod"))
		if path != root && (nested == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return fs.SkipDir
		}
		// Code for any system counts, and its build tags do not matter.
		ctx := build.Default
		ctx.UseAllFiles = true
		pkg, err := ctx.ImportDir(path, 0)
		var none *build.NoGoError
		var several *build.MultiplePackageError
		switch {
		case errors.As(err, &none):
			return nil
		case errors.As(err, &several): // a program that generates, behind a build tag
		case err != nil:
			return err
		}
		if len(pkg.GoFiles) == 0 {
			return nil
		}
		dir, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(dir)] = pkg
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func hasGo(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	return err == nil && len(files) > 0
}
