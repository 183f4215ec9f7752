package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// program builds the real program, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "archestra-e2e")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "archestra")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// running is a server process.
type running struct {
	cmd    *exec.Cmd
	base   string
	dir    string
	env    []string
	stdout *bufio.Scanner
	stderr *shared
}

// shared is a buffer that a process writes to while a test reads.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startServer runs `serve --port 0 --json` with every provider at upstream.
func startServer(t *testing.T, dir, upstream string, env ...string) *running {
	t.Helper()
	for _, p := range provider.All() {
		env = append(env, p.BaseURLVar+"="+upstream)
	}
	return startBare(t, dir, env)
}

// startBare runs `serve --port 0 --json` and further flags with nothing in its
// environment but what is given.
func startBare(t *testing.T, dir string, env []string, flags ...string) *running {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{dir: dir, stderr: &shared{}}
	r.env = append([]string{
		"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "ARCHESTRA_DATA_DIR=" + filepath.Join(dir, "data"), "PATH=" + os.Getenv("PATH"), unhurried,
	}, env...)
	r.cmd = exec.Command(path, append([]string{"serve", "--port", "0", "--json"}, flags...)...)
	r.cmd.Env, r.cmd.Dir, r.cmd.Stderr = r.env, dir, r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.kill() })
	r.stdout = bufio.NewScanner(out)
	r.stdout.Buffer(nil, 1<<20)
	if !r.stdout.Scan() {
		_ = r.cmd.Wait()
		t.Fatalf("the server did not start: %s", r.stderr)
	}
	var ready struct {
		BaseURL string `json:"base_url"`
	}
	if err := json.Unmarshal(r.stdout.Bytes(), &ready); err != nil || ready.BaseURL == "" {
		t.Fatalf("the ready line is %q: %v", r.stdout.Text(), err)
	}
	r.base = ready.BaseURL
	return r
}

func (r *running) kill() {
	if r.cmd.ProcessState == nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
}

// command runs another command of the program beside the server.
func (r *running) command(t *testing.T, args ...string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Dir = r.env, r.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("archestra %q: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

func (r *running) logs(t *testing.T) map[string]llm.Interaction {
	t.Helper()
	all := map[string]llm.Interaction{}
	for line := range strings.Lines(r.command(t, "logs", "--json", "--limit", "100000")) {
		var i llm.Interaction
		if err := json.Unmarshal([]byte(line), &i); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all[i.ID] = i
	}
	return all
}

// TestKill kills the server in the middle of many exchanges, again and again.
// What a client had whole is recorded whole; everything else is interrupted,
// and the database is sound.
func TestKill(t *testing.T) {
	storms, at := 20, 200
	if testing.Short() {
		storms, at = 3, 50
	}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var ask struct{ User string }
		_ = json.Unmarshal(body, &ask)
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			if i == 3 && strings.HasSuffix(ask.User, "-9") { // never whole
				<-r.Context().Done()
				return
			}
			fmt.Fprintf(w, "data: {\"id\":%q,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%d \"},\"finish_reason\":null}]}\n\n", ask.User, i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Duration(len(ask.User)*7%13) * time.Millisecond):
			}
		}
		fmt.Fprintf(w, "data: {\"id\":%q,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", ask.User)
	}))
	defer up.Close()
	dir := t.TempDir()
	var mu sync.Mutex
	whole := map[string]bool{} // what clients had whole, by the answer's id
	sent := 0
	for storm := range storms {
		r := startServer(t, dir, up.URL)
		var wg sync.WaitGroup
		landed := make(chan struct{}, at)
		for n := range at {
			wg.Go(func() {
				id := fmt.Sprintf("answer-%d-%d-%s-%d", storm, n, strings.Repeat("x", n%11), n%10)
				res, err := http.Post(r.base+"/v1/openai/kill/chat/completions", "application/json",
					strings.NewReader(fmt.Sprintf(`{"model":"m","stream":true,"user":%q,"messages":[{"role":"user","content":"go"}]}`, id)))
				if err != nil {
					return
				}
				defer res.Body.Close()
				got, _ := io.ReadAll(res.Body)
				if bytes.Contains(got, []byte("[DONE]")) {
					mu.Lock()
					whole[id] = true
					mu.Unlock()
					landed <- struct{}{}
				}
			})
		}
		sent += at
		for range 1 + storm*37%(at/2) { // anywhere in the middle, however fast the machine is
			select {
			case <-landed:
			case <-time.After(patience):
				t.Fatal("no answer comes")
			}
		}
		r.kill()
		wg.Wait()
	}
	r := startServer(t, dir, up.URL)
	seen := map[string]bool{}
	interrupted := 0
	for _, i := range r.logs(t) {
		switch i.State {
		case llm.StateDone:
			if i.Text != "0 1 2 3 4 " {
				t.Errorf("%s is recorded as done with %q", i.ResponseID, i.Text)
			}
			seen[i.ResponseID] = true
		case llm.StateInterrupted:
			interrupted++
		case llm.StateCancelled, llm.StateIncomplete:
		default:
			t.Errorf("%s is recorded as %s", i.ID, i.State)
		}
	}
	for id := range whole {
		if !seen[id] {
			t.Errorf("a client had %s whole, and it is not recorded as done", id)
		}
	}
	if len(whole) == 0 || interrupted == 0 {
		t.Errorf("of %d exchanges %d were whole and %d interrupted: the storms missed", sent, len(whole), interrupted)
	}
	t.Logf("%d exchanges in %d storms: %d whole at their clients, %d recorded as done, %d interrupted", sent, storms, len(whole), len(seen), interrupted)
	r.command(t, "export", "--format", "jsonl", "-o", filepath.Join(dir, "all.jsonl"))
}

