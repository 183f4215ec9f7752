package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/price"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/server"
	"github.com/archestra-ai/archestra-cli/pkg/store"
	"github.com/archestra-ai/archestra-cli/pkg/telemetry"
)

// house is everything that one archestra serve is made of.
type house struct {
	cfg       *config.Config // with the port that it listens on
	log       *slog.Logger
	store     *store.Store
	upstreams *provider.Upstreams
	feed      *feed.Feed
	server    *server.Server
	listeners *server.Listeners
	control   *control.Server
	socket    net.Listener
	backend   *backend
	guards
}

// surroundings are what a server looks at beside its settings.
type surroundings struct {
	project string   // the rules of a project, which count too; "" is none
	environ []string // as os.Environ has it: its secrets are known
}

// assemble opens and connects everything, and starts nothing. After an error
// nothing is left open. changes have the last word on the proxy's options.
func assemble(ctx context.Context, cfg *config.Config, around surroundings, logTo io.Writer, changes ...func(*house, *proxy.Options) error) (h *house, err error) {
	h = &house{feed: feed.New()}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.abandon())
			h = nil
		}
	}()
	if h.log, err = telemetry.NewLogger(logTo, cfg.Log.Level, string(cfg.Log.Format)); err != nil {
		return h, err
	}
	h.store, err = store.Open(ctx, cfg.DataDir, store.Options{Retain: cfg.Record.Retain, RetainSize: cfg.Record.RetainSize, Log: h.log})
	if err != nil {
		return h, err
	}
	if h.listeners, err = server.Listen(ctx, cfg); err != nil {
		return h, err
	}
	own := *cfg
	own.Port = h.listeners.Port
	h.cfg = &own
	if h.upstreams, err = provider.Prepare(h.cfg); err != nil {
		return h, err
	}
	h.upstreams.Forbid(h.listeners.Addrs()...)
	for _, w := range append(cfg.Warnings, h.upstreams.Warnings...) {
		h.log.Warn(w)
	}
	spool, err := spoolDir(filepath.Join(cfg.DataDir, "spool"))
	if err != nil {
		return h, err
	}
	var costs prices
	if costs.book, err = priceBook(cfg); err != nil {
		return h, err
	}
	recorder := record.New(record.Options{
		Sink: h.store, Feed: h.feed, Pricer: costs, Log: h.log,
		Wait: cfg.Record.Wait, FailClosed: cfg.Record.Failure == config.FailClosed,
		MaxBody: cfg.Limits.Body, MaxDecoded: cfg.Limits.Decompressed, MaxFrame: cfg.Limits.Line,
	})
	var profiles func(ctx context.Context, provider, profile string) error
	if cfg.Access.StrictProfiles {
		profiles = (&strictProfiles{list: h.store.Profiles}).allow
	}
	if h.guards, err = newGuards(h.cfg, around, h.feed, h.log); err != nil {
		return h, err
	}
	options := proxy.Options{
		Upstreams: h.upstreams, Recorder: recorder, Log: h.log, Origin: h.cfg.ClientURL(), Guard: h.guard, Profiles: profiles,
		SpoolDir: spool, MaxBody: cfg.Limits.Body, MaxFrame: cfg.Limits.Line, MaxDecoded: cfg.Limits.Decompressed, ResponseIdle: cfg.Timeouts.ResponseIdle,
		IncludeUsage: cfg.Record.IncludeUsage,
	}
	for _, change := range changes {
		if err := change(h, &options); err != nil {
			return h, err
		}
	}
	h.server = server.New(h.cfg, h.listeners, proxy.New(options), h.log)
	if h.socket, err = control.Listen(cfg.DataDir); err != nil {
		return h, err
	}
	h.backend = newBackend(h, recorder)
	h.control = control.NewServer(h.backend, h.log)
	return h, nil
}

// prices tell the recorder what an interaction cost.
type prices struct{ book *price.Book }

// priceBook is the embedded table under the user's own prices.
func priceBook(cfg *config.Config) (*price.Book, error) {
	var own price.Overrides
	if err := cfg.DecodePrices(&own); err != nil {
		return nil, err
	}
	book, err := price.NewBook(own)
	if err != nil {
		return nil, fmt.Errorf("%s: prices: %w", cfg.File, err)
	}
	return book, nil
}

func (p prices) Cost(i *llm.Interaction) (llm.Decimal, bool) {
	cost, _, ok := p.book.Interaction(i)
	return cost, ok
}

// closing bounds how long the records of the last exchanges may take to be
// written, and a slow reader of the socket to take its leave.
const closing = 30 * time.Second

