package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/control"
)

// attempt runs the program in a folder, and tells how it ended.
func attempt(t *testing.T, dir string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

const tight = "version: 1\ndeny:\n  - {id: no-weather, tool: get_weather}\n"

// brokenRules are files that do not hold, and what is said of each.
var brokenRules = map[string]struct{ text, says string }{
	"regex":          {"version: 1\ndeny:\n  - id: odd\n    tool: Bash\n    when: [{arg: command, regex: '(rm'}]\n", "policy.yaml:5"},
	"test":           {"version: 1\ndeny:\n  - id: odd\n    tool: Bash\n    when: [{arg: command, contains: rm}]\n    match: [{args: {command: ls}}]\n", "policy.yaml:6"},
	"not_match":      {"version: 1\ndeny:\n  - id: odd\n    tool: Bash\n    not_match: [{args: {command: ls}}]\n", "policy.yaml:5"},
	"predicate":      {"version: 1\ndeny:\n  - {id: odd, tool: Bash, when: [{arg: command, looks_like: rm}]}\n", "policy.yaml:3"},
	"yaml":           {"version: 1\ndeny: [{id: odd\n", "policy.yaml:"},
	"version":        {"version: 7\n", "policy.yaml:1"},
	"no rules":       {"just words\n", "policy.yaml:1"},
	"every call":     {"version: 1\nallow:\n  - {id: odd}\n", "policy.yaml:3"},
	"twice":          {"version: 1\ndeny:\n  - {id: odd, tool: a}\n  - {id: odd, tool: b}\n", "policy.yaml:4"},
	"a typing error": {"version: 1\ndenny:\n  - {id: odd, tool: a}\n", "policy.yaml:2"},
}

// TestRulesAtStart: a server does not start with rules that do not hold, and says
// why in a sentence with the line.
func TestRulesAtStart(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, dir, says string) {
		t.Helper()
		env := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "ARCHESTRA_DATA_DIR=" + filepath.Join(dir, "data"), "PATH=" + os.Getenv("PATH")}
		code, stdout, stderr := attempt(t, dir, env, "serve", "--port", "0", "--json")
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "archestra: the rules cannot be used: ") || !strings.Contains(stderr, says) {
			t.Errorf("exit %d, %q, %q; want %q in it", code, stdout, stderr, says)
		}
		if strings.Contains(stderr, "goroutine") || strings.Count(stderr, "\n") > 3 {
			t.Errorf("that is no sentence: %s", stderr)
		}
	}
	for name, tt := range brokenRules {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "archestra", "policy.yaml"), tt.text)
			refused(t, dir, tt.says)
		})
	}
	t.Run("no file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "archestra", "policy.yaml"), 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "no regular file")
	})
	for name, text := range map[string]string{
		"allow":   "version: 1\nallow:\n  - {id: all, tool: get_weather}\n",
		"report":  "version: 1\nmode: report\n",
		"disable": "version: 1\ndisable: [lasting-write]\n",
		"trusted": "version: 1\nresults: {trusted: [{id: t, tool: read_inbox}]}\n",
		"profile": "version: 1\nprofiles: {dev: {mode: report}}\n",
		"nested":  "version: 1\nprofiles: {dev: {allow: [{id: a, tool: b}]}}\n",
	} {
		t.Run("a project's "+name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, ".archestra", "policy.yaml"), text)
			refused(t, dir, "a project's file may only tighten")
		})
	}
}

