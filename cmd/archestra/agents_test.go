//go:build agents

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// agentFiles are settings with which the agents ask nothing and call nobody else.
var agentFiles = map[string]string{
	".codex/config.toml": "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\ncheck_for_update_on_startup = false\n" +
		"[features]\nplugins = false\napps = false\n[analytics]\nenabled = false\n",
	".gemini/settings.json": `{"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false},` +
		`"telemetry":{"enabled":false},"general":{"disableAutoUpdate":true}}`,
}

// TestAgents installs real agents from the npm registry and runs each through
// archestra run, with a clean home and made-up keys, against the simulated
// provider: a turn that only talks, and one with a tool call.
//
//	go test -tags agents -run TestAgents -v ./cmd/archestra
//
// ARCHESTRA_AGENTS names a folder in which npm has installed them already.
func TestAgents(t *testing.T) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not here")
	}
	dir := os.Getenv("ARCHESTRA_AGENTS")
	if dir == "" {
		dir = t.TempDir()
		install := exec.Command(npm, "install", "--no-audit", "--no-fund", "--foreground-scripts", "--prefix", dir,
			"@openai/codex", "@google/gemini-cli", "opencode-ai", "@anthropic-ai/claude-code")
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	s := simulate.New(simulate.Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	for _, tt := range []struct {
		name string
		tool string // what its tool call is, of a file
		argv func(prompt string) []string
	}{
		{"codex", `exec_command {"cmd":"cat FILE"}`, func(p string) []string { return []string{"codex", "exec", "--skip-git-repo-check", p} }},
		{"gemini", `read_file {"file_path":"FILE"}`, func(p string) []string {
			return []string{"gemini", "-m", "gemini-2.5-flash", "--skip-trust", "--yolo", "-p", p}
		}},
		{"opencode", `bash {"command":"cat FILE","description":"read"}`, func(string) []string {
			return []string{"opencode", "run", "-m", "openai/gpt-5"} // it escapes the quotes of an argument, and not those that it reads
		}},
		{"claude", `Read {"file_path":"FILE"}`, func(p string) []string { return []string{"claude", "-p", p, "--allowedTools", "Read"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", tt.name)); err != nil {
				t.Skip("it is not installed")
			}
			home := t.TempDir()
			work := filepath.Join(home, "work")
			file := filepath.Join(work, "note.txt")
			for path, content := range agentFiles {
				write(t, filepath.Join(home, path), content)
			}
			write(t, file, "the word is marzipan\n")
			env := []string{
				"HOME=" + home, "TERM=xterm", "ARCHESTRA_PORT=0", "ARCHESTRA_DATA_DIR=" + filepath.Join(home, "data"),
				"PATH=" + filepath.Join(dir, "node_modules", ".bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
				"OPENAI_API_KEY=sk-made-up", "ANTHROPIC_API_KEY=sk-ant-made-up", "GEMINI_API_KEY=AIza-made-up",
				"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "OPENCODE_DISABLE_MODELS_FETCH=1", "OPENCODE_DISABLE_AUTOUPDATE=1",
			}
			for _, p := range provider.All() {
				if !p.Local {
					env = append(env, p.BaseURLVar+"="+base+"/"+p.Name)
				}
			}
			prompt := ""
			archestra := func(args ...string) string {
				c := exec.Command("archestra", args...)
				c.Dir, c.Env = work, env
				if tt.name == "opencode" {
					c.Stdin = strings.NewReader(prompt)
				}
				out, err := c.CombinedOutput()
				if err != nil {
					t.Fatalf("archestra %q: %v\n%s", args, err, out)
				}
				return string(out)
			}
			prompt = `[[sim: text "good morning"]]`
			out := archestra(append([]string{"run", "--profile", "talk", "--"}, tt.argv(prompt)...)...)
			if !strings.Contains(out, "good morning") {
				t.Errorf("the answer did not arrive: %s", out)
			}
			prompt = "[[sim: call " + strings.ReplaceAll(tt.tool, "FILE", file) + "]]"
			archestra(append([]string{"run", "--profile", "tool", "--"}, tt.argv(prompt)...)...)

			logs := archestra("logs", "--json", "--filter", "profile:talk")
			if !strings.Contains(logs, "good morning") {
				t.Errorf("the turn was not recorded: %s", logs)
			}
			name, _, _ := strings.Cut(tt.tool, " ")
			if logs = archestra("logs", "--json", "--filter", "profile:tool tool:"+name); !strings.Contains(logs, `"name":"`+name+`"`) {
				t.Errorf("the tool call was not recorded: %s", archestra("logs"))
			}
			if logs = archestra("export", "--format", "jsonl", "--filter", "profile:tool"); strings.Count(logs, "\n") < 2 {
				t.Errorf("the tool's result was not sent: %s", logs)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
