package store

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// BenchmarkChat records chats of 1 kB, their way into SQLite included. cpu-us/op
// is the processor time of all goroutines, answer-us/op what Finish took.
func BenchmarkChat(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			r := newRand(1)
			made := make([]*record.Entry, 2000)
			for i := range made {
				made[i] = chat(r)
			}
			var next, wait atomic.Int64
			b.SetParallelism(max(clients/2, 1))
			b.ReportAllocs()
			b.ResetTimer()
			begin := cpu()
			work := func(i int64) {
				e := *made[i%int64(len(made))]
				x := *e.Interaction
				x.ID = fmt.Sprintf("01990000-0000-7000-8000-%012d", i)
				e.Interaction = &x
				s.Start(&x)
				at := time.Now()
				if err := s.Finish(b.Context(), &e); err != nil {
					b.Error(err)
				}
				wait.Add(int64(time.Since(at)))
			}
			if clients == 1 {
				for i := range b.N {
					work(int64(i))
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						work(next.Add(1))
					}
				})
			}
			sync1(b, s)
			b.ReportMetric(float64((cpu()-begin).Microseconds())/float64(b.N), "cpu-us/op")
			b.ReportMetric(float64(wait.Load()/1000)/float64(b.N), "answer-us/op")
		})
	}
}

// session makes the requests of an agent whose history grows from turn to turn.
func session(turns, from, to int) [][]byte { return sessionOf(7, turns, from, to) }

func sessionOf(seed uint64, turns, from, to int) [][]byte {
	r := newRand(seed)
	var tools, messages bytes.Buffer
	for i := range 16 {
		fmt.Fprintf(&tools, `{"name":"tool%d","description":%q,"input_schema":{"type":"object"}},`, i, prose(r, 2500))
	}
	var out [][]byte
	grow := (to - from) / turns
	fmt.Fprintf(&messages, `{"role":"user","content":%q},`, prose(r, from-tools.Len()))
	for range turns {
		fmt.Fprintf(&messages, `{"role":"assistant","content":[{"type":"tool_use","id":"toolu_%d","name":"tool1","input":{"q":%q}}]},`, r.Uint64(), prose(r, grow/8))
		fmt.Fprintf(&messages, `{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":%q}]},`, prose(r, grow-grow/8-200))
		out = append(out, fmt.Appendf(nil, `{"model":"claude-opus-4-5","max_tokens":32000,"messages":[%s{"role":"user","content":"go on"}],"tools":[%s{}],"stream":true}`,
			messages.Bytes(), tools.Bytes()))
	}
	return out
}

// answer makes a streamed answer of n events.
func answer(n int) []byte {
	r := newRand(9)
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%q}}\n\n", prose(r, 8))
	}
	return b.Bytes()
}

// BenchmarkTurn records turns of an agent with 200 kB and more of history.
func BenchmarkTurn(b *testing.B) {
	turns := session(100, 200<<10, 300<<10)
	response := answer(200)
	s := open(b, b.TempDir(), Options{})
	var wait time.Duration
	begin := cpu()
	n := 0
	for b.Loop() {
		e := entry("turn")
		e.Request.Data, e.Response.Data = turns[n%len(turns)], response
		e.Conversation = uint64(1 + n/len(turns))
		n++
		s.Start(e.Interaction)
		at := time.Now()
		finish(b, s, e)
		if n%len(turns) != 1 {
			wait += time.Since(at)
		}
	}
	sync1(b, s)
	b.ReportMetric(float64((cpu()-begin).Microseconds())/float64(n), "cpu-us/op")
	b.ReportMetric(float64(wait.Microseconds())/float64(n), "answer-us/op")
}

// BenchmarkTalks records turns of eight agents that cannot be told apart by how
// their requests begin.
func BenchmarkTalks(b *testing.B) {
	const talks = 8
	response := answer(200)
	head := []byte(`{"system":"` + prose(newRand(12), 20<<10))
	var turns [talks][][]byte
	for k := range turns {
		turns[k] = sessionOf(uint64(k), 25, 180<<10, 220<<10)
		for i, turn := range turns[k] {
			turns[k][i] = append(head[:len(head):len(head)], turn...)
		}
	}
	s := open(b, b.TempDir(), Options{})
	begin := cpu()
	n := 0
	for b.Loop() {
		e := entry("turn")
		of := turns[n%talks]
		e.Request.Data, e.Response.Data, e.Conversation = of[n/talks%len(of)], response, 1
		n++
		s.Start(e.Interaction)
		finish(b, s, e)
	}
	sync1(b, s)
	b.ReportMetric(float64((cpu()-begin).Microseconds())/float64(n), "cpu-us/op")
}

