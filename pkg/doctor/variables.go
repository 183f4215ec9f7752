package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// problem is what is wrong with a base URL; "" is nothing.
type problem struct{ detail, remedy string }

// judge says what is wrong with a base URL of a provider's clients.
func (x *examination) judge(name, value, want string) problem {
	right := x.site.Origin + "/v1/" + want + "/" + provider.DefaultProfile
	set := "Set it to " + right + "."
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return problem{name + " is no URL.", set}
	}
	own, err := url.Parse(x.site.Origin)
	if err != nil {
		return problem{}
	}
	switch {
	case !isLoopback(u.Hostname()) && u.Hostname() != own.Hostname():
		if u.Scheme == "http" {
			return problem{fmt.Sprintf("%s points elsewhere, to %s, and by plain HTTP: keys and prompts go out in the clear.", name, u.Host), set}
		}
		return problem{fmt.Sprintf("%s points elsewhere, to %s: nothing of it is captured.", name, u.Host), set}
	case u.Port() != own.Port():
		return problem{fmt.Sprintf("%s points to port %s, and archestra listens on %s.", name, portOf(u), own.Port()), set}
	case u.Scheme == "https":
		return problem{name + " begins with https, and archestra speaks plain HTTP on this machine.", set}
	}
	if strings.Contains(u.Path, "{") {
		return problem{name + " has a placeholder in its path: " + u.Path + ".", set}
	}
	for _, end := range []string{"/chat/completions", "/responses", "/messages"} {
		if strings.HasSuffix(strings.TrimRight(u.Path, "/"), end) {
			return problem{name + " ends in " + end + ", which the client adds itself.", set}
		}
	}
	target, err := provider.Resolve(http.MethodGet, strings.TrimRight(u.EscapedPath(), "/")+"/models")
	switch {
	case err != nil:
		return problem{name + ": " + err.Error(), set}
	case target.Provider.Name != want:
		return problem{fmt.Sprintf("%s leads to %s, and its clients speak to %s.", name, target.Provider.Name, want), set}
	}
	// What stands between the profile and the client's own path has to be a version.
	if rest := strings.Trim(strings.TrimSuffix(target.Rest, "/models"), "/"); rest != "" && !slices.Contains(target.Provider.Paths.Versions, rest) {
		return problem{fmt.Sprintf("%s has /%s behind the profile, which is no part of %s's paths.", name, rest, want), set}
	}
	return problem{}
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// variablesOf is the table's variables, each once, by name.
func variablesOf() map[string]agent.Variable {
	out := map[string]agent.Variable{}
	for _, c := range agent.Clients() {
		for _, v := range c.Variables {
			out[v.Name] = v
		}
	}
	return out
}

// elsewhere are variables that make clients call what is no provider of archestra.
var elsewhere = []struct{ name, what string }{
	{"CLAUDE_CODE_USE_BEDROCK", "Claude Code calls AWS Bedrock, whose signed requests cannot be captured"},
	{"CLAUDE_CODE_USE_VERTEX", "Claude Code calls Google itself"},
	{"CLAUDE_CODE_USE_FOUNDRY", "Claude Code calls Microsoft Foundry itself"},
	{"AZURE_OPENAI_ENDPOINT", "clients of Azure OpenAI call Azure, which is no provider of archestra"},
}

// checkVariables: what this shell hands its clients leads to archestra. Where a
// command is run wired, its variables are set right, and the others do not count.
func checkVariables(_ context.Context, x *examination) []Finding {
	var out []Finding
	bad, overridden := Failed, ""
	if x.Run != nil {
		bad, overridden = Warning, " The command below is run with the right one."
	}
	table := variablesOf()
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	set := 0
	for _, name := range names {
		v := table[name]
		value, _ := x.Env(name)
		if value == "" {
			continue
		}
		set++
		if v.Provider == "ollama" && !x.serves(v.Provider) {
			continue // it leads to an Ollama that archestra was not told of; the local servers say so
		}
		if p := x.judge(name, value, v.Provider); p != (problem{}) {
			out = append(out, Finding{State: bad, Subject: name, Detail: p.detail + overridden, Remedy: p.remedy})
		}
	}
	for _, e := range elsewhere {
		if v, _ := x.Env(e.name); v != "" && v != "0" && !strings.EqualFold(v, "false") {
			out = append(out, Finding{State: Failed, Subject: e.name, Detail: e.name + " is set: " + e.what + ".", Remedy: "unset " + e.name})
		}
	}
	if f, ok := x.proxied(); ok {
		if x.Run != nil {
			f.State = Warning
		}
		out = append(out, f)
	}
	switch {
	case out != nil:
		return out
	case set == 0 && x.Run == nil:
		return one(Warning, "None points clients of this shell at archestra.", `eval "$(archestra env)"; or archestra run -- CMD`)
	}
	return one(OK, "None points elsewhere.", "")
}

func (x *examination) serves(name string) bool {
	for _, p := range x.serving {
		if p.Name == name {
			return true
		}
	}
	return false
}

// proxied tells that requests to this machine would be sent to another proxy.
func (x *examination) proxied() (Finding, bool) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if v, _ := x.Env(name); v == "" {
			continue
		}
		for _, list := range []string{"NO_PROXY", "no_proxy"} {
			v, _ := x.Env(list)
			hosts := strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
			if slices.Contains(hosts, "*") || slices.ContainsFunc(hosts, func(h string) bool {
				if name, _, err := net.SplitHostPort(h); err == nil {
					h = name
				}
				return isLoopback(h)
			}) {
				return Finding{}, false
			}
		}
		return Finding{State: Failed, Subject: name, Detail: name + " is set and NO_PROXY does not name localhost: clients look for archestra behind that proxy.",
			Remedy: "export NO_PROXY=localhost,127.0.0.1,::1 beside what it holds; archestra env prints it."}, true
	}
	return Finding{}, false
}
