package rules_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/rules"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, o rules.Options) *rules.Rules {
	t.Helper()
	r, err := rules.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// own returns the ids of the rules that stand in files.
func own(p *policy.Policy) string {
	var ids []string
	for _, i := range p.Rules() {
		if i.File != "" {
			ids = append(ids, string(i.Action)+" "+i.ID)
		}
	}
	return strings.Join(ids, ", ")
}

func deny(id string) string { return "version: 1\ndeny:\n- {id: " + id + ", tool: drop}\n" }

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	user, project := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "p", ".archestra", "policy.yaml")
	if r := open(t, rules.Options{}); own(r.Policy()) != "" || r.Files() != nil || len(r.Problems()) > 0 {
		t.Errorf("without files: %q, %q, %q", own(r.Policy()), r.Files(), r.Problems())
	}
	if r := open(t, rules.Options{File: user, Project: project}); own(r.Policy()) != "" || r.Files() != nil || len(r.Problems()) > 0 {
		t.Errorf("files that are not there: %q, %q, %q", own(r.Policy()), r.Files(), r.Problems())
	}
	write(t, user, deny("mine"))
	write(t, project, deny("theirs"))
	r := open(t, rules.Options{File: user, Project: project})
	if got := own(r.Policy()); got != "block mine, block theirs" {
		t.Error(got)
	}
	if got := r.Files(); len(got) != 2 || got[0] != user || got[1] != project {
		t.Error(got)
	}

	// What is there and does not hold keeps the start from happening.
	for name, text := range map[string]string{
		"a fault":              "version: 1\ndeny:\n- {id: a, tol: x}\n",
		"a test that fails":    "version: 1\ndeny:\n- {id: a, tool: x, match: [{tool: y}]}\n",
		"no YAML":              "version: [\n",
		"a regular expression": "version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: y, regex: '('}]}\n",
	} {
		write(t, user, text)
		if r, err := rules.Open(rules.Options{File: user}); err == nil || r != nil || !strings.Contains(err.Error(), user+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
	write(t, user, "version: 1\n")
	write(t, project, "version: 1\nallow:\n- {id: a, tool: x}\n")
	if _, err := rules.Open(rules.Options{File: user, Project: project}); err == nil || !strings.Contains(err.Error(), "only tighten") {
		t.Errorf("a project that allows: %v", err)
	}
	if _, err := rules.Open(rules.Options{File: dir}); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// desk is a user who edits a file, and a server that looks at it.
type desk struct {
	*rules.Rules
	t    *testing.T
	file string
	log  bytes.Buffer
}

func newDesk(t *testing.T, text string) *desk {
	d := &desk{t: t, file: write(t, filepath.Join(t.TempDir(), "policy.yaml"), text)}
	d.Rules = open(t, rules.Options{File: d.file, Log: slog.New(slog.NewTextHandler(&d.log, nil))})
	return d
}

// see lets pass what time a change needs to be noticed. In a bubble the clock is
// behind the files' times, so that a change is read when it was seen twice.
func (d *desk) see(want string, problem string) {
	d.t.Helper()
	for range 3 {
		time.Sleep(time.Second)
		d.Policy()
	}
	if got := own(d.Policy()); got != want {
		d.t.Errorf("in force: %q, want %q", got, want)
	}
	got := strings.Join(d.Problems(), "\n")
	if (got == "") != (problem == "") || !strings.Contains(got, problem) {
		d.t.Errorf("problem: %q, want %q", got, problem)
	}
}

func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, deny("first"))
		d.see("block first", "")
		write(t, d.file, deny("second"))
		d.see("block second", "")
		// Another file in its place, as editors save.
		if err := os.Rename(write(t, d.file+"~", deny("another")), d.file); err != nil {
			t.Fatal(err)
		}
		d.see("block another", "")
		if d.log.Len() > 0 {
			t.Errorf("logged: %s", &d.log)
		}
	})
}

func TestLastGoodStays(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil   func(t *testing.T, file string)
		problem string
	}{
		"a fault": {func(t *testing.T, f string) { write(t, f, "version: 1\ndeny:\n- {id: a, tol: x}\n") }, `policy.yaml:3: "tol" is not known`},
		"a test that fails": {func(t *testing.T, f string) {
			write(t, f, "version: 1\ndeny:\n- {id: a, tool: x, match: [{tool: y}]}\n")
		}, "does not match an example"},
		"half a file":   {func(t *testing.T, f string) { write(t, f, "version: 1\ndeny:\n- {id: a, to") }, "policy.yaml:"},
		"an empty file": {func(t *testing.T, f string) { write(t, f, "\n") }, "is empty"},
		"no file":       {func(t *testing.T, f string) { remove(t, f) }, "is gone"},
		"a folder":      {func(t *testing.T, f string) { remove(t, f); write(t, filepath.Join(f, "x"), "") }, "no regular file"},
		"a loop of links": {func(t *testing.T, f string) {
			remove(t, f)
			if err := os.Symlink(f, f); err != nil {
				t.Fatal(err)
			}
		}, "can not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, deny("good"))
				tc.spoil(t, d.file)
				d.see("block good", tc.problem)
				d.see("block good", tc.problem)
				if n := strings.Count(d.log.String(), "level=ERROR"); n != 1 {
					t.Errorf("logged %d times: %s", n, &d.log)
				}
				remove(t, d.file)
				write(t, d.file, deny("better"))
				d.see("block better", "")
				if !strings.Contains(d.log.String(), "hold again") {
					t.Errorf("logged: %s", &d.log)
				}
			})
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatAppears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "version: 1\n")
		remove(t, d.file)
		d.Rules = open(t, rules.Options{File: d.file})
		d.see("", "")
		write(t, d.file, "version: 1\ndeny: [\n")
		d.see("", "policy.yaml:")
		remove(t, d.file)
		d.see("", "")
		write(t, d.file, deny("new"))
		d.see("block new", "")
	})
}

