package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// env makes a look-up of a map, beside folders that hold nothing.
func env(t *testing.T, vars map[string]string) func(string) (string, bool) {
	t.Helper()
	empty := t.TempDir()
	return func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, ok
		}
		if strings.HasPrefix(name, "XDG_") {
			return empty, true
		}
		return "", false
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestDefaults(t *testing.T) {
	state, home := t.TempDir(), t.TempDir()
	c, err := Load(env(t, map[string]string{"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": home}), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Host     string
		Port     int
		DataDir  string
		Mode     Mode
		Ask      Ask
		Guard    Guard
		Record   Record
		Limits   Limits
		Timeouts Timeouts
		Remote   bool
		Location string
	}
	got := summary{c.Host, c.Port, c.DataDir, c.Mode, c.Ask, c.Guard, c.Record, c.Limits, c.Timeouts, c.Access.AllowRemote, c.Vertex.Location}
	want := summary{
		Port: 9000, DataDir: filepath.Join(state, "archestra"), Mode: ModeEnforce, Ask: AskDeny,
		Guard: Guard{
			Policy: filepath.Join(home, "archestra", "policy.yaml"), AskTimeout: time.Minute, OnBlock: BlockText, Unobserved: UnobservedPass, MaxHeld: 8 << 20,
			Secrets: TreatReport, Personal: TreatReport, PersonalKinds: []string{"card", "iban", "ssn"}, Links: TreatRedact,
		},
		Record: Record{Retain: 30 * 24 * time.Hour, RetainSize: 5e9, Wait: 250 * time.Millisecond, Failure: FailOpen},
		Limits: Limits{Header: 64 << 10, Body: 128 << 20, Decompressed: 256 << 20, Line: 32 << 20},
		Timeouts: Timeouts{
			Shutdown: 30 * time.Second, RequestHeader: 10 * time.Second, RequestBody: 30 * time.Second, Idle: 2 * time.Minute,
			Connect: 15 * time.Second, ResponseHeader: time.Hour, ResponseIdle: time.Hour,
		},
		Location: "us-central1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

// TestRank takes one setting away after the other and sees the next in rank win.
func TestRank(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "archestra.yaml", "port: 4\n")
	vars := map[string]string{"ARCHESTRA_PORT": "2", "ARCHESTRA_CONFIG": file}
	write(t, dir, ".env", "ARCHESTRA_PORT=3\n")

	port := func(fs *pflag.FlagSet) int {
		t.Helper()
		c, err := Load(env(t, vars), dir, fs)
		if err != nil {
			t.Fatal(err)
		}
		return c.Port
	}
	if got := port(flags(t, "--port", "1")); got != 1 {
		t.Errorf("with a flag: %d", got)
	}
	if got := port(flags(t)); got != 2 {
		t.Errorf("with a variable: %d", got)
	}
	vars["ARCHESTRA_PORT"] = "" // an empty variable counts as not set
	if got := port(nil); got != 3 {
		t.Errorf("with .env: %d", got)
	}
	write(t, dir, ".env", "")
	if got := port(nil); got != 4 {
		t.Errorf("with the file: %d", got)
	}
	write(t, dir, "archestra.yaml", "")
	if got := port(nil); got != 9000 {
		t.Errorf("with nothing: %d", got)
	}
}

// TestEverySource sets every setting by flag, by variable and by file: each row
// of the table is wired, and to a place of its own.
func TestEverySource(t *testing.T) {
	sample := map[string]string{
		"host": "::1", "port": "1234", "data-dir": "/d", "mode": "report", "ask": "queue",
		"ask-timeout": "90s", "policy": "/p.yaml", "on-block": "retry", "unobserved": "refuse", "max-held": "1MiB", "secrets": "redact", "personal": "block",
		"personal-kinds": "email,card", "links": "report", "retain": "1d12h", "retain-size": "1MiB",
		"record-wait": "1s", "record-failure": "closed", "max-header": "8KiB", "max-body": "2KiB", "max-decompressed": "3KiB", "max-line": "128KiB",
		"shutdown-timeout": "1s", "header-timeout": "2s", "body-timeout": "3s", "idle-timeout": "4s", "connect-timeout": "5s",
		"response-header-timeout": "6s", "response-idle-timeout": "7s", "allow-remote": "true", "token": "0123456789abcdef",
		"allowed-hosts": "a.test,b.test:80", "allowed-origins": "app://x", "strict-profiles": "true", "include-usage": "true", "log-level": "debug", "log-format": "json",
		"gemini-vertex-ai-enabled": "true", "gemini-vertex-ai-project": "p-1", "gemini-vertex-ai-location": "global",
		"gemini-vertex-ai-credentials-file": "/c.json", "gemini-vertex-ai-base-url": "http://127.0.0.1:1/x",
	}
	want := &Config{
		Host: "::1", Port: 1234, DataDir: "/d", Mode: ModeReport, Ask: AskQueue,
		Guard:  Guard{"/p.yaml", 90 * time.Second, BlockRetry, UnobservedRefuse, 1 << 20, TreatRedact, TreatBlock, []string{"email", "card"}, TreatReport},
		Record: Record{36 * time.Hour, 1 << 20, time.Second, FailClosed, true},
		Limits: Limits{8 << 10, 2 << 10, 3 << 10, 128 << 10},
		Timeouts: Timeouts{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 6 * time.Second,
			7 * time.Second},
		Access: Access{true, NewSecret("0123456789abcdef"), []string{"a.test", "b.test:80"}, []string{"app://x"}, true},
		Log:    Log{slog.LevelDebug, LogJSON},
		Vertex: Vertex{true, "p-1", "global", "/c.json", "http://127.0.0.1:1/x"},
	}
	var args []string
	vars, rest := map[string]string{}, map[string]string{}
	var yaml strings.Builder
	for _, s := range Settings() {
		if s.Name == "config" {
			continue
		}
		v, ok := sample[s.Name]
		if !ok {
			t.Fatalf("no sample for %s: add it to this test", s.Name)
		}
		vars[s.Var] = v
		fmt.Fprintf(&yaml, "%s: %q\n", s.Name, v)
		if s.Secret || s.NoFlag {
			rest[s.Var] = v
		} else {
			args = append(args, "--"+s.Name+"="+v)
		}
	}
	dir := t.TempDir()
	file := write(t, dir, "c.yaml", yaml.String())
	same := cmp.Options{
		cmp.FilterPath(func(p cmp.Path) bool {
			n := p.String()
			return n == "File" || n == "Providers" || n == "Warnings" || n == "env" || n == "dotenv" || n == "prices"
		}, cmp.Ignore()),
		cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() }),
	}
	for name, load := range map[string]func() (*Config, error){
		"flags":     func() (*Config, error) { return Load(env(t, rest), t.TempDir(), flags(t, args...)) },
		"variables": func() (*Config, error) { return Load(env(t, vars), t.TempDir(), nil) },
		"file":      func() (*Config, error) { return Load(env(t, nil), t.TempDir(), flags(t, "--config", file)) },
	} {
		got, err := load()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, got, same); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		vars map[string]string
		file string
		want []string
	}{
		{"port", map[string]string{"ARCHESTRA_PORT": "99999"}, "", []string{"port", "ARCHESTRA_PORT", `"99999"`, "0 and 65535"}},
		{"duration", nil, "retain: soon", []string{"retain", "c.yaml:1", `"soon"`, "30d"}},
		{"negative", map[string]string{"ARCHESTRA_RETAIN": "-1h"}, "", []string{"retain"}},
		{"size", map[string]string{"ARCHESTRA_MAX_BODY": "big"}, "", []string{"max-body", "128MiB"}},
		{"mode", map[string]string{"ARCHESTRA_MODE": "Enforce"}, "", []string{"mode", "enforce, report or off"}},
		{"unknown key", nil, "host: localhost\nprot: 1", []string{"c.yaml:2", `"prot"`, "port"}},
		{"repeated key", nil, "port: 1\nport: 2", []string{"c.yaml:2", "twice"}},
		{"config inside the config", nil, "config: x", []string{"unknown setting"}},
		{"not a mapping", nil, "- a", []string{"mapping"}},
		{"two documents", nil, "port: 1\n---\nport: 2", []string{"more than one document"}},
		{"mapping for a value", nil, "port: {a: 1}", []string{"port", "single value"}},
		{"provider key", nil, "providers: {openai: {url: x}}", []string{"providers.openai.url", "base-url"}},
		{"provider URL", nil, "providers: {openai: {base-url: 'ftp://x'}}", []string{"providers.openai.base-url", "http or https"}},
		{"vertex without a project", map[string]string{"ARCHESTRA_GEMINI_VERTEX_AI_ENABLED": "true"}, "",
			[]string{"gemini-vertex-ai-project", "ARCHESTRA_GEMINI_VERTEX_AI_ENABLED", "ARCHESTRA_GEMINI_VERTEX_AI_PROJECT"}},
		{"location as a host", map[string]string{"ARCHESTRA_GEMINI_VERTEX_AI_LOCATION": "evil.test/"}, "", []string{"location"}},
		{"project as a path", map[string]string{"ARCHESTRA_GEMINI_VERTEX_AI_PROJECT": "../x"}, "", []string{"project"}},
		{"open to all", map[string]string{"ARCHESTRA_HOST": "0.0.0.0"}, "", []string{"host", "0.0.0.0", "--allow-remote", "ARCHESTRA_TOKEN"}},
		{"remote without a token", map[string]string{"ARCHESTRA_HOST": "0.0.0.0", "ARCHESTRA_ALLOW_REMOTE": "true"}, "", []string{"ARCHESTRA_TOKEN"}},
		{"short token", map[string]string{"ARCHESTRA_TOKEN": "hunter2"}, "", []string{"token", "ARCHESTRA_TOKEN", "16"}},
		{"any origin", map[string]string{"ARCHESTRA_ALLOWED_ORIGINS": "*"}, "", []string{"allowed-origins"}},
		{"null origin", map[string]string{"ARCHESTRA_ALLOWED_ORIGINS": "null"}, "", []string{"allowed-origins"}},
		{"any host", map[string]string{"ARCHESTRA_ALLOWED_HOSTS": "*.test"}, "", []string{"allowed-hosts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vars := map[string]string{"ARCHESTRA_CONFIG": write(t, dir, "c.yaml", c.file)}
			for k, v := range c.vars {
				vars[k] = v
			}
			_, err := Load(env(t, vars), dir, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats a secret: %q", err)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load(env(t, map[string]string{"ARCHESTRA_CONFIG": "nowhere.yaml"}), t.TempDir(), nil)
	var e *Error
	if !errors.As(err, &e) || e.Setting != "config" {
		t.Errorf("a file that was named and is missing: %v", err)
	}
}

func TestDefaultFile(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, "archestra"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(home, "archestra"), "config.yaml", "providers:\n  vllm:\n    base-url: http://localhost:8000/v1\n    api-key: swordfish\nallowed-hosts: [a.test, b.test]\n")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(env(t, map[string]string{"XDG_CONFIG_HOME": home}), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Providers["vllm"]; p.BaseURL != "http://localhost:8000/v1" || p.APIKey.Reveal() != "swordfish" {
		t.Errorf("providers: %v", c.Providers)
	}
	if d := cmp.Diff([]string{"a.test", "b.test"}, c.Access.AllowedHosts); d != "" {
		t.Error(d)
	}
	if c.File != path || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "chmod 600") {
		t.Errorf("file %q, warnings %q", c.File, c.Warnings)
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".env", "A=env-file\nB=env-file\nexport C='quoted # value'\n")
	c, err := Load(env(t, map[string]string{"A": "real"}), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{"A": {"real", "A"}, "B": {"env-file", "B in .env"}, "C": {"quoted # value", "C in .env"}} {
		v, origin, ok := c.Lookup(name)
		if !ok || v != want[0] || origin != want[1] {
			t.Errorf("%s: %q %q %v", name, v, origin, ok)
		}
	}
	if _, _, ok := c.Lookup("D"); ok {
		t.Error("D is set")
	}
}

func TestDotenvWarnings(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".env", "ARCHESTRA_MODE=off\n")
	c, err := Load(env(t, nil), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != ModeOff || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "ARCHESTRA_MODE") {
		t.Errorf("mode %s, warnings %q", c.Mode, c.Warnings)
	}
	write(t, dir, ".env", "this is not = a {list\n  of 'swordfish variables\n")
	if c, err = Load(env(t, nil), dir, nil); err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || strings.Contains(c.Warnings[0], "swordfish") {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	const canary = "swordfish-0123456789"
	dir := t.TempDir()
	write(t, dir, ".env", "ARCHESTRA_CHAT_OPENAI_API_KEY="+canary+"\n")
	file := write(t, dir, "c.yaml", "providers: {openai: {api-key: "+canary+"}}\n")
	c, err := Load(env(t, map[string]string{"ARCHESTRA_TOKEN": canary, "ARCHESTRA_CONFIG": file}), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Access.Token.Reveal() != canary || c.Providers["openai"].APIKey.Reveal() != canary {
		t.Fatal("the canary is not where it should be")
	}
	hidden := struct{ inner Secret }{NewSecret(canary)}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "value", *c, "token", c.Access.Token, "access", c.Access)
	asJSON, err := json.Marshal(map[string]any{"access": c.Access, "providers": c.Providers})
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{c, *c, c.Access, c.Providers, c.Access.Token, &c.Access, hidden} {
			out += fmt.Sprintf(verb, v)
		}
	}
	if strings.Contains(out, canary) {
		t.Error("a secret shows")
	}
}

func TestFlags(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	AddFlags(fs, "port", "allow-remote")
	if fs.Lookup("host") != nil || fs.Lookup("token") != nil {
		t.Error("flags that were not asked for")
	}
	if err := fs.Parse([]string{"--port", "x"}); err == nil || !strings.Contains(err.Error(), "a port from 0 to 65535") {
		t.Errorf("a bad flag: %v", err)
	}
	if err := fs.Parse([]string{"--allow-remote"}); err != nil {
		t.Error(err)
	}
}

func TestSizesAndDurations(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "12": 12, "5GB": 5e9, "5 gb": 5e9, "128MiB": 128 << 20, "64kB": 64000, "1.5KiB": 1536, "7B": 7} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "GB", "-1", "1e40GB", "NaN", "Inf", "5 XB", "5GBB"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q: %d and no error", s, got)
		}
	}
	for s, want := range map[string]time.Duration{"30d": 720 * time.Hour, "1d2h": 26 * time.Hour, "0": 0, "0d": 0, "250ms": 250 * time.Millisecond} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%q: %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "d", "-1d", "1d-1h", "-1s", "1", "99999999999d", "106751d999999h", "1dd"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q: %s and no error", s, got)
		}
	}
}

func FuzzDotenv(f *testing.F) {
	f.Add("A=b\nexport C='d'\n")
	f.Add("A=${A")
	f.Fuzz(func(t *testing.T, content string) {
		dir := t.TempDir()
		write(t, dir, ".env", content)
		write(t, dir, "c.yaml", content)
		_, _ = readDotenv(filepath.Join(dir, ".env"))
		out := &fileValues{settings: map[string]value{}, providers: map[string]Provider{}}
		_, _ = out.parse("c.yaml", []byte(content))
	})
}
