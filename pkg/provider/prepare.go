package provider

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

func prepare(p *Provider, cfg *config.Config, g *guard) (*Upstream, error) {
	u := &Upstream{Provider: p, State: StateReady, guard: g}
	raw := p.BaseURL
	if v, _, ok := cfg.Lookup(p.BaseURLVar); ok {
		raw, u.given = v, true
	}
	if raw == "" {
		u.State, u.Why = StateOff, "Set "+p.BaseURLVar+" to switch it on."
		return u, nil
	}
	base, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil {
		return nil, err
	}
	u.base = base
	u.transport = &http.Transport{DisableCompression: true}
	return u, nil
}
