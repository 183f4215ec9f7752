package agent

import (
	"slices"
	"strings"
)

// Wiring is what points one command at the proxy.
type Wiring struct {
	Client *Client   // nil where the command is not known
	Set    []Setting // by name
	Clear  []string  // variables to take away
	Argv   []string  // the command with its arguments, old and new
	Added  []string  // the arguments among them that are new
	Limits []string  // what does not come through, and why
}

// Wire says how to run argv so that its requests go through the proxy. Any
// command gets the variables of all clients: a script may use any SDK, and start
// any agent.
func Wire(s Site, argv []string, env Lookup) Wiring {
	c, at := Recognise(argv)
	w := Wiring{Client: c, Argv: argv}
	var limits []string
	w.Set, limits = settings(s, env, c)
	if c == nil {
		w.Limits = unknown(argv)
		w.Limits = append(w.Limits, limits...)
		return w
	}
	w.Clear = c.Clear
	w.Limits = append(w.Limits, limits...)
	if c.Arguments != nil {
		var more []string
		w.Added, more = c.Arguments(s, argv[at:], env)
		w.Argv = slices.Concat(argv[:at], w.Added, argv[at:])
		w.Limits = append(w.Limits, more...)
	}
	w.Limits = append(w.Limits, c.Limits...)
	if s.Token != "" && c.Header == nil && !c.Headers {
		w.Limits = append(w.Limits, c.Title+" reads no variable for further headers, and the door demands "+TokenHeader+": its requests will be refused unless it is given the header by hand.")
	}
	return w
}

// Settings are the variables for any client, by name, and what they do not reach.
func Settings(s Site, env Lookup) (set []Setting, limits []string) { return settings(s, env, nil) }

// settings are the variables of all clients. Limits are those of the environment
// and of the client that is run.
func settings(s Site, env Lookup, run *Client) (set []Setting, limits []string) {
	seen := map[string]bool{}
	add := func(v Setting) {
		if !seen[v.Name] {
			seen[v.Name] = true
			set = append(set, v)
		}
	}
	for _, c := range clients {
		for _, v := range c.Variables {
			if s.Serves(v.Provider) && (!v.Vertex || s.Vertex) {
				add(Setting{Name: v.Name, Value: s.base(v.Provider) + v.Suffix})
			}
		}
		if c.Configure != nil {
			more, no := c.Configure(s, env)
			for _, v := range more {
				add(v)
			}
			if c == run {
				limits = append(limits, no...)
			}
		}
		if c.Header != nil && s.Token != "" {
			add(c.Header.add(s.Token, env))
		}
	}
	if s.Token != "" { // it may come from a file, and Codex reads the variable
		add(Setting{Name: TokenVar, Value: s.Token, Secret: true})
	}
	for _, v := range noProxy(env) {
		add(v)
	}
	if vertex, _ := env("GOOGLE_GENAI_USE_VERTEXAI"); !s.Vertex && (strings.EqualFold(vertex, "true") || vertex == "1") {
		limits = append(limits, "GOOGLE_GENAI_USE_VERTEXAI is set and archestra does not call Vertex AI: those requests go to Google directly; set ARCHESTRA_GEMINI_VERTEX_AI_ENABLED=true for the server.")
	}
	slices.SortFunc(set, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return set, limits
}

// unknown is what holds for any program.
func unknown(argv []string) []string {
	if len(argv) > 0 {
		if why, ok := outside[baseName(argv[0])]; ok {
			return []string{why}
		}
	}
	return []string{
		"A base URL that is given in the program's code or its own settings wins over the variables.",
		"Requests to AWS Bedrock are signed for their host (SigV4), and xAI's own SDK speaks gRPC: neither can be captured.",
		"A daemon or an editor that runs already keeps the environment in which it was started.",
	}
}
