package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

func TestRoundTrip(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := entry("a round trip")
	e.Interaction.ToolCalls = []llm.ToolCall{{ID: "1", Name: "Bash", Arguments: []byte(`{"command":"ls <&>"}`), Verdict: llm.ActionBlock, Rule: "r"}}
	e.Interaction.Findings = []llm.Finding{{Kind: "secret", Detector: "d", Action: "block"}}
	e.Interaction.Error = &llm.Error{Source: llm.SourceUpstream, Type: "t", Message: "m"}
	e.Interaction.Notes = []string{"noted"}
	finish(t, s, e)
	sync1(t, s)
	got, err := s.Get(t.Context(), e.Interaction.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.Interaction, got); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	for side, want := range []struct {
		body   record.Body
		header record.Header
	}{{e.Request, e.RequestHeader}, {e.Response, e.ResponseHeader}} {
		body, header, err := s.Body(t.Context(), e.Interaction.ID, Side(side))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body.Data, want.body.Data) || body.Size != int64(len(want.body.Data)) || body.Truncated {
			t.Errorf("side %d: body %q", side, body.Data)
		}
		fields := http.Header{}
		for _, f := range want.header {
			fields[f.Name] = f.Values
		}
		if diff := cmp.Diff(fields, header); diff != "" {
			t.Errorf("side %d: header (-want +got):\n%s", side, diff)
		}
	}
}

// Bodies come back as they were, whatever they are made of.
func TestBodiesAreIdentical(t *testing.T) {
	r := newRand(1)
	image := base64.StdEncoding.EncodeToString(random(r, 700<<10))
	bodies := map[string]record.Body{
		"empty":        {},
		"one byte":     {Data: []byte{0}},
		"compressible": {Data: bytes.Repeat([]byte("abc "), 50_000), Encoding: "identity"},
		"random":       {Data: random(r, 100_000), Encoding: "gzip", Truncated: true},
		"text":         {Data: []byte(prose(r, 300_000))},
		"large text":   {Data: []byte(prose(r, 3<<20))},
		"large random": {Data: random(r, 5<<20)},
		"image":        {Data: []byte(`{"messages":[{"content":[{"type":"image","data":"` + image + `"},{"type":"text","text":"` + prose(r, 9000) + `"}]}]}`)},
		"no quotes":    {Data: bytes.Repeat([]byte{'x'}, 6<<20)},
		"limits":       {Data: []byte(strings.Repeat("q", longString) + `"` + strings.Repeat("q", longString-1) + `"` + prose(r, largeText+1))},
	}
	s := open(t, t.TempDir(), Options{})
	ids := map[string]string{}
	for name, body := range bodies {
		for _, side := range []Side{Request, Response} {
			e := entry(name)
			e.Request, e.Response = record.Body{Data: []byte("other")}, record.Body{}
			if side == Request {
				e.Request = body
				e.Conversation = uint64(len(name)) // some share one
			} else {
				e.Response = body
			}
			finish(t, s, e)
			ids[name+[]string{" out", " in"}[side]] = e.Interaction.ID
		}
	}
	sync1(t, s)
	for name, body := range bodies {
		for _, side := range []Side{Request, Response} {
			got, _, err := s.Body(t.Context(), ids[name+[]string{" out", " in"}[side]], side)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !bytes.Equal(got.Data, body.Data) || got.Size != int64(len(body.Data)) || got.Encoding != body.Encoding || got.Truncated != body.Truncated {
				t.Errorf("%s, side %d: %d bytes, %q, truncated %v", name, side, len(got.Data), got.Encoding, got.Truncated)
			}
		}
	}
}

func TestBodyFromFile(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	data := append(random(newRand(2), 15<<20), prose(newRand(3), 5<<20)...)
	path := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	e := entry("spooled")
	e.Conversation = 1
	e.Request = record.Body{File: f, Size: int64(len(data))}
	finish(t, s, e)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	sync1(t, s)
	got, _, err := s.Body(t.Context(), e.Interaction.ID, Request)
	if err != nil || !bytes.Equal(got.Data, data) {
		t.Errorf("%d bytes, %v, want %d", len(got.Data), err, len(data))
	}
}

