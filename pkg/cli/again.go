package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// again is a request that is sent once more.
type again struct {
	original *llm.Interaction
	target   *provider.Provider
	path     string // below the server's origin
	header   http.Header
	body     []byte
	notes    []string // what the user should know before

	origin string
	token  string
	noKey  string // what to say where the provider wants a key, or ""
}

// readAgain reads the recorded request, and turns it into the one to send.
func readAgain(ctx context.Context, src *source, o replayOptions) (*again, error) {
	i, err := src.Interaction(ctx, o.ref)
	if err != nil {
		return nil, err
	}
	x := &again{original: i}
	name := o.provider
	if name == "" {
		name = i.Provider
	}
	var ok bool
	if x.target, ok = provider.Lookup(name); !ok {
		return nil, usagef("--provider %q is not known; known are %s", name, strings.Join(providerNames(), ", "))
	}
	if i.Status == http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%s was a WebSocket, which cannot be sent again", i.ID)
	}
	kept, err := src.Exchange(ctx, i.ID)
	if err != nil {
		return nil, err
	}
	if kept.Request.Truncated {
		return nil, fmt.Errorf("the request of %s was longer than what is kept of it: it cannot be sent again", i.ID)
	}
	if !i.State.Final() {
		return nil, fmt.Errorf("%s has not ended yet; its request is kept when it has", i.ID)
	}
	if x.body, err = keptBody(ctx, src, i); err != nil {
		return nil, err
	}
	if err := x.direct(o); err != nil {
		return nil, err
	}
	x.header = againHeader(kept.Request.Header, name != i.Provider)
	if n := strings.Count(string(x.body), "REDACTED_"); n > 0 {
		x.notes = append(x.notes, "The record holds placeholders where secrets were (REDACTED_…); they are sent as they are, so answers may differ for it.")
	}
	if name != i.Provider && o.model == "" {
		x.notes = append(x.notes, fmt.Sprintf("Without --model, %s is asked for %s.", name, modelAsked(i)))
	}
	return x, nil
}

func modelAsked(i *llm.Interaction) string {
	if i.RequestModel != "" {
		return i.RequestModel
	}
	return modelOf(i)
}

func providerNames() []string {
	var out []string
	for _, p := range provider.All() {
		out = append(out, p.Name)
	}
	return out
}

// keptBody reads a request's body without its content encoding.
func keptBody(ctx context.Context, src *source, i *llm.Interaction) ([]byte, error) {
	if i.RequestBytes == 0 {
		return nil, nil
	}
	r, err := src.Body(ctx, i.ID, control.SideRequest, true)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("the request of %s was not kept: it cannot be sent again", i.ID)
	}
	return b, err
}

// direct settles the path and the model.
func (x *again) direct(o replayOptions) error {
	i := x.original
	u, err := url.ParseRequestURI(i.Path)
	if err != nil {
		return fmt.Errorf("the path of %s cannot be read", i.ID)
	}
	was, err := provider.Resolve(i.Method, u.EscapedPath())
	if err != nil {
		return fmt.Errorf("the path of %s leads nowhere any more: %w", i.ID, err)
	}
	profile := o.profile
	if profile == "" {
		profile = was.Profile
	}
	rest, inPath := was.Rest, was.Model != ""
	if o.model != "" {
		if inPath {
			escaped := strings.ReplaceAll(url.PathEscape(o.model), "%2F", "/")
			at := strings.LastIndex(rest, "/models/")
			method := rest[strings.LastIndexByte(rest, ':'):]
			if at < 0 {
				return fmt.Errorf("the path of %s names a model in a way that cannot be changed", i.ID)
			}
			rest = rest[:at] + "/models/" + escaped + method
		} else {
			var ok bool
			if x.body, ok = withModel(x.body, o.model); !ok {
				return fmt.Errorf("the request of %s names no model that --model could replace", i.ID)
			}
		}
	}
	x.path = "/v1/" + x.target.Name + "/" + profile + rest
	if x.target.Name != i.Provider {
		if x.path = samePath(x.target, profile, was); x.path == "" {
			return usagef("--provider %s: it does not speak the API of %s (%s); %s", x.target.Name, shortID(i.ID), i.API, speakers(i.API))
		}
	}
	if u.RawQuery != "" {
		if q := withoutRedacted(u.RawQuery); q != "" {
			x.path += "?" + q
		}
	}
	return nil
}

