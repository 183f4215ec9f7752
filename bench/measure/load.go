// Package measure takes the numbers: loads on subjects, sample by sample.
package measure

import (
	"time"

	"github.com/archestra-ai/archestra-cli/bench/payload"
)

// Kind is how a load is made.
type Kind string

// The kinds.
const (
	Closed Kind = "closed" // each client waits for its answer
	Open   Kind = "open"   // requests start at their time
	Slow   Kind = "slow"   // streams that stay open
	Leave  Kind = "leave"  // clients that leave streams, one after the other
)

// Load is one kind of traffic.
type Load struct {
	Name    string
	About   string
	Kind    Kind
	Format  payload.Format
	Clients int // or streams
	Rate    int // requests a second, of the open kind
	Count   int // requests of each client; 0: as many as the time allows
	Cold    bool
	Source  func(client int) payload.Source
	Watched bool // it is for subjects with followers, and those to compare with
	Quick   bool // it is part of the smoke test
	Smoke   bool // it is part of nothing else
}

const million = 1 << 20

func small(i int) payload.Source { return payload.Small(uint64(i)) }

func agent(f payload.Format) func(int) payload.Source {
	return func(i int) payload.Source { return payload.Agent(f, payload.Typical, uint64(i)) }
}

func streaming(m payload.Model) func(int) payload.Source {
	return func(i int) payload.Source { return payload.Streaming(m, uint64(i)) }
}

// watched are the subjects of the loads with followers.
var watched = []string{"direct", "rp", "default", "default+tail", "default+8tails"}

// Loads returns the loads, in the order of the table. Those with followers are
// loads of their own, since the others need not be measured with them.
func Loads() []Load {
	return []Load{
		{Name: "chat-1", About: "1 kB chat, 1 client", Kind: Closed, Format: payload.Chat, Clients: 1, Source: small},
		{Name: "chat-16", About: "1 kB chat, 16 clients", Kind: Closed, Format: payload.Chat, Clients: 16, Source: small, Quick: true},
		{Name: "chat-50", About: "1 kB chat, 50 clients", Kind: Closed, Format: payload.Chat, Clients: 50, Source: small},
		{Name: "chat-64", About: "1 kB chat, 64 clients", Kind: Closed, Format: payload.Chat, Clients: 64, Source: small},
		{Name: "open-500", About: "1 kB chat, 500 requests/s", Kind: Open, Format: payload.Chat, Rate: 500, Source: small, Quick: true},
		{Name: "open-2000", About: "1 kB chat, 2,000 requests/s", Kind: Open, Format: payload.Chat, Rate: 2000, Source: small},
		{Name: "agent-1", About: "200 kB agent turn, 64 messages, 16 tools, streamed, prefix seen, 1 client", Kind: Closed, Format: payload.Chat, Clients: 1, Source: agent(payload.Chat)},
		{Name: "agent-8", About: "the same, 8 clients", Kind: Closed, Format: payload.Chat, Clients: 8, Source: agent(payload.Chat), Quick: true},
		{Name: "agent-8-messages", About: "the same as Anthropic messages, 8 clients", Kind: Closed, Format: payload.Messages, Clients: 8, Source: agent(payload.Messages)},
		{Name: "image-1m", About: "1 MB picture, each a new one, 2 clients", Kind: Closed, Format: payload.Chat, Clients: 2,
			Source: func(i int) payload.Source { return payload.Image(million, uint64(i)) }},
		{Name: "image-20m", About: "20 MB picture, each a new one, 2 clients", Kind: Closed, Format: payload.Chat, Clients: 2, Count: 4, Cold: true,
			Source: func(i int) payload.Source { return payload.Image(20*million, uint64(i)) }},
		{Name: "burst", About: "streams of 200 events at full speed, 8 clients", Kind: Closed, Format: payload.Chat, Clients: 8, Source: streaming(payload.ModelBurst), Quick: true},
		{Name: "slow-1000", About: "1,000 streams open, 5 events a second each", Kind: Slow, Format: payload.Chat, Clients: 1000, Source: streaming(payload.ModelSlow)},
		{Name: "slow-5000", About: "5,000 streams open, 1 event a second each", Kind: Slow, Format: payload.Chat, Clients: 5000, Source: streaming(payload.ModelPace)},
		{Name: "slow-50", About: "50 streams open, 5 events a second each (smoke test)", Kind: Slow, Format: payload.Chat, Clients: 50, Source: streaming(payload.ModelSlow), Quick: true, Smoke: true},
		{Name: "leave", About: "a client leaves its stream", Kind: Leave, Format: payload.Chat, Clients: 20, Source: streaming(payload.ModelPace), Quick: true},
		{Name: "session", About: "a session of 100 turns that grows to 400 kB, 20 MB of requests", Kind: Closed, Format: payload.Messages, Clients: 1, Count: 100, Cold: true,
			Source: func(i int) payload.Source { return payload.Agent(payload.Messages, payload.Growing, uint64(i)) }},
		{Name: "chat-16-watched", About: "1 kB chat, 16 clients, with followers", Kind: Closed, Format: payload.Chat, Clients: 16, Source: small, Watched: true},
		{Name: "agent-8-watched", About: "agent turns, 8 clients, with followers", Kind: Closed, Format: payload.Chat, Clients: 8, Source: agent(payload.Chat), Watched: true},
	}
}

// Plan says how much is measured.
type Plan struct {
	Loads    []Load
	Subjects []string
	Samples  int
	Warm     time.Duration // before the measured time
	Time     time.Duration // measured
}