// BenchmarkImage records requests with a new image of 1 MB each.
func BenchmarkImage(b *testing.B) {
	r := newRand(3)
	raw := random(r, 768<<10)
	s := open(b, b.TempDir(), Options{})
	begin := cpu()
	var wait time.Duration
	n := 0
	for b.Loop() {
		copy(raw, fmt.Sprint(n))
		e := entry("image")
		e.Request.Data = []byte(`{"messages":[{"content":[{"data":"` + base64.StdEncoding.EncodeToString(raw) + `"}]}]}`)
		e.Conversation = uint64(n + 1)
		n++
		at := time.Now()
		finish(b, s, e)
		wait += time.Since(at)
	}
	sync1(b, s)
	b.ReportMetric(float64((cpu()-begin).Microseconds())/float64(n), "cpu-us/op")
	b.ReportMetric(float64(wait.Microseconds())/float64(n), "answer-us/op")
}

func diskUse(t testing.TB, dir string) (size int64) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// A session of 100 turns, 20 MB of requests, takes at most 9 kB a turn.
func TestSessionIsKeptSmall(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	response := answer(200)
	turns := session(100, 45<<10, 400<<10)
	var ids []string
	for _, body := range turns {
		e := entry(prose(newRand(uint64(len(body))), 600))
		e.Interaction.API, e.Interaction.Stream = llm.APIMessages, true
		e.Request.Data, e.Response.Data, e.Conversation = body, response, 77
		e.SearchText = prose(newRand(uint64(len(body))), 3000)
		s.Start(e.Interaction)
		finish(t, s, e)
		ids = append(ids, e.Interaction.ID)
	}
	sync1(t, s)
	for n, id := range ids {
		got, _, err := s.Body(t.Context(), id, Request)
		if err != nil || !bytes.Equal(got.Data, turns[n]) {
			t.Fatalf("turn %d: %d bytes, %v", n, len(got.Data), err)
		}
	}
	closeStore(t, s)
	size := diskUse(t, dir) / int64(len(turns))
	t.Logf("%d bytes a turn", size)
	if size > 9000 {
		t.Errorf("%d bytes a turn", size)
	}
}

// BenchmarkIndex makes the full-text index of chats of 1 kB, which BenchmarkChat
// leaves for later.
func BenchmarkIndex(b *testing.B) {
	s := open(b, b.TempDir(), Options{maxUnindexed: 1 << 40})
	r := newRand(5)
	for range b.N {
		finish(b, s, chat(r))
	}
	sync1(b, s)
	b.SetBytes(backlog(b, s) / int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpu()
	indexed(b, s)
	b.ReportMetric(float64((cpu()-begin).Microseconds())/float64(b.N), "cpu-us/op")
}

// BenchmarkSearch looks for words in 100,000 interactions, most of them not
// indexed, and then all of them indexed.
func BenchmarkSearch(b *testing.B) {
	const n = 100_000
	s := open(b, b.TempDir(), Options{})
	r := newRand(5)
	begin := cpu()
	for i := range n {
		e := chat(r)
		if i%20_000 == 7 {
			e.SearchText += " zebra"
		}
		finish(b, s, e)
	}
	sync1(b, s)
	b.Logf("%d µs of processor time each to record", (cpu()-begin).Microseconds()/n)
	searched := s.searched
	s.searched = nil
	f, err := filter.Parse("zebra")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("unindexed", func(b *testing.B) {
		b.SetBytes(backlog(b, s))
		for b.Loop() {
			if list, err := s.List(b.Context(), Query{Filter: f, Limit: 50}); err != nil || len(list) != 5 {
				b.Fatal(len(list), err)
			}
		}
	})
	s.searched = searched
	indexed(b, s)
	for _, text := range []string{"zebra", `"zebra" provider:openai`, "zeb", "function", `"mutex channel" status:200`, "provider:anthropic", "-state:done", "tool:Bash", "cost:>1"} {
		f, err := filter.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.List(b.Context(), Query{Filter: f, Limit: 50}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("newest", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.List(b.Context(), Query{Limit: 50}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Stats(b.Context(), nil, []string{"provider", "model", "day"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("profiles", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Profiles(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
