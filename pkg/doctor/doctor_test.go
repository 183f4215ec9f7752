package doctor

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// clinic is a machine on which all is well: a server runs, a provider answers,
// and the shell points at archestra. A test breaks it.
type clinic struct {
	t        *testing.T
	env      map[string]string
	home     string
	now      time.Time
	none     bool          // no server runs
	patience time.Duration // with records
	deaf     bool          // it records nothing
	status   int           // what the provider answers
	upstream *httptest.Server
	proxy    *httptest.Server
	command  func() // what the command does
	direct   []string

	mu       sync.Mutex
	recorded []*llm.Interaction
}

func newClinic(t *testing.T) *clinic {
	c := &clinic{t: t, env: map[string]string{}, home: t.TempDir(), now: time.Now(), status: 200, patience: time.Minute}
	c.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	c.proxy = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.upstream.Close)
	t.Cleanup(c.proxy.Close)
	dir := filepath.Join(c.home, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.env["ARCHESTRA_DATA_DIR"] = dir
	c.env["ARCHESTRA_PORT"] = c.port()
	c.env["OPENAI_API_KEY"] = "sk-made-up"
	c.env["OPENAI_BASE_URL"] = c.origin() + "/v1/openai/default"
	c.env["XDG_CONFIG_HOME"] = filepath.Join(c.home, ".config")
	for _, p := range provider.All() {
		if !p.Local {
			c.env[p.BaseURLVar] = c.upstream.URL
		}
	}
	return c
}

func (c *clinic) origin() string { return "http://localhost:" + c.port() }

func (c *clinic) port() string { return strconv.Itoa(c.proxy.Listener.Addr().(*net.TCPAddr).Port) }

// serve is the proxy.
func (c *clinic) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		return
	}
	finished := time.Now()
	words := strings.Split(r.URL.Path, "/") // "", v1, provider, profile
	c.mu.Lock()
	if !c.deaf {
		c.recorded = append(c.recorded, &llm.Interaction{ID: "1", Provider: words[2], Profile: words[3], Status: c.status, FinishedAt: &finished, Client: llm.Client{UserAgent: r.UserAgent()}})
	}
	c.mu.Unlock()
	w.WriteHeader(c.status)
}

func (c *clinic) Status(context.Context) (control.Status, error) {
	if c.none {
		return control.Status{}, control.ErrNoServer
	}
	return control.Status{BaseURL: c.origin(), Version: "devel", Mode: "enforce"}, nil
}

// Providers is openai alone, and the local servers.
func (c *clinic) Providers(ctx context.Context) ([]control.Provider, error) {
	all, err := provider.List(ctx, c.config(), true)
	if err != nil {
		return nil, err
	}
	var out []control.Provider
	for _, p := range all {
		if known, _ := provider.Lookup(p.Name); p.Name == "openai" || known.Local {
			out = append(out, control.Provider{Name: p.Name, Title: p.Title, State: string(p.State), Why: p.Why, Upstream: p.Upstream, KeySource: p.KeySource, Models: p.Models})
		}
	}
	return out, nil
}

