package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// clientKey is what the clients of these tests send as their own.
const clientKey = "sk-client-0123456789abcdef0123456789abcdef"

// got is what a client has of an answer.
type got struct {
	Status int
	Kind   string
	Body   string
}

func ask(t *testing.T, url, body string) got {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+clientKey)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{res.StatusCode, res.Header.Get("Content-Type"), string(b)}
}

// converse has a conversation of twenty turns with tools, half of them streamed.
// run tells one run from another where it must make no difference.
func converse(t *testing.T, base, profile, run string) []got {
	t.Helper()
	url := base + "/v1/openai/" + profile + "/v1/chat/completions"
	var history []string
	var all []got
	for n := range 20 {
		if n%2 == 0 {
			history = append(history, fmt.Sprintf(`{"role":"user","content":"Look at %d. [[sim: text \"One moment.\" | call look {\"n\":%d} | then | text \"It says %d.\"]]"}`, n, n, n*n))
		} else {
			history = append(history,
				fmt.Sprintf(`{"role":"assistant","content":"One moment.","tool_calls":[{"id":"call_%d","type":"function","function":{"name":"look","arguments":"{\"n\":%d}"}}]}`, n, n),
				fmt.Sprintf(`{"role":"tool","tool_call_id":"call_%d","content":"result %d"}`, n, n))
		}
		all = append(all, ask(t, url, fmt.Sprintf(
			`{"user":"run-%s","model":"gpt-5.5","stream":%v,"messages":[%s],"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]}`,
			run, n%4 < 2, strings.Join(history, ","))))
	}
	return all
}

// TestCassette records a conversation of twenty turns with tools, and replays it
// three times from the folder, and from the records of the store, without a key,
// without a provider and byte for byte.
func TestCassette(t *testing.T) {
	sim := simulate.New(simulate.Options{})
	upstream, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	home := t.TempDir()
	folder := filepath.Join(t.TempDir(), "cassette")
	var env []string
	for _, p := range provider.All() {
		env = append(env, p.BaseURLVar+"="+upstream+"/"+p.Name)
	}
	r := startBare(t, home, env, "--record", folder)
	want := converse(t, r.base, "dev", "0")
	const local = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
	wantLocal := ask(t, r.base+"/v1/ollama/dev/v1/chat/completions", local)
	interrupted(t, r)
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) != 21 {
		t.Fatalf("%d files, %v: %q", len(files), err, files)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || strings.Contains(string(b), clientKey) || strings.Contains(string(b), upstream) {
			t.Errorf("%s: %v\n%s", f, err, b)
		}
	}
	for run, from := range []string{folder, folder, folder, "profile:dev"} {
		dir := t.TempDir() // another machine
		if from == "profile:dev" {
			dir = home
		}
		r := startBare(t, dir, nil, "--replay", from, "--replay-speed", []string{"instant", "recorded"}[run%2])
		if diff := cmp.Diff(want, converse(t, r.base, "ci", fmt.Sprint(run+1))); diff != "" {
			t.Fatalf("from %s: %s", from, diff)
		}
		// A provider that would be off without its variable.
		if diff := cmp.Diff(wantLocal, ask(t, r.base+"/v1/ollama/ci/v1/chat/completions", local)); diff != "" {
			t.Error(diff)
		}
		miss := ask(t, r.base+"/v1/anthropic/ci/v1/messages", `{"model":"claude-opus-4-6","max_tokens":1,"messages":[]}`)
		if miss.Status != http.StatusBadRequest || !strings.Contains(miss.Body, `"type":"error"`) || !strings.Contains(miss.Body, "holds nothing of anthropic POST /v1/messages") {
			t.Errorf("nothing of the kind was recorded: %v", miss)
		}
		miss = ask(t, r.base+"/v1/openai/ci/v1/chat/completions", `{"model":"gpt-5.5","stream":false,"messages":[{"role":"user","content":"Look at 1."}]}`)
		if miss.Status != http.StatusBadRequest || !strings.Contains(miss.Body, `"code":"not_recorded"`) || !strings.Contains(miss.Body, "The nearest is ") || !strings.Contains(miss.Body, `messages[0].content is`) {
			t.Errorf("something else was recorded: %v", miss)
		}
		replayed := 0
		for _, i := range r.logs(t) {
			if i.Profile != "ci" {
				continue
			}
			if len(i.Notes) == 1 && strings.HasPrefix(i.Notes[0], "answered from the ") && i.State == "done" {
				replayed++
			} else if i.Error == nil || i.Error.Code != "not_recorded" {
				t.Errorf("%s %s %s: notes %q, error %v", i.ID, i.State, i.Path, i.Notes, i.Error)
			}
		}
		if replayed != 21 {
			t.Errorf("%d of 21 are marked", replayed)
		}
		if s := r.stderr.String(); strings.Contains(s, "Look at") {
			t.Errorf("the log holds content: %s", s)
		}
		interrupted(t, r)
	}
}

