package config

import (
	"math"
	"strings"
	"time"
)

// Setting is one row of the table of settings. Its name is its flag and its key
// in the configuration file.
type Setting struct {
	Name    string
	Var     string // the environment variable
	Default string
	Help    string
	Accepts string // what a value may be, for errors and help
	Secret  bool   // never printed, and no flag: other users see command lines
	NoFlag  bool   // variable and file only
	NoFile  bool   // flag and variable only
	// Trusted settings that come from .env are named in a warning: the working
	// directory may be somebody else's repository.
	Trusted bool

	Bool bool
	bind func(*Config) parser
}

const (
	acceptsDuration = "a duration such as 250ms, 90s, 2h or 30d"
	acceptsSize     = "a size such as 64kB, 128MiB or 5GB"
	acceptsBool     = "true or false"
	acceptsTreat    = "report, redact, block or off"
	acceptsURL      = "an http or https URL, such as https://host/path"
)

// Settings returns the table, in the order of help. The settings that belong to
// one provider alone (its base URL and keys) are in the provider's own table.
func Settings() []Setting { return append([]Setting(nil), table...) }

var table = []Setting{
	{Name: "host", Default: "", Help: "address to listen on; both loopback addresses unless given", Accepts: "an address or a host name",
		Trusted: true, bind: func(c *Config) parser { return host(&c.Host) }},
	{Name: "port", Default: "9000", Help: "port to listen on; 0 picks a free one", Accepts: "a port from 0 to 65535",
		bind: func(c *Config) parser { return integer(&c.Port, 0, 65535) }},
	{Name: "data-dir", Help: "folder for the records, the socket and settings", Accepts: "a folder",
		bind: func(c *Config) parser { return text(&c.DataDir) }},
	{Name: "config", Help: "configuration file", Accepts: "a file", NoFile: true, Trusted: true,
		bind: func(c *Config) parser { return text(&c.File) }},
	{Name: "mode", Default: string(ModeEnforce), Help: "what the rules do", Accepts: "enforce, report or off", Trusted: true,
		bind: func(c *Config) parser { return choice(&c.Mode, ModeEnforce, ModeReport, ModeOff) }},
	{Name: "ask", Default: string(AskDeny), Help: "what a question becomes that nobody answers", Accepts: "deny, allow or queue", Trusted: true,
		bind: func(c *Config) parser { return choice(&c.Ask, AskDeny, AskAllow, AskQueue) }},

	{Name: "ask-timeout", Default: "60s", Help: "how long a question waits for an answer", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Guard.AskTimeout, time.Second) }},
	{Name: "policy", Help: "file of rules; policy.yaml beside the configuration file unless given", Accepts: "a file", Trusted: true,
		bind: func(c *Config) parser { return text(&c.Guard.Policy) }},
	{Name: "on-block", Default: string(BlockText), Help: "what an answer becomes of which a tool call was refused: text says why in its place, drop_turn lets none of the turn's calls through, retry tells the model and relays its second answer", Accepts: "text, drop_turn or retry",
		bind: func(c *Config) parser { return choice(&c.Guard.OnBlock, BlockText, BlockDrop, BlockRetry) }},
	{Name: "unobserved", Default: string(UnobservedPass), Help: "what becomes of an answer of an API that is not observed in full (results of batches, lists of what is kept) and that calls a tool which a rule would not let pass: pass, noted, or refuse", Accepts: "pass or refuse", Trusted: true,
		bind: func(c *Config) parser { return choice(&c.Guard.Unobserved, UnobservedPass, UnobservedRefuse) }},
	{Name: "max-held", Default: "8MiB", Help: "how much of a response may wait for a decision; calls beyond it are refused", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Guard.MaxHeld, 64<<10, 1<<30) }},
	{Name: "secrets", Default: string(TreatReport), Help: "what is done about secrets in requests", Accepts: acceptsTreat, Trusted: true,
		bind: func(c *Config) parser { return treat(&c.Guard.Secrets) }},
	{Name: "personal", Default: string(TreatReport), Help: "what is done about personal data in requests", Accepts: acceptsTreat, Trusted: true,
		bind: func(c *Config) parser { return treat(&c.Guard.Personal) }},
	{Name: "personal-kinds", Default: "card,iban,ssn", Help: "personal data to look for, comma-separated", Accepts: "some of " + strings.Join(PersonalKinds, ", "),
		bind: func(c *Config) parser { return list(&c.Guard.PersonalKinds, checkPersonal) }},
	{Name: "links", Default: string(TreatRedact), Help: "what is done about links in answers that carry data to hosts nobody named: redact makes them harmless", Accepts: "report, redact or off", Trusted: true,
		bind: func(c *Config) parser { return choice(&c.Guard.Links, TreatReport, TreatRedact, TreatOff) }},

	{Name: "retain", Default: "30d", Help: "how long exchanges are kept; 0 keeps them for ever", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Record.Retain, 0) }},
	{Name: "retain-size", Default: "5GB", Help: "how many bytes are kept; 0 sets no limit", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Record.RetainSize, 0, math.MaxInt64/2) }},
	{Name: "record-wait", Default: "250ms", Help: "how long a response's last byte waits until its record is safe", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Record.Wait, 0) }},
	{Name: "record-failure", Default: string(FailOpen), Help: "what an exchange becomes that cannot be recorded: open lets it pass with an alarm; closed refuses an answer that comes whole, and cuts a stream before its end", Accepts: "open or closed",
		bind: func(c *Config) parser { return choice(&c.Record.Failure, FailOpen, FailClosed) }},

	{Name: "max-header", Default: "64KiB", Help: "largest header of a request", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Limits.Header, 4<<10, 16<<20) }},
	{Name: "max-body", Default: "128MiB", Help: "largest body of a request", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Limits.Body, 1<<10, 16<<30) }},
	{Name: "max-decompressed", Default: "256MiB", Help: "largest body that is decompressed to be looked at", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Limits.Decompressed, 1<<10, 16<<30) }},
	{Name: "max-line", Default: "32MiB", Help: "largest line or event of a stream", Accepts: acceptsSize,
		bind: func(c *Config) parser { return size(&c.Limits.Line, 64<<10, 1<<30) }},

	{Name: "shutdown-timeout", Default: "30s", Help: "how long running exchanges may take to end at shutdown", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.Shutdown, 0) }},
	{Name: "header-timeout", Default: "10s", Help: "a client's request header must be whole by then", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.RequestHeader, time.Millisecond) }},
	{Name: "body-timeout", Default: "30s", Help: "longest pause in a client's request body", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.RequestBody, time.Millisecond) }},
	{Name: "idle-timeout", Default: "2m", Help: "how long a client's unused connection stays open", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.Idle, time.Millisecond) }},
	{Name: "connect-timeout", Default: "15s", Help: "an upstream must be connected by then", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.Connect, time.Millisecond) }},
	{Name: "response-header-timeout", Default: "1h", Help: "an upstream must begin to answer by then; 0 waits for ever", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.ResponseHeader, 0) }},
	{Name: "response-idle-timeout", Default: "1h", Help: "longest silence inside an upstream's response; 0 waits for ever", Accepts: acceptsDuration,
		bind: func(c *Config) parser { return duration(&c.Timeouts.ResponseIdle, 0) }},

	{Name: "allow-remote", Default: "false", Help: "listen beyond loopback; needs a token", Accepts: acceptsBool, Bool: true, Trusted: true,
		bind: func(c *Config) parser { return boolean(&c.Access.AllowRemote) }},
	{Name: "token", Help: "what every caller must send in X-Archestra-Token; needed with allow-remote", Accepts: "at least 16 characters", Secret: true, Trusted: true,
		bind: func(c *Config) parser { return secret(&c.Access.Token) }},
	{Name: "allowed-hosts", Help: "further values of Host that are answered, comma-separated", Accepts: "host names", Trusted: true,
		bind: func(c *Config) parser { return list(&c.Access.AllowedHosts, checkHost) }},
	{Name: "allowed-origins", Help: "values of Origin that may call, comma-separated, such as app://desktop", Accepts: "origins such as app://desktop", Trusted: true,
		bind: func(c *Config) parser { return list(&c.Access.AllowedOrigins, checkOrigin) }},
	{Name: "strict-profiles", Default: "false", Help: "refuse profiles that do not exist yet", Accepts: acceptsBool, Bool: true,
		bind: func(c *Config) parser { return boolean(&c.Access.StrictProfiles) }},
	{Name: "include-usage", Default: "false", Help: "ask chat completions streams for their usage where the client did not, and take it out of its answer", Accepts: acceptsBool, Bool: true,
		bind: func(c *Config) parser { return boolean(&c.Record.IncludeUsage) }},

	{Name: "log-level", Default: "info", Help: "least level of log lines", Accepts: "debug, info, warn or error",
		bind: func(c *Config) parser { return level(&c.Log.Level) }},
	{Name: "log-format", Default: string(LogText), Help: "form of log lines", Accepts: "text or json",
		bind: func(c *Config) parser { return choice(&c.Log.Format, LogText, LogJSON) }},

	{Name: "gemini-vertex-ai-enabled", Default: "false", Help: "call Gemini through Vertex AI", Accepts: acceptsBool, Bool: true, NoFlag: true,
		bind: func(c *Config) parser { return boolean(&c.Vertex.Enabled) }},
	{Name: "gemini-vertex-ai-project", Help: "Google Cloud project of Vertex AI", Accepts: "a project id", NoFlag: true,
		bind: func(c *Config) parser { return word(&c.Vertex.Project, "_.:") }},
	{Name: "gemini-vertex-ai-location", Default: "us-central1", Help: "region of Vertex AI, or global", Accepts: "a region such as us-central1", NoFlag: true,
		bind: func(c *Config) parser { return word(&c.Vertex.Location, "") }},
	{Name: "gemini-vertex-ai-credentials-file", Help: "credentials file for Vertex AI; without it, Google's search order for Application Default Credentials", Accepts: "a file", NoFlag: true, Trusted: true,
		bind: func(c *Config) parser { return text(&c.Vertex.CredentialsFile) }},
	{Name: "gemini-vertex-ai-base-url", Help: "address of Vertex AI", Accepts: acceptsURL, NoFlag: true, Trusted: true,
		bind: func(c *Config) parser { return baseURL(&c.Vertex.BaseURL) }},
}

func init() {
	for i, s := range table {
		if s.Var == "" {
			table[i].Var = "ARCHESTRA_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		}
	}
}
