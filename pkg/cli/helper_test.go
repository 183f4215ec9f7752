package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// memory is a running archestra's control half that answers from memory.
type memory struct {
	feed         *feed.Feed
	interactions []*llm.Interaction
	conversation *llm.Conversation
	exchange     *control.Exchange
	bodies       map[control.Side]string
	profiles     []control.Profile
	stats        []control.Stat
	providers    []control.Provider
	decoded      bool // how a body was asked for last
	desk         *ask.Desk
}

func (s *memory) Interactions(_ context.Context, q control.Query) iter.Seq2[*llm.Interaction, error] {
	return func(yield func(*llm.Interaction, error) bool) {
		var picked []*llm.Interaction
		for _, i := range s.interactions {
			if (q.Filter == nil || q.Filter.Match(i, nil)) && !i.StartedAt.Before(q.Since) {
				picked = append(picked, i)
			}
		}
		if q.Limit > 0 {
			picked = picked[max(0, len(picked)-q.Limit):]
		}
		for _, i := range picked {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (s *memory) Interaction(_ context.Context, ref string) (*llm.Interaction, error) {
	for n, i := range s.interactions {
		if i.ID == ref || ref == "last" && n == len(s.interactions)-1 {
			return i, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", control.ErrNotFound, ref)
}

func (s *memory) Exchange(context.Context, string) (*control.Exchange, error) {
	if s.exchange == nil {
		return &control.Exchange{}, nil
	}
	return s.exchange, nil
}

func (s *memory) Body(_ context.Context, _ string, side control.Side, decode bool) (io.ReadCloser, error) {
	s.decoded = decode
	b, ok := s.bodies[side]
	if !ok {
		return nil, control.ErrNotKept
	}
	return io.NopCloser(strings.NewReader(b)), nil
}

func (s *memory) Conversation(context.Context, string) (*llm.Conversation, error) {
	if s.conversation == nil {
		return nil, control.ErrNotKept
	}
	return s.conversation, nil
}

func (s *memory) Profiles(context.Context) ([]control.Profile, error) { return s.profiles, nil }
func (s *memory) Stats(context.Context, control.StatsQuery) ([]control.Stat, error) {
	return s.stats, nil
}
func (s *memory) Providers(context.Context) ([]control.Provider, error) { return s.providers, nil }
func (s *memory) Asks(context.Context) ([]llm.Ask, error)               { return s.desk.List(), nil }
func (s *memory) Answer(_ context.Context, id string, a llm.AskAnswer) (llm.Ask, error) {
	return s.desk.Settle(id, a)
}
func (s *memory) Feed() *feed.Feed { return s.feed }
func (s *memory) Status(context.Context) (control.Status, error) {
	return control.Status{Server: "run", BaseURL: "http://localhost:9321"}, nil
}

// serve starts s and returns the data directory that it serves.
func serve(t *testing.T, s *memory) string {
	t.Helper()
	s.feed = feed.New()
	s.desk = ask.New(ask.Options{Publish: s.feed.Publish, Timeout: time.Hour})
	t.Cleanup(s.desk.Close)
	dir := t.TempDir()
	l, err := control.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := control.NewServer(s, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- c.Serve(l) }()
	t.Cleanup(func() {
		s.feed.Close()
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return dir
}

// printed is what a command prints, to be read while it runs.
type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *printed) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *printed) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// terminal says what a command prints to.
type terminal struct {
	width  int // 0 is a pipe
	colour bool
}

// command runs a command line against the server of dir.
func command(t *testing.T, ctx context.Context, dir string, term terminal, stdout, stderr io.Writer, args ...string) int {
	t.Helper()
	screenOf := func(w io.Writer) *screen {
		return &screen{w: w, terminal: term.width > 0, colour: term.colour, width: func() int { return term.width }}
	}
	a := &app{
		in: strings.NewReader(""), out: screenOf(stdout), err: screenOf(stderr), workdir: t.TempDir(),
		lookupEnv: func(name string) (string, bool) {
			switch name {
			case "ARCHESTRA_DATA_DIR":
				return dir, true
			case "XDG_CONFIG_HOME", "HOME":
				return dir, true
			}
			return "", false
		},
	}
	return run(ctx, a, args)
}

// must runs a command line that has to succeed, and returns what it prints.
func must(t *testing.T, dir string, term terminal, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err printed
	if code := command(t, t.Context(), dir, term, &out, &err, args...); code != 0 {
		t.Fatalf("archestra %q: exit code %d, %s", args, code, err.String())
	}
	return out.String(), err.String()
}

func ptr[T any](v T) *T { return &v }

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)

// agentTurn is an interaction with something in every member.
func agentTurn() *llm.Interaction {
	return &llm.Interaction{
		ID: "0198c2f4-1a2b-7c3d-8e4f-00003f9a21c0", StartedAt: start, FirstTokenAt: ptr(start.Add(900 * time.Millisecond)), FinishedAt: ptr(start.Add(12 * time.Second)),
		Provider: "anthropic", Profile: "dev", API: llm.APIMessages, Method: "POST", Path: "/v1/anthropic/dev/v1/messages", Status: 200,
		State: llm.StateDone, Stream: true, Model: "claude-opus-4-6", RequestModel: "claude-opus-4", FinishReasons: []string{"tool_use"},
		Usage:   &llm.Usage{InputTokens: ptr(int64(41234)), OutputTokens: ptr(int64(612)), CacheReadTokens: ptr(int64(38000)), Raw: json.RawMessage(`{"input_tokens":1}`)},
		CostUSD: ptr(llm.Decimal(213_000_000_000)), Text: "Running the tests now.", Reasoning: "Look first.",
		Choices:   []llm.Choice{{Text: "Running the tests now.", FinishReason: "tool_use"}},
		ToolCalls: []llm.ToolCall{{ID: "call_1", Name: "Bash", Arguments: json.RawMessage(`{"command": "go test ./..."}`), Verdict: llm.ActionAllow, Rule: "shell-safe"}},
		Findings:  []llm.Finding{{Kind: "aws_key", Where: "request", Action: "redact"}},
		TTFTMS:    llm.MillisOf(900 * time.Millisecond), DurationMS: llm.MillisOf(12 * time.Second), OverheadMS: llm.MillisOf(300 * time.Microsecond),
		Timing:       &llm.Timing{RequestReadMS: llm.MillisOf(2 * time.Millisecond), FirstByteMS: llm.MillisOf(800 * time.Millisecond)},
		RequestBytes: 204_800, ResponseBytes: 5_120, Client: llm.Client{UserAgent: "claude-cli/2.0", Agent: "claude-code", Session: "9f2c"},
		Notes: []string{"something odd"},
	}
}

// refused is an interaction with as little as can be.
func refused() *llm.Interaction {
	return &llm.Interaction{
		ID: "0198c2f4-1a2c-7c3d-8e4f-0000aaaa0001", StartedAt: start.Add(time.Minute), Provider: "openai", Profile: "ci", API: llm.APIResponses,
		Method: "POST", Path: "/v1/openai/ci/responses", Status: 403, State: llm.StateRefused, RequestModel: "gpt-5.5",
		ToolCalls: []llm.ToolCall{{Name: "Read"}, {Name: "Bash", Verdict: llm.ActionBlock, Rule: "R7", Reason: "after untrusted context"}},
		Error:     &llm.Error{Source: llm.SourceArchestra, Code: "blocked", Message: "not this"},
	}
}

func conversation() *llm.Conversation {
	text := func(s string) []llm.Part { return []llm.Part{{Kind: llm.PartText, Text: s}} }
	return &llm.Conversation{
		System: text("You are careful.\nVery."),
		Tools:  []llm.Tool{{Name: "Bash"}, {Name: "Read"}},
		Messages: []llm.Message{
			{Role: llm.RoleUser, Parts: append(text("fix the flaky test"), llm.Part{Kind: llm.PartImage, Media: "image/png", Bytes: 120_000})},
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "Hm."}, {Kind: llm.PartToolCall, Name: "Read", CallID: "call_0", Arguments: json.RawMessage(`{ "path": "a.go" }`)}}},
			{Role: llm.RoleTool, Parts: []llm.Part{{Kind: llm.PartToolResult, CallID: "call_0", Name: "Read", Text: "package a\n\n```go\n```\n"}}},
		},
	}
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
