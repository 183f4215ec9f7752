package control

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Errors that keep their meaning over the socket.
var (
	// ErrNotFound tells that no interaction is meant by a reference.
	ErrNotFound = errors.New("no such interaction")
	// ErrAmbiguous tells that a shortened id begins or ends several.
	ErrAmbiguous = errors.New("the id is not unique")
	// ErrNotKept tells that the interaction is known and its body is not, or
	// not any more.
	ErrNotKept = errors.New("the body was not kept")

	// What Answer may be told of a question: that there is none with that id,
	// that the id begins several, that it was settled before, and that the answer
	// cannot be taken.
	ErrAskUnknown   = ask.ErrUnknown
	ErrAskAmbiguous = ask.ErrAmbiguous
	ErrAskSettled   = ask.ErrSettled
	ErrAskAnswer    = ask.ErrAnswer
)

// Query picks interactions.
type Query struct {
	Filter filter.Expr // nil picks all
	Since  time.Time   // those that started then or later; zero picks all
	Before string      // those older than the one with that id; "" picks all
	Limit  int         // the newest so many of what is left; 0 sets no limit
}

// Side is one of the two bodies of an exchange.
type Side string

// The sides.
const (
	SideRequest  Side = "request"
	SideResponse Side = "response"
)

// Message is what is known of one side, its body aside.
type Message struct {
	Header    http.Header `json:"header"`             // credentials removed
	Encoding  string      `json:"encoding,omitempty"` // the body's content encoding
	Size      int64       `json:"size"`               // bytes on the wire
	Truncated bool        `json:"truncated,omitempty"`
}

// Arrival says that the response had grown to Offset bytes by AfterMS since the
// exchange began.
type Arrival struct {
	Offset  int64      `json:"offset"`
	AfterMS llm.Millis `json:"after_ms"`
}

// Exchange is both sides of an interaction.
type Exchange struct {
	Request  Message   `json:"request"`
	Response Message   `json:"response"`
	Arrivals []Arrival `json:"arrivals,omitempty"`
}

// Totals sums interactions up.
type Totals struct {
	Requests     int64 `json:"requests"`
	Errors       int64 `json:"errors"` // failed, refused, or answered with a status of 400 or more
	Blocked      int64 `json:"blocked"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// CostUSD sums the known costs; absent where none is known. Unpriced is how
	// many interactions used tokens at a price that is not known.
	CostUSD  *llm.Decimal `json:"cost_usd,omitempty"`
	Unpriced int64        `json:"unpriced,omitempty"`
}

// Profile is a profile and what ran under it.
type Profile struct {
	ID        string    `json:"id"`
	FirstUsed time.Time `json:"first_used"`
	LastUsed  time.Time `json:"last_used"`
	Totals
}

// Group is what statistics can be grouped by.
type Group string

// The groups.
const (
	ByProvider Group = "provider"
	ByProfile  Group = "profile"
	ByModel    Group = "model"
	ByDay      Group = "day"
)

// Groups lists the groups in the order in which to name them.
func Groups() []Group { return []Group{ByProvider, ByProfile, ByModel, ByDay} }

// StatsQuery asks for statistics.
type StatsQuery struct {
	By     []Group // one row for each combination; none gives one row
	Filter filter.Expr
	Since  time.Time
}

// Stat is one row of statistics. The members that it is not grouped by are absent.
type Stat struct {
	Provider string `json:"provider,omitempty"`
	Profile  string `json:"profile,omitempty"`
	Model    string `json:"model,omitempty"`
	Day      string `json:"day,omitempty"` // YYYY-MM-DD, local time
	Totals
	TTFTP50 *llm.Millis `json:"ttft_p50_ms,omitempty"`
	TTFTP95 *llm.Millis `json:"ttft_p95_ms,omitempty"`
}

// Provider is a provider and whether it can be called.
type Provider struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"` // for people
	State     string    `json:"state"` // ready, no key, unreachable, off
	Why       string    `json:"why,omitempty"`
	BaseURL   string    `json:"base_url"`             // for clients
	Upstream  string    `json:"upstream,omitempty"`   // what archestra calls
	KeySource string    `json:"key_source,omitempty"` // where the key comes from, never the key
	APIs      []llm.API `json:"apis"`
	Models    []string  `json:"models,omitempty"` // what a local server offers
}

// Status is how a server fares.
type Status struct {
	Version  string           `json:"version"`
	PID      int              `json:"pid"`
	Server   string           `json:"server"` // names this run of it
	Addrs    []string         `json:"addrs"`  // where the proxy listens
	BaseURL  string           `json:"base_url"`
	DataDir  string           `json:"data_dir"`
	Mode     string           `json:"mode"`
	Started  time.Time        `json:"started"`
	Running  int              `json:"running"` // interactions that have not finished
	Counters map[string]int64 `json:"counters,omitempty"`
	// Rules names the rules in force, as policy.Policy.Digest does, and RuleFiles where
	// they stand beside those that archestra brings.
	Rules     string   `json:"rules,omitempty"`
	RuleFiles []string `json:"rule_files,omitempty"`
	// Problems are what a person should know, in words; none means healthy.
	Problems []string `json:"problems,omitempty"`
}

// Reader answers what can be asked of recorded interactions. A store answers
// it, and so does a Client by asking a server. A ref is an id, a beginning or an
// end of one that names it alone, or "last". Errors wrap ErrNotFound,
// ErrAmbiguous and ErrNotKept where that is what happened.
type Reader interface {
	// Interactions yields what q picks, oldest first. It ends behind the first error.
	Interactions(ctx context.Context, q Query) iter.Seq2[*llm.Interaction, error]
	Interaction(ctx context.Context, ref string) (*llm.Interaction, error)
	Exchange(ctx context.Context, ref string) (*Exchange, error)
	// Body returns the bytes of one side, as they went over the wire or, with
	// decode, without their content encoding.
	Body(ctx context.Context, ref string, side Side, decode bool) (io.ReadCloser, error)
	// Conversation decodes the request into the view that people read.
	Conversation(ctx context.Context, ref string) (*llm.Conversation, error)
	Profiles(ctx context.Context) ([]Profile, error)
	Stats(ctx context.Context, q StatsQuery) ([]Stat, error)
}

// Backend is what a server serves.
type Backend interface {
	Reader
	Status(ctx context.Context) (Status, error)
	Providers(ctx context.Context) ([]Provider, error)
	// Asks returns the tool calls that wait for a person, oldest first.
	Asks(ctx context.Context) ([]llm.Ask, error)
	// Answer settles one of them, and returns it as settled. The id may be
	// shortened while it is unique. Errors wrap ErrAskUnknown, ErrAskAmbiguous,
	// ErrAskSettled and ErrAskAnswer.
	Answer(ctx context.Context, id string, answer llm.AskAnswer) (llm.Ask, error)
	// Feed returns the live events.
	Feed() *feed.Feed
}
