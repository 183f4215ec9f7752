package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// State is how ready an upstream is, in the words of `providers list`.
type State string

// The states of an upstream.
const (
	StateReady       State = "ready"
	StateNoKey       State = "no key" // clients must send their own, as they usually do
	StateUnreachable State = "unreachable"
	StateOff         State = "off"
)

// Upstream is a provider made ready by the configuration. Its methods are safe
// for concurrent use.
type Upstream struct {
	Provider  *Provider
	State     State
	Why       string // why it is in that state, for people
	KeySource string // the variable or file that holds the server's key, or ""

	base      *url.URL // without a slash at the end; nil where the upstream is off
	given     bool     // the base URL is the user's, and may be private
	key       config.Secret
	vertex    *vertex // nil unless the upstream is Vertex AI
	transport *http.Transport
	instead   http.RoundTripper // of transport, where Offline says so
	guard     *guard
}

// Upstreams are the upstreams of all providers.
type Upstreams struct {
	// Warnings are what is odd but usable, for the log at start.
	Warnings []string

	byName map[string]*Upstream
	guard  *guard
	origin string
}

// Prepare makes every provider ready. The error says which setting is wrong.
func Prepare(cfg *config.Config) (*Upstreams, error) {
	for name := range cfg.Providers {
		if _, ok := Lookup(name); !ok {
			return nil, fmt.Errorf("%s: providers: unknown provider %q; known are %s", cfg.File, name, names())
		}
	}
	set := &Upstreams{byName: map[string]*Upstream{}, guard: &guard{}, origin: cfg.ClientURL()}
	for _, p := range All() {
		u, err := prepare(p, cfg, set.guard)
		if err != nil {
			return nil, err
		}
		set.byName[p.Name] = u
		if w := u.plainHTTP(); w != "" {
			set.Warnings = append(set.Warnings, w)
		}
	}
	return set, nil
}

// Get returns the upstream of a provider. The error is an *Error of status 404
// where the provider is off.
func (s *Upstreams) Get(p *Provider) (*Upstream, error) {
	u := s.byName[p.Name]
	if u == nil || u.State == StateOff {
		why := ""
		if u != nil {
			why = " " + u.Why
		}
		return nil, &Error{
			Status: http.StatusNotFound, Code: "provider_off", Format: p.Default, BasePath: "/v1/{provider}/{profile}",
			Message: fmt.Sprintf("The provider %q is off.%s Available providers: %s.", p.Name, why, s.available()),
		}
	}
	return u, nil
}

// Available names the providers that are not off, for people.
func (s *Upstreams) Available() string { return s.available() }

func (s *Upstreams) available() string {
	var out []string
	for _, p := range All() {
		if u := s.byName[p.Name]; u != nil && u.State != StateOff {
			out = append(out, p.Name)
		}
	}
	return strings.Join(out, ", ")
}

// Forbid names addresses that no upstream may be: archestra's own.
func (s *Upstreams) Forbid(own ...netip.AddrPort) { s.guard.forbid(own) }

// Close ends the idle connections to all upstreams.
func (s *Upstreams) Close() {
	for _, u := range s.byName {
		if u.transport != nil {
			u.transport.CloseIdleConnections()
		}
	}
}

// Base is the upstream's address, for people.
func (u *Upstream) Base() string {
	if u.base == nil {
		return ""
	}
	return u.base.Redacted()
}

// Transport is the one transport of this upstream, tuned for streams. It adds
// no Accept-Encoding and follows no redirect.
func (u *Upstream) Transport() http.RoundTripper {
	if u.instead != nil {
		return u.instead
	}
	return u.transport
}

// URL is where a target's Rest lives upstream. Credentials in the query that are
// not this provider's are left out; every other byte of it stays.
func (u *Upstream) URL(rest, rawQuery string) *url.URL {
	if u.vertex != nil {
		rest = u.vertex.path(rest)
	}
	out := *u.base
	escaped := u.join(rest)
	out.Path, out.RawPath = escaped, ""
	if plain, err := url.PathUnescape(escaped); err == nil {
		out.Path, out.RawPath = plain, escaped
	}
	out.RawQuery = u.filterQuery(rawQuery)
	return &out
}

// join puts a path below the base URL's, so that a version in both is there once.
func (u *Upstream) join(rest string) string {
	base := u.base.EscapedPath()
	paths := u.Provider.Paths
	word, _ := nextWord(rest)
	slash := strings.LastIndexByte(base, '/')
	last := base[slash+1:]
	if contains(paths.Versions, last) && slash >= 0 {
		head, _, _ := strings.Cut(word, ":")
		if contains(paths.Root, head) || paths.Kept && (contains(paths.Versions, word) || contains(paths.Bare, head)) || rest == "/" && len(paths.Root) > 0 {
			base = base[:slash]
		}
	}
	return base + rest
}

// Authorize makes the credentials of an outgoing request right: those that are
// not this provider's go, the client's own stays, and where there is none the
// server's is attached. It is the last thing done to a request, whose URL must
// be this upstream's. The error is an *Error.
func (u *Upstream) Authorize(ctx context.Context, out *http.Request) error {
	if out.URL.Scheme != u.base.Scheme || out.URL.Host != u.base.Host {
		return &Error{Status: http.StatusBadGateway, Code: "wrong_upstream", Format: u.Provider.Default,
			Message: "The request was about to leave for a host that is not " + u.Provider.Name + "'s; no credential was attached."}
	}
	own := u.keepOwn(out)
	if u.vertex != nil {
		return u.vertex.authorize(ctx, out)
	}
	if own || u.key.IsZero() {
		return nil
	}
	out.Header.Set(u.Provider.Auth.Header, u.Provider.Auth.Prefix+u.key.Reveal())
	return nil
}

// Refused tells that the upstream answered 401 to an outgoing request. If it
// carried a token of the server's, the next request gets a new one.
func (u *Upstream) Refused(out *http.Request) {
	if u.vertex != nil {
		u.vertex.tokens.drop(strings.TrimPrefix(out.Header.Get("Authorization"), "Bearer "))
	}
}

// UsesServerKey tells that a request without a credential of its own would be
// sent with one of the server's.
func (u *Upstream) UsesServerKey() bool { return u.vertex != nil || !u.key.IsZero() }
