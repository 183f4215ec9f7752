package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/archestra-ai/archestra-cli/pkg/leaktest"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	leaktest.Main(m)
}

func ptr[T any](v T) *T { return &v }

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func sync1(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that the store's goroutines bring about.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come: " + what)
		}
	}
}

func finish(t testing.TB, s *Store, e *record.Entry) {
	t.Helper()
	if err := s.Finish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

var clock atomic.Int64

// entry makes a finished chat with a new id, a second after the last one.
func entry(text string) *record.Entry {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC).Add(time.Duration(clock.Add(1)) * time.Second)
	i := &llm.Interaction{
		ID: id.String(), StartedAt: at, FinishedAt: ptr(at.Add(time.Second)),
		Provider: "openai", Profile: "default", API: llm.APIChatCompletions,
		Method: "POST", Path: "/v1/openai/default/chat/completions", Status: 200, State: llm.StateDone,
		Model: "gpt-4o-mini-2024-07-18", RequestModel: "gpt-4o-mini", FinishReasons: []string{"stop"},
		Usage:   &llm.Usage{InputTokens: ptr(int64(120)), OutputTokens: ptr(int64(40)), Raw: json.RawMessage(`{"prompt_tokens":120,"completion_tokens":40}`)},
		CostUSD: ptr(llm.Decimal(42_000_000)), Text: text,
		TTFTMS: llm.MillisOf(300 * time.Millisecond), DurationMS: llm.MillisOf(time.Second),
		Client: llm.Client{UserAgent: "test/1", Agent: "codex", Session: "s1"},
	}
	return &record.Entry{
		Interaction:    i,
		RequestHeader:  record.Header{{Name: "Accept", Values: []string{"*/*", "text/plain"}}, {Name: "Content-Type", Values: []string{"application/json"}}},
		ResponseHeader: record.Header{{Name: "Content-Type", Values: []string{"application/json"}}, {Name: "X-Request-Id", Values: []string{id.String()}}},
		Request:        record.Body{Data: []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"say ` + text + `"}]}`)},
		Response:       record.Body{Data: []byte(`{"id":"chatcmpl-1","choices":[{"message":{"role":"assistant","content":"` + text + `"}}]}`)},
		SearchText:     "say " + text,
	}
}

// chat makes an entry of about 1 kB a side.
func chat(r *rand.Rand) *record.Entry {
	e := entry(prose(r, 300))
	e.Request.Data = []byte(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"` + prose(r, 800) + `"}]}`)
	e.SearchText = string(e.Request.Data[90:290])
	return e
}

var words = strings.Fields(`the file function returns error when path value is not found in map so we read request body and
write response to client then close connection before next test runs with new context package main import struct
interface method string integer slice channel goroutine mutex select case default switch range loop index length`)

// prose makes n bytes of words, and some numbers, that need no escape in JSON.
func prose(r *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		if r.IntN(12) == 0 {
			fmt.Fprintf(&b, "%x ", r.Uint32())
		} else {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
		}
	}
	return b.String()[:n]
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:n]
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
