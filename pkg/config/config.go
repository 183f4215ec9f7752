// Package config holds every setting once: its flag, its variable, its key in
// the configuration file, its default and its help. Load reads them by rank
// (flags, the environment, .env, the file, defaults) into one validated struct.
//
// It imports no other package of the project, and keeps no global state.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is every setting, validated. It is not changed after Load, and it is
// safe to print: secrets show as [redacted].
type Config struct {
	Host    string // the address to listen on; "" listens on both loopback addresses
	Port    int    // 0 picks a free one
	DataDir string // absolute
	File    string // the configuration file that was read, or "" if there was none
	Mode    Mode
	Ask     Ask

	Guard    Guard
	Record   Record
	Limits   Limits
	Timeouts Timeouts
	Access   Access
	Log      Log
	Vertex   Vertex

	// Providers is the file's section of that name, by provider.
	Providers map[string]Provider
	// Warnings are what Load found odd but usable, for the log at start.
	Warnings []string

	dotenv map[string]string
	env    func(name string) (value, origin string, ok bool)
	prices *yaml.Node
}

// DecodePrices decodes the file's section prices into v, whose type is the price
// table's. Without the section v stays as it is. Unknown members are errors.
func (c *Config) DecodePrices(v any) error {
	if c.prices == nil {
		return nil
	}
	if err := c.prices.Decode(v); err != nil {
		return fmt.Errorf("%s:%d: prices: %w", c.File, c.prices.Line, err)
	}
	return nil
}

// Guard says what is done about tool calls, secrets and links.
type Guard struct {
	Policy        string        // the user's file of rules; absolute
	AskTimeout    time.Duration // how long a question waits for an answer
	OnBlock       OnBlock
	Unobserved    Unobserved
	MaxHeld       int // bytes of a response that wait for a decision
	Secrets       Treatment
	Personal      Treatment
	PersonalKinds []string
	Links         Treatment // in answers: report, redact (made harmless) or off
}

// OnBlock is what an answer becomes of which a tool call was refused.
type OnBlock string

// The ways to go on after a refusal.
const (
	BlockText  OnBlock = "text"      // a text in the place of the call says why
	BlockDrop  OnBlock = "drop_turn" // nothing of the turn's calls is let through
	BlockRetry OnBlock = "retry"     // the model is told, and answers once more
)

// Unobserved is what becomes of an answer of an API that is not observed in full, and
// that calls a tool which a rule would not let pass.
type Unobserved string

// The ways to treat what is not observed.
const (
	UnobservedPass   Unobserved = "pass"   // it passes, and is noted
	UnobservedRefuse Unobserved = "refuse" // the answer is refused, and a stream is cut
)

// Treatment is what is done about something that was found.
type Treatment string

// The treatments.
const (
	TreatOff    Treatment = "off"
	TreatReport Treatment = "report"
	TreatRedact Treatment = "redact"
	TreatBlock  Treatment = "block"
)

// PersonalKinds are the kinds of personal data that can be looked for.
var PersonalKinds = []string{"email", "card", "iban", "ssn", "itin", "nino", "phone", "ip", "mac", "crypto", "url"}

// Record says how exchanges are kept.
type Record struct {
	Retain     time.Duration // how long; 0 keeps for ever
	RetainSize int64         // how many bytes; 0 sets no limit
	Wait       time.Duration // how long a response's last byte waits for the record
	Failure    Failure
	// IncludeUsage asks chat completions streams for their usage on the client's
	// behalf. It changes what the client sent, so the user must switch it on.
	IncludeUsage bool
}

// Limits bounds what a client or a provider can make archestra hold, in bytes.
type Limits struct {
	Header       int   // of one request's header
	Body         int64 // of a request body as sent
	Decompressed int64 // of the decoded side copy of a body
	Line         int   // of one line or event of a stream
}

// Timeouts bounds every wait on the network. None bounds a whole exchange: a
// model may think for half an hour.
type Timeouts struct {
	Shutdown       time.Duration // how long running exchanges may take to end
	RequestHeader  time.Duration // a client's request header must be whole
	RequestBody    time.Duration // the longest pause between two reads of a client's body
	Idle           time.Duration // a client's unused connection
	Connect        time.Duration // to an upstream, TLS included
	ResponseHeader time.Duration // from the request's last byte to the upstream's status; 0 waits for ever
	ResponseIdle   time.Duration // the longest pause inside an upstream's response; 0 waits for ever
}

// Access says who may call beside the programs of this machine.
type Access struct {
	AllowRemote    bool     // listen beyond loopback
	Token          Secret   // what every caller must show, where it is set
	AllowedHosts   []string // further values of Host
	AllowedOrigins []string // values of Origin that may call, such as a desktop app's
	StrictProfiles bool     // refuse profiles that do not exist yet
}

// Log says what is logged, to standard error.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// Vertex switches gemini to Vertex AI.
type Vertex struct {
	Enabled         bool
	Project         string
	Location        string
	CredentialsFile string // "" follows the search order of Application Default Credentials
	BaseURL         string // "" follows the location
}

// Provider is what the configuration file says of one provider.
type Provider struct {
	BaseURL string
	APIKey  Secret
}

// Mode is what the rules may do.
type Mode string

// The modes.
const (
	ModeEnforce Mode = "enforce" // judge and act
	ModeReport  Mode = "report"  // judge and record, never act
	ModeOff     Mode = "off"
)

// Ask is what a question becomes that nobody answers.
type Ask string

// The ways to settle an unanswered question.
const (
	AskDeny  Ask = "deny"
	AskAllow Ask = "allow"
	AskQueue Ask = "queue"
)

// Failure is what an exchange becomes that cannot be recorded.
type Failure string

// The ways to treat a failing record.
const (
	FailOpen   Failure = "open"   // it passes, with an alarm
	FailClosed Failure = "closed" // it is refused, and a stream is cut before its end
)

// LogFormat is how log lines look.
type LogFormat string

// The formats of the log.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Lookup returns a variable from the environment or, second in rank, from .env.
// The origin names where it was found. It is for the variables that a provider
// declares itself; an empty value counts as not set.
func (c *Config) Lookup(name string) (value, origin string, ok bool) {
	if c.env == nil {
		return "", "", false
	}
	return c.env(name)
}

// Dotenv returns what .env in the working directory sets, as NAME=value. It is to be
// kept out of sight: it may hold any secret.
func (c *Config) Dotenv() []string {
	var out []string
	for name, value := range c.dotenv {
		out = append(out, name+"="+value)
	}
	return out
}

// ClientURL is the address that clients of this machine are given, without a
// path: http://localhost:9000 unless a host was chosen.
func (c *Config) ClientURL() string {
	host := c.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port))
}

// String shows what is not secret, in short.
func (c Config) String() string {
	return fmt.Sprintf("config(host=%q port=%d data-dir=%q mode=%s)", c.Host, c.Port, c.DataDir, c.Mode)
}

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