func TestStartedInteractions(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	one, two := entry("one"), entry("two")
	for _, e := range []*record.Entry{one, two} {
		begun := *e.Interaction
		begun.State, begun.Status, begun.Text, begun.Usage = llm.StateStreaming, 0, "", nil
		s.Start(&begun)
	}
	sync1(t, s)
	list, err := s.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].State != llm.StateStreaming || list[0].Provider != "openai" || list[0].Client.Session != "s1" {
		t.Fatalf("after Start: %+v", list)
	}
	body, header, err := s.Body(t.Context(), one.Interaction.ID, Request)
	if err != nil || body.Data != nil || header != nil {
		t.Errorf("the body of what still runs: %v, %v, %v", body, header, err)
	}
	finish(t, s, one)
	closeStore(t, s)

	s = open(t, dir, Options{})
	list, err = s.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].State != llm.StateDone || list[1].State != llm.StateInterrupted {
		t.Errorf("after a restart: %+v", list)
	}
	if diff := cmp.Diff(one.Interaction, list[0]); diff != "" {
		t.Errorf("the finished one (-want +got):\n%s", diff)
	}
}

// An entry that is finished twice is there once, as it was last.
// Where many come, blocks are compressed in haste, and read as well.
func TestRush(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := newRand(4)
	var entries []*record.Entry
	hasty := 0
	for round := 0; round < 50 && hasty == 0; round++ {
		for range 2 * rush {
			e := chat(r)
			finish(t, s, e)
			entries = append(entries, e)
		}
		sync1(t, s)
		if err := s.Reader.db.QueryRowContext(t.Context(), "SELECT count(*) FROM block WHERE codec = ?", int64(swift)).Scan(&hasty); err != nil {
			t.Fatal(err)
		}
	}
	if hasty == 0 {
		t.Fatal("no block was written in haste")
	}
	closeStore(t, s)
	s = open(t, dir, Options{})
	for _, e := range entries {
		got, _, err := s.Body(t.Context(), e.Interaction.ID, Request)
		if err != nil || !bytes.Equal(got.Data, e.Request.Data) {
			t.Fatalf("%d bytes, %v, want %d", len(got.Data), err, len(e.Request.Data))
		}
	}
}

func TestExpandGarbage(t *testing.T) {
	q, err := newSqueezer()
	if err != nil {
		t.Fatal(err)
	}
	defer q.close()
	data := []byte(prose(newRand(2), 5000))
	for _, squeeze := range []func(buf, data []byte) (codec, []byte){q.squeeze, q.press} {
		c, small := squeeze(nil, data)
		if got, err := q.expand(c, small); err != nil || !bytes.Equal(got, data) {
			t.Errorf("codec %d: %d bytes, %v", c, len(got), err)
		}
		if _, err := q.expand(c, small[:len(small)/2]); err == nil {
			t.Errorf("codec %d: half of it expands", c)
		}
		if _, err := q.expand(c, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}); err == nil { // S2: 4 GiB
			t.Errorf("codec %d: garbage expands", c)
		}
	}
	if c, _ := q.press(nil, random(newRand(3), 5000)); c != plain {
		t.Errorf("noise has codec %d", c)
	}
	if c, small := q.press(nil, []byte("short")); c != plain || string(small) != "short" {
		t.Errorf("codec %d, %q", c, small)
	}
}