// run serves until ctx ends, or a listener fails, and then ends everything in
// the order in which it depends on the rest.
func (h *house) run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() {
		err := h.control.Serve(h.socket)
		if err != nil {
			h.log.Error("the control socket failed; commands cannot reach this server", "error", err)
		}
		served <- err
	}()
	if h.asks != nil {
		// Nobody is asked any more: what waits is refused, and its answer ends.
		defer context.AfterFunc(ctx, h.asks.Close)()
		defer h.asks.Close()
	}
	err := h.server.Serve(ctx)

	bound, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	h.feed.Close() // followers see the last events, and their streams end
	err = errors.Join(err, h.control.Shutdown(bound), <-served, h.store.Close(bound))
	h.upstreams.Close()
	return err
}

// abandon closes what was opened of a house that cannot be built.
func (h *house) abandon() error {
	var errs []error
	if h.socket != nil {
		errs = append(errs, h.socket.Close())
	}
	if h.listeners != nil {
		errs = append(errs, h.listeners.Close())
	}
	if h.upstreams != nil {
		h.upstreams.Close()
	}
	if h.store != nil {
		errs = append(errs, h.store.Close(context.Background()))
	}
	return errors.Join(errs...)
}

// backend is what the control socket serves.
type backend struct {
	archive
	house    *house
	registry telemetry.Registry
	run      string // names this run of the server
	started  time.Time
}

// syncWait bounds how long a question waits for what was recorded just now.
const syncWait = 5 * time.Second

func newBackend(h *house, recorder *record.Recorder) *backend {
	b := &backend{house: h, run: rand.Text(), started: time.Now()}
	b.archive = archive{store: h.store.Reader, maxDecoded: h.cfg.Limits.Decompressed, sync: func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, syncWait)
		defer cancel()
		// Where the disk is slow, the answer is what can be read by now.
		_ = h.store.Sync(ctx)
	}}
	health := func(name, help string, read func(store.Health) int64) {
		b.registry.Gauge(name, help, func() int64 { return read(h.store.Health()) })
	}
	b.registry.Gauge("recorded", "exchanges that were recorded", recorder.Counters.Recorded.Load)
	b.registry.Gauge("record_late", "answers that did not wait for their record any longer", recorder.Counters.Late.Load)
	b.registry.Gauge("record_failed", "records that could not be kept", recorder.Counters.Failed.Load)
	b.registry.Gauge("decoder_panics", "answers that could not be decoded for a defect of archestra", recorder.Counters.Panics.Load)
	health("store_queued_bytes", "bytes that wait for the disk", func(s store.Health) int64 { return s.QueuedBytes })
	health("store_journal_bytes", "bytes that wait for the database", func(s store.Health) int64 { return s.JournalBytes })
	health("store_failures", "writes that failed", func(s store.Health) int64 { return s.Failures })
	health("store_refused", "records that were lost", func(s store.Health) int64 { return s.Refused })
	health("store_skipped", "records that could not be brought into the database", func(s store.Health) int64 { return s.Skipped })
	b.registry.Gauge("goroutines", "goroutines of the server", func() int64 { return int64(runtime.NumGoroutine()) })
	b.registry.Gauge("asks_open", "tool calls that wait for a person", func() int64 {
		if h.asks == nil {
			return 0
		}
		return int64(len(h.asks.List()))
	})
	b.registry.Gauge("followers", "programs that follow the live events", func() int64 { return int64(h.feed.Subscribers()) })
	return b
}

func (b *backend) Feed() *feed.Feed { return b.house.feed }

func (b *backend) Providers(ctx context.Context) ([]control.Provider, error) {
	return listProviders(ctx, b.house.cfg, true)
}

func (b *backend) Status(context.Context) (control.Status, error) {
	cfg := b.house.cfg
	s := control.Status{
		Version: readBuildInfo().Version, PID: os.Getpid(), Server: b.run, BaseURL: cfg.ClientURL(), DataDir: cfg.DataDir,
		Mode: string(cfg.Mode), Started: b.started, Running: b.house.feed.Running(), Counters: map[string]int64{},
	}
	for _, addr := range b.house.listeners.Addrs() {
		s.Addrs = append(s.Addrs, addr.String())
	}
	for _, r := range b.registry.Read() {
		s.Counters[r.Name] = r.Value
	}
	if health := b.house.store.Health(); health.Failing() {
		s.Problems = append(s.Problems, "Recording fails: "+health.LastError)
	}
	if rules := b.house.rules; rules != nil {
		s.Problems = append(s.Problems, rules.Problems()...)
		s.Rules, s.RuleFiles = rules.Policy().Digest(), rules.Files()
	}
	return s, nil
}