// TestCredentialsStayWhereTheyBelong sends canary keys in every spelling and
// looks for them wherever they must not be.
func TestCredentialsStayWhereTheyBelong(t *testing.T) {
	const canary = "canary0123456789abcdefABCDEF"
	var mu sync.Mutex
	strays := []string{}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			for _, v := range values {
				if strings.Contains(v, "foreign-"+canary) {
					mu.Lock()
					strays = append(strays, r.URL.Path+" "+name)
					mu.Unlock()
				}
			}
		}
		if strings.Contains(r.URL.RawQuery, "foreign-"+canary) {
			mu.Lock()
			strays = append(strays, r.URL.Path+" query")
			mu.Unlock()
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Api-Key", "sk-"+canary)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error"}}`, r.Header.Get("Authorization")+r.Header.Get("X-Api-Key")+r.Header.Get("X-Goog-Api-Key"))
	}))
	defer up.Close()
	dir := t.TempDir()
	server := "server-" + canary
	env := []string{}
	for _, p := range provider.All() {
		for _, v := range p.KeyVars {
			env = append(env, v+"="+server)
		}
	}
	r := startServer(t, dir, up.URL, env...)
	paths := map[string]string{
		"openai": "/v1/openai/p/chat/completions", "anthropic": "/v1/anthropic/p/v1/messages", "gemini": "/v1/gemini/p/v1beta/models/m:generateContent",
		"xai": "/v1/xai/p/responses", "vllm": "/v1/vllm/p/chat/completions", "ollama": "/v1/ollama/p/api/chat", "cerebras": "/v1/cerebras/p/chat/completions",
	}
	for name, path := range paths {
		for _, set := range []func(*http.Request){
			func(*http.Request) {}, // the server's own key
			func(q *http.Request) { q.Header.Set("Authorization", "Bearer sk-"+canary) },
			func(q *http.Request) { q.Header.Set("X-Api-Key", "sk-ant-"+canary) },
			func(q *http.Request) { q.Header.Set("X-Goog-Api-Key", "AIza"+canary) },
			func(q *http.Request) { q.URL.RawQuery = "key=" + canary },
			func(q *http.Request) { q.URL.RawQuery = "a=1&Api%5FKey=" + canary },
			func(q *http.Request) { q.Header["x_api_key"] = []string{"foreign-" + canary} },
			func(q *http.Request) { q.Header.Set("Cookie", "session=foreign-"+canary) },
			func(q *http.Request) { q.Header.Set("Proxy-Authorization", "Basic foreign-"+canary) },
			func(q *http.Request) { q.Header.Set("X-Auth-Token", "foreign-"+canary) },
		} {
			q, err := http.NewRequest(http.MethodPost, r.base+path, strings.NewReader(`{"model":"m","messages":[]}`))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			set(q)
			res, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.Header.Get("X-Api-Key") != "" {
				t.Errorf("%s: a credential came back in a header", name)
			}
		}
	}
	for _, s := range strays {
		t.Errorf("a foreign credential reached a provider: %s", s)
	}
	shown := r.command(t, "logs", "--json") + r.command(t, "show", "last") + r.command(t, "export", "--format", "har") + r.command(t, "providers", "list", "--json")
	_ = r.cmd.Process.Signal(os.Interrupt)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if strings.Contains(shown, canary) {
		t.Error("a command shows a credential")
	}
	if strings.Contains(r.stderr.String(), canary) {
		t.Error("the log holds a credential")
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s holds a credential", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