func TestFinishTwice(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := entry("first")
	finish(t, s, e)
	sync1(t, s)
	again := *e.Interaction
	again.Text = "second"
	e.Interaction = &again
	finish(t, s, e)
	finish(t, s, e)
	sync1(t, s)
	list, err := s.List(t.Context(), Query{})
	if err != nil || len(list) != 1 || list[0].Text != "second" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestBrokenRawJSON(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := entry("broken")
	e.Interaction.Usage.Raw = []byte(`{"x":`)
	e.Interaction.ToolCalls = []llm.ToolCall{{Name: "T", Arguments: []byte("{not json")}}
	finish(t, s, e)
	sync1(t, s)
	got, err := s.Get(t.Context(), "last")
	if err != nil {
		t.Fatal(err)
	}
	if got.Usage.Raw != nil || got.ToolCalls[0].ArgumentsText != "{not json" || *got.Usage.InputTokens != 120 {
		t.Errorf("%+v", got)
	}
}

func TestConcurrentFinish(t *testing.T) {
	s := open(t, t.TempDir(), Options{QueueBytes: 100_000})
	const n = 200
	var wg sync.WaitGroup
	entries := make([]*record.Entry, n)
	for i := range n {
		wg.Go(func() {
			r := newRand(uint64(i))
			e := chat(r)
			e.Conversation = uint64(i % 5)
			if i%3 == 0 {
				e.Request.Data = []byte(prose(newRand(uint64(i%5)), 20_000) + prose(r, 3000))
			}
			entries[i] = e
			s.Start(e.Interaction)
			finish(t, s, e)
		})
	}
	wg.Wait()
	sync1(t, s)
	for _, e := range entries {
		got, err := s.Get(t.Context(), e.Interaction.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.Interaction, got); diff != "" {
			t.Fatal(diff)
		}
		body, _, err := s.Body(t.Context(), e.Interaction.ID, Request)
		if err != nil || !bytes.Equal(body.Data, e.Request.Data) {
			t.Fatalf("body of %s: %d bytes, %v", e.Interaction.ID, len(body.Data), err)
		}
	}
	if h := s.Health(); h.Recorded != n || h.Failing() || h.JournalBytes != 0 || h.QueuedBytes != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestResolve(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	if _, err := s.Get(t.Context(), "last"); !errors.Is(err, ErrNotFound) {
		t.Errorf("last of none: %v", err)
	}
	a, b := entry("a"), entry("b")
	a.Interaction.ID = "01990000-0000-7000-8000-00000000abcd"
	b.Interaction.ID = "01990000-0001-7000-8000-00000000ffff"
	finish(t, s, a)
	finish(t, s, b)
	sync1(t, s)
	for in, want := range map[string]string{
		a.Interaction.ID: a.Interaction.ID, "01990000-0000": a.Interaction.ID, "01990000-0001-7": b.Interaction.ID,
		"ABCD": a.Interaction.ID, "ffff": b.Interaction.ID, "last": b.Interaction.ID,
	} {
		if got, err := s.Resolve(t.Context(), in); err != nil || got != want {
			t.Errorf("Resolve(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "zz", "%", "_1990000-0000", "0199000%"} {
		if got, err := s.Resolve(t.Context(), in); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resolve(%q) = %q, %v", in, got, err)
		}
	}
	_, err := s.Resolve(t.Context(), "0199")
	var ambiguous *AmbiguousError
	if !errors.As(err, &ambiguous) || !errors.Is(err, ErrAmbiguous) || len(ambiguous.Candidates) != 2 {
		t.Errorf("Resolve(0199): %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	closeStore(t, s)
	if err := s.Finish(t.Context(), entry("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("Finish: %v", err)
	}
	if err := s.Sync(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync: %v", err)
	}
	s.Start(entry("late").Interaction)
	if h := s.Health(); h.Refused != 1 || h.LostStarts != 1 {
		t.Errorf("health %+v", h)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Close again: %v", err)
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s := open(t, dir, Options{})
	e := entry("private")
	e.Response.Data = random(newRand(1), 2<<20)
	finish(t, s, e)
	sync1(t, s)
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		seen[filepath.Ext(path)] = true
		return nil
	})
	if err != nil || !seen[".db"] || !seen[".db-wal"] || !seen[".log"] || !seen[""] {
		t.Errorf("%v, saw %v", err, seen)
	}
}
