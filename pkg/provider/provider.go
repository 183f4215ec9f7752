// Package provider says who can be called, and how: a table of providers, one
// self-registering file each, the routes from a client's path to a provider's,
// and the upstream, a provider made ready by the configuration.
//
// Nothing switches on a provider's name. What sets one apart is data in its
// file, and to add one is to add a file here and a folder in
// testdata/providers.
package provider

import (
	"fmt"
	"sort"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Provider is what is known of a provider before anything is configured.
type Provider struct {
	Name  string // the path word, lower case
	Title string // for people
	// BaseURL is the upstream's address, or "" where it must be configured.
	BaseURL string
	// BaseURLVar is the variable that overrides BaseURL.
	BaseURLVar string
	// KeyVars are the variables that may hold the key to send where a client
	// sends none, in order of preference.
	KeyVars []string
	Auth    Auth
	// Local tells that the provider is a server of the user's own: it is off
	// without its variable, needs no key, and may live at a private address.
	Local bool
	Paths Paths
	// ClientSuffix ends the base URL that clients are told (PROVIDERS.md table 1);
	// they may leave it out.
	ClientSuffix string
	// Routes are the APIs that are observed in full.
	Routes []Route
	// Default shapes the errors of paths that no route observes.
	Default wire.Format
	// Vertex tells that the settings of Vertex AI apply to this provider.
	Vertex bool
	// ModelsPath lists the models of a local server, below the base URL.
	ModelsPath string
}

// Auth says which headers carry a provider's credential.
type Auth struct {
	// Header and Prefix are how the server's key is sent.
	Header, Prefix string
	// Also are further headers in which a client may send a credential of this
	// provider; they pass as they come. Beside Header they do so unless the value
	// has the prefix of another provider's keys.
	Also []string
	// Instead are headers that pass only where Header is absent, and only with a
	// value that Accept takes for this provider's.
	Instead []Alternative
	// Protocol begins a subprotocol of a WebSocket that carries a credential, for
	// programs that can set no header.
	Protocol string
	// Prefixes begin a key of this provider. They tell whose a key is where two
	// were sent; a key need not have one.
	Prefixes []string
	// Query are the query parameters that carry a credential of this provider.
	Query []string
}

// Alternative is another way to present a credential.
type Alternative struct {
	Header string
	Accept func(value string) bool
}

// Route is an API that is observed in full.
type Route struct {
	Method string
	// Suffix is how the path ends once it is normalised: "/chat/completions" is
	// a whole number of segments, ":generateContent" the end of one. {id} stands
	// for one segment, which names an answer that the provider keeps: the request
	// then says nothing of the conversation, and the path says which it is.
	Suffix string
	// Whole tells that the path may have nothing but a version before Suffix.
	Whole  bool
	Format wire.Format
	// Within is a part that the path must have before Suffix, or "".
	Within string
	// ModelInPath tells that the path's last segment is {model}:{method}.
	ModelInPath bool
	// Streams tells that the path itself asks for a stream.
	Streams bool
}

// Paths says how a provider's paths are written. Clients disagree on whether a
// base URL ends in a version; the words here settle it.
type Paths struct {
	// Versions are the path words that are versions, which a client may write
	// once, several times or not at all.
	Versions []string
	// Kept tells that the version is part of the path below the base URL. Where
	// it is not, the base URL has it, and a client's is dropped.
	Kept bool
	// Version is put before one of Words where the client wrote none.
	Version string
	Words   []string
	// Root are first words of paths that live at the server's root, outside of
	// the base URL's version.
	Root []string
	// BaseVersion ends every base URL; one that lacks it is given it.
	BaseVersion string
	// Bare are first words of paths that take no version before them.
	Bare []string
}

// API is the route's API.
func (r Route) API() llm.API { return r.Format.API() }

// Observed are the APIs that a provider is observed in, each once.
func (p *Provider) Observed() []llm.API {
	var out []llm.API
	seen := map[llm.API]bool{}
	for _, r := range p.Routes {
		if !seen[r.API()] {
			seen[r.API()] = true
			out = append(out, r.API())
		}
	}
	return out
}

// providers is filled by the files of this package as they are initialised, and
// not changed afterwards.
var providers = map[string]*Provider{}

// register adds a provider to the table. It panics on a name that is taken or
// cannot be a path word: both are mistakes in this package.
func register(p Provider) *Provider {
	if p.Name == "" || strings.ToLower(p.Name) != p.Name || !validSlug(p.Name) || providers[p.Name] != nil {
		panic(fmt.Sprintf("provider: bad or repeated name %q", p.Name))
	}
	providers[p.Name] = &p
	return &p
}

// All returns every provider, by name. The providers are shared: do not change them.
func All() []*Provider {
	out := make([]*Provider, 0, len(providers))
	for _, p := range providers {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Lookup returns the provider of that name.
func Lookup(name string) (*Provider, bool) {
	p, ok := providers[name]
	return p, ok
}
