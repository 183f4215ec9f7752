package cassette_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/cassette"
	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// upstream is a simulated provider.
func upstream(t *testing.T, o simulate.Options) (base string, stop func()) {
	t.Helper()
	s := simulate.New(o)
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return base, func() { _ = s.Close() }
}

// player is a client whose requests go through a tape.
type client struct {
	t    *testing.T
	tape *cassette.Tape
	base string // of the simulated provider
	tr   *http.Transport

	notes []string
}

func newClient(t *testing.T, base string, o cassette.Options) *client {
	t.Helper()
	tape, err := cassette.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, tape: tape, base: base, tr: &http.Transport{DisableCompression: true}}
	t.Cleanup(c.tr.CloseIdleConnections)
	return c
}

// answer is what a client sees of a response.
type answer struct {
	status int
	kind   string
	body   string
}

// send posts a body to a provider's path, such as /openai/v1/chat/completions,
// or gets it where there is no body.
func (c *client) send(path, body string, change func(*http.Request)) (*http.Response, error) {
	c.t.Helper()
	method, content := http.MethodPost, io.Reader(strings.NewReader(body))
	if body == "" {
		method, content = http.MethodGet, nil
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(c.t.Context()), method, c.base+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "gzip, br")
	req.Header.Set("Authorization", "Bearer sk-client-0123456789abcdef0123456789")
	if change != nil {
		change(req)
	}
	target, err := provider.Resolve(method, "/v1"+req.URL.EscapedPath())
	if err != nil {
		c.t.Fatal(err)
	}
	return c.tape.RoundTrip(cassette.Call{
		Request: req, Provider: target.Provider.Name, API: target.API, Format: target.Format, Path: target.Rest,
		Note: func(text string) { c.notes = append(c.notes, text) },
	}, c.tr.RoundTrip)
}

func (c *client) post(path, body string) answer {
	c.t.Helper()
	res, err := c.send(path, body, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Content-Type"), string(b)}
}

func readRules(t *testing.T, dir string) *cassette.Rules {
	t.Helper()
	r, err := cassette.ReadRules(dir, cassette.Surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readFolder(t *testing.T, dir string) *cassette.Library {
	t.Helper()
	l, err := cassette.ReadFolder(dir, readRules(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func recording(t *testing.T, dir string) cassette.Options {
	return cassette.Options{Record: dir, Rules: readRules(t, dir)}
}

// files are those of a folder, all in one.
func files(t *testing.T, dir string) (names []string, all string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range list {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name())
		b.Write(data)
	}
	return names, b.String()
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func contextTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
