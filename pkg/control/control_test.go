package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// backend answers from memory, and notes what it was asked.
type backend struct {
	feed         *feed.Feed
	server       string
	interactions []*llm.Interaction
	listErr      error // after the interactions
	query        Query
	stats        StatsQuery
	body         func() io.Reader
	mu           sync.Mutex // the client asks again, on another connection, where one was cut
	asked        string
	desk         *ask.Desk
}

func (b *backend) Interactions(_ context.Context, q Query) iter.Seq2[*llm.Interaction, error] {
	b.query = q
	return func(yield func(*llm.Interaction, error) bool) {
		for _, i := range b.interactions {
			if q.Filter != nil && !q.Filter.Match(i, nil) || i.StartedAt.Before(q.Since) {
				continue
			}
			if !yield(i, nil) {
				return
			}
		}
		if b.listErr != nil {
			yield(nil, b.listErr)
		}
	}
}

func (b *backend) Interaction(_ context.Context, ref string) (*llm.Interaction, error) {
	switch ref {
	case "last":
		return b.interactions[len(b.interactions)-1], nil
	case "0":
		return nil, fmt.Errorf("%w: %q begins two", ErrAmbiguous, ref)
	}
	for _, i := range b.interactions {
		if i.ID == ref {
			return i, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, ref)
}

func (b *backend) Exchange(_ context.Context, ref string) (*Exchange, error) {
	return &Exchange{
		Request:  Message{Header: http.Header{"A": {"1", "2"}}, Size: 7},
		Response: Message{Encoding: "gzip", Size: 9, Truncated: true},
		Arrivals: []Arrival{{Offset: 5, AfterMS: llm.Millis(time.Millisecond)}},
	}, nil
}

func (b *backend) Body(_ context.Context, ref string, side Side, decode bool) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = fmt.Sprint(ref, " ", side, " ", decode)
	if b.body == nil {
		return nil, ErrNotKept
	}
	return io.NopCloser(b.body()), nil
}

func (b *backend) Conversation(context.Context, string) (*llm.Conversation, error) {
	return &llm.Conversation{Model: "m", Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartText, Text: "hi <b>"}}}}}, nil
}

func (b *backend) Profiles(context.Context) ([]Profile, error) {
	cost := llm.Decimal(llm.DecimalScale / 4)
	return []Profile{{ID: "ci", FirstUsed: time.Unix(1, 0).UTC(), LastUsed: time.Unix(2, 0).UTC(), Totals: Totals{Requests: 3, CostUSD: &cost}}, {ID: "dev"}}, nil
}

func (b *backend) Stats(_ context.Context, q StatsQuery) ([]Stat, error) {
	b.stats = q
	return []Stat{{Provider: "openai", TTFTP50: llm.MillisOf(time.Second)}}, nil
}

func (b *backend) Status(context.Context) (Status, error) {
	return Status{Version: "v1", Server: cmp.Or(b.server, "run-1"), Counters: map[string]int64{"a": 1}, Started: time.Unix(3, 0).UTC()}, nil
}

func (b *backend) Providers(context.Context) ([]Provider, error) {
	return []Provider{{Name: "openai", State: "ready", APIs: []llm.API{llm.APIResponses}}}, nil
}

func (b *backend) Asks(context.Context) ([]llm.Ask, error) { return b.desk.List(), nil }

func (b *backend) Answer(_ context.Context, id string, a llm.AskAnswer) (llm.Ask, error) {
	return b.desk.Settle(id, a)
}

func (b *backend) Feed() *feed.Feed { return b.feed }

// start serves b on the socket of dir until the test ends or stop is called.
func start(t *testing.T, dir string, b *backend) (stop func()) {
	t.Helper()
	if b.feed == nil {
		b.feed = feed.New()
	}
	if b.desk == nil {
		b.desk = ask.New(ask.Options{Publish: b.feed.Publish})
		t.Cleanup(b.desk.Close)
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(b, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		b.feed.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func client(t *testing.T, dir string) *Client {
	c := NewClient(dir)
	t.Cleanup(c.Close)
	return c
}

func three() []*llm.Interaction {
	var all []*llm.Interaction
	for n, provider := range []string{"openai", "anthropic", "openai"} {
		all = append(all, &llm.Interaction{
			ID: fmt.Sprint("id-", n+1), StartedAt: time.Unix(int64(n+1), 0).UTC(), Provider: provider, State: llm.StateDone,
			Text: strings.Repeat("x", n*100_000),
		})
	}
	return all
}

func ids(items iter.Seq2[*llm.Interaction, error]) (got []string, err error) {
	for i, err := range items {
		if err != nil {
			return got, err
		}
		got = append(got, i.ID)
	}
	return got, nil
}

func TestInteractions(t *testing.T) {
	b := &backend{interactions: three()}
	dir := t.TempDir()
	start(t, dir, b)
	c := client(t, dir)

	var got []*llm.Interaction
	for i, err := range c.Interactions(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, i)
	}
	if diff := gocmp.Diff(b.interactions, got); diff != "" {
		t.Error(diff)
	}

	f, err := filter.Parse(`provider:openai -status:>=400 "two words"`)
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Filter: f, Since: time.Unix(2, 5), Before: "id-3", Limit: 7}
	if _, err := ids(c.Interactions(t.Context(), q)); err != nil {
		t.Fatal(err)
	}
	if b.query.Filter.String() != f.String() || !b.query.Since.Equal(q.Since) || b.query.Before != q.Before || b.query.Limit != q.Limit {
		t.Errorf("asked for %+v, got %+v", q, b.query)
	}

	t.Run("stopping early", func(t *testing.T) {
		for range c.Interactions(t.Context(), Query{}) {
			break
		}
	})
	t.Run("an error behind some", func(t *testing.T) {
		b.listErr = errors.New("the disk is gone")
		defer func() { b.listErr = nil }()
		got, err := ids(c.Interactions(t.Context(), Query{}))
		if len(got) != 3 || err == nil || err.Error() != "the disk is gone" {
			t.Errorf("got %v and %v", got, err)
		}
	})
	t.Run("an error at once", func(t *testing.T) {
		b := &backend{listErr: fmt.Errorf("list: %w", ErrNotFound)}
		dir := t.TempDir()
		start(t, dir, b)
		got, err := ids(client(t, dir).Interactions(t.Context(), Query{}))
		if len(got) != 0 || !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v and %v", got, err)
		}
	})
}

