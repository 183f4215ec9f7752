package rules_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/rules"
)

const element = "- id: new\n  tool: send\n  when:\n    - {arg: to, equal: a}\n"

func TestAppend(t *testing.T) {
	for name, tc := range map[string]struct{ before, after string }{
		"an empty file":  {"", "version: 1\nallow:\n  - id: new\n    tool: send\n    when:\n      - {arg: to, equal: a}\n"},
		"comments alone": {"# mine", "# mine\nversion: 1\nallow:\n  - id: new\n    tool: send\n    when:\n      - {arg: to, equal: a}\n"},
		"no list": {"version: 1 # first\nmode: enforce\n\n# the end",
			"version: 1 # first\nmode: enforce\n\n# the end\nallow:\n  - id: new\n    tool: send\n    when:\n      - {arg: to, equal: a}\n"},
		"a list in the middle": {
			"version: 1\nallow: # these\n\n  # the one\n  - id: one # yes\n    tool: x\n    because: |\n      two\n\n      lines\n    # of one\n\n# what is denied\ndeny:\n  - {id: two, tool: y}\n",
			"version: 1\nallow: # these\n\n  # the one\n  - id: one # yes\n    tool: x\n    because: |\n      two\n\n      lines\n    # of one\n  - id: new\n    tool: send\n    when:\n      - {arg: to, equal: a}\n\n# what is denied\ndeny:\n  - {id: two, tool: y}\n"},
		"a list at the edge": {"allow:\n- id: one\n  tool: x\nversion: 1\n", "allow:\n- id: one\n  tool: x\n- id: new\n  tool: send\n  when:\n    - {arg: to, equal: a}\nversion: 1\n"},
		"no end of line":     {"version: 1\nallow:\n- {id: one, tool: x}", "version: 1\nallow:\n- {id: one, tool: x}\n- id: new\n  tool: send\n  when:\n    - {arg: to, equal: a}\n"},
		"a name alone":       {"allow:\n  # nothing yet\nversion: 1\n", "allow:\n  - id: new\n    tool: send\n    when:\n      - {arg: to, equal: a}\n  # nothing yet\nversion: 1\n"},
		"an empty list":      {"allow: [ ]\nversion: 1\n", "allow: [{\"id\": \"new\", \"tool\": \"send\", \"when\": [{\"arg\": \"to\", \"equal\": \"a\"}]} ]\nversion: 1\n"},
		"a list in brackets": {"version: 1\nallow: [\n  {id: one, tool: x}, # one\n]\n",
			"version: 1\nallow: [{\"id\": \"new\", \"tool\": \"send\", \"when\": [{\"arg\": \"to\", \"equal\": \"a\"}]}, \n  {id: one, tool: x}, # one\n]\n"},
		"lines of Windows": {"version: 1\r\nallow:\r\n- {id: one, tool: x}\r\n", "version: 1\r\nallow:\r\n- {id: one, tool: x}\r\n- id: new\r\n  tool: send\r\n  when:\r\n    - {arg: to, equal: a}\r\n"},
		"it is there":      {"version: 1\nallow:\n- {id: new, tool: x}\n", "version: 1\nallow:\n- {id: new, tool: x}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), tc.before)
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
			r := open(t, rules.Options{File: path})
			if err := r.Append(element, llm.ActionAllow); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if diff := cmp.Diff(tc.after, string(got)); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			if !strings.Contains(own(r.Policy()), "allow new") {
				t.Errorf("in force: %s", own(r.Policy()))
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			alone(t, path)
		})
	}
}

// alone checks that nothing was left beside a file.
func alone(t *testing.T, path string) {
	t.Helper()
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("beside the file: %v, %v", all, err)
	}
}

func TestAppendMakesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archestra", "policy.yaml")
	r := open(t, rules.Options{File: path})
	if err := r.Append(element, llm.ActionBlock); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(got), "version: 1\ndeny:\n  - id: new\n") {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := own(r.Policy()); got != "block new" || len(r.Problems()) > 0 || len(r.Files()) != 1 {
		t.Errorf("%q, %q, %q", got, r.Problems(), r.Files())
	}
}

