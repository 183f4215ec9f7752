package agent

import (
	"encoding/json"
	"slices"
	"strings"
)

// object makes JSON of a value that always has one.
func object(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings have no value without JSON
	}
	return string(b)
}

// claudeSettings repeats the base URL where a settings file cannot override it.
// No credential goes there: other users see command lines.
func claudeSettings(s Site, own []string, _ Lookup) (args, limits []string) {
	for _, arg := range own {
		if arg == "--" {
			break
		}
		if arg == "--settings" || strings.HasPrefix(arg, "--settings=") {
			return nil, []string{"The command has --settings of its own, which are left as they are: an ANTHROPIC_BASE_URL in a settings file wins."}
		}
	}
	return []string{"--settings", object(map[string]any{"env": map[string]string{
		"ANTHROPIC_BASE_URL": s.base("anthropic"), "ENABLE_TOOL_SEARCH": "true",
	}})}, nil
}

// codexProvider is the name of the provider that Codex is given.
const codexProvider = "archestra"

// codexArguments configure a provider of its own. The strings are JSON's, which
// are TOML's too as long as they hold no control characters.
func codexArguments(s Site, _ []string, env Lookup) (args, limits []string) {
	set := func(key, value string) { args = append(args, "-c", key+"="+value) }
	table := "model_providers." + codexProvider + "."
	set("model_provider", object(codexProvider))
	set(table+"name", object("OpenAI through archestra"))
	set(table+"base_url", object(s.base("openai")))
	set(table+"wire_api", object("responses"))
	if v, _ := env("OPENAI_API_KEY"); v != "" {
		set(table+"env_key", object("OPENAI_API_KEY"))
	} else {
		set(table+"requires_openai_auth", "true") // the key of codex login
	}
	if s.Token != "" {
		set(table+"env_http_headers", "{"+object(TokenHeader)+"="+object(TokenVar)+"}")
	}
	return args, nil
}

// opencodeVar is opencode's inline configuration.
const opencodeVar = "OPENCODE_CONFIG_CONTENT"

// opencodeProviders are archestra's providers by opencode's names. The base URLs
// are the AI SDK's: those of Anthropic and Google end in a version.
var opencodeProviders = []struct{ name, provider, suffix string }{
	{"anthropic", "anthropic", "/v1"}, {"cerebras", "cerebras", ""}, {"google", "gemini", "/v1beta"},
	{"openai", "openai", ""}, {"xai", "xai", ""},
}

// opencodeConfig adds the base URLs to the inline configuration.
func opencodeConfig(s Site, env Lookup) ([]Setting, []string) {
	config := map[string]any{}
	own, _ := env(opencodeVar)
	if own != "" {
		if err := json.Unmarshal([]byte(own), &config); err != nil {
			return nil, []string{opencodeVar + " is set, and is no JSON that more could be added to: it is left as it is."}
		}
	}
	member := func(in map[string]any, name string) map[string]any {
		m, ok := in[name].(map[string]any)
		if !ok {
			m = map[string]any{}
			in[name] = m
		}
		return m
	}
	if config == nil { // "null"
		config = map[string]any{}
	}
	providers := member(config, "provider")
	for _, p := range opencodeProviders {
		if !s.Serves(p.provider) {
			continue
		}
		options := member(member(providers, p.name), "options")
		options["baseURL"] = s.base(p.provider) + p.suffix
		if s.Token != "" {
			member(options, "headers")[TokenHeader] = s.Token
		}
	}
	return []Setting{{Name: opencodeVar, Value: object(config), Secret: own != "" || s.Token != ""}}, nil
}

// header adds the token to the headers that are set already.
func (h Header) add(token string, env Lookup) Setting {
	value := TokenHeader + ": " + token
	if own, _ := env(h.Name); own != "" {
		value = own + h.Separator + value
	}
	return Setting{Name: h.Name, Value: value, Secret: true}
}

// loopback are the hosts that no proxy is to be asked for.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

// noProxyVars are both spellings: curl and Python read the lower, Go and Node both.
var noProxyVars = []string{"NO_PROXY", "no_proxy"}

// noProxy adds loopback to the hosts that are reached directly. Both spellings
// get what either has, since whoever reads one may not read the other.
func noProxy(env Lookup) []Setting {
	var hosts []string
	add := func(host string) {
		if host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, name := range noProxyVars {
		list, _ := env(name)
		// Blanks separate too, and no host holds a control character.
		for _, host := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r <= ' ' || r == 0x7f }) {
			add(host)
		}
	}
	if slices.Contains(hosts, "*") {
		hosts = []string{"*"}
	} else {
		for _, host := range loopback {
			add(host)
		}
	}
	value := strings.Join(hosts, ",")
	return []Setting{{Name: noProxyVars[0], Value: value}, {Name: noProxyVars[1], Value: value}}
}
