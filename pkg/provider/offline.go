package provider

import (
	"errors"
	"net/http"
	"net/url"
)

// errOffline is what a call of an upstream ends with that only Offline made callable.
var errOffline = errors.New("it has no address")

type offline struct{ u *Upstream }

func (o offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &Error{
		Status: http.StatusBadGateway, Code: "provider_off", Format: o.u.Provider.Default, err: errOffline,
		Message: "The provider " + o.u.Provider.Name + " is off. Set " + o.u.Provider.BaseURLVar + " to switch it on.",
	}
}

// Offline makes every provider callable, whatever is configured, for a proxy that
// answers from recorded traffic. Those that were off have an address that leads
// nowhere.
func (s *Upstreams) Offline() {
	for _, u := range s.byName {
		if u.State != StateOff {
			continue
		}
		// RFC 6761 §6.4: names below .invalid do not exist.
		u.base = &url.URL{Scheme: "http", Host: u.Provider.Name + ".invalid"}
		if v := u.Provider.Paths.BaseVersion; v != "" {
			u.base.Path = "/" + v
		}
		u.State, u.Why, u.instead = StateReady, "It answers from recorded traffic.", offline{u}
	}
}
