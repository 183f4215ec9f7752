package provider

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

const cases = "../../testdata/providers"

// load reads a configuration of nothing but vars.
func load(t testing.TB, vars map[string]string) *config.Config {
	t.Helper()
	empty := t.TempDir()
	cfg, err := config.Load(func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		if strings.HasPrefix(name, "XDG_") {
			return empty, true
		}
		return "", false
	}, empty, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func ready(t testing.TB, vars map[string]string) *Upstreams {
	t.Helper()
	set, err := Prepare(load(t, vars))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

func upstream(t testing.TB, name string, vars map[string]string) *Upstream {
	t.Helper()
	p, ok := Lookup(name)
	if !ok {
		t.Fatalf("no provider %s", name)
	}
	u, err := ready(t, vars).Get(p)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestFolders: the table and the folders of cases agree, both ways.
func TestFolders(t *testing.T) {
	var table, folders []string
	for _, p := range All() {
		table = append(table, p.Name)
	}
	entries, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if d := cmp.Diff(table, folders); d != "" {
		t.Errorf("providers and their folders differ: %s", d)
	}
	for _, name := range table {
		files, err := filepath.Glob(filepath.Join(cases, name, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no cases: %v", name, err)
		}
	}
}

func TestRoutes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cases, "*", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, cases+"/"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			vars := map[string]string{}
			var set *Upstreams
			for line := range strings.Lines(string(data)) {
				line = strings.TrimSpace(line)
				if setting, ok := strings.CutPrefix(line, "set "); ok {
					name, value, _ := strings.Cut(setting, "=")
					vars[name] = value
					continue
				}
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if set == nil {
					set = ready(t, vars)
				}
				call, want, ok := strings.Cut(line, "->")
				fields := strings.Fields(call)
				if !ok || len(fields) != 2 {
					t.Fatalf("bad line %q", line)
				}
				got := describe(t, set, fields[0], fields[1])
				if d := cmp.Diff(strings.Fields(want), strings.Fields(got)); d != "" {
					t.Errorf("%s %s\n%s", fields[0], fields[1], d)
				}
			}
		})
	}
}

// describe says what becomes of a call, in the words of the cases.
func describe(t *testing.T, set *Upstreams, method, call string) string {
	t.Helper()
	path, query, _ := strings.Cut(call, "?")
	target, err := Resolve(method, path)
	var u *Upstream
	if err == nil {
		u, err = set.Get(target.Provider)
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Format == nil || e.Message == "" {
			t.Fatalf("%s: not a whole *Error: %#v", call, err)
		}
		switch e.Status {
		case 400:
			return "400"
		case 404:
			return "404"
		}
		return http.StatusText(e.Status)
	}
	out := []string{u.URL(target.Rest, query).String(), string(target.API), target.Profile}
	if target.Model != "" {
		out = append(out, "model="+target.Model)
	}
	if target.Kept != "" {
		out = append(out, "kept="+target.Kept)
	}
	if target.Stream {
		out = append(out, "stream")
	}
	return strings.Join(out, " ")
}

// TestRefusalsHelp: a refused path gets an answer that names what there is and
// what to use, in the shape that the client reads.
func TestRefusalsHelp(t *testing.T) {
	const origin = "http://localhost:9000"
	for _, c := range []struct {
		path, shape string
		want        []string
	}{
		{"/v1/nobody/p/chat/completions", "openai", []string{`"nobody"`, "anthropic", "vllm", origin + "/v1/{provider}"}},
		{"/v1/nobody/p/v1/messages", "anthropic", []string{"nobody"}},
		{"/v1/Gemini/p/v1beta/models/m:generateContent", "gemini", []string{"lower case", origin + "/v1/gemini/default"}},
		{"/anthropic/p/v1/messages", "anthropic", []string{"must begin with /v1/anthropic", origin + "/v1/anthropic/default"}},
		{"/v1/openai/Files/chat/completions", "openai", []string{`"Files"`, "cannot be a profile", origin + "/v1/openai/default"}},
		{"/v1/anthropic/-rf/v1/messages", "anthropic", []string{"not an id", origin + "/v1/anthropic/default"}},
		{"/v1/anthropic/../v1/messages", "anthropic", []string{"dot segment"}},
		{"/nothing", "openai", []string{"/v1/{provider}"}},
	} {
		_, err := Resolve(http.MethodPost, c.path)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		said := e.LLM(origin)
		for _, w := range c.want {
			if !strings.Contains(said.Message, w) {
				t.Errorf("%s: %q lacks %q", c.path, said.Message, w)
			}
		}
		if got := shape(e); got != c.shape {
			t.Errorf("%s: shape %s, want %s: %s", c.path, got, c.shape, e.Format.Error(e.Status, said))
		}
	}
}

