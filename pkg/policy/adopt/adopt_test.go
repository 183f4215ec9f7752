package adopt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/adopt"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// load loads what was taken over, over nothing else.
func load(t testing.TB, text []byte) *policy.Policy {
	t.Helper()
	p, err := policy.Load(policy.File{Name: "adopted.yaml", Data: text})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

type args map[string]any

// decide tells what the file says of a call: deny, ask, allow or nothing.
func decide(t testing.TB, p *policy.Policy, tool string, a args) string {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	v := p.Judge("", fact.Example(llm.ToolCall{Name: tool, Arguments: raw}, fact.Labels{}, fact.AskedFor, nil), nil)
	if v.File == "" {
		return ""
	}
	return map[llm.Action]string{llm.ActionBlock: "deny", llm.ActionAsk: "ask", llm.ActionAllow: "allow"}[v.Action]
}

const claudeSettings = `{
  "model": "opus",
  "permissions": {
    "defaultMode": "acceptEdits",
    "additionalDirectories": ["../docs"],
    "allow": ["Bash(npm run *)", "Bash(git diff:*)", "Bash(ls*)", "Bash(go test ./...)", "Bash(git * main)", "Bash", "Read(~/notes/**)", "Edit(src/**)",
      "Edit(/docs/**)", "Read(src/*.ts)", "Read(lib/*)", "WebFetch(domain:docs.example.com)", "mcp__github", "mcp__jira__get_issue", "WebSearch", "Skill(pdf)"],
    "ask": ["Bash(git push *)", "WebFetch", "mcp__jira__create_*"],
    "deny": ["Read(./.env)", "Read(./.env.*)", "Read(./secrets/**)", "Read(//etc/shadow)", "Edit(/.github/**)", "Bash(rm -rf:*)", "Bash(curl *)", "WebFetch(domain:evil.test)",
      "Task(Explore)", "mcp__mail__*", "Bash(unclosed", "Read(../up/**)", "Bash(hidden ` + "\u202e" + `x)"]
  }
}`

func TestClaude(t *testing.T) {
	text, err := adopt.Claude([]byte(claudeSettings), "/srv/shop")
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, text)
	for _, tc := range []struct {
		tool string
		args args
		want string
	}{
		{"Bash", args{"command": "npm run build"}, "allow"},
		{"Bash", args{"command": "npm run"}, "allow"}, // " *" is a word's end too
		{"Bash", args{"command": "npm runs"}, ""},
		{"Bash", args{"command": "npm run build && rm -r x"}, ""},
		{"Bash", args{"command": "npm run build\nrm -r x"}, ""},
		{"Bash", args{"command": "npm\nrun build"}, ""},
		{"Bash", args{"command": "npm run $(rm -r x)"}, ""},
		{"Bash", args{"command": "npm run x > ~/.bashrc"}, ""},
		{"Bash", args{"command": "git diff HEAD"}, "allow"},
		{"Bash", args{"command": "git difftool"}, ""},
		{"Bash", args{"command": "lsof"}, "allow"},
		{"Bash", args{"command": "go test ./..."}, "allow"},
		{"Bash", args{"command": "go test ./... -run x"}, ""},
		{"Bash", args{"command": "git checkout main"}, "allow"},
		{"Bash", args{"command": "git checkout mainly"}, ""},
		{"Bash", args{"command": "git push origin"}, "ask"},
		{"Bash", args{"command": "npm run build; git   push"}, "ask"},
		{"Bash", args{"command": "git pushy"}, ""},
		{"Bash", args{"command": "rm -rf /tmp/x"}, "deny"},
		{"Bash", args{"command": "ls; sudo rm -rf /"}, "deny"},
		{"Bash", args{"command": "echo $(curl a.test)"}, "deny"},
		{"Bash", args{"command": "sudo -u me /bin/rm -rf /"}, "deny"},
		{"Bash", args{"command": "X=1 timeout 5 env Y=2 curl a.test"}, "deny"},
		{"Bash", args{"command": "bash -lc 'curl a.test'"}, "deny"},
		{"Bash", args{"command": "bash -c \"rm -rf\""}, "deny"},
		{"Bash", args{"command": "if true; then curl a.test; fi"}, "deny"},
		{"Bash", args{"command": "find . | xargs rm -rf"}, "deny"},
		{"Bash", args{"command": "rm -r x"}, ""},
		{"Bash", args{"command": "man curl"}, ""},
		{"Bash", args{"command": "git diff curl"}, "allow"},
		{"Read", args{"file_path": "/srv/shop/.env"}, "deny"},
		{"Read", args{"file_path": "/srv/shop/.env.local"}, "deny"},
		{"Read", args{"file_path": "/srv/shop/a/../.env"}, "deny"},
		{"Read", args{"file_path": "/srv/shop/secrets/a/b"}, "deny"},
		{"Grep", args{"pattern": "x", "path": "/srv/shop/secrets"}, "deny"},
		{"Read", args{"file_path": "/etc/shadow"}, "deny"},
		{"Read", args{"file_path": "/srv/shop/env.go"}, ""},
		{"Read", args{"file_path": "~/notes/a.md"}, "allow"},
		{"Read", args{"file_path": "/srv/shop/src/a.ts"}, "allow"},
		{"Read", args{"file_path": "/srv/shop/lib/a.ts"}, ""},
		{"Edit", args{"file_path": "/srv/shop/src/a.ts"}, "allow"},
		{"Edit", args{"file_path": "/srv/shop/src/../main.ts"}, ""},
		{"Write", args{"file_path": "/srv/shop/docs/a.md"}, "allow"},
		{"Write", args{"file_path": "/other/docs/a.md"}, ""},
		{"Write", args{"file_path": "/srv/shop/.github/workflows/ci.yml"}, "deny"},
		{"WebFetch", args{"url": "https://docs.example.com/a"}, "ask"}, // asking comes before allowing, here and there
		{"WebFetch", args{"url": "https://api.evil.test/a"}, "deny"},
		{"mcp__github__create_issue", args{}, "allow"},
		{"mcp__githubx__create_issue", args{}, ""},
		{"mcp__jira__get_issue", args{}, "allow"},
		{"mcp__jira__create_issue", args{}, "ask"},
		{"mcp__mail__send", args{}, "deny"},
		{"Agent", args{"subagent_type": "Explore"}, "deny"},
		{"WebSearch", args{"query": "x"}, "allow"},
	} {
		if got := decide(t, p, tc.tool, tc.args); got != tc.want {
			t.Errorf("%s %v: %q, want %q", tc.tool, tc.args, got, tc.want)
		}
	}
	for _, want := range []string{
		"not taken over from allow: Bash:", "Read(lib/*): here it would hold", "not taken over from allow: Skill(pdf)", "not taken over from deny: Bash(unclosed",
		"Read(../up/**): the path goes up", `"Bash(hidden \u202ex)"`, "defaultMode acceptEdits", "additionalDirectories ../docs",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}

	// A user's settings belong to no project: what is relative cannot be allowed.
	text, err = adopt.Claude([]byte(claudeSettings), "")
	if err != nil {
		t.Fatal(err)
	}
	p = load(t, text)
	for path, want := range map[string]string{"/any/src/a.ts": "", "/any/docs/a": "", "/any/.github/x": "deny", "/any/.env": ""} {
		if got := decide(t, p, "Edit", args{"file_path": path}); got != want {
			t.Errorf("a user's settings, %s: %q, want %q", path, got, want)
		}
	}

	for text, want := range map[string]string{"": "unexpected end", "[]": "cannot unmarshal", `{"model":"x"}`: `no "permissions"`, `{"permissions":{"allow":[1]}}`: "cannot unmarshal"} {
		if _, err := adopt.Claude([]byte(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

const codexRules = `# My rules
prefix_rule(
    pattern = ["gh", "pr", ["view", "list"]],   # two of them
    decision = "prompt",
    justification = "Viewing {PRs} is allowed with approval",
    match = [
        "gh pr view 7888",
        ["gh", "pr", "list"],
    ],
    not_match = ["gh pr --repo openai/codex view 7888"],
)
prefix_rule(pattern=["git", "reset", "--hard"], decision="forbidden", justification='''destructive
operation''')
prefix_rule(pattern = ["ls"], match = ["ls -l", "'ls' -l"])
host_executable(name = "git", paths = ["/usr/bin/git"])
network_rule(host = "evil.test", protocol = "https", decision = "deny")
network_rule(host = "api.github.com", protocol = "https", decision = "allow")
x = [1, 2]
prefix_rule(pattern = [name], decision = "allow")
prefix_rule(pattern = ["a b"])
prefix_rule(pattern = ["rm"], decision = "maybe")
prefix_rule(pattern = [r"cat"], decision = "allow",)
`

func TestCodexRules(t *testing.T) {
	text, err := adopt.CodexRules([]byte(codexRules))
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, text)
	for _, tc := range []struct {
		tool string
		args args
		want string
	}{
		{"exec_command", args{"cmd": "gh pr view 1"}, "ask"},
		{"exec_command", args{"cmd": "cd x && gh  pr list"}, "ask"},
		{"exec_command", args{"cmd": "gh pr viewer"}, ""},
		{"shell_command", args{"command": "gh pr view"}, "ask"},
		{"shell", args{"command": []string{"bash", "-lc", "gh pr view 1"}}, "ask"},
		{"shell", args{"command": []string{"gh", "pr", "list"}}, "ask"},
		{"shell", args{"command": []string{"gh", "pr", "close"}}, ""},
		{"exec_command", args{"cmd": "git reset --hard HEAD~1"}, "deny"},
		{"exec_command", args{"cmd": "git reset --soft"}, ""},
		{"exec_command", args{"cmd": "ls -la"}, "allow"},
		{"exec_command", args{"cmd": "ls; rm x"}, ""},
		{"exec_command", args{"cmd": "rm x", "justification": "ls"}, ""},
		{"shell", args{"command": []string{"rm", "x", "ls"}}, ""},
		{"exec_command", args{"cmd": "cat x"}, "allow"},
		{"exec_command", args{"cmd": "curl https://evil.test/x"}, "deny"},
	} {
		if got := decide(t, p, tc.tool, tc.args); got != tc.want {
			t.Errorf("%s %v: %q, want %q", tc.tool, tc.args, got, tc.want)
		}
	}
	for _, want := range []string{
		"Viewing (PRs) is allowed", "not taken over: line 15, host_executable", "line 17, network_rule: it lets commands reach", "line 18: a call such as", "line 19: pattern of prefix_rule: name",
		"line 20, prefix_rule: a word of its pattern holds blanks", "line 21, prefix_rule: its decision", "the example 'ls' -l",
		"match:\n      - {args: {cmd: 'gh pr view 7888'}}\n      - {args: {cmd: 'gh pr list'}}\n    not_match:",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if _, err := adopt.CodexRules([]byte("def f():\n  pass\n")); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Error(err)
	}
}

func TestCodexConfig(t *testing.T) {
	text, err := adopt.CodexConfig([]byte(`
model = "gpt-5"
approval_policy = "on-request"
sandbox_mode = "workspace-write"
[mcp_servers.docs]
command = "docs"
enabled_tools = ["search"]
disabled_tools = ["delete"]
default_tools_approval_mode = "approve"
[mcp_servers.docs.tools.publish]
approval_mode = "prompt"
[mcp_servers."my mail"]
default_tools_approval_mode = "prompt"
tools.read = { approval_mode = "approve" }
`))
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, text)
	for tool, want := range map[string]string{
		"mcp__docs__delete": "deny", "mcp__docs__search": "allow", "mcp__docs__publish": "ask", "mcp__my mail__send": "ask", "mcp__my mail__read": "ask", "mcp__other__x": "",
	} {
		if got := decide(t, p, tool, args{}); got != want {
			t.Errorf("%s: %q, want %q", tool, got, want)
		}
	}
	for _, want := range []string{"approval_policy on-request", "sandbox_mode workspace-write", "mcp_servers.docs.enabled_tools", "mcp_servers.my mail.tools.read"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if _, err := adopt.CodexConfig([]byte("a = \nb")); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Error(err)
	}
}

// What comes out loads, whatever goes in, and nothing of it is hidden.
func check(t *testing.T, text []byte, err error) {
	t.Helper()
	if err != nil {
		return
	}
	load(t, text)
	for _, r := range string(text) {
		if r != '\n' && (r < ' ' || r == 0x7f || r == 0x202e || r == 0xfffd) {
			t.Fatalf("%U stands in\n%q", r, text)
		}
	}
}

func FuzzClaude(f *testing.F) {
	f.Add("Bash(npm run *)", "Read(~/x/**)", "/srv")
	f.Add("mcp__a__b", "Edit(*)", "")
	f.Add("Bash(* \\ 'x\" {}[]:*)", "WebFetch(domain:*.a.test)", "/")
	f.Add("Task(a#b: c)", "Read(//)", "~")
	f.Fuzz(func(t *testing.T, one, two, root string) {
		list := []string{one, two}
		data, err := json.Marshal(map[string]any{"permissions": map[string]any{"allow": list, "ask": list, "deny": list, "defaultMode": one, "additionalDirectories": list}})
		if err != nil {
			t.Skip()
		}
		text, err := adopt.Claude(data, root)
		if err != nil {
			t.Fatal(err)
		}
		check(t, text, nil)
	})
}

func FuzzCodexRules(f *testing.F) {
	f.Add(codexRules)
	f.Add("prefix_rule(pattern=['\\x41', \"\"\"b\nc\"\"\"], match=[['a'], 'b'], decision='allow')\nprefix_rule(")
	f.Add("network_rule(host='*.a', decision='prompt')\n)\nx(y=[[[[[[[[[[1")
	f.Fuzz(func(t *testing.T, in string) {
		text, err := adopt.CodexRules([]byte(in))
		check(t, text, err)
	})
}

func FuzzCodexConfig(f *testing.F) {
	f.Add("approval_policy = { granular = { x = true } }\n[mcp_servers.'a*']\ndisabled_tools = ['*', 'b*', '\\u202e']\ndefault_tools_approval_mode = 'prompt'\n")
	f.Fuzz(func(t *testing.T, in string) {
		text, err := adopt.CodexConfig([]byte(in))
		check(t, text, err)
	})
}
