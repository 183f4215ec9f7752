package adopt

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Claude takes over the permissions of a settings.json of Claude Code. root is the
// folder of the project that the settings belong to, with slashes, or "" for a
// user's settings.
func Claude(data []byte, root string) ([]byte, error) {
	if len(data) > maxInput {
		return nil, fmt.Errorf("the settings are larger than %d bytes", maxInput)
	}
	var settings struct {
		Permissions *struct {
			Allow       []string `json:"allow"`
			Ask         []string `json:"ask"`
			Deny        []string `json:"deny"`
			DefaultMode string   `json:"defaultMode"`
			Directories []string `json:"additionalDirectories"`
		} `json:"permissions"`
	}
	if err := json.Unmarshal(data, &settings); err != nil {
		return nil, fmt.Errorf("the settings of Claude Code: %w", err)
	}
	p := settings.Permissions
	if p == nil {
		return nil, errors.New(`the settings of Claude Code: there is no "permissions" in them`)
	}
	c := claude{root: strings.TrimRight(root, "/"), file: file{from: "Claude Code's permissions", short: "claude", notes: []string{
		"Claude Code goes on to apply its own. What allows here ends archestra's questions",
		"about these calls, not its denials. What is said of files is about the tools for files;",
		"commands that reach for them are a matter of archestra's own rules.",
	}}}
	for _, l := range []struct {
		action  llm.Action
		entries []string
	}{{llm.ActionBlock, p.Deny}, {llm.ActionAsk, p.Ask}, {llm.ActionAllow, p.Allow}} {
		for _, e := range l.entries {
			c.entry(l.action, e)
		}
	}
	if p.DefaultMode != "" && p.DefaultMode != "default" {
		c.leave("", "defaultMode "+p.DefaultMode, "what Claude Code does without asking; archestra judges each call all the same")
	}
	for _, d := range p.Directories {
		c.leave("", "additionalDirectories "+d, "it widens what Claude Code may read and edit without asking")
	}
	return c.yaml(), nil
}

type claude struct {
	file
	root string
}

// The tools that read and edit files, by the argument that names the file.
var (
	readers = []fileTools{{[]string{"Read"}, "file_path"}, {[]string{"Grep", "Glob", "LS"}, "path"}}
	editors = []fileTools{{[]string{"Edit", "Write", "MultiEdit"}, "file_path"}, {[]string{"NotebookEdit"}, "notebook_path"}}
)

type fileTools struct {
	tools []string
	arg   string
}

// entry takes over one entry: Tool or Tool(specifier).
func (c *claude) entry(a llm.Action, entry string) {
	name, spec, hasSpec := strings.Cut(entry, "(")
	name = strings.TrimSpace(name)
	if hasSpec {
		closed := false
		if spec, closed = strings.CutSuffix(strings.TrimSpace(spec), ")"); !closed {
			c.leave(a, entry, "it is not written as Tool(specifier)")
			return
		}
	}
	switch {
	case name == "" || !plain(entry) || strings.ContainsAny(name, " \t,"):
		c.leave(a, entry, "it is not written as Tool or Tool(specifier)")
	case spec == "" || spec == "*" || spec == "**" || spec == "domain:*" || spec == ":*":
		c.whole(a, entry, name)
	default:
		c.specified(a, entry, name, spec)
	}
}

// whole takes over a tool by its name alone.
func (c *claude) whole(a llm.Action, entry, name string) {
	r := rule{action: a, origin: entry, name: name, tools: []string{name}}
	server, isMCP := strings.CutPrefix(name, "mcp__")
	switch {
	case a == llm.ActionAllow && (name == "Bash" || name == "PowerShell" || strings.Trim(name, "*") == ""):
		c.leave(a, entry, "it would end every question about commands, also those that a page or a mail had the model run")
		return
	case name == "Read":
		r.tools = toolsOf(readers)
	case name == "Edit" || name == "Write":
		r.tools = toolsOf(editors)
	case isMCP && server != "" && !strings.Contains(server, "__"):
		r.tools = []string{name + "__*"}
	}
	c.add(r)
}

func toolsOf(groups []fileTools) (all []string) {
	for _, g := range groups {
		all = append(all, g.tools...)
	}
	return all
}