func shape(e *Error) string {
	switch e.Format.API() {
	case "messages":
		return "anthropic"
	case "generate_content":
		return "gemini"
	}
	return "openai"
}

// TestNoEcho: whatever is refused is not repeated, unless it is a plain word.
func TestNoEcho(t *testing.T) {
	for _, path := range []string{
		"/v1/openai/%3Cscript%3E/chat/completions", "/v1/<script>/p", "/v1/openai/\x1b[31m/x", "/v1/openai/{{7*7}}/x", "/<script>/x",
		"/v1/openai/a%0d%0aX-Injected:1/x", "/v1/" + strings.Repeat("a", 100) + "/x", "/v1/openai/..%2f..%2fetc%2fpasswd/x",
	} {
		_, err := Resolve(http.MethodPost, path)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q was resolved", path)
			continue
		}
		for _, bad := range []string{"script", "\x1b", "{{", "Injected", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "passwd"} {
			if strings.Contains(e.Message, bad) {
				t.Errorf("%q: %q repeats %q", path, e.Message, bad)
			}
		}
	}
}

// TestDisabled: a provider that is off is not among the available.
func TestDisabled(t *testing.T) {
	p, _ := Lookup("ollama")
	_, err := ready(t, nil).Get(p)
	var e *Error
	if !errors.As(err, &e) || e.Status != 404 || !strings.Contains(e.Message, "ARCHESTRA_OLLAMA_BASE_URL") {
		t.Fatalf("%v", err)
	}
	if _, available, _ := strings.Cut(e.Message, "Available"); strings.Contains(available, "ollama") || strings.Contains(available, "vllm") || !strings.Contains(available, "xai") {
		t.Errorf("%q", e.Message)
	}
}

func TestValidProfile(t *testing.T) {
	for id, want := range map[string]bool{
		"ci": true, "a": true, "Team-A": true, "7c9e6679-7425-40de-944b-e07fc1f90ae7": true, "a.b_c-d": true, strings.Repeat("a", 64): true,
		"": false, ".a": false, "-a": false, "_a": false, "a b": false, "a/b": false, "é": false, strings.Repeat("a", 65): false,
		"chat": false, "Chat": false, "responses": false, "models": false, "messages": false, "v1": false, "v1beta": false, "v1beta1": false,
		"embeddings": false, "api": false, "cachedcontents": false, "cachedContents": false,
	} {
		if got := ValidProfile(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}

// FuzzResolve: no path panics; what resolves has a sound target that stays below
// its upstream's address, and resolves to the same when it is put together anew.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{
		"/v1/openai/p/chat/completions", "/v1/gemini/p/v1beta/models/m:streamGenerateContent", "/v1/anthropic//v1/v1/messages/", "/v1/ollama/api/chat",
		"/v1/openai/%2e%2e/x", "/v1/gemini/p/v1beta1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict", "/v1/vllm/x%2fy/..;/", "//v1//xai",
	} {
		f.Add("POST", s)
	}
	set := ready(f, map[string]string{
		"ARCHESTRA_VLLM_BASE_URL": "http://localhost:8000/v1", "ARCHESTRA_OLLAMA_BASE_URL": "http://localhost:11434",
		"ARCHESTRA_GEMINI_VERTEX_AI_ENABLED": "true", "ARCHESTRA_GEMINI_VERTEX_AI_PROJECT": "p",
	})
	f.Fuzz(func(t *testing.T, method, path string) {
		target, err := Resolve(method, path)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Format == nil || e.Status < 400 || e.Status > 499 || !utf8Printable(e.Message) {
				t.Fatalf("%q: bad refusal %#v", path, err)
			}
			return
		}
		if target.Provider == nil || target.Format == nil || target.Profile != DefaultProfile && !ValidProfile(target.Profile) || !strings.HasPrefix(target.Rest, "/") {
			t.Fatalf("%q: bad target %#v", path, target)
		}
		u, err := set.Get(target.Provider)
		if err != nil {
			t.Fatal(err)
		}
		url := u.URL(target.Rest, "")
		if url.Host != u.base.Host || url.Scheme != u.base.Scheme || url.User != nil {
			t.Fatalf("%q: %s leaves the upstream", path, url)
		}
		for seg := range strings.SplitSeq(url.Path, "/") {
			if seg == ".." || seg == "." {
				t.Fatalf("%q: %s", path, url)
			}
		}
		again, err := Resolve(method, "/v1/"+target.Provider.Name+"/"+target.Profile+target.Rest)
		if err != nil || again.API != target.API || again.Model != target.Model || again.Profile != target.Profile {
			t.Fatalf("%q: %#v, then %#v (%v)", path, target, again, err)
		}
	})
}

func utf8Printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}
