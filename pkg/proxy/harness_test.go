package proxy_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// memory is a sink that keeps the newest entry of each interaction.
type memory struct {
	mu      sync.Mutex
	entries map[string]*record.Entry
	order   []string
	changed chan struct{}
}

func newMemory() *memory {
	return &memory{entries: map[string]*record.Entry{}, changed: make(chan struct{}, 1)}
}

func (m *memory) Start(i *llm.Interaction) {}

func (m *memory) Finish(_ context.Context, e *record.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.entries[e.Interaction.ID]; !ok {
		m.order = append(m.order, e.Interaction.ID)
	}
	m.entries[e.Interaction.ID] = e
	select {
	case m.changed <- struct{}{}:
	default:
	}
	return nil
}

// last waits for n entries and returns the newest.
func (m *memory) last(t *testing.T, n int) *record.Entry {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		m.mu.Lock()
		if len(m.order) >= n {
			e := m.entries[m.order[len(m.order)-1]]
			m.mu.Unlock()
			return e
		}
		m.mu.Unlock()
		select {
		case <-m.changed:
		case <-deadline:
			t.Fatalf("%d records did not come", n)
		}
	}
}

// start runs a proxy whose providers all live at the given upstream.
func start(t testing.TB, upstream string, change func(*proxy.Options)) (base string, sink *memory) {
	t.Helper()
	vars := map[string]string{"HOME": t.TempDir(), "XDG_CONFIG_HOME": t.TempDir(), "XDG_STATE_HOME": t.TempDir()}
	for _, p := range provider.All() {
		vars[p.BaseURLVar] = upstream
	}
	cfg, err := config.Load(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err := provider.Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(upstreams.Close)
	sink = newMemory()
	o := proxy.Options{
		Upstreams: upstreams, Recorder: record.New(record.Options{Sink: sink}), Origin: cfg.ClientURL(),
		Guard: newGuard(t, nil), MaxBody: 128 << 20, MaxFrame: 32 << 20, SpoolDir: filepath.Join(t.TempDir()),
	}
	if change != nil {
		change(&o)
	}
	s := httptest.NewServer(proxy.New(o))
	t.Cleanup(s.Close)
	return s.URL, sink
}

// newGuard returns a guard as archestra serve has it by default, but that what it
// would ask is allowed.
func newGuard(t testing.TB, change func(*guard.Options)) *guard.Guard {
	t.Helper()
	rules := policy.Default()
	o := guard.Options{
		Act: true, Policy: func() *policy.Policy { return rules }, Asks: ask.New(ask.Options{Default: ask.Allow, Attended: nobody}), OnBlock: guard.Text, MaxHeld: 8 << 20,
		Detector: detector(t), Secrets: guard.Report, Personal: guard.Report, Links: guard.Redact,
	}
	if change != nil {
		change(&o)
	}
	return guard.New(o)
}

func detector(t testing.TB) *secret.Detector {
	d, err := secret.New(secret.Options{Secrets: true, Personal: secret.DefaultPersonal})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func nobody() bool { return false }

// reports makes a proxy whose guard only looks.
func reports(t testing.TB) func(*proxy.Options) {
	return func(o *proxy.Options) { o.Guard = newGuard(t, func(g *guard.Options) { g.Act = false }) }
}

// client is an HTTP client that changes nothing.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true, DialContext: (&net.Dialer{}).DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}
