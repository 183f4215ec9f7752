package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/store"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// openStore opens the records of a data directory for reading.
func openStore(ctx context.Context, cfg *config.Config) (control.Reader, func(), error) {
	r, err := store.OpenReadOnly(ctx, cfg.DataDir)
	if errors.Is(err, store.ErrNoData) {
		return nothing{}, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	// Nothing was written that closing could lose.
	return &archive{store: r, maxDecoded: cfg.Limits.Decompressed}, func() { _ = r.Close() }, nil
}

// archive answers from a store, and decodes what is in it.
type archive struct {
	store *store.Reader
	// sync waits until what was recorded can be read; nil where nobody records.
	sync       func(context.Context)
	maxDecoded int64 // bytes of a decompressed body
}

func (a *archive) settle(ctx context.Context) {
	if a.sync != nil {
		a.sync(ctx)
	}
}

func (a *archive) Interactions(ctx context.Context, q control.Query) iter.Seq2[*llm.Interaction, error] {
	a.settle(ctx)
	return a.store.Each(ctx, store.Query{Filter: q.Filter, Since: q.Since, Before: q.Before, Limit: q.Limit})
}

func (a *archive) Interaction(ctx context.Context, ref string) (*llm.Interaction, error) {
	a.settle(ctx)
	i, err := a.store.Get(ctx, ref)
	return i, meaning(err)
}

func (a *archive) Exchange(ctx context.Context, ref string) (*control.Exchange, error) {
	a.settle(ctx)
	id, err := a.store.Resolve(ctx, ref)
	if err != nil {
		return nil, meaning(err)
	}
	x := &control.Exchange{}
	if i, err := a.store.Get(ctx, id); err != nil {
		return nil, meaning(err)
	} else if i.Timing != nil {
		for _, mark := range i.Timing.Arrivals {
			x.Arrivals = append(x.Arrivals, control.Arrival{Offset: mark[0], AfterMS: llm.Millis(time.Duration(mark[1]) * time.Microsecond)})
		}
	}
	for _, s := range []struct {
		from store.Side
		to   *control.Message
	}{{store.Request, &x.Request}, {store.Response, &x.Response}} {
		body, header, err := a.store.Body(ctx, id, s.from)
		if err != nil {
			return nil, meaning(err)
		}
		*s.to = control.Message{Header: header, Encoding: body.Encoding, Size: body.Size, Truncated: body.Truncated}
	}
	return x, nil
}

func (a *archive) Body(ctx context.Context, ref string, side control.Side, decode bool) (io.ReadCloser, error) {
	a.settle(ctx)
	from := store.Request
	if side == control.SideResponse {
		from = store.Response
	}
	body, header, err := a.store.Body(ctx, ref, from)
	if err != nil {
		return nil, meaning(err)
	}
	if header == nil && len(body.Data) == 0 {
		return nil, fmt.Errorf("%w: the %s of %s", control.ErrNotKept, side, ref)
	}
	data := body.Data
	if decode {
		if data, err = record.Decode(data, body.Encoding, a.maxDecoded); err != nil && !body.Truncated {
			return nil, fmt.Errorf("decompress the %s of %s: %w", side, ref, err)
		}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Conversation decodes a request by the format of its API. An exchange that is
// not observed has an empty one; of a body that is no JSON it is what comes
// before the fault, which the interaction's notes tell.
func (a *archive) Conversation(ctx context.Context, ref string) (*llm.Conversation, error) {
	i, err := a.Interaction(ctx, ref)
	if err != nil {
		return nil, err
	}
	format := formatOf(i)
	if format == nil {
		return &llm.Conversation{}, nil
	}
	body, err := a.Body(ctx, i.ID, control.SideRequest, true)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	c, _ := format.Conversation(data)
	if id := keptOf(i); id != "" {
		c = llm.Conversation{PreviousID: id}
	}
	return &c, nil
}

// keptOf returns the id of the answer that an interaction fetched, where it did: it
// belongs to the conversation that the provider keeps under that id.
func keptOf(i *llm.Interaction) string {
	path, _, _ := strings.Cut(i.Path, "?")
	t, err := provider.Resolve(i.Method, path)
	if err != nil {
		return ""
	}
	return t.Kept
}

// formatOf returns the wire format that an interaction speaks, or nil.
func formatOf(i *llm.Interaction) wire.Format {
	p, ok := provider.Lookup(i.Provider)
	if !ok {
		return nil
	}
	for _, r := range p.Routes {
		if r.API() == i.API {
			return r.Format
		}
	}
	return nil
}

// meaning gives an error of the store its meaning over the socket.
func meaning(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: %w", control.ErrNotFound, err)
	case errors.Is(err, store.ErrAmbiguous):
		return fmt.Errorf("%w: %w", control.ErrAmbiguous, err)
	}
	return err
}

func (a *archive) Profiles(ctx context.Context) ([]control.Profile, error) {
	a.settle(ctx)
	all, err := a.store.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	profiles := make([]control.Profile, len(all))
	for i, p := range all {
		profiles[i] = control.Profile{ID: p.Name, FirstUsed: p.FirstUsed, LastUsed: p.LastUsed, Totals: totals(p.Totals)}
	}
	return profiles, nil
}

func (a *archive) Stats(ctx context.Context, q control.StatsQuery) ([]control.Stat, error) {
	a.settle(ctx)
	f := q.Filter
	if !q.Since.IsZero() {
		since := filter.When{Word: "since", At: q.Since}
		if f == nil {
			f = since
		} else {
			f = filter.And{since, f}
		}
	}
	by := make([]string, len(q.By))
	for i, g := range q.By {
		by[i] = string(g)
	}
	all, err := a.store.Stats(ctx, f, by)
	if err != nil {
		return nil, err
	}
	stats := make([]control.Stat, len(all))
	for i, s := range all {
		stats[i] = control.Stat{
			Provider: s.Provider, Profile: s.Profile, Model: s.Model, Day: s.Day, Totals: totals(s.Totals),
			TTFTP50: s.TTFTP50, TTFTP95: s.TTFTP95,
		}
	}
	return stats, nil
}

// totals leaves the cost out where nothing is known of it.
func totals(t store.Totals) control.Totals {
	out := control.Totals{
		Requests: t.Requests, Errors: t.Errors, Blocked: t.Blocked, InputTokens: t.InputTokens, OutputTokens: t.OutputTokens, Unpriced: t.Unpriced,
	}
	if t.CostUSD != 0 || t.Unpriced == 0 {
		out.CostUSD = &t.CostUSD
	}
	return out
}
