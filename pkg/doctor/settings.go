package doctor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/joho/godotenv"
)

// checkSettings reads the settings files of clients that win over variables. It
// never shows what stands in them but a host's name.
func checkSettings(_ context.Context, x *examination) []Finding {
	var out []Finding
	for _, look := range []func(*examination) []Finding{claudeFiles, codexFile, geminiFiles, opencodeFile, dotenvFiles} {
		out = append(out, look(x)...)
	}
	if out == nil {
		return one(OK, "No settings file of a client points elsewhere.", "")
	}
	return out
}

// maxFile bounds what is read of a settings file.
const maxFile = 1 << 20

// read returns a file, or nil where there is none that could be read: what a
// client cannot read either decides nothing.
func read(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil
	}
	return b
}

// object reads a file that holds a JSON object.
func object(path string, into any) (Finding, bool) {
	b := read(path)
	if b == nil {
		return Finding{}, false
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(b, into); errors.As(err, &syntax) && !strings.HasSuffix(path, "c") {
		return Finding{State: Warning, Subject: path, Detail: path + " is no JSON: what its client makes of it is not known.", Remedy: "Correct it."}, true
	}
	return Finding{}, false
}

func (x *examination) folder(variable string, fallback ...string) string {
	if v, _ := x.Env(variable); v != "" {
		return v
	}
	return filepath.Join(append([]string{x.Home}, fallback...)...)
}

// override is a base URL in a file. Where run overrides the file, a command that
// is run wired is not misled.
func (x *examination) override(path, key, value, provider string, runWins bool) []Finding {
	p := x.judge(key, value, provider)
	if p == (problem{}) {
		return nil
	}
	f := Finding{State: Failed, Subject: path, Detail: "In " + path + ", " + p.detail, Remedy: "Take it out of that file"}
	if runWins {
		f.Remedy += ", or use archestra run, which overrides it"
		if x.Run != nil {
			f.State = Warning
		}
	}
	f.Remedy += "."
	return []Finding{f}
}

// claudeFiles: the env of settings.json wins over the environment
// (https://code.claude.com/docs/en/settings).
func claudeFiles(x *examination) (out []Finding) {
	for _, path := range []string{
		filepath.Join(x.folder("CLAUDE_CONFIG_DIR", ".claude"), "settings.json"),
		filepath.Join(x.Workdir, ".claude", "settings.json"),
		filepath.Join(x.Workdir, ".claude", "settings.local.json"),
	} {
		var s struct {
			Env map[string]string `json:"env"`
		}
		if f, bad := object(path, &s); bad {
			out = append(out, f)
			continue
		}
		if v := s.Env["ANTHROPIC_BASE_URL"]; v != "" {
			out = append(out, x.override(path, "ANTHROPIC_BASE_URL", v, "anthropic", true)...)
		}
		for _, e := range elsewhere {
			if v := s.Env[e.name]; v != "" && v != "0" && !strings.EqualFold(v, "false") {
				out = append(out, Finding{State: Failed, Subject: path, Detail: path + " sets " + e.name + ": " + e.what + ".", Remedy: "Take it out of that file."})
			}
		}
	}
	return out
}

// codexFile: config.toml names the provider that Codex calls, and OPENAI_BASE_URL
// does not count.
func codexFile(x *examination) (out []Finding) {
	path := filepath.Join(x.folder("CODEX_HOME", ".codex"), "config.toml")
	keys := tomlStrings(read(path))
	if v := keys["openai_base_url"]; v != "" {
		out = append(out, x.override(path, "openai_base_url", v, "openai", true)...)
	}
	if used := keys["model_provider"]; used != "" {
		if v := keys["model_providers."+used+".base_url"]; v != "" {
			out = append(out, x.override(path, "base_url of model_providers."+used, v, "openai", true)...)
		}
	}
	return out
}

// tomlStrings reads the strings of a TOML file by their dotted keys, as far as
// they stand on a line of their own (https://toml.io/en/v1.0.0).
func tomlStrings(b []byte) map[string]string {
	out := map[string]string{}
	section := ""
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxFile)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			name, _, _ := strings.Cut(strings.Trim(line, "["), "]")
			section = plainKey(name) + "."
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		switch {
		case strings.HasPrefix(value, `"`):
			if quoted, err := strconv.QuotedPrefix(value); err == nil {
				if text, err := strconv.Unquote(quoted); err == nil {
					out[section+plainKey(key)] = text
				}
			}
		case strings.HasPrefix(value, "'"):
			if text, _, ok := strings.Cut(value[1:], "'"); ok {
				out[section+plainKey(key)] = text
			}
		}
	}
	for key, value := range out {
		out[strings.TrimPrefix(key, ".")] = value
	}
	return out
}

