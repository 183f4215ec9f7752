package provider

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// prepare makes one provider ready.
func prepare(p *Provider, cfg *config.Config, g *guard) (*Upstream, error) {
	u := &Upstream{Provider: p, State: StateReady, guard: g}
	raw, origin := p.BaseURL, ""
	if v, from, ok := cfg.Lookup(p.BaseURLVar); ok {
		raw, origin = v, from
	} else if v := cfg.Providers[p.Name].BaseURL; v != "" {
		raw, origin = v, cfg.File
	}
	if p.Vertex && cfg.Vertex.Enabled {
		u.vertex = newVertex(cfg)
		raw, origin = u.vertex.host(), ""
		if cfg.Vertex.BaseURL != "" {
			raw, origin = cfg.Vertex.BaseURL, "ARCHESTRA_GEMINI_VERTEX_AI_BASE_URL"
		}
	}
	if raw == "" {
		u.State, u.Why = StateOff, "Set "+p.BaseURLVar+" to switch it on."
		return u, nil
	}
	base, err := parseBase(raw, p)
	if err != nil {
		return nil, &config.Error{Setting: p.BaseURLVar, Origin: origin, Value: redactURL(raw), Problem: err.Error(), Accepts: "an http or https URL, such as https://host/path"}
	}
	u.base, u.given = base, origin != ""
	u.transport = newTransport(cfg, u)
	if u.vertex != nil {
		u.KeySource, u.State, u.Why = u.vertex.describe()
		return u, nil
	}
	if err := u.findKey(cfg); err != nil {
		return nil, err
	}
	if u.key.IsZero() && !p.Local {
		u.State = StateNoKey
		u.Why = "Clients send their own key; set " + p.KeyVars[0] + " to send one for those that have none."
	}
	return u, nil
}

// findKey takes the server's key from the first place that has it.
func (u *Upstream) findKey(cfg *config.Config) error {
	p := u.Provider
	for _, name := range p.KeyVars {
		if v, origin, ok := cfg.Lookup(name); ok {
			u.key, u.KeySource = config.NewSecret(strings.TrimSpace(v)), origin
			break
		}
	}
	if u.KeySource == "" {
		if k := cfg.Providers[p.Name].APIKey; !k.IsZero() {
			u.key, u.KeySource = k, cfg.File
		}
	}
	for _, c := range u.key.Reveal() {
		if c <= ' ' || c >= 0x7f {
			return &config.Error{Setting: p.Name + " key", Origin: u.KeySource, Problem: "holds a space or a character that a header cannot carry", Accepts: "the key alone"}
		}
	}
	return nil
}

// parseBase reads a base URL, without a slash at its end and with the version
// that servers of this provider have their APIs under.
func parseBase(raw string, p *Provider) (*url.URL, error) {
	if err := config.CheckBaseURL(raw); err != nil {
		return nil, err
	}
	if strings.Contains(raw, "/../") || strings.HasSuffix(raw, "/..") {
		return nil, errors.New("holds a dot segment")
	}
	base, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	base.Host = strings.ToLower(base.Host)
	if v := p.Paths.BaseVersion; v != "" && !contains(strings.Split(base.Path, "/"), v) {
		// Not JoinPath: of an empty path it makes one without a slash.
		escaped := base.EscapedPath() + "/" + v
		base.Path, base.RawPath = base.Path+"/"+v, escaped
	}
	return base, nil
}

// redactURL leaves the credentials out of an address that was refused for them.
func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// plainHTTP warns of a key that would travel unencrypted.
func (u *Upstream) plainHTTP() string {
	if u.base == nil || u.base.Scheme != "http" {
		return ""
	}
	host := u.base.Hostname()
	ip, err := netip.ParseAddr(host)
	if config.Loopback(host) || strings.HasSuffix(host, ".localhost") || err == nil && within(ip.Unmap(), privateNets) || net.ParseIP(host) == nil && !strings.Contains(host, ".") {
		return ""
	}
	return fmt.Sprintf("%s: keys travel unencrypted to %s", u.Provider.Name, u.Base())
}
