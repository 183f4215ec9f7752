package agent

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

const origin = "http://localhost:9000"

// site is a proxy that serves everything, under the profile dev.
func site() Site {
	return Site{Origin: origin, Profile: "dev", Serves: func(string) bool { return true }}
}

func environment(pairs ...string) Lookup {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func valueOf(set []Setting, name string) string {
	for _, v := range set {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

func has(limits []string, part string) bool {
	return slices.ContainsFunc(limits, func(l string) bool { return strings.Contains(l, part) })
}

// TestClients has one case for each client: the variables that it reads, the
// arguments that it gets, and what it says does not come through.
func TestClients(t *testing.T) {
	const openai, anthropic, gemini, ollama = origin + "/v1/openai/dev", origin + "/v1/anthropic/dev", origin + "/v1/gemini/dev", origin + "/v1/ollama/dev"
	tests := map[string]struct {
		argv  []string
		env   []string
		want  map[string]string
		added []string
		limit string
	}{
		"claude-code": {
			argv: []string{"/usr/local/bin/claude", "-p", "hi"},
			want: map[string]string{"ANTHROPIC_BASE_URL": anthropic, "ENABLE_TOOL_SEARCH": "true"},
			added: []string{"--settings",
				`{"env":{"ANTHROPIC_BASE_URL":"` + anthropic + `","ENABLE_TOOL_SEARCH":"true"}}`},
			limit: "SigV4",
		},
		"codex": {
			argv: []string{"codex", "exec", "hi"},
			env:  []string{"OPENAI_API_KEY", "sk-made-up"},
			added: []string{
				"-c", `model_provider="archestra"`,
				"-c", `model_providers.archestra.name="OpenAI through archestra"`,
				"-c", `model_providers.archestra.base_url="` + openai + `"`,
				"-c", `model_providers.archestra.wire_api="responses"`,
				"-c", `model_providers.archestra.env_key="OPENAI_API_KEY"`,
			},
			limit: "ChatGPT login",
		},
		"gemini-cli": {
			argv: []string{"npx", "-y", "@google/gemini-cli@latest", "-p", "hi"},
			want: map[string]string{"GOOGLE_GEMINI_BASE_URL": gemini}, limit: "Code Assist",
		},
		"opencode": {
			argv: []string{`C:\bin\opencode.cmd`, "run", "hi"},
			want: map[string]string{"OPENCODE_CONFIG_CONTENT": `{"provider":{` +
				`"anthropic":{"options":{"baseURL":"` + anthropic + `/v1"}},` +
				`"cerebras":{"options":{"baseURL":"` + origin + `/v1/cerebras/dev"}},` +
				`"google":{"options":{"baseURL":"` + gemini + `/v1beta"}},` +
				`"openai":{"options":{"baseURL":"` + openai + `"}},` +
				`"xai":{"options":{"baseURL":"` + origin + `/v1/xai/dev"}}}}`},
			limit: "opencode Zen",
		},
		"crush": {
			argv:  []string{"crush"},
			want:  map[string]string{"OPENAI_API_ENDPOINT": openai, "ANTHROPIC_API_ENDPOINT": anthropic, "GOOGLE_API_ENDPOINT": gemini, "GEMINI_API_ENDPOINT": gemini},
			limit: "crush.json",
		},
		"aider": {
			argv: []string{"uvx", "aider-chat"},
			want: map[string]string{"AIDER_OPENAI_API_BASE": openai, "OPENAI_API_BASE": openai, "OPENAI_BASE_URL": openai, "ANTHROPIC_API_BASE": anthropic,
				"XAI_API_BASE": origin + "/v1/xai/dev", "OLLAMA_API_BASE": ollama},
			limit: "Gemini",
		},
		"openai-sdk":    {want: map[string]string{"OPENAI_BASE_URL": openai, "OPENAI_API_BASE": openai}, limit: "Azure"},
		"anthropic-sdk": {want: map[string]string{"ANTHROPIC_BASE_URL": anthropic}, limit: "SigV4"},
		"google-genai":  {want: map[string]string{"GOOGLE_GEMINI_BASE_URL": gemini}, limit: "gRPC"},
		"ai-sdk":        {want: map[string]string{"OPENAI_BASE_URL": openai, "ANTHROPIC_BASE_URL": anthropic}, limit: "baseURL in code"},
		"langchain":     {want: map[string]string{"OPENAI_API_BASE": openai, "OPENAI_BASE_URL": openai, "ANTHROPIC_API_URL": anthropic}, limit: "LangSmith"},
		"llamaindex":    {want: map[string]string{"OPENAI_API_BASE": openai}, limit: "api_base in code"},
		"pydantic-ai":   {want: map[string]string{"OPENAI_BASE_URL": openai, "OLLAMA_BASE_URL": ollama}, limit: "gRPC"},
		"ollama":        {argv: []string{"ollama", "run", "m"}, want: map[string]string{"OLLAMA_HOST": ollama}, limit: "ollama serve"},
		"cerebras-sdk":  {want: map[string]string{"CEREBRAS_BASE_URL": origin + "/v1/cerebras/dev"}},
	}
	for _, c := range Clients() {
		tt, ok := tests[c.Name]
		if !ok {
			t.Errorf("%s has no test", c.Name)
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			argv := tt.argv
			if c.Library() {
				argv = []string{"python3", "script.py"}
			}
			w := Wire(site(), argv, environment(tt.env...))
			if got := w.Client; c.Library() && got != nil || !c.Library() && got != c {
				t.Errorf("%q is taken for %v", argv, got)
			}
			for name, want := range tt.want {
				if got := valueOf(w.Set, name); got != want {
					t.Errorf("%s is\n%s, want\n%s", name, got, want)
				}
			}
			if diff := cmp.Diff(tt.added, w.Added); diff != "" {
				t.Error(diff)
			}
			if len(w.Argv) != len(argv)+len(tt.added) || w.Argv[0] != argv[0] || w.Argv[len(w.Argv)-1] != argv[len(argv)-1] {
				t.Errorf("the command became %q", w.Argv)
			}
			if tt.limit != "" && !has(c.Limits, tt.limit) {
				t.Errorf("%q says nothing of %s", c.Limits, tt.limit)
			}
		})
	}
}

// TestOneEnvironmentSuitsAll: a variable has one value, whoever reads it.
func TestOneEnvironmentSuitsAll(t *testing.T) {
	rows := map[string]Variable{}
	for _, c := range Clients() {
		for _, v := range c.Variables {
			if other, ok := rows[v.Name]; ok && other != v {
				t.Errorf("%s is %+v and %+v", v.Name, v, other)
			}
			rows[v.Name] = v
		}
	}
}

// TestPaths: what clients add to their base URLs leads to an API that is observed.
func TestPaths(t *testing.T) {
	set, _ := Settings(site(), environment())
	for _, tt := range []struct{ variable, adds string }{
		{"OPENAI_BASE_URL", "/chat/completions"},
		{"OPENAI_BASE_URL", "/responses"},
		{"OPENAI_API_BASE", "/v1/chat/completions"},
		{"ANTHROPIC_BASE_URL", "/v1/messages"},
		{"ANTHROPIC_BASE_URL", "/messages"},
		{"ANTHROPIC_API_BASE", "/v1/messages"},
		{"GOOGLE_GEMINI_BASE_URL", "/v1beta/models/m:generateContent"},
		{"XAI_API_BASE", "/chat/completions"},
		{"CEREBRAS_BASE_URL", "/v1/chat/completions"},
		{"OLLAMA_HOST", "/api/chat"},
		{"OLLAMA_API_BASE", "/api/generate"},
		{"OLLAMA_BASE_URL", "/chat/completions"},
	} {
		u, err := url.Parse(valueOf(set, tt.variable) + tt.adds)
		if err != nil {
			t.Fatal(err)
		}
		target, err := provider.Resolve(http.MethodPost, u.EscapedPath())
		if err != nil || !target.Observed() || target.Profile != "dev" {
			t.Errorf("%s%s: %+v, %v", tt.variable, tt.adds, target, err)
		}
	}
}

func TestRecognise(t *testing.T) {
	for _, tt := range []struct {
		line string
		name string
		at   int
	}{
		{"codex", "codex", 1},
		{"./bin/Codex.EXE exec", "codex", 1},
		{"npx @openai/codex exec", "codex", 2},
		{"npx --yes @openai/codex@0.60.0 exec", "codex", 3},
		{"pnpm dlx opencode-ai run", "opencode", 3},
		{"pipx run aider-chat", "aider", 3},
		{"npx eslint codex", "", 0},
		{"echo codex", "", 0},
		{"codex-helper", "", 0},
		{"npx", "", 0},
		{"", "", 0},
	} {
		c, at := Recognise(strings.Fields(tt.line))
		name := ""
		if c != nil {
			name = c.Name
		}
		if name != tt.name || at != tt.at {
			t.Errorf("%q is %q at %d, want %q at %d", tt.line, name, at, tt.name, tt.at)
		}
	}
}

func TestArgumentsGoBehindThePackage(t *testing.T) {
	w := Wire(site(), []string{"npx", "-y", "@anthropic-ai/claude-code", "-p", "hi"}, environment())
	if w.Argv[2] != "@anthropic-ai/claude-code" || w.Argv[3] != "--settings" || w.Argv[5] != "-p" {
		t.Errorf("the command became %q", w.Argv)
	}
}

func TestOwnSettingsOfClaudeStay(t *testing.T) {
	w := Wire(site(), []string{"claude", "--settings", "mine.json"}, environment())
	if len(w.Added) > 0 || !has(w.Limits, "--settings of its own") {
		t.Errorf("added %q, limits %q", w.Added, w.Limits)
	}
}

func TestOwnConfigurationOfOpencodeStays(t *testing.T) {
	w := Wire(site(), []string{"opencode"}, environment("OPENCODE_CONFIG_CONTENT", `{"model":"openai/gpt-5","provider":{"openai":{"options":{"apiKey":"k"}}}}`))
	var got struct {
		Model    string
		Provider map[string]struct {
			Options struct{ APIKey, BaseURL string }
		}
	}
	if err := json.Unmarshal([]byte(valueOf(w.Set, "OPENCODE_CONFIG_CONTENT")), &got); err != nil {
		t.Fatal(err)
	}
	if o := got.Provider["openai"].Options; got.Model != "openai/gpt-5" || o.APIKey != "k" || o.BaseURL != origin+"/v1/openai/dev" {
		t.Errorf("got %+v", got)
	}
	for _, v := range w.Set {
		if v.Name == "OPENCODE_CONFIG_CONTENT" && !v.Secret {
			t.Error("what the user has put there would be shown")
		}
	}
	w = Wire(site(), []string{"opencode"}, environment("OPENCODE_CONFIG_CONTENT", "{broken"))
	if valueOf(w.Set, "OPENCODE_CONFIG_CONTENT") != "" || !has(w.Limits, "left as it is") {
		t.Errorf("limits %q", w.Limits)
	}
}

func TestNoProxyKeepsWhatIsThere(t *testing.T) {
	for _, tt := range []struct {
		upper, lower, want string
	}{
		{"", "", "localhost,127.0.0.1,::1"},
		{"corp.example, 10.0.0.0/8", "", "corp.example,10.0.0.0/8,localhost,127.0.0.1,::1"},
		{"a.example", "b.example,localhost", "a.example,b.example,localhost,127.0.0.1,::1"},
		{"*", "a.example", "*"},
		{"a\x1b[31m", "", "a,[31m,localhost,127.0.0.1,::1"},
	} {
		set, _ := Settings(site(), environment("NO_PROXY", tt.upper, "no_proxy", tt.lower))
		for _, name := range []string{"NO_PROXY", "no_proxy"} {
			if got := valueOf(set, name); got != tt.want {
				t.Errorf("%s of %q and %q is %q, want %q", name, tt.upper, tt.lower, got, tt.want)
			}
		}
	}
}

// TestToken: the token goes where a client can send it, never to a command line,
// and those that cannot send it are named.
func TestToken(t *testing.T) {
	const token = "made-up-token-0123456789"
	s := site()
	s.Token = token
	for _, c := range Clients() {
		if c.Library() {
			continue
		}
		w := Wire(s, []string{c.Commands[0]}, environment("ANTHROPIC_CUSTOM_HEADERS", "X-Mine: 1"))
		if strings.Contains(strings.Join(w.Argv, " "), token) {
			t.Errorf("%s: other users see the token in %q", c.Name, w.Argv)
		}
		if can, named := c.Header != nil || c.Headers, has(w.Limits, TokenHeader); can == named {
			t.Errorf("%s can send headers: %v, is named: %v", c.Name, can, named)
		}
		for _, v := range w.Set {
			if strings.Contains(v.Value, token) && !v.Secret {
				t.Errorf("%s would be shown", v.Name)
			}
		}
		if got, want := valueOf(w.Set, "ANTHROPIC_CUSTOM_HEADERS"), "X-Mine: 1\nX-Archestra-Token: "+token; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := valueOf(w.Set, "GEMINI_CLI_CUSTOM_HEADERS"), "X-Archestra-Token: "+token; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if c.Name == "codex" && !slices.Contains(w.Added, `model_providers.archestra.env_http_headers={"X-Archestra-Token"="ARCHESTRA_TOKEN"}`) {
			t.Errorf("codex gets %q", w.Added)
		}
	}
}

func TestProvidersThatAreOffKeepTheirVariables(t *testing.T) {
	s := site()
	s.Serves = func(p string) bool { return p != "ollama" }
	set, _ := Settings(s, environment())
	if v := valueOf(set, "OLLAMA_HOST"); v != "" {
		t.Errorf("OLLAMA_HOST is %s, where nobody serves it", v)
	}
	if v := valueOf(set, "GOOGLE_VERTEX_BASE_URL"); v != "" {
		t.Errorf("GOOGLE_VERTEX_BASE_URL is %s, and Vertex AI is off", v)
	}
	s.Vertex = true
	if set, _ = Settings(s, environment()); valueOf(set, "GOOGLE_VERTEX_BASE_URL") == "" {
		t.Error("GOOGLE_VERTEX_BASE_URL is not set, and Vertex AI is on")
	}
}

func TestOutside(t *testing.T) {
	if w := Wire(site(), []string{"cursor", "."}, environment()); !has(w.Limits, "Cursor's own servers") {
		t.Errorf("limits %q", w.Limits)
	}
	if w := Wire(site(), []string{"sh"}, environment("GOOGLE_GENAI_USE_VERTEXAI", "true")); !has(w.Limits, "GOOGLE_GENAI_USE_VERTEXAI") {
		t.Errorf("limits %q", w.Limits)
	}
}