func (c *claude) specified(a llm.Action, entry, name, spec string) {
	r := rule{action: a, origin: entry, name: entry, tools: []string{name}}
	switch name {
	case "Bash", "PowerShell":
		if before, ok := strings.CutSuffix(spec, ":*"); ok {
			spec = before + " *"
		}
		if strings.TrimSpace(strings.Trim(spec, "*")) == "" {
			c.whole(a, entry, name)
			return
		}
		allows := a == llm.ActionAllow
		r.when = []condition{{arg: "command", predicate: "regex", values: []string{pattern(spec, allows)}}}
		r.examples = []example{{want: true, arg: "command", value: sample(spec)}}
		if len(r.when[0].values[0]) > maxRegex || !matches(r.when[0].values[0], sample(spec)) {
			c.leave(a, entry, "no pattern can be made of it")
			return
		}
		c.add(r)
	case "Read":
		c.paths(r, spec, readers)
	case "Edit", "Write", "MultiEdit", "NotebookEdit":
		c.paths(r, spec, editors)
	case "WebFetch":
		host, ok := strings.CutPrefix(spec, "domain:")
		host = strings.ToLower(host)
		if rest, wild := strings.CutPrefix(host, "*."); !ok || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || rest == "" && wild {
			c.leave(a, entry, "only domain:HOST and domain:*.HOST are known")
			return
		}
		hosts := []string{host}
		if a != llm.ActionAllow && !strings.HasPrefix(host, "*.") {
			hosts = append(hosts, "*."+host)
		}
		r.when = []condition{{arg: "url", predicate: "host_in", values: hosts}}
		c.add(r)
	case "Task", "Agent":
		r.tools = []string{"Task", "Agent"}
		r.when = []condition{{arg: "subagent_type", predicate: "equal", values: []string{spec}}}
		c.add(r)
	default:
		c.leave(a, entry, "archestra does not know what it means for this tool")
	}
}

// paths takes over a rule about files, whose pattern is that of gitignore with
// "//" for the root of the file system and "/" for that of the project.
func (c *claude) paths(r rule, spec string, groups []fileTools) {
	allows := r.action == llm.ActionAllow
	cond, why := c.place(spec, allows)
	if why != "" {
		c.leave(r.action, r.origin, why)
		return
	}
	for _, g := range groups {
		one := r
		one.tools = g.tools
		cond.arg = g.arg
		one.when = []condition{cond}
		c.add(one)
	}
}

func (c *claude) place(spec string, allows bool) (cond condition, why string) {
	p := strings.TrimPrefix(spec, "./")
	absolute := true
	switch {
	case strings.HasPrefix(p, "//"):
		p = p[1:]
	case strings.HasPrefix(p, "~/"):
	case strings.HasPrefix(p, "/"):
		if c.root != "" {
			p = c.root + p
		} else if allows {
			return cond, "it depends on the project that Claude Code runs in"
		} else {
			p = strings.TrimPrefix(p, "/")
			absolute = false
		}
	default:
		absolute = false
	}
	if strings.Contains(p, "\\") || strings.HasPrefix(p, "!") || strings.ContainsAny(p, "?[]{}") {
		return cond, "only * and ** are known in paths"
	}
	for _, part := range strings.Split(p, "/") {
		if part == ".." {
			return cond, "the path goes up"
		}
	}
	// Whatever lies in a folder is under its path, so that "/**" says nothing more.
	deep := false
	for strings.HasSuffix(p, "/**") {
		p, deep = strings.TrimSuffix(p, "/**"), true
	}
	anywhere := false
	for !absolute && strings.HasPrefix(p, "**/") {
		p, anywhere = strings.TrimPrefix(p, "**/"), true
	}
	p = strings.Trim(strings.TrimSuffix(p, "/"), " ")
	switch {
	case strings.Trim(p, "*/~") == "":
		return cond, "it is about every file"
	case strings.Contains(p, "**"):
		return cond, "** can only stand at either end of a path"
	case allows && !absolute && c.root == "":
		return cond, "it depends on the folder that Claude Code runs in"
	case allows && !deep && strings.HasSuffix(p, "*"):
		return cond, "here it would hold for what lies deeper too; write " + spec + "* if that is meant"
	case allows && !absolute && anywhere:
		return cond, "it would hold outside of the project too"
	case allows && !absolute:
		p = path.Join(c.root, p)
	case !absolute:
		p = "**/" + p
	}
	return condition{predicate: "path_under", values: []string{p}}, ""
}
