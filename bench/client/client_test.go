package client

import (
	"net"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
	"github.com/archestra-ai/archestra-cli/bench/upstream"
)

func start(t *testing.T) *Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { _ = new(upstream.Upstream).Serve(l) }()
	return &Target{Addr: l.Addr().String(), Paths: map[payload.Format]string{
		payload.Chat: payload.Chat.Path(), payload.Messages: payload.Messages.Path()}}
}

func TestClosed(t *testing.T) {
	target := start(t)
	for name, source := range map[string]func(int) payload.Source{
		"chat":     func(i int) payload.Source { return payload.Small(uint64(i)) },
		"messages": func(i int) payload.Source { return payload.Agent(payload.Messages, payload.Typical, uint64(i)) },
		"agent":    func(i int) payload.Source { return payload.Agent(payload.Chat, payload.Typical, uint64(i)) },
		"burst":    func(i int) payload.Source { return payload.Streaming(payload.ModelBurst, uint64(i)) },
		"image":    func(i int) payload.Source { return payload.Image(100_000, uint64(i)) },
	} {
		c := NewClients(target, 2, source)
		got := c.Closed(t.Context(), time.Minute, 5)
		c.Close()
		if got.Sent != 10 || got.Whole != 10 || got.Altered != 0 || got.Error != nil || len(got.Latencies) != 10 {
			t.Errorf("%s: %+v", name, got)
		}
		if streams := len(got.Firsts); name != "chat" && name != "image" && streams != 10 {
			t.Errorf("%s: %d first tokens", name, streams)
		}
		if name == "burst" && got.Events != 2000 {
			t.Errorf("ten streams of 200 had %d events", got.Events)
		}
	}
}

// TestOpen holds the open loop to its promise: a stall at the beginning is seen
// by the requests that were to start in it.
func TestOpen(t *testing.T) {
	target := start(t)
	got := Open(t.Context(), target, 200, 500*time.Millisecond, payload.Small(1))
	if got.Whole != 100 || got.Error != nil || got.Elapsed < 490*time.Millisecond {
		t.Errorf("%+v", got)
	}
	o := NewConn(target)
	defer o.Close()
	r := payload.Small(2)()
	if late := o.Do(&r, time.Now().Add(-time.Second)); late.Err != nil || late.Latency < time.Second {
		t.Errorf("a request that started a second late took %v: %v", late.Latency, late.Err)
	}
}

func TestStreams(t *testing.T) {
	target := start(t)
	s := OpenStreams(t.Context(), target, 20, payload.Streaming(payload.ModelSlow, 1))
	if failed, err := s.Failed(); s.Open() != 20 || failed != 0 || s.Events() < 20 {
		t.Errorf("%d open, %d failed: %v; %d events", s.Open(), failed, err, s.Events())
	}
	s.Close()
	if s.Open() != 0 {
		t.Errorf("%d are open when all were left", s.Open())
	}
}

func TestBlankLines(t *testing.T) {
	const events = "data: a\n\ndata: b\n\n"
	for cut := range len(events) {
		n, newline := blankLines([]byte(events[:cut]), false)
		m, _ := blankLines([]byte(events[cut:]), newline)
		if n+m != 2 {
			t.Errorf("cut at %d there are %d", cut, n+m)
		}
	}
}

func TestPercentile(t *testing.T) {
	sorted := []time.Duration{1, 2, 3, 4}
	if Percentile(sorted, 0.5) != 3 || Percentile(sorted, 0.99) != 4 || Percentile(sorted, 0) != 1 || Percentile(nil, 0.5) != 0 {
		t.Error("the percentiles are wrong")
	}
}
