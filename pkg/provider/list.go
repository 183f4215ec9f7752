package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Status is one row of `providers list`.
type Status struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	State     State     `json:"state"`
	Why       string    `json:"why,omitempty"`
	BaseURL   string    `json:"base_url"`           // for clients
	Upstream  string    `json:"upstream,omitempty"` // what archestra calls
	KeySource string    `json:"key_source,omitempty"`
	APIs      []llm.API `json:"apis"`
	Models    []string  `json:"models,omitempty"`
}

// probeTimeout bounds one look at a server.
const probeTimeout = 2 * time.Second

// List says how every provider stands, by name. With probe it also asks local
// servers for their models and Vertex AI's credentials for a token.
func List(ctx context.Context, cfg *config.Config, probe bool) ([]Status, error) {
	set, err := Prepare(cfg)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	out := make([]Status, 0, len(set.byName))
	for _, p := range All() {
		u := set.byName[p.Name]
		out = append(out, Status{
			Name: p.Name, Title: p.Title, State: u.State, Why: u.Why, Upstream: u.Base(), KeySource: u.KeySource,
			BaseURL: set.origin + "/v1/" + p.Name + "/" + DefaultProfile + p.ClientSuffix, APIs: p.Observed(),
		})
	}
	if !probe {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() { set.byName[out[i].Name].probe(ctx, &out[i]) })
	}
	wg.Wait()
	return out, nil
}

func (u *Upstream) probe(ctx context.Context, s *Status) {
	switch {
	case u.State == StateOff:
	case u.vertex != nil:
		if _, err := u.vertex.tokens.get(ctx); err != nil {
			s.State, s.Why = StateNoKey, "No access token came within "+probeTimeout.String()+"."
			var e *Error
			if errors.As(u.vertex.explain(err), &e) && ctx.Err() == nil {
				s.Why = e.Message
			}
		}
	case u.Provider.ModelsPath != "":
		models, err := u.models(ctx)
		if err != nil {
			s.State, s.Why = StateUnreachable, err.Error()
			return
		}
		s.Models = models
	}
}

// models lists the models of a server in OpenAI's shape, which vLLM and Ollama share.
func (u *Upstream) models(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.URL(u.Provider.ModelsPath, "").String(), nil)
	if err != nil {
		return nil, err
	}
	if err := u.Authorize(ctx, req); err != nil {
		return nil, err
	}
	resp, err := u.transport.RoundTrip(req)
	if err != nil {
		var e *Error
		switch {
		case errors.As(err, &e):
			return nil, errors.New(e.Message)
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%s did not answer within %s", u.Base(), probeTimeout)
		}
		return nil, fmt.Errorf("%s cannot be reached; is the server running?", u.Base())
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered the list of models with status %d", u.Base(), resp.StatusCode)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&list); err != nil {
		return nil, fmt.Errorf("%s answered the list of models with something else", u.Base())
	}
	var out []string
	for _, m := range list.Data {
		if m.ID != "" {
			out = append(out, m.ID)
		}
	}
	return out, nil
}
