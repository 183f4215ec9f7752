package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// reach is what came of calling an upstream without a credential.
type reach struct {
	err  error
	date time.Time // the answer's Date; zero where it had none
	took time.Duration
}

// reachAll calls the upstreams that the settings name, all at once. The status
// does not matter: an answer shows that the way is open.
func reachAll(ctx context.Context, cfg *config.Config) map[string]reach {
	set, err := provider.Prepare(cfg)
	if err != nil {
		return nil
	}
	defer set.Close()
	out := map[string]reach{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range provider.All() {
		u, err := set.Get(p)
		if err != nil {
			continue // it is off
		}
		wg.Go(func() {
			began := time.Now()
			r := reach{}
			req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.URL("/", "").String(), http.NoBody)
			if err == nil {
				var resp *http.Response
				if resp, err = u.Transport().RoundTrip(req); err == nil {
					_ = resp.Body.Close() // an answer to HEAD has none
					// Where there is no date, the clock is compared with another's.
					r.date, _ = http.ParseTime(resp.Header.Get("Date"))
				}
			}
			r.err, r.took = err, time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			out[p.Name] = r
		})
	}
	wg.Wait()
	return out
}

// checkProviders: the upstreams can be reached from this machine.
func checkProviders(_ context.Context, x *examination) []Finding {
	if len(x.serving) == 0 {
		return one(Failed, "There is no provider that could be called.", "archestra providers list --all tells why.")
	}
	var out []Finding
	for _, p := range x.serving {
		r, asked := x.reached[p.Name]
		known, ok := provider.Lookup(p.Name)
		switch {
		case ok && known.Local:
			continue // among the local servers
		case !asked:
			out = append(out, Finding{State: Skipped, Subject: p.Name, Detail: "Only the server's settings name it."})
		case r.err != nil:
			out = append(out, Finding{State: x.weigh(p), Subject: p.Name, Detail: p.Upstream + " cannot be reached: " + reasonOf(r.err),
				Remedy: remedyFor(r.err, known)})
		default:
			out = append(out, Finding{State: OK, Subject: p.Name, Detail: p.Upstream + " answers."})
		}
	}
	return out
}

func reasonOf(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && len(text) > 200 {
		text = text[i+2:]
	}
	return text
}

func remedyFor(err error, p *provider.Provider) string {
	if strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "certificate") {
		return "Somebody between here and there shows another certificate: look at the clock, and add a company's root to SSL_CERT_FILE."
	}
	remedy := "Look at the network, and at HTTPS_PROXY where the way out is a proxy"
	if p != nil && p.BaseURLVar != "" {
		remedy += "; " + p.BaseURLVar + " gives another address"
	}
	return remedy + "."
}

// clientKeys are the variables from which clients take their own keys.
var clientKeys = map[string][]string{
	"openai": {"OPENAI_API_KEY"}, "anthropic": {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"}, "gemini": {"GEMINI_API_KEY", "GOOGLE_API_KEY"},
	"xai": {"XAI_API_KEY"}, "cerebras": {"CEREBRAS_API_KEY"},
}

// clientKey is the variable of this shell that holds a client's key, or "".
func (x *examination) clientKey(p control.Provider) string {
	for _, name := range clientKeys[p.Name] {
		if v, _ := x.Env(name); v != "" {
			return name
		}
	}
	return ""
}

// weigh says how bad a failure of a provider is: where others have a key and this
// one has none, hardly anybody means to call it.
func (x *examination) weigh(p control.Provider) State {
	used := func(p control.Provider) bool { return p.KeySource != "" || x.clientKey(p) != "" }
	if !used(p) && slices.ContainsFunc(x.serving, used) {
		return Warning
	}
	return Failed
}

// checkKeys: somebody has a key for each provider. Without any, none can answer.
func checkKeys(_ context.Context, x *examination) []Finding {
	var out []Finding
	for _, p := range x.serving {
		known, ok := provider.Lookup(p.Name)
		if !ok || known.Local {
			continue
		}
		own := x.clientKey(p)
		switch {
		case p.KeySource != "":
			out = append(out, Finding{State: OK, Subject: p.Name, Detail: "The server has a key, from " + p.KeySource + "."})
		case own != "":
			out = append(out, Finding{State: OK, Subject: p.Name, Detail: "Clients of this shell have a key in " + own + "."})
		default:
			f := Finding{State: Warning, Subject: p.Name, Detail: "There is no key, neither the server's nor this shell's: a client has to be logged in or bring its own."}
			if len(known.KeyVars) > 0 {
				f.Remedy = "Set " + known.KeyVars[0] + " for the server" + orIn(clientKeys[p.Name]) + "."
			}
			out = append(out, f)
		}
	}
	return out
}

func orIn(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", or " + names[0] + " for the client"
}

// checkLocal: servers of models on this machine answer, and have models.
func checkLocal(ctx context.Context, x *examination) []Finding {
	var out []Finding
	for _, p := range x.all {
		known, ok := provider.Lookup(p.Name)
		if !ok || !known.Local {
			continue
		}
		f := Finding{Subject: p.Name}
		switch {
		case p.State == string(provider.StateOff):
			if !x.answers(ctx, x.Usual[p.Name]) {
				continue
			}
			base, _, _ := strings.Cut(strings.TrimPrefix(x.Usual[p.Name], "http://"), "/")
			f.State, f.Detail = Warning, p.Title+" answers at "+base+", and archestra does not know it."
			f.Remedy = "Start the server with " + known.BaseURLVar + "=http://" + base + "."
		case p.State == string(provider.StateUnreachable):
			f.State, f.Detail, f.Remedy = Failed, p.Why, "Start it, or correct "+known.BaseURLVar+"."
		case len(p.Models) == 0 && p.State == string(provider.StateReady) && x.reached[p.Name].err != nil:
			f.State, f.Detail, f.Remedy = Failed, p.Upstream+" cannot be reached.", "Start it, or correct "+known.BaseURLVar+"."
		case len(p.Models) == 0:
			f.State, f.Detail, f.Remedy = Warning, p.Upstream+" has no models.", "Load one, such as ollama pull llama3.2."
		default:
			f.State, f.Detail = OK, fmt.Sprintf("%s has %s.", p.Upstream, strings.Join(p.Models, ", "))
		}
		out = append(out, f)
	}
	if out == nil {
		return one(OK, "None is set up.", "")
	}
	return out
}

// answers tells that somebody serves at an address.
func (x *examination) answers(ctx context.Context, address string) bool {
	if address == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := x.http.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // it was not read
	return resp.StatusCode == http.StatusOK
}
