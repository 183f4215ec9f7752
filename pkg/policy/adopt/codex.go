package adopt

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

var codexNotes = []string{
	"Codex goes on to apply its own. What allows here ends archestra's questions",
	"about these calls, not its denials.",
}

// CodexRules takes over a file of Codex's rules (~/.codex/rules/*.rules).
func CodexRules(data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return nil, fmt.Errorf("the rules are larger than %d bytes", maxInput)
	}
	c := codex{file{from: "Codex's rules", short: "codex", notes: codexNotes}}
	all, faults := calls(string(data))
	if len(all) == 0 && len(faults) > 0 {
		return nil, fmt.Errorf("the rules of Codex: line %d: %s", faults[0].line, faults[0].why)
	}
	for _, call := range all {
		where := fmt.Sprintf("line %d, %s", call.line, call.name)
		var why string
		switch call.name {
		case "prefix_rule":
			why = c.prefix(call)
		case "network_rule":
			why = c.network(call)
		default:
			why = "archestra has no such rule"
		}
		if why != "" {
			c.leave("", where, why)
		}
	}
	for _, f := range faults {
		c.leave("", fmt.Sprintf("line %d", f.line), f.why)
	}
	return c.yaml(), nil
}

type codex struct{ file }

// decisions of Codex; where none is given it is allow.
var decisions = map[string]llm.Action{"allow": llm.ActionAllow, "prompt": llm.ActionAsk, "forbidden": llm.ActionBlock, "deny": llm.ActionBlock}

func (c call) decision() (llm.Action, bool) {
	v, given := c.args["decision"]
	if !given {
		return llm.ActionAllow, true
	}
	a, ok := decisions[v.text]
	return a, ok && v.isText
}

// prefix takes over a rule about commands that begin with some words. It returns
// why it could not.
func (c *codex) prefix(from call) string {
	a, ok := from.decision()
	if !ok {
		return "its decision is none of allow, prompt and forbidden"
	}
	tokens := from.args["pattern"].list
	if len(tokens) == 0 {
		return "it has no pattern"
	}
	var argv []condition
	var parts, first []string
	for i, t := range tokens {
		alternatives, ok := t.texts()
		if !ok || !slices.ContainsFunc(alternatives, func(s string) bool { return s != "" }) {
			return "its pattern is no list of words"
		}
		var quoted []string
		for _, w := range alternatives {
			if !plain(w) || strings.ContainsAny(w, " \t\n") {
				return "a word of its pattern holds blanks or hidden characters"
			}
			quoted = append(quoted, regexp.QuoteMeta(w))
		}
		part := quoted[0]
		if len(quoted) > 1 {
			part = "(?:" + strings.Join(quoted, "|") + ")"
		}
		parts = append(parts, part)
		first = append(first, alternatives[0])
		argv = append(argv, condition{arg: fmt.Sprintf("command[%d]", i), predicate: "equal", values: alternatives})
	}
	allows, blanks := a == llm.ActionAllow, "\\s+"
	if allows {
		blanks = "[ \\t]+"
	}
	pattern := within(strings.Join(parts, blanks), true, allows)
	if len(pattern) > maxRegex {
		return "its pattern is too long"
	}
	r := rule{action: a, origin: strings.Join(first, " "), name: strings.Join(first, " ")}
	if j := from.args["justification"]; j.isText && plain(j.text) {
		r.because = strings.NewReplacer("{", "(", "}", ")").Replace(j.text)
	}
	// exec_command takes a line of shell, shell_command too, and shell the words of
	// a command, of which a line of shell may be one.
	line := r
	line.tools = []string{"exec_command"}
	line.when = []condition{{arg: "cmd", predicate: "regex", values: []string{pattern}}}
	c.examples(&line, from, pattern)
	c.add(line)
	line = r
	line.tools = []string{"shell_command"}
	arg := "command"
	if !allows {
		line.tools, arg = []string{"shell_command", "shell", "local_shell"}, "command[*]"
	}
	line.when = []condition{{arg: arg, predicate: "regex", values: []string{pattern}}}
	c.add(line)
	if !allows {
		r.tools, r.when = []string{"shell", "local_shell"}, argv
		c.add(r)
	}
	return ""
}