func (c *clinic) Interactions(context.Context, control.Query) iter.Seq2[*llm.Interaction, error] {
	return func(yield func(*llm.Interaction, error) bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, i := range c.recorded {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (c *clinic) lookup(name string) (string, bool) { v, ok := c.env[name]; return v, ok }

func (c *clinic) config() *config.Config {
	c.t.Helper()
	cfg, err := config.Load(c.lookup, c.home, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// write puts a file into the home.
func (c *clinic) write(path, content string) {
	c.t.Helper()
	path = filepath.Join(c.home, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinic) examine() []Finding {
	p := Patient{
		Config: c.config(), Server: c, Env: c.lookup, Home: c.home, Workdir: filepath.Join(c.home, "work"), Profile: "doctor", Version: "devel",
		Now: func() time.Time { return c.now }, Providers: c.Providers, Recording: c.patience,
	}
	if c.command != nil {
		p.Command = []string{"claude"}
		p.Run = func(context.Context) ([]string, error) { c.command(); return c.direct, nil }
	}
	var out []Finding
	Examine(c.t.Context(), p, func(f Finding) { out = append(out, f) })
	return out
}

func TestHealthy(t *testing.T) {
	var order []string
	for _, f := range newClinic(t).examine() {
		if f.State != OK {
			t.Errorf("%+v", f)
		}
		if f.Remedy != "" {
			t.Errorf("%s has a remedy, and nothing is wrong: %s", f.Check, f.Remedy)
		}
		order = append(order, f.Check)
	}
	want := []string{"port", "socket", "permissions", "clock", "providers", "keys", "local servers", "variables", "settings", "canary"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

// TestBroken breaks one thing at a time: it is named, with a remedy, and nothing
// else is.
func TestBroken(t *testing.T) {
	for name, tt := range map[string]struct {
		hurt   func(*clinic)
		check  string
		state  State
		detail string
		remedy string
		also   string // a check that fails for the same reason
	}{
		"port taken by another program": {
			func(c *clinic) { c.none = true }, "port", Failed, "is taken by another program", "choose another port", "socket"},
		"no server": {
			func(c *clinic) { c.none = true; c.env["ARCHESTRA_PORT"] = "0" }, "socket", Failed, "No server runs", "archestra serve", "variables"},
		"another program at the port": {
			func(c *clinic) {
				c.proxy.Config.Handler, c.patience = http.NotFoundHandler(), time.Second
			}, "port", Failed, "status 404, which is not archestra's", "end it", "canary"},
		"folder open to others": {
			func(c *clinic) {
				if err := os.Chmod(c.env["ARCHESTRA_DATA_DIR"], 0o755); err != nil {
					c.t.Fatal(err)
				}
			}, "permissions", Failed, "mode 755", "chmod go=", ""},
		"clock off": {
			func(c *clinic) { c.now = c.now.Add(2 * time.Hour) }, "clock", Failed, "2h0m0s off, by the answer of openai", "Set the clock", ""},
		"provider unreachable": {
			func(c *clinic) { c.env["ARCHESTRA_OPENAI_BASE_URL"] = "http://127.0.0.1:1" }, "providers", Failed, "cannot be reached", "HTTPS_PROXY", ""},
		"no key": {
			func(c *clinic) { delete(c.env, "OPENAI_API_KEY") }, "keys", Warning, "There is no key", "ARCHESTRA_CHAT_OPENAI_API_KEY", ""},
		"key refused": {
			func(c *clinic) { c.env["ARCHESTRA_CHAT_OPENAI_API_KEY"] = "sk-made-up-too"; c.status = 401 },
			"canary", Failed, "refused the server's key with status 401", "ARCHESTRA_CHAT_OPENAI_API_KEY", ""},
		"local server down": {
			func(c *clinic) { c.env["ARCHESTRA_OLLAMA_BASE_URL"] = "http://127.0.0.1:1" }, "local servers", Failed, "cannot be reached", "ARCHESTRA_OLLAMA_BASE_URL", ""},
		"variable points elsewhere": {
			func(c *clinic) { c.env["ANTHROPIC_BASE_URL"] = "https://gateway.example/v1" }, "variables", Failed, "points elsewhere, to gateway.example", "/v1/anthropic/default", ""},
		"plain HTTP to elsewhere": {
			func(c *clinic) { c.env["OPENAI_API_BASE"] = "http://gateway.example/v1" }, "variables", Failed, "in the clear", "/v1/openai/default", ""},
		"wrong port": {
			func(c *clinic) { c.env["OPENAI_BASE_URL"] = "http://localhost:1/v1/openai/default" }, "variables", Failed, "points to port 1", "/v1/openai/default", ""},
		"path without v1": {
			func(c *clinic) { c.env["ANTHROPIC_BASE_URL"] = c.origin() + "/anthropic/default" }, "variables", Failed, "must begin with /v1/anthropic", "Set it to", ""},
		"path of another provider": {
			func(c *clinic) { c.env["ANTHROPIC_BASE_URL"] = c.origin() + "/v1/openai/default" }, "variables", Failed, "leads to openai", "Set it to", ""},
		"path of an API": {
			func(c *clinic) { c.env["OPENAI_BASE_URL"] = c.origin() + "/v1/openai/default/chat/completions" }, "variables", Failed, "which the client adds itself", "Set it to", ""},
		"path with more": {
			func(c *clinic) { c.env["OPENAI_BASE_URL"] = c.origin() + "/v1/openai/default/proxy" }, "variables", Failed, "/proxy behind the profile", "Set it to", ""},
		"https": {
			func(c *clinic) {
				c.env["OPENAI_BASE_URL"] = strings.Replace(c.env["OPENAI_BASE_URL"], "http:", "https:", 1)
			}, "variables", Failed, "speaks plain HTTP", "Set it to", ""},
		"behind another proxy": {
			func(c *clinic) { c.env["HTTP_PROXY"] = "http://proxy.example:3128"; c.env["NO_PROXY"] = "corp.example" }, "variables", Failed, "NO_PROXY does not name localhost", "NO_PROXY=", ""},
		"Bedrock": {
			func(c *clinic) { c.env["CLAUDE_CODE_USE_BEDROCK"] = "1" }, "variables", Failed, "AWS Bedrock", "unset", ""},
		"Claude Code's settings": {
			func(c *clinic) {
				c.write(".claude/settings.json", `{"env":{"ANTHROPIC_BASE_URL":"https://gateway.example"}}`)
			},
			"settings", Failed, "gateway.example", "archestra run", ""},
		"Codex's settings": {
			func(c *clinic) {
				c.write(".codex/config.toml", "model_provider = \"gate\" # mine\n[model_providers.\"gate\"]\nbase_url = 'https://gateway.example/v1'\n")
			}, "settings", Failed, "gateway.example", "archestra run", ""},
		"Gemini's login": {
			func(c *clinic) {
				c.write(".gemini/settings.json", `{"security":{"auth":{"selectedType":"oauth-personal"}}}`)
			},
			"settings", Failed, "Code Assist", "GEMINI_API_KEY", ""},
		"opencode's settings": {
			func(c *clinic) {
				c.write(".config/opencode/opencode.json", `{"provider":{"openai":{"options":{"baseURL":"https://gateway.example"}}}}`)
			},
			"settings", Failed, "gateway.example", "archestra run", ""},
		"a project's .env": {
			func(c *clinic) { c.write("work/.env", "ANTHROPIC_BASE_URL=https://gateway.example\n") }, "settings", Failed, "gateway.example", "archestra run", ""},
		"nothing is recorded": {
			func(c *clinic) { c.deaf, c.patience = true, time.Second }, "canary", Failed, "no record of it was seen", "server's log", ""},
		"a command that goes round": {
			func(c *clinic) { c.command, c.patience = func() {}, time.Second }, "command", Failed, "None of its requests arrived", "SigV4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.check == "permissions" {
				t.Skip("modes are of no use there")
			}
			c := newClinic(t)
			tt.hurt(c)
			named := false
			for _, f := range c.examine() {
				switch {
				case f.Check == tt.check && f.State == tt.state && strings.Contains(f.Detail, tt.detail) && strings.Contains(f.Remedy, tt.remedy):
					named = true
				case f.State == Failed && f.Check != tt.check && f.Check != tt.also:
					t.Errorf("%s fails too: %+v", f.Check, f)
				case f.Check == tt.check && f.State != OK:
					t.Errorf("got %+v", f)
				}
			}
			if !named {
				t.Errorf("it is not named: %+v", c.examine())
			}
		})
	}
}

// TestWeigh: a provider for which nobody has a key weighs less, unless there is
// no key at all.
func TestWeigh(t *testing.T) {
	keyed, bare := control.Provider{Name: "openai", KeySource: "X"}, control.Provider{Name: "xai"}
	for _, tt := range []struct {
		serving []control.Provider
		of      control.Provider
		want    State
	}{
		{[]control.Provider{keyed, bare}, keyed, Failed},
		{[]control.Provider{keyed, bare}, bare, Warning},
		{[]control.Provider{bare}, bare, Failed},
	} {
		x := &examination{Patient: Patient{Env: func(string) (string, bool) { return "", false }}, serving: tt.serving}
		if got := x.weigh(tt.of); got != tt.want {
			t.Errorf("%s of %v is %s, want %s", tt.of.Name, tt.serving, got, tt.want)
		}
	}
}

func TestCommand(t *testing.T) {
	c := newClinic(t)
	c.env["ANTHROPIC_BASE_URL"] = "https://gateway.example" // the command gets another
	c.direct = []string{"192.0.2.1:443"}
	c.command = func() {
		for range 2 {
			resp, err := http.Get(c.origin() + "/v1/anthropic/doctor/v1/messages")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		http.DefaultClient.CloseIdleConnections()
	}
	var got []string
	for _, f := range c.examine() {
		if f.State == Failed {
			t.Errorf("%+v", f)
		}
		if f.Check == "command" {
			got = append(got, string(f.State)+" "+f.Detail)
		}
	}
	want := []string{"ok Its requests arrived: 2 to anthropic.", "warning It was connected to 192.0.2.1:443 without archestra."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOurOwnSettingsAreWell: what archestra env and run set passes the doctor.
func TestOurOwnSettingsAreWell(t *testing.T) {
	c := newClinic(t)
	set, _ := agent.Settings(agent.Site{Origin: c.origin(), Profile: "dev", Serves: func(string) bool { return true }}, c.lookup)
	for _, v := range set {
		c.env[v.Name] = v.Value
	}
	for _, f := range c.examine() {
		if f.Check == "variables" && f.State != OK {
			t.Errorf("%+v", f)
		}
	}
}

func TestNoSecretIsShown(t *testing.T) {
	c := newClinic(t)
	c.env["OPENAI_BASE_URL"] = "https://user:canary@gateway.example/v1?key=canary"
	c.env["ANTHROPIC_BASE_URL"] = c.origin() + "/v1/anthropic/default/canary-canary-canary?key=canary"
	c.write(".claude/settings.json", `{"env":{"ANTHROPIC_BASE_URL":"https://canary:canary@gateway.example","ANTHROPIC_API_KEY":"canary"}}`)
	for _, f := range c.examine() {
		if strings.Contains(strings.ReplaceAll(f.Detail, "canary-canary-canary", "")+f.Remedy, "canary") {
			t.Errorf("%+v", f)
		}
	}
}

func TestTOML(t *testing.T) {
	got := tomlStrings([]byte("a = \"x\\\"y\" # z\n# b = \"no\"\n[s.\"t\"]\n c='raw\\'\nn = 1\n[[l]]\nd = \"e\"\nbroken = \"\n"))
	for key, want := range map[string]string{"a": `x"y`, "s.t.c": `raw\`, "l.d": "e", "b": "", "s.t.n": ""} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}

func FuzzTOML(f *testing.F) {
	f.Add([]byte("[a]\nb = \"c\""))
	f.Fuzz(func(_ *testing.T, b []byte) { tomlStrings(b) })
}

var _ Server = (*control.Client)(nil)

func TestServerThatCannotBeAsked(t *testing.T) {
	x := &examination{Patient: Patient{Config: newClinic(t).config()}, asked: errors.New("its other end belongs to user 7")}
	if got := checkSocket(t.Context(), x); len(got) != 1 || got[0].State != Failed || !strings.Contains(got[0].Detail, "user 7") {
		t.Errorf("%+v", got)
	}
}