// plainKey is a dotted key without quotes and blanks.
func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"' \t", r) {
			return -1
		}
		return r
	}, key)
}

// geminiFiles: the way to log in decides whom Gemini CLI calls.
func geminiFiles(x *examination) (out []Finding) {
	for _, path := range []string{filepath.Join(x.Home, ".gemini", "settings.json"), filepath.Join(x.Workdir, ".gemini", "settings.json")} {
		var s struct {
			SelectedAuthType string `json:"selectedAuthType"` // until 0.3
			Security         struct {
				Auth struct {
					SelectedType string `json:"selectedType"`
				} `json:"auth"`
			} `json:"security"`
		}
		if f, bad := object(path, &s); bad {
			out = append(out, f)
			continue
		}
		kind := s.Security.Auth.SelectedType
		if kind == "" {
			kind = s.SelectedAuthType
		}
		switch kind {
		case "oauth-personal", "login-with-google", "cloud-shell", "compute-default-credentials":
			out = append(out, Finding{State: Failed, Subject: path, Detail: path + " has Gemini CLI log in with Google: it calls Code Assist, which is no provider of archestra.",
				Remedy: "Choose an API key with /auth in Gemini CLI, and set GEMINI_API_KEY."})
		}
	}
	return out
}

// opencodeFile: a provider's baseURL.
func opencodeFile(x *examination) (out []Finding) {
	names := map[string]string{"anthropic": "anthropic", "openai": "openai", "google": "gemini", "xai": "xai", "cerebras": "cerebras"}
	config := x.folder("XDG_CONFIG_HOME", ".config")
	for _, path := range []string{
		filepath.Join(config, "opencode", "opencode.json"), filepath.Join(config, "opencode", "opencode.jsonc"), filepath.Join(x.Workdir, "opencode.json"),
	} {
		var s struct {
			Provider map[string]struct {
				Options struct {
					BaseURL string `json:"baseURL"`
				} `json:"options"`
			} `json:"provider"`
		}
		if f, bad := object(path, &s); bad {
			out = append(out, f)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.Provider)) {
			if v := s.Provider[name].Options.BaseURL; v != "" && names[name] != "" {
				out = append(out, x.override(path, "baseURL of "+name, v, names[name], true)...)
			}
		}
	}
	return out
}

// dotenvFiles: many programs load .env, and Gemini CLI its own. Variables of the
// environment win over it.
func dotenvFiles(x *examination) (out []Finding) {
	table := variablesOf()
	for _, path := range []string{filepath.Join(x.Workdir, ".env"), filepath.Join(x.Workdir, ".gemini", ".env"), filepath.Join(x.Home, ".gemini", ".env"), filepath.Join(x.Home, ".env")} {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		values, err := godotenv.UnmarshalBytes(read(path))
		if err != nil {
			continue // what does not parse is not loaded
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if v, known := table[name]; known && values[name] != "" {
				if set, _ := x.Env(name); set != "" {
					continue
				}
				out = append(out, x.override(path, name, values[name], v.Provider, true)...)
			}
		}
	}
	return out
}