// examples takes over the examples of a rule as far as its pattern agrees.
func (c *codex) examples(r *rule, from call, pattern string) {
	for _, kind := range []struct {
		name string
		want bool
	}{{"match", true}, {"not_match", false}} {
		for _, e := range from.args[kind.name].list {
			text := e.text
			if ws, ok := e.texts(); ok && e.isList {
				text = strings.Join(ws, " ")
			} else if !e.isText {
				continue
			}
			if matches(pattern, text) != kind.want {
				c.leave("", fmt.Sprintf("line %d, the example %s", from.line, text), "archestra reads it otherwise")
				continue
			}
			r.examples = append(r.examples, example{want: kind.want, arg: "cmd", value: text})
		}
	}
}

// network takes over a rule about a host that commands reach.
func (c *codex) network(from call) string {
	a, ok := from.decision()
	host := strings.ToLower(from.args["host"].text)
	switch {
	case !ok:
		return "its decision is none of allow, prompt and deny"
	case host == "" || strings.Trim(strings.TrimPrefix(host, "*."), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "":
		return "it names no host"
	case a == llm.ActionAllow:
		return "it lets commands reach " + host + " from Codex's sandbox; archestra asks about hosts only where a tool's result named them"
	}
	c.add(rule{action: a, origin: "network " + host, name: "network " + host, tools: []string{"exec_command", "shell_command", "shell", "local_shell"},
		when: []condition{{arg: "*", predicate: "host_in", values: []string{host}}}})
	return ""
}

// CodexConfig takes over what a config.toml of Codex says of approvals.
func CodexConfig(data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return nil, fmt.Errorf("the configuration is larger than %d bytes", maxInput)
	}
	type approval struct {
		Mode string `toml:"approval_mode"`
	}
	var config struct {
		Approval any    `toml:"approval_policy"`
		Sandbox  string `toml:"sandbox_mode"`
		Servers  map[string]struct {
			Enabled  []string            `toml:"enabled_tools"`
			Disabled []string            `toml:"disabled_tools"`
			Default  string              `toml:"default_tools_approval_mode"`
			Tools    map[string]approval `toml:"tools"`
		} `toml:"mcp_servers"`
	}
	if err := decodeTOML(data, &config); err != nil {
		return nil, fmt.Errorf("the configuration of Codex: %w", err)
	}
	c := codex{file{from: "Codex's configuration", short: "codex", notes: codexNotes}}
	if s, ok := config.Approval.(string); ok {
		c.leave("", "approval_policy "+s, "when Codex asks; archestra judges each call all the same")
	} else if config.Approval != nil {
		c.leave("", "approval_policy", "when Codex asks; archestra judges each call all the same")
	}
	if config.Sandbox != "" {
		c.leave("", "sandbox_mode "+config.Sandbox, "what the system lets commands do is not seen at the wire")
	}
	for _, name := range sorted(config.Servers) {
		s := config.Servers[name]
		tool := func(a llm.Action, tool string) { c.server(a, name, tool) }
		for _, t := range s.Disabled {
			tool(llm.ActionBlock, t)
		}
		if len(s.Enabled) > 0 {
			c.leave("", "mcp_servers."+name+".enabled_tools", "no rule says \"all but these\"")
		}
		modes := map[string]llm.Action{"prompt": llm.ActionAsk, "approve": llm.ActionAllow}
		if a, ok := modes[s.Default]; ok {
			tool(a, "*")
		}
		for _, t := range sorted(s.Tools) {
			a, ok := modes[s.Tools[t].Mode]
			if ok && a == llm.ActionAllow && s.Default == "prompt" {
				c.leave("", "mcp_servers."+name+".tools."+t, "every tool of the server is asked about, and asking comes before allowing")
				continue
			}
			if ok {
				tool(a, t)
			}
		}
	}
	return c.yaml(), nil
}

// server takes over a word about a tool of an MCP server.
func (c *codex) server(a llm.Action, server, tool string) {
	name := "mcp__" + server + "__" + tool
	if !plain(name) || tool == "" || strings.Contains(server, "*") || tool != "*" && strings.Contains(tool, "*") {
		c.leave(a, name, "it is no name of a tool")
		return
	}
	c.add(rule{action: a, origin: "mcp_servers." + server + ", " + tool, name: server + " " + tool, tools: []string{name}})
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// decodeTOML reads TOML. A parser that panics has not read it.
func decodeTOML(data []byte, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("TOML: %v", r)
		}
	}()
	err = toml.Unmarshal(data, into)
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// maxRegex is how long a regular expression of a rule can be, in bytes.
const maxRegex = 2000

func matches(pattern, text string) bool {
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(text)
}
