//go:build agents

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// TestAgentsReplayed records a run of each real agent, with a tool call, and has
// the agent run again offline from the cassette, in another home. What is new in
// each run of an agent must not count, or nothing of it can be replayed.
//
//	ARCHESTRA_AGENTS=DIR go test -tags agents -run TestAgentsReplayed -v ./cmd/archestra
//
// DIR is where npm has installed the agents that TestAgents names.
func TestAgentsReplayed(t *testing.T) {
	dir := os.Getenv("ARCHESTRA_AGENTS")
	if dir == "" {
		t.Skip("ARCHESTRA_AGENTS names no folder")
	}
	s := simulate.New(simulate.Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	work := t.TempDir() // the same for both runs: agents tell the model where they are
	file := filepath.Join(work, "note.txt")
	write(t, file, "the word is marzipan\n")
	for _, tt := range []struct {
		name, tool string
		argv       func(prompt string) []string
	}{
		{"codex", `exec_command {"cmd":"cat FILE"}`, func(p string) []string { return []string{"codex", "exec", "--skip-git-repo-check", p} }},
		{"gemini", `read_file {"file_path":"FILE"}`, func(p string) []string {
			return []string{"gemini", "-m", "gemini-2.5-flash", "--skip-trust", "--yolo", "-p", p}
		}},
		{"opencode", `bash {"command":"cat FILE","description":"read"}`, func(string) []string { return []string{"opencode", "run", "-m", "openai/gpt-5"} }},
		{"claude", `Read {"file_path":"FILE"}`, func(p string) []string { return []string{"claude", "-p", p, "--allowedTools", "Read"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", tt.name)); err != nil {
				t.Skip("it is not installed")
			}
			folder := filepath.Join(t.TempDir(), "cassette")
			prompt := "[[sim: call " + strings.ReplaceAll(tt.tool, "FILE", file) + " | then | text \"so it is marzipan\"]]"
			for _, flags := range [][]string{{"--record", folder}, {"--replay", folder, "--replay-speed", "instant"}} {
				home := t.TempDir()
				for path, content := range agentFiles {
					write(t, filepath.Join(home, path), content)
				}
				var env []string
				if flags[0] == "--record" {
					for _, p := range provider.All() {
						if !p.Local {
							env = append(env, p.BaseURLVar+"="+base+"/"+p.Name)
						}
					}
				}
				env = append(env, "ARCHESTRA_MODE=off")
				r := startBare(t, home, env, flags...)
				program, err := program()
				if err != nil {
					t.Fatal(err)
				}
				c := exec.Command(program, append([]string{"run", "--profile", strings.Trim(flags[0], "-"), "--"}, tt.argv(prompt)...)...)
				c.Dir = work
				c.Env = []string{
					"HOME=" + home, "XDG_CONFIG_HOME=" + home, "TERM=xterm", "ARCHESTRA_DATA_DIR=" + filepath.Join(home, "data"),
					"PATH=" + filepath.Join(dir, "node_modules", ".bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
					"OPENAI_API_KEY=sk-made-up", "ANTHROPIC_API_KEY=sk-ant-made-up", "GEMINI_API_KEY=AIza-made-up",
					"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "OPENCODE_DISABLE_MODELS_FETCH=1", "OPENCODE_DISABLE_AUTOUPDATE=1",
				}
				if tt.name == "opencode" {
					c.Stdin = strings.NewReader(prompt)
				}
				out, err := c.CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", flags[0], err, out)
				}
				if !strings.Contains(string(out), "so it is marzipan") {
					t.Errorf("%s: the answer did not arrive: %s", flags[0], out)
				}
				misses := 0
				for line := range strings.Lines(r.command(t, "logs", "--json", "--limit", "0")) {
					var i struct {
						Path  string
						Error *struct{ Code, Message string }
					}
					if err := json.Unmarshal([]byte(line), &i); err != nil {
						t.Fatal(err)
					}
					if i.Error != nil {
						misses++
						t.Errorf("%s %s: %s", flags[0], i.Path, i.Error.Message)
					}
				}
				interrupted(t, r)
			}
		})
	}
}