// TestRulesWhileRunning: whatever becomes of the files, the last good rules stay in
// force, and the status, doctor and the log tell; what is mended holds at once.
func TestRulesWhileRunning(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	dir := t.TempDir()
	own, project := filepath.Join(dir, "archestra", "policy.yaml"), filepath.Join(dir, ".archestra", "policy.yaml")
	put(t, own, tight)
	put(t, project, "version: 1\ndeny:\n  - {id: project, tool: read_inbox}\n")
	r := startGuarded(t, dir, sim, nil)
	client := control.NewClient(filepath.Join(dir, "data"))
	defer client.Close()
	problems := func() string {
		status, err := client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(status.Problems, "\n")
	}
	s := speeches[0]
	stopped := func(tool string) string {
		t.Helper()
		_, got := s.through(t, r, "call "+tool+" {}", talk{user: "Go on."}, true)
		if len(got.ToolCalls) == 0 {
			return got.Text()
		}
		return ""
	}
	inForce := func(when string) {
		t.Helper()
		if text := stopped("get_weather"); !strings.Contains(text, "no-weather") {
			t.Errorf("%s: the user's rule is not in force: %q", when, text)
		}
		if text := stopped("read_inbox"); !strings.Contains(text, "project") {
			t.Errorf("%s: the project's rule is not in force: %q", when, text)
		}
	}
	inForce("at the start")
	told := func(says string) {
		t.Helper()
		until(t, "the status tells "+says, func() bool { return strings.Contains(problems(), says) })
		until(t, "the log tells "+says, func() bool {
			log := r.stderr.String()
			return strings.Contains(log, "the rules were changed and do not hold; the ones before stay in force") && strings.Contains(log, says)
		})
		inForce(says)
	}
	put(t, own, brokenRules["regex"].text)
	told("policy.yaml:5")
	if code, stdout, stderr := attempt(t, dir, r.env, "doctor"); code != 1 || !strings.Contains(stdout+stderr, "The rules of before stay in force") {
		t.Errorf("doctor: exit %d, %s%s", code, stdout, stderr)
	}
	if os.Getenv("ARCHESTRA_TEST_ALL") != "" { // each change is waited for
		put(t, own, tight)
		until(t, "it holds again", func() bool { return problems() == "" })
		put(t, own, brokenRules["test"].text)
		told("policy.yaml:6")
		put(t, own, "")
		told("policy.yaml is empty")
	}
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	told("policy.yaml is gone")
	put(t, project, "version: 1\nallow:\n  - {id: all, tool: \"*\"}\n")
	told("may only tighten")
	if err := os.RemoveAll(filepath.Dir(project)); err != nil {
		t.Fatal(err)
	}
	told(filepath.Join(".archestra", "policy.yaml") + " is gone")
	// A server that is started anew has no rules of before.
	put(t, own, strings.ReplaceAll(tight, "get_weather", "set_weather"))
	put(t, project, "version: 1\n")
	until(t, "the mended files hold", func() bool { return problems() == "" })
	if text := stopped("get_weather"); text != "" {
		t.Errorf("the rules of before are still in force: %q", text)
	}
	if text := stopped("set_weather"); !strings.Contains(text, "no-weather") {
		t.Errorf("the new rules are not in force: %q", text)
	}
}

// TestRulesElsewhere: `policy list` reads files, and tells where the running server
// goes by other rules.
func TestRulesElsewhere(t *testing.T) {
	t.Parallel()
	_, sim := simulated(t, nil)
	dir, other := t.TempDir(), t.TempDir()
	own := filepath.Join(dir, "archestra", "policy.yaml")
	put(t, own, tight)
	put(t, filepath.Join(other, ".archestra", "policy.yaml"), "version: 1\ndeny:\n  - {id: project, tool: read_inbox}\n")
	r := startGuarded(t, dir, sim, nil)
	list := func(from string, code int) (stdout, stderr string) {
		t.Helper()
		got, stdout, stderr := attempt(t, from, r.env, "policy", "list", "--policy", own)
		if got != code {
			t.Errorf("exit %d, %s", got, stderr)
		}
		return stdout, stderr
	}
	const differs = "the running server goes by other rules than these"
	if out, said := list(dir, 0); said != "" || !strings.Contains(out, "no-weather") {
		t.Errorf("from its folder: %q, %q", out, said)
	}
	if out, said := list(other, 0); !strings.Contains(said, differs) || !strings.Contains(said, own) || !strings.Contains(out, "project") {
		t.Errorf("from a project: %q, %q", out, said)
	}
	put(t, own, "version: 1\ndenny: []\n")
	until(t, "the server tells of the fault", func() bool {
		_, said := list(dir, 1)
		return strings.Contains(said, differs) && strings.Contains(said, "The rules of before stay in force") && strings.Contains(said, "denny")
	})
	put(t, own, tight+"  - {id: more, tool: more}\n")
	until(t, "the server takes up the change", func() bool {
		out, said := list(dir, 0)
		return said == "" && strings.Contains(out, "more")
	})
}

// TestRulesOfWhatIsNotObserved: calls of an API that is not observed are told of, and
// explained and tried again as they were judged: nobody knows what was said before.
func TestRulesOfWhatIsNotObserved(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"type":"function_call","id":"f","call_id":"c","name":"send_email","arguments":"{\"to\":\"ann@corp.test\"}"}]}`)
	}))
	t.Cleanup(up.Close)
	r := startGuarded(t, t.TempDir(), up.URL, nil)
	res, err := http.Get(r.base + "/v1/openai/ci/conversations/c/items")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "send_email") {
		t.Fatalf("%d %s %v", res.StatusCode, body, err)
	}
	for _, c := range []struct {
		args  []string
		wants []string
	}{
		{[]string{"logs"}, []string{"would ask send_email"}},
		{[]string{"show", "last"}, []string{"note: unjudged: 1 tool call passed"}},
		{[]string{"policy", "explain", "last"}, []string{"What was said before is not known", "ask by unasked; it passed, since nothing was held", "now      ask by"}},
		{[]string{"policy", "test"}, []string{"1 call in 1 interaction", "0 otherwise"}},
	} {
		got := r.command(t, c.args...)
		for _, want := range c.wants {
			if !strings.Contains(got, want) {
				t.Errorf("%q prints no %q:\n%s", c.args, want, got)
			}
		}
	}
}
