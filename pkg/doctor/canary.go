package doctor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/agent"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// UserAgent begins the User-Agent of every request that a doctor sends.
const UserAgent = "archestra-doctor"

// authorize adds the token of the door.
func (x *examination) authorize(req *http.Request) {
	req.Header.Set("User-Agent", UserAgent)
	if x.site.Token != "" {
		req.Header.Set(agent.TokenHeader, x.site.Token)
	}
}

// canary is one request down a provider's path.
type canary struct {
	provider control.Provider
	mark     string // the User-Agent by which it is found
	status   int
	err      error
}

// checkCanary asks each provider for its models, through the proxy: a request
// that costs nothing. It is well when the answer came and the record is there.
func checkCanary(ctx context.Context, x *examination) []Finding {
	if x.status == nil {
		return one(Skipped, "No server runs.", "")
	}
	began := time.Now()
	var sent []*canary
	var wg sync.WaitGroup
	for _, p := range x.serving {
		if p.State == string(provider.StateUnreachable) {
			continue // said already
		}
		c := &canary{provider: p, mark: UserAgent + "/" + x.Version + " (" + mark() + ")"}
		sent = append(sent, c)
		wg.Go(func() { c.status, c.err = x.send(ctx, c) })
	}
	wg.Wait()
	found := x.find(ctx, began, sent)
	var out []Finding
	for _, c := range sent {
		f := c.finding(found[c.mark])
		if f.Subject = c.provider.Name; f.State == Failed {
			f.State = x.weigh(c.provider)
		}
		out = append(out, f)
	}
	if out == nil {
		return one(Skipped, "There is no provider to be asked.", "")
	}
	return out
}

func mark() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return "canary " + hex.EncodeToString(b[:])
}

func (x *examination) send(ctx context.Context, c *canary) (int, error) {
	path := "/models"
	if strings.Contains(c.provider.Upstream, "aiplatform.googleapis.com") {
		path = "/v1beta1/publishers/google/models"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.site.Origin+"/v1/"+c.provider.Name+"/"+x.Profile+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	x.authorize(req)
	req.Header.Set("User-Agent", c.mark)
	resp, err := x.http.Do(req)
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close() // what it holds does not matter
	return resp.StatusCode, nil
}

// find looks for the canaries in the records until all are there, or time is up.
func (x *examination) find(ctx context.Context, since time.Time, sent []*canary) map[string]*llm.Interaction {
	ctx, cancel := context.WithTimeout(ctx, x.Recording)
	defer cancel()
	found := map[string]*llm.Interaction{}
	for {
		for i, err := range x.Server.Interactions(ctx, control.Query{Since: since.Add(-time.Second), Limit: 500}) {
			if err != nil {
				break
			}
			if i.FinishedAt != nil {
				found[i.Client.UserAgent] = i
			}
		}
		missing := false
		for _, c := range sent {
			missing = missing || c.err == nil && found[c.mark] == nil
		}
		if !missing {
			return found
		}
		select {
		case <-ctx.Done():
			return found
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *canary) finding(i *llm.Interaction) Finding {
	p := c.provider
	switch {
	case c.err != nil:
		return Finding{State: Failed, Detail: "The request did not get through: " + reasonOf(c.err), Remedy: "Look at the server's log."}
	case i == nil:
		return Finding{State: Failed, Detail: fmt.Sprintf("The answer came, with status %d, and no record of it was seen.", c.status), Remedy: "Look at the server's log: recording fails, or another program answers there."}
	case i.Error != nil && i.Error.Source == llm.SourceArchestra:
		return Finding{State: Failed, Detail: "archestra refused it: " + i.Error.Message, Remedy: "archestra show " + i.ID + " tells more."}
	}
	seen := fmt.Sprintf("The request passed and was recorded (status %d).", c.status)
	switch {
	case c.status == http.StatusUnauthorized || c.status == http.StatusForbidden || c.status == http.StatusBadRequest && p.Name == "gemini":
		if p.KeySource != "" {
			return Finding{State: Failed, Detail: fmt.Sprintf("The provider refused the server's key with status %d.", c.status), Remedy: "Look at the key in " + p.KeySource + "."}
		}
		return Finding{State: OK, Detail: seen + " It had no key, and clients bring theirs."}
	case c.status >= 500:
		return Finding{State: Failed, Detail: fmt.Sprintf("%s answered with status %d.", p.Upstream, c.status), Remedy: "Look at the provider's state page, and at its base URL."}
	case c.status >= 400:
		return Finding{State: Warning, Detail: seen + " The provider did not like it.", Remedy: "Look at the provider's base URL."}
	}
	return Finding{State: OK, Detail: seen}
}

// checkCommand runs the command and says whether its requests arrived.
func checkCommand(ctx context.Context, x *examination) []Finding {
	if x.Run == nil {
		return nil
	}
	if x.status == nil {
		return one(Skipped, "No server runs.", "")
	}
	began := time.Now()
	direct, err := x.Run(ctx)
	var out []Finding
	if err != nil {
		out = append(out, Finding{State: Warning, Detail: "The command failed: " + err.Error(), Remedy: "Look at what it printed."})
	}
	arrived, refused := x.arrivals(ctx, began)
	wired := agent.Wire(agent.Site{Origin: x.site.Origin, Profile: x.Profile, Serves: func(string) bool { return true }}, x.Command, x.Env)
	if len(arrived) == 0 {
		remedy := "It made none, or it goes round:"
		for _, l := range wired.Limits {
			remedy += " " + l
		}
		out = append(out, Finding{State: Failed, Detail: "None of its requests arrived.", Remedy: remedy})
	} else {
		var parts []string
		for name, n := range arrived {
			parts = append(parts, fmt.Sprintf("%d to %s", n, name))
		}
		sort.Strings(parts)
		out = append(out, Finding{State: OK, Detail: "Its requests arrived: " + strings.Join(parts, ", ") + "."})
	}
	for _, r := range refused {
		out = append(out, Finding{State: Warning, Detail: r, Remedy: "archestra logs --filter profile:" + x.Profile + " shows it."})
	}
	for _, address := range direct {
		out = append(out, Finding{State: Warning, Subject: address, Detail: "It was connected to " + address + " without archestra.", Remedy: "If that is a provider: " + strings.Join(wired.Limits, " ")})
	}
	return out
}

// arrivals counts what a command sent, by provider, and says what went wrong
// with it. What is recorded late is waited for while there is nothing.
func (x *examination) arrivals(ctx context.Context, since time.Time) (map[string]int, []string) {
	ctx, cancel := context.WithTimeout(ctx, x.Recording)
	defer cancel()
	for {
		arrived, refused := map[string]int{}, []string(nil)
		for i, err := range x.Server.Interactions(ctx, control.Query{Since: since}) {
			if err != nil {
				break
			}
			if i.Profile != x.Profile || strings.HasPrefix(i.Client.UserAgent, UserAgent) || i.Method == http.MethodHead {
				continue // HEAD only looks whether somebody is there, as Claude Code does
			}
			arrived[i.Provider]++
			if i.Status >= 400 {
				refused = append(refused, fmt.Sprintf("A request to %s was answered with status %d.", i.Provider, i.Status))
			}
		}
		if len(arrived) > 0 {
			return arrived, refused
		}
		select {
		case <-ctx.Done():
			return arrived, refused
		case <-time.After(50 * time.Millisecond):
		}
	}
}