// What does not load is not written, and what cannot be changed surely is left.
func TestAppendRefuses(t *testing.T) {
	const good = "version: 1\nallow:\n- {id: one, tool: x}\n"
	for name, tc := range map[string]struct {
		text, element string
		action        llm.Action
		want          string
	}{
		"a rule that does not load": {good, "- id: new\n  tol: x\n", llm.ActionAllow, `"tol" is not known`},
		"no rule":                   {good, "version: 1\n", llm.ActionAllow, "one element"},
		"two rules":                 {good, "- {id: a, tool: x}\n- {id: b, tool: x}\n", llm.ActionAllow, "one element"},
		"no id":                     {good, "- {tool: x}\n", llm.ActionAllow, "no id"},
		"no YAML":                   {good, "- {", llm.ActionAllow, "yaml"},
		"another list":              {good, element, llm.ActionAsk, "no rule is made"},
		"an id of another list":     {good, "- {id: one, tool: y}\n", llm.ActionBlock, "is taken"},
		"a file in braces":          {"{version: 1}\n", element, llm.ActionAllow, "braces"},
		"a document with an end":    {"version: 1\n...\n", element, llm.ActionAllow, "not written"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), tc.text)
			r := open(t, rules.Options{File: path})
			before := own(r.Policy())
			err := r.Append(tc.element, tc.action)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != tc.text {
				t.Errorf("%q, %v", got, err)
			}
			if got := own(r.Policy()); got != before {
				t.Errorf("in force: %s", got)
			}
			alone(t, path)
		})
	}
	if err := open(t, rules.Options{}).Append(element, llm.ActionAllow); err == nil {
		t.Error("written without a file")
	}
	// A file that does not load stays as it is, for its writer.
	path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), good)
	r := open(t, rules.Options{File: path})
	write(t, path, "version: 1\nallow: [\n")
	if err := r.Append(element, llm.ActionAllow); err == nil || !strings.Contains(err.Error(), "does not load as it is") {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "version: 1\nallow: [\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// The rule that an answer makes, as policy.Narrowest writes it.
func TestAppendAnAnswer(t *testing.T) {
	call := llm.ToolCall{Name: "Bash", Arguments: []byte(`{"command":"cat <<'E'\n- x: \"y\"\n# z\nE\n\n"}`)}
	f := fact.Example(call, fact.Labels{}, fact.AskedNot, nil)
	for _, text := range []string{"", "version: 1\nallow:\n    - {id: one, tool: x}\n", "version: 1\nallow: []\n"} {
		path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), text)
		r := open(t, rules.Options{File: path})
		for _, a := range []llm.Action{llm.ActionAllow, llm.ActionBlock, llm.ActionAllow} {
			rule, err := policy.Narrowest(f, "dev", a)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Append(rule, a); err != nil {
				t.Fatalf("%v\n%s", err, rule)
			}
			if v := r.Policy().Judge("dev", f, nil); !strings.HasPrefix(v.Rule, "answer-") {
				t.Errorf("%s by %s", v.Action, v.Rule)
			}
		}
	}
}

// FuzzAppend: whatever the file, a rule is added and nothing else changes, or an
// error tells and the file is as it was.
func FuzzAppend(f *testing.F) {
	f.Add("version: 1\nallow:\n- {id: one, tool: x}\n")
	f.Add("version: 1\nallow: [{id: one, tool: x}]\ndeny:\n  - id: two\n    tool: y\n    because: >\n      z\n")
	f.Add("# x\r\nversion: 1\r\nprofiles:\r\n  allow:\r\n    allow:\r\n    - {id: one, tool: x}\r\n")
	f.Add("---\n'allow' :\n  -   id: one\n      tool: x\n\"version\": 1 ")
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, filepath.Join(t.TempDir(), "policy.yaml"), text)
		r, err := rules.Open(rules.Options{File: path})
		if err != nil {
			return
		}
		before := own(r.Policy())
		err = r.Append(element, llm.ActionAllow)
		got, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			if string(got) != text || own(r.Policy()) != before {
				t.Fatalf("changed in spite of %v: %q", err, got)
			}
			return
		}
		// What was there is there: the new text holds the old one in order.
		rest := string(got)
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			for _, word := range strings.Fields(strings.ReplaceAll(line, "[", " ")) {
				_, after, ok := strings.Cut(rest, word)
				if !ok {
					t.Fatalf("%q is gone from %q", word, got)
				}
				rest = after
			}
		}
		if again, err := rules.Open(rules.Options{File: path}); err != nil || own(again.Policy()) != own(r.Policy()) {
			t.Fatalf("what was written reads otherwise: %v", err)
		}
	})
}