func TestOneInteraction(t *testing.T) {
	b := &backend{interactions: three()}
	dir := t.TempDir()
	start(t, dir, b)
	c := client(t, dir)
	for ref, want := range map[string]error{
		"id-2": nil, "last": nil, "nope": ErrNotFound, "0": ErrAmbiguous, "": ErrNotFound, "..": ErrNotFound, "a/exchange": ErrNotFound, "%2e": ErrNotFound,
	} {
		i, err := c.Interaction(t.Context(), ref)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", ref, err, want)
		}
		if want == nil && !strings.HasPrefix(i.ID, "id-") {
			t.Errorf("%q: %+v", ref, i)
		}
		if want != nil && ref != "" && !strings.Contains(err.Error(), ref) {
			t.Errorf("%q: the error %q does not name it", ref, err)
		}
	}
}

func TestObjects(t *testing.T) {
	b := &backend{}
	dir := t.TempDir()
	start(t, dir, b)
	c, ctx := client(t, dir), t.Context()

	check := func(what string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	wantStatus, _ := b.Status(ctx)
	status, err := c.Status(ctx)
	check("status", wantStatus, status, err)
	wantExchange, _ := b.Exchange(ctx, "x")
	exchange, err := c.Exchange(ctx, "x")
	check("exchange", wantExchange, exchange, err)
	wantConversation, _ := b.Conversation(ctx, "x")
	conversation, err := c.Conversation(ctx, "x")
	check("conversation", wantConversation, conversation, err)
	wantProfiles, _ := b.Profiles(ctx)
	profiles, err := c.Profiles(ctx)
	check("profiles", wantProfiles, profiles, err)
	wantProviders, _ := b.Providers(ctx)
	providers, err := c.Providers(ctx)
	check("providers", wantProviders, providers, err)
	q := StatsQuery{By: []Group{ByProvider, ByDay}, Since: time.Unix(5, 0)}
	stats, err := c.Stats(ctx, q)
	check("stats", []Stat{{Provider: "openai", TTFTP50: llm.MillisOf(time.Second)}}, stats, err)
	check("groups", q.By, b.stats.By, nil)
}

func TestBody(t *testing.T) {
	b := &backend{}
	dir := t.TempDir()
	start(t, dir, b)
	c := client(t, dir)
	if _, err := c.Body(t.Context(), "x", SideRequest, false); !errors.Is(err, ErrNotKept) {
		t.Errorf("a body that is gone: %v", err)
	}
	want := strings.Repeat("\x00\xff\n", 100_000)
	b.body = func() io.Reader { return strings.NewReader(want) }
	r, err := c.Body(t.Context(), "x", SideResponse, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != want {
		t.Errorf("got %d bytes and %v", len(got), err)
	}
	if b.asked != "x response true" {
		t.Errorf("asked for %q", b.asked)
	}
	b.body = func() io.Reader { return io.MultiReader(strings.NewReader("begun"), failing{}) }
	broken, err := c.Body(t.Context(), "x", SideRequest, false)
	if err == nil { // where the first bytes came before the end
		defer broken.Close()
		_, err = io.ReadAll(broken)
	}
	if err == nil {
		t.Error("a body that breaks off looks whole")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestBadRequests(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, &backend{})
	c := client(t, dir)
	for _, path := range []string{"/v1/interactions?filter=nosuch:word", "/v1/interactions?limit=-1", "/v1/interactions?since=yesterday",
		"/v1/events?filter=(", "/v2/status", "/"} {
		path, query, _ := strings.Cut(path, "?")
		v := map[string][]string{}
		if k, val, ok := strings.Cut(query, "="); ok {
			v[k] = []string{val}
		}
		resp, err := c.get(t.Context(), path, v)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, errBadRequest) {
			t.Errorf("%s?%s: %v", path, query, err)
		}
	}
}

func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	c := client(t, dir)
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNoServer) {
		t.Errorf("no socket: %v", err)
	}
	leaveStale(t, dir)
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNoServer) {
		t.Errorf("a dead server's socket: %v", err)
	}
}

// leaveStale leaves a socket behind on which nobody listens.
func leaveStale(t *testing.T, dir string) {
	t.Helper()
	path, err := prepareSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