// samePath is where another provider has the same API, or "".
func samePath(p *provider.Provider, profile string, was provider.Target) string {
	if was.API == llm.APIOther || was.Model != "" || was.Kept != "" {
		return ""
	}
	for _, r := range p.Routes {
		// One API has several paths, such as that of a compaction.
		if r.API() != was.API || r.ModelInPath || !strings.HasSuffix(strings.ToLower(was.Rest), r.Suffix) {
			continue
		}
		path := "/v1/" + p.Name + "/" + profile + p.ClientSuffix + r.Suffix
		if t, err := provider.Resolve(http.MethodPost, path); err == nil && t.API == was.API {
			return path
		}
	}
	return ""
}

// speakers says who speaks an API.
func speakers(api llm.API) string {
	var names []string
	for _, p := range provider.All() {
		if slices.ContainsFunc(p.Routes, func(r provider.Route) bool { return r.API() == api && !r.ModelInPath }) {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "it can be sent to its own provider only"
	}
	return "these do: " + strings.Join(names, ", ")
}

// withoutRedacted leaves out of a query what was not recorded.
func withoutRedacted(raw string) string {
	var out []string
	for pair := range strings.SplitSeq(raw, "&") {
		if !strings.Contains(pair, record.Redacted) && !strings.Contains(pair, url.QueryEscape(record.Redacted)) {
			out = append(out, pair)
		}
	}
	return strings.Join(out, "&")
}

// againHeader are the headers that belong to a request and not to its connection,
// its credentials or, where it goes elsewhere, its provider.
func againHeader(h http.Header, elsewhere bool) http.Header {
	out := http.Header{}
	for name, values := range h {
		lower := strings.ToLower(name)
		switch lower {
		case "host", "connection", "content-length", "content-encoding", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive",
			"proxy-connection", "user-agent", "origin", "referer", "cookie", "accept-encoding", "expect", "idempotency-key":
			continue
		}
		if provider.CredentialHeader(name) || slices.Contains(values, record.Redacted) || strings.HasPrefix(lower, "sec-") || strings.HasPrefix(lower, "x-archestra-") {
			continue
		}
		if elsewhere && lower != "content-type" && lower != "accept" && !strings.HasPrefix(lower, "anthropic-") {
			continue
		}
		out[name] = values
	}
	if out.Get("Content-Type") == "" {
		out.Set("Content-Type", "application/json")
	}
	return out
}

// find asks the server whether it can call the provider.
func (x *again) find(ctx context.Context, client *control.Client, cfg *config.Config) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	x.origin, x.token = status.BaseURL, cfg.Access.Token.Reveal()
	all, err := client.Providers(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name != x.target.Name {
			continue
		}
		switch provider.State(p.State) {
		case provider.StateOff:
			return fmt.Errorf("the provider %s is off. %s", p.Name, p.Why)
		case provider.StateNoKey:
			x.noKey = fmt.Sprintf("there is no key for %s: the credentials of the recorded request were not recorded, and the server has none of its own. %s", p.Name, keyHint(x.target, p))
			if p.Upstream == x.target.BaseURL {
				return errors.New(x.noKey) // the provider itself does nothing without
			}
		}
	}
	return nil
}

func keyHint(p *provider.Provider, c control.Provider) string {
	if len(p.KeyVars) == 0 {
		return c.Why
	}
	return "Set " + p.KeyVars[0] + " where the server starts."
}

// finding bounds how long the record of an answer may take to be there.
const finding = 10 * time.Second

// send sends the request and returns what was recorded of it.
func (x *again) send(ctx context.Context, client *control.Client) (*llm.Interaction, error) {
	agent := "archestra-replay/" + strings.ToLower(rand.Text()[:12])
	req, err := http.NewRequestWithContext(ctx, x.original.Method, x.origin+x.path, bytes.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	req.Header = x.header.Clone()
	req.Header.Set("User-Agent", agent)
	if x.token != "" {
		req.Header.Set("X-Archestra-Token", x.token)
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	start := time.Now()
	res, err := tr.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("the server: %w", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// An answer that broke off is recorded as one.
	wait, cancel := context.WithTimeout(ctx, finding)
	defer cancel()
	for {
		for i, err := range client.Interactions(wait, control.Query{Since: start.Add(-time.Second)}) {
			if err != nil {
				return nil, err
			}
			if i.Client.UserAgent == agent && i.State.Final() {
				return i, nil
			}
		}
		select {
		case <-wait.Done():
			return nil, errors.New("the answer is there and its record does not come")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
