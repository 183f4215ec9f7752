package guard

import (
	"cmp"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/secret/payload"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Treatment is what is done about something that was found.
type Treatment string

// The treatments.
const (
	Off    Treatment = "off"
	Report Treatment = "report"
	Redact Treatment = "redact"
	Block  Treatment = "block"
)

// OnBlock is what an answer becomes of which a tool call was refused.
type OnBlock string

// The ways to go on after a refusal.
const (
	Text     OnBlock = "text"      // a text in the place of the call says why
	DropTurn OnBlock = "drop_turn" // no call of the turn is let through
	Retry    OnBlock = "retry"     // the model is told, and answers once more
)

// Options configures a Guard. Policy is required.
type Options struct {
	// Act tells that verdicts are acted upon; without it everything passes and is
	// judged for the record.
	Act bool
	// Policy returns the rules in force now. It is called for each exchange.
	Policy func() *policy.Policy
	// Asks is where calls wait for a person. Nil refuses what a rule asks about.
	Asks *ask.Desk
	// Always makes a rule of an answer: the text is policy.Narrowest's. Nil
	// remembers it for the session alone.
	Always func(rule string, a llm.Action) error

	OnBlock OnBlock
	// RefuseUnobserved has an answer of an API that is not observed refused where it
	// calls a tool that a rule would not let pass.
	RefuseUnobserved bool

	MaxHeld  int // bytes of an answer that wait for a decision
	Detector *secret.Detector
	Secrets  Treatment
	Personal Treatment
	Links    Treatment // Redact takes the teeth out of them; Block is Redact
	Log      *slog.Logger
}

// Guard judges exchanges. It is safe for concurrent use.
type Guard struct {
	opts     Options
	log      *slog.Logger
	analyzer *fact.Analyzer
	history  *wire.History    // of bodies that were changed
	scanner  *payload.Scanner // nil where nothing is looked for in requests

	mu       sync.Mutex
	sessions map[string]*session
}

// seenBytes bounds what is remembered of histories that were read, in each of two
// memories: the detectors' and the decoders'. The facts have their own bound.
const seenBytes = 16 << 20

// New returns a guard.
func New(o Options) *Guard {
	g := &Guard{opts: o, log: o.Log, analyzer: fact.NewAnalyzer(0), history: wire.NewHistory(seenBytes), sessions: map[string]*session{}}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if o.Detector != nil {
		g.analyzer.DetectSecrets(Secrets(o.Detector))
		if g.treatment(secret.KindSecret) != Off || g.treatment(secret.KindCard) != Off {
			g.scanner = payload.New(o.Detector, seenBytes)
		}
	}
	return g
}

// Secrets tells a fact.Analyzer which kind of secret a text holds.
func Secrets(d *secret.Detector) func(text string) (kind string) {
	return func(text string) string {
		for _, f := range d.Scan(text) {
			if f.Kind.Secret() {
				return cmp.Or(f.Rule, string(f.Kind))
			}
		}
		return ""
	}
}

// treatment is what is done about a finding of a kind.
func (g *Guard) treatment(k secret.Kind) Treatment {
	t := g.opts.Personal
	if k.Secret() {
		t = g.opts.Secrets
	}
	if t == "" {
		t = Off
	}
	if !g.opts.Act && t != Off {
		return Report
	}
	return t
}

// session is what is kept of one conversation while the process lives.
type session struct {
	memory *policy.Memory
	values *secret.Session
	used   time.Time // under Guard.mu

	mu   sync.Mutex
	seed maphash.Seed
	told map[uint64]bool // hashes of values that were found in it
}

// maxTold bounds how many values a session remembers to have told of.
const maxTold = 4096

// first tells whether a value is found in the conversation for the first time.
func (s *session) first(value []byte) bool {
	sum := maphash.Bytes(s.seed, value)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[sum] {
		return false
	}
	if len(s.told) >= maxTold {
		clear(s.told)
	}
	s.told[sum] = true
	return true
}

// maxSessions bounds how many are kept; those used longest ago go.
const maxSessions = 1024

func (g *Guard) session(key string) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sessions[key]
	if s == nil {
		if len(g.sessions) >= maxSessions {
			g.forget()
		}
		s = &session{memory: new(policy.Memory), values: secret.NewSession(), seed: maphash.MakeSeed(), told: map[uint64]bool{}}
		g.sessions[key] = s
	}
	s.used = time.Now()
	return s
}

// keep gives a session another key.
func (g *Guard) keep(key string, s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[key] == nil && len(g.sessions) >= maxSessions {
		g.forget()
	}
	g.sessions[key] = s
}

// forget drops the quarter of the sessions that was used longest ago.
func (g *Guard) forget() {
	keys := make([]string, 0, len(g.sessions))
	for k := range g.sessions {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return g.sessions[a].used.Compare(g.sessions[b].used) })
	for _, k := range keys[:len(keys)/4+1] {
		delete(g.sessions, k)
	}
}

// Target says whose exchange it is.
type Target struct {
	Interaction string
	Provider    string
	Profile     string
	Agent       string
	Format      wire.Format
	// Kept is the id of an answer that the provider keeps and the request asks for;
	// "" where the answer is one to the request.
	Kept string
	// Attempt counts how often the model was asked before about the same turn.
	Attempt int
	// Held is told of each call that begins to wait for a person, and Settled of
	// the answer. Both may be nil; they must not block.
	Held, Settled func(llm.Ask)
	// Judged is told of each call that was decided while it passed. It may be nil.
	Judged func(llm.ToolCall)
	// Hide takes the request's secrets out of a call that is shown to a person. It
	// may be nil.
	Hide func(llm.ToolCall) llm.ToolCall
}

// Begin starts to judge an exchange.
func (g *Guard) Begin(t Target) *Exchange {
	x := &Exchange{guard: g, target: t}
	x.rules = x.current()
	return x
}