// interrupted ends a server in order.
func interrupted(t *testing.T, r *running) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, r.stderr)
	}
}

func TestCassetteFlags(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--replay", "./none"}, "there is no folder ./none"},
		{[]string{"--replay", "nonsense:1"}, "is no folder; as a filter"},
		{[]string{"--replay", "profile:nobody"}, "nothing that was recorded whole fits the filter"},
		{[]string{"--replay", "."}, "holds no cassette"},
		{[]string{"--replay", ".", "--replay-speed", "fast"}, "want recorded or instant"},
		{[]string{"--replay", ".", "--replay-miss", "ignore"}, "want error or forward"},
		{[]string{"--replay-miss", "forward"}, "give that too"},
		{[]string{"--replay", ".", "--record", "."}, "need --replay-miss forward"},
	} {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"serve", "--port", "0"}, test.flags...)...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "ARCHESTRA_DATA_DIR=" + filepath.Join(dir, "data")}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: %v: %s\nwant %s", test.flags, err, out, test.want)
		}
	}
}

// TestCassetteKeepsSecretsIn: where the guard puts placeholders into requests, new
// ones in each run, the client gets the same all the same, and the folder holds
// neither the secret nor a placeholder of any run.
func TestCassetteKeepsSecretsIn(t *testing.T) {
	sim := simulate.New(simulate.Options{})
	upstream, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	const secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
	folder := filepath.Join(t.TempDir(), "cassette")
	env := []string{"ARCHESTRA_SECRETS=redact"}
	bodies := func(base string) (all []got) {
		for _, stream := range []bool{true, false} {
			all = append(all, ask(t, base+"/v1/openai/dev/v1/chat/completions", fmt.Sprintf(`{"model":"m","stream":%v,"messages":[{"role":"user","content":"Say %s twice: %s"}]}`, stream, secret, secret)))
		}
		return all
	}
	home := t.TempDir()
	r := startBare(t, home, append(env, "ARCHESTRA_OPENAI_BASE_URL="+upstream+"/openai"), "--record", folder)
	want := bodies(r.base)
	interrupted(t, r)
	if !strings.Contains(want[1].Body, secret) {
		t.Fatalf("the client did not get its secret back: %s", want[1].Body)
	}
	for _, x := range sim.Requests() {
		if strings.Contains(string(x.Body), secret) {
			t.Fatalf("the provider got the secret: %s", x.Body)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(b), secret) || !strings.Contains(string(b), "REDACTED_SECRET_0000000000000001 twice: REDACTED_SECRET_0000000000000001") {
			t.Errorf("%v\n%s", err, b)
		}
	}
	for _, from := range []string{folder, folder, "provider:openai"} {
		dir := t.TempDir()
		if from != folder {
			dir = home
		}
		r := startBare(t, dir, env, "--replay", from, "--replay-speed", "instant")
		if diff := cmp.Diff(want, bodies(r.base)); diff != "" {
			t.Error(diff)
		}
		interrupted(t, r)
	}
}
