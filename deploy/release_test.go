// Package deploy checks how archestra is released, as far as a machine without
// goreleaser, docker or brew can.
package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/cli"
)

// file is what an archive or a package carries.
type file struct{ Src, Dst string }

// release is what this test reads of .goreleaser.yaml.
type release struct {
	Version int
	Before  struct{ Hooks []string }
	Builds  []struct {
		Main, Binary string
		Env          []string
		Goos, Goarch []string
		Flags        []string
		Ldflags      []string
	}
	Archives []struct{ Files []file }
	Nfpms    []struct{ Contents []file }
	Casks    []struct {
		Name       string
		Repository struct{ Owner, Name string }
		Binaries   []string
		Manpages   []string
		Completion map[string]string `yaml:"completions"`
	} `yaml:"homebrew_casks"`
	Dockers []struct{ Dockerfile string } `yaml:"dockers_v2"`
}

func read(t *testing.T) release {
	t.Helper()
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r release
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 2 || len(r.Builds) != 1 || len(r.Archives) != 1 || len(r.Nfpms) != 1 || len(r.Casks) != 1 || len(r.Dockers) != 1 {
		t.Fatalf("not what this test knows: %+v", r)
	}
	return r
}

// TestFiles: every file that the release names is in the tree or is written by
// deploy/extras, and every file that deploy/extras writes is released.
func TestFiles(t *testing.T) {
	r := read(t)
	share := t.TempDir()
	if err := cli.WriteExtras(share, "1.2.3", time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	carried := map[string]bool{}
	for _, f := range append(slices.Clone(r.Archives[0].Files), r.Nfpms[0].Contents...) {
		path := filepath.Join("..", f.Src)
		if made, ok := strings.CutPrefix(f.Src, "share/"); ok {
			path, carried[made] = filepath.Join(share, made), true
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f.Src, err)
		}
	}
	made, err := os.ReadDir(share)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range made {
		if !carried[f.Name()] {
			t.Errorf("%s is written and not released", f.Name())
		}
	}
	for _, path := range []string{r.Builds[0].Main, r.Dockers[0].Dockerfile} {
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Error(err)
		}
	}
	if !slices.ContainsFunc(r.Before.Hooks, func(h string) bool {
		return strings.HasPrefix(h, "go run ./deploy/extras ") && strings.HasSuffix(h, " share")
	}) {
		t.Errorf("nothing writes share: %q", r.Before.Hooks)
	}
}

// TestCask: what the cask links is where the archive has it, and brew install
// archestra-ai/tap/archestra means it.
func TestCask(t *testing.T) {
	r := read(t)
	cask := r.Casks[0]
	if got := cask.Repository.Owner + "/" + cask.Repository.Name + "/" + cask.Name; got != "archestra-ai/homebrew-tap/archestra" {
		t.Errorf("the cask is %s", got)
	}
	var have []string
	for _, f := range r.Archives[0].Files {
		have = append(have, f.Dst)
	}
	want := slices.Clone(cask.Manpages)
	for _, path := range cask.Completion {
		want = append(want, path)
	}
	for _, path := range want {
		if !slices.Contains(have, path) {
			t.Errorf("the cask links %s, which the archive lacks", path)
		}
	}
	if diff := cmp.Diff([]string{r.Builds[0].Binary}, cask.Binaries); diff != "" {
		t.Error(diff)
	}
}

// TestBuilds: six programs, without cgo, the same from every folder, that say
// their version and commit.
func TestBuilds(t *testing.T) {
	b := read(t).Builds[0]
	if len(b.Goos)*len(b.Goarch) != 6 || !slices.Contains(b.Env, "CGO_ENABLED=0") || !slices.Contains(b.Flags, "-trimpath") || !slices.Contains(b.Flags, "-buildvcs=true") {
		t.Errorf("%+v", b)
	}
	const variable = "github.com/archestra-ai/archestra-cli/pkg/cli.release="
	if !strings.Contains(strings.Join(b.Ldflags, " "), "-X "+variable) {
		t.Errorf("the linker is not told the version: %q", b.Ldflags)
	}
	source, err := os.ReadFile("../pkg/cli/version.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), "\nvar release string\n") {
		t.Error("pkg/cli has no variable release")
	}
}

// TestImage: the image is nobody's machine: it runs without rights, and it does
// not bring a token that others know.
func TestImage(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nUSER nonroot\n", "\"serve\"]\n", "ARCHESTRA_HOST=0.0.0.0", "ARCHESTRA_ALLOW_REMOTE=true"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the image lacks %q", want)
		}
	}
	if strings.Contains(string(text), "ARCHESTRA_TOKEN=") {
		t.Error("the image sets a token")
	}
}

// TestExtrasAreReproducible: the same source, version and date give the same
// bytes, and the manual tells every command.
func TestExtrasAreReproducible(t *testing.T) {
	var last string
	for range 2 {
		dir := t.TempDir()
		if err := cli.WriteExtras(dir, "1.2.3", time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "archestra.1"))
		if err != nil {
			t.Fatal(err)
		}
		if last != "" && string(text) != last {
			t.Error(cmp.Diff(last, string(text)))
		}
		last = string(text)
	}
	for _, want := range []string{
		".TH ARCHESTRA 1 \"2026-01-31\" \"archestra 1.2.3\"", ".SS archestra serve [flags]\n", ".SS archestra providers list [flags]\n",
		"ARCHESTRA_TOKEN", `\-\-filter`,
	} {
		if !strings.Contains(last, want) {
			t.Errorf("the manual lacks %q", want)
		}
	}
	for line := range strings.SplitSeq(last, "\n") {
		if strings.HasPrefix(line, "'") {
			t.Errorf("a line of text became a request: %q", line)
		}
	}
}