// A file that was written long ago is in force with the first look: who edits it
// and then works is not judged by the old rules.
func TestAnOldChangeHoldsAtOnce(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), deny("first"))
	r := open(t, rules.Options{File: path, Every: time.Nanosecond})
	write(t, path, deny("second"))
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	if got := own(r.Policy()); got != "block second" {
		t.Error(got)
	}
}

// Half of a file can be good YAML with half of the rules. While somebody writes it,
// it is not read.
func TestAFileThatIsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "version: 1\ndeny:\n- {id: a, tool: x}\n- {id: b, tool: y}\n")
		for _, text := range []string{"version: 1\n", "version: 1\ndeny:\n", "version: 1\ndeny:\n- {id: a, tool: x}\n", "version: 1\ndeny:\n- {id: a, tool: x}\n- {id: c, tool: y}\n"} {
			write(t, d.file, text)
			time.Sleep(time.Second)
			if got := own(d.Policy()); got != "block a, block b" {
				t.Fatalf("after %q: %q", text, got)
			}
		}
		d.see("block a, block c", "")
	})
}

// A text that clashes with another file holds once the other changes.
func TestTwoFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, deny("mine"))
		project := write(t, filepath.Join(t.TempDir(), rules.ProjectFile), deny("theirs"))
		d.Rules = open(t, rules.Options{File: d.file, Project: project})
		write(t, project, deny("mine"))
		d.see("block mine, block theirs", `the id "mine" is taken`)
		write(t, d.file, deny("other"))
		d.see("block other, block mine", "")
		// One bad file does not keep the other from changing.
		write(t, d.file, "version: 1\nnonsense: 1\n")
		write(t, project, deny("stricter"))
		d.see("block other, block stricter", `"nonsense" is not known`)
	})
}

func TestSymbolicLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, deny("unused"))
		one, two := write(t, d.file+".1", deny("one")), write(t, d.file+".2", deny("two"))
		link := func(to string) {
			remove(t, d.file)
			if err := os.Symlink(filepath.Base(to), d.file); err != nil {
				t.Fatal(err)
			}
		}
		link(one)
		d.see("block one", "")
		link(two)
		d.see("block two", "")
		write(t, two, deny("changed"))
		d.see("block changed", "")
		if err := d.Append("- id: more\n  tool: x\n", llm.ActionBlock); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(d.file); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v", err)
		}
		if text, err := os.ReadFile(two); err != nil || string(text) != deny("changed")+"- id: more\n  tool: x\n" {
			t.Errorf("%q, %v", text, err)
		}
		d.see("block changed, block more", "")
	})
}

// Many ask for the rules while they change; whoever asks gets rules, at once.
func TestAtOnce(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), "version: 1\nallow:\n- {id: start, tool: x}\n")
	r := open(t, rules.Options{File: path, Every: time.Nanosecond})
	var done sync.WaitGroup
	for n := range 4 {
		done.Go(func() {
			for i := range 50 {
				if got := own(r.Policy()); !strings.Contains(got, "allow start") {
					t.Errorf("in force: %q", got)
				}
				r.Problems()
				r.Files()
				if i%10 == 0 {
					element := "- id: r" + string(rune('a'+n)) + string(rune('a'+i/10)) + "\n  tool: y\n"
					if err := r.Append(element, llm.ActionAllow); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	done.Wait()
	if n := strings.Count(own(r.Policy()), "allow "); n != 21 {
		t.Errorf("%d rules: %s", n, own(r.Policy()))
	}
}

func TestPolicyIsCheap(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), deny("a"))
	r := open(t, rules.Options{File: path, Every: time.Hour})
	if n := testing.AllocsPerRun(100, func() { r.Policy() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFind(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(base, "home")
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	mkdir := func(parts ...string) string {
		dir := filepath.Join(append([]string{base}, parts...)...)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	rulesIn := func(dir string) string { return write(t, filepath.Join(dir, rules.ProjectFile), "version: 1\n") }
	repo := mkdir("home", "repo")
	mkdir("home", "repo", ".git")
	inner := mkdir("home", "repo", "a", "b")
	outside := mkdir("srv", "x")
	above := rulesIn(base)
	if got := rules.Find(inner); got != "" {
		t.Errorf("beyond the repository: %s", got)
	}
	if got := rules.Find(outside); got != "" {
		t.Errorf("%s lies above what is nobody's home", got)
	}
	if got := rules.Find(base); got != above {
		t.Errorf("the folder itself: %q", got)
	}
	root := rulesIn(repo)
	if got := rules.Find(inner); got != root {
		t.Errorf("%q, want %q", got, root)
	}
	nearer := rulesIn(filepath.Dir(inner))
	if got := rules.Find(inner); got != nearer {
		t.Errorf("%q, want %q", got, nearer)
	}
	mine := rulesIn(home)
	if got := rules.Find(mkdir("home", "notes")); got != mine {
		t.Errorf("%q, want %q", got, mine)
	}
}
