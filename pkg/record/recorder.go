package record

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Publisher takes live events. Publish must not block.
type Publisher interface {
	Publish(llm.Event)
	// Watched tells whether anybody reads; where nobody does, live events are not made.
	Watched() bool
}

// Pricer says what an interaction cost; ok is false where the price is unknown.
type Pricer interface {
	Cost(i *llm.Interaction) (cost llm.Decimal, ok bool)
}

// Options configures a Recorder. The zero value of a limit means its default.
type Options struct {
	Sink   Sink
	Feed   Publisher // may be nil
	Pricer Pricer    // may be nil
	Log    *slog.Logger
	// Wait bounds how long a response's last byte waits for its record. After
	// it, the answer goes on and the record follows; Counters.Late counts it.
	Wait time.Duration
	// FailClosed makes Commit return the sink's error, so that an answer which
	// cannot be recorded is cut; without it such an answer passes and is counted.
	FailClosed bool

	MaxBody    int64 // bytes kept of a body; the rest passes unrecorded
	MaxDecoded int64 // bytes of a decompressed side copy
	MaxText    int   // bytes of decoded text kept
	MaxFrame   int   // bytes of one streamed event
}

// Defaults of the limits.
const (
	DefaultMaxBody    = 64 << 20
	DefaultMaxDecoded = 256 << 20
	DefaultMaxText    = 16 << 20
	DefaultMaxFrame   = 32 << 20
	DefaultWait       = 250 * time.Millisecond
)

// Counters tell how recording goes, since the start.
type Counters struct {
	Recorded atomic.Int64 // exchanges that the sink has taken
	Late     atomic.Int64 // answers that did not wait for their record any longer
	Failed   atomic.Int64 // records that the sink refused
	Panics   atomic.Int64 // decoders that panicked; the exchange was relayed all the same
}

// Recorder makes exchanges. It is safe for concurrent use.
type Recorder struct {
	opts     Options
	large    sync.Mutex // held while a body that was too large for memory is looked at
	history  *wire.History
	order    sync.Mutex // held while an id and a time are taken
	patience patience
	counted  counted
	Counters Counters
}

// seenBytes bounds what is remembered of requests that were read, so that the next
// turn of a conversation costs what is new in it.
const seenBytes = 16 << 20

// New returns a recorder. Options.Sink is required.
func New(o Options) *Recorder {
	if o.Wait <= 0 {
		o.Wait = DefaultWait
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxDecoded <= 0 {
		o.MaxDecoded = DefaultMaxDecoded
	}
	if o.MaxText <= 0 {
		o.MaxText = DefaultMaxText
	}
	if o.MaxFrame <= 0 {
		o.MaxFrame = DefaultMaxFrame
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{opts: o, history: wire.NewHistory(seenBytes)}
}

// Target is where an exchange goes.
type Target struct {
	Provider string
	Profile  string
	API      llm.API
	Format   wire.Format // nil for exchanges that are not observed
	Model    string      // where the path names it
	Stream   bool        // where the path says so
	Kept     bool        // where it asks for an answer that the provider keeps
}

// Begin starts the record of one exchange. It does not wait for anything.
func (r *Recorder) Begin(req *http.Request, t Target) *Exchange {
	id, now := r.next()
	header, credentials := readHeader(req.Header)
	x := &Exchange{
		committed: -1,
		rec:       r,
		start:     now,
		format:    t.Format,
		kept:      t.Kept,
		secret:    querySecrets(credentials, req.URL),
		reqHdr:    header,
	}
	x.i = llm.Interaction{
		ID:           id,
		StartedAt:    now.UTC(),
		Provider:     t.Provider,
		Profile:      t.Profile,
		API:          t.API,
		Method:       req.Method,
		Path:         redactPath(req),
		State:        llm.StateStreaming,
		Stream:       t.Stream,
		RequestModel: t.Model,
		Client:       client(req),
		Timing:       &llm.Timing{},
	}
	return x
}

// next returns an id and the time, in the same order as everybody else's.
func (r *Recorder) next() (string, time.Time) {
	r.order.Lock()
	defer r.order.Unlock()
	return newID(), time.Now()
}

// newID returns a UUIDv7: 48 bits of milliseconds, then a counter and chance, so
// that ids sort by time (RFC 9562 section 5.7).
func newID() string {
	id, err := uuid.NewV7()
	if err != nil { // only where the system's source of randomness fails
		return uuid.New().String()
	}
	return id.String()
}
