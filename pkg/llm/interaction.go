package llm

import (
	"encoding/json"
	"time"
)

// API names what a client called, whatever the provider.
type API string

// The APIs that archestra observes in full. Everything else is APIOther and is
// relayed and recorded as opaque bytes.
const (
	APIChatCompletions API = "chat_completions"
	APIResponses       API = "responses"
	APIMessages        API = "messages"
	APIGenerateContent API = "generate_content"
	APIOllamaChat      API = "ollama_chat"
	APIOllamaGenerate  API = "ollama_generate"
	APIOther           API = "other"
)

// State is where an interaction stands. The vocabulary is the same in the
// store, the feed, the command line and the screen.
type State string

// The states of an interaction.
const (
	StateStreaming   State = "streaming"   // sent, not yet ended
	StateHeld        State = "held"        // a tool call waits for a person
	StateDone        State = "done"        // ended as its protocol says
	StateFailed      State = "failed"      // an error, by status or inside a 200
	StateCancelled   State = "cancelled"   // the client went away
	StateIncomplete  State = "incomplete"  // the stream ended without its terminal event
	StateRefused     State = "refused"     // archestra did not forward it
	StateInterrupted State = "interrupted" // archestra died while it ran
)

// Final reports whether an interaction in this state will not change any more.
func (s State) Final() bool { return s != StateStreaming && s != StateHeld }

// Interaction is the record of one exchange between a client and a provider,
// and the JSON object that `logs`, `show`, `export` and `tail` print. A member
// that is not known is absent, never zero.
type Interaction struct {
	ID           string     `json:"id"` // UUIDv7, sorts by time
	StartedAt    time.Time  `json:"started_at"`
	FirstTokenAt *time.Time `json:"first_token_at,omitempty"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`

	Provider string `json:"provider"`
	Profile  string `json:"profile"`
	API      API    `json:"api"`
	Method   string `json:"method"`
	Path     string `json:"path"` // as the client called it, credentials removed from the query
	Status   int    `json:"status,omitempty"`
	State    State  `json:"state"`
	Stream   bool   `json:"stream"`

	Model         string   `json:"model,omitempty"`         // as the response states it
	RequestModel  string   `json:"request_model,omitempty"` // as asked
	ResponseID    string   `json:"response_id,omitempty"`   // the provider's own id of the answer
	FinishReasons []string `json:"finish_reasons,omitempty"`
	Usage         *Usage   `json:"usage,omitempty"`
	CostUSD       *Decimal `json:"cost_usd,omitempty"` // absent where the price is not known

	Text      string     `json:"text,omitempty"` // the assistant's text of the first choice
	Reasoning string     `json:"reasoning,omitempty"`
	Refusal   string     `json:"refusal,omitempty"`
	Choices   []Choice   `json:"choices,omitempty"`
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	Error     *Error     `json:"error,omitempty"`
	Findings  []Finding  `json:"findings,omitempty"`

	TTFTMS     *Millis `json:"ttft_ms,omitempty"`
	DurationMS *Millis `json:"duration_ms,omitempty"`
	OverheadMS *Millis `json:"overhead_ms,omitempty"` // what archestra itself added before the upstream call
	Timing     *Timing `json:"timing,omitempty"`

	RequestBytes  int64 `json:"request_bytes"`
	ResponseBytes int64 `json:"response_bytes"`

	Client Client   `json:"client"`
	Notes  []string `json:"notes,omitempty"` // what archestra noticed or could not do, in words
}

// Timing says where the milliseconds went, each measured from StartedAt.
type Timing struct {
	RequestReadMS    *Millis `json:"request_read_ms,omitempty"`    // the client's body was whole
	GuardsMS         *Millis `json:"guards_ms,omitempty"`          // the request had been judged
	ConnectedMS      *Millis `json:"connected_ms,omitempty"`       // an upstream connection was had
	ReusedConnection bool    `json:"reused_connection,omitempty"`  // it was an idle one
	ResponseHeaderMS *Millis `json:"response_header_ms,omitempty"` // the upstream's status arrived
	FirstByteMS      *Millis `json:"first_byte_ms,omitempty"`      // the first byte of its body
	// Arrivals say when a streamed body came: pairs of the bytes that were there
	// and the microseconds since StartedAt, coarsely, in order.
	Arrivals [][2]int64 `json:"arrivals,omitempty"`
}

// Client is who called.
type Client struct {
	UserAgent string `json:"user_agent,omitempty"`
	Agent     string `json:"agent,omitempty"`   // claude-code, codex, gemini-cli, …
	Session   string `json:"session,omitempty"` // the client's own session id, or one derived from its history
}

// Choice is one alternative of an answer.
type Choice struct {
	Index        int    `json:"index"`
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason,omitempty"` // the provider's own word
}

// Action is what a rule wants done with a tool call.
type Action string

// The actions, from the mildest.
const (
	ActionAllow Action = "allow"
	ActionAsk   Action = "ask"
	ActionBlock Action = "block"
)

// ToolCall is a call that the model proposed and the client is to execute.
type ToolCall struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	// Arguments is the parsed value where the text was JSON, else absent.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// ArgumentsText is the exact text that the model wrote, where it was not JSON.
	ArgumentsText string `json:"arguments_text,omitempty"`
	Choice        int    `json:"choice,omitempty"`
	// Kind tells function calls ("", the default) from "custom" free-text tools
	// and the legacy "function_call".
	Kind    string `json:"kind,omitempty"`
	Verdict Action `json:"verdict,omitempty"` // what became of it; of an ask, what was answered stands in Answer
	Rule    string `json:"rule,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Would is what enforce mode had done, where the rules only report.
	Would Action `json:"would,omitempty"`
	// Answer is how a question about the call was settled, and By by whom.
	Answer Action `json:"answer,omitempty"`
	By     string `json:"by,omitempty"`
	// Accept says what would be accepted in the place of a refused call, and Path
	// which argument decided.
	Accept string `json:"accept,omitempty"`
	Path   string `json:"path,omitempty"`
	// Facts is the record that the verdict was made from, as the rules saw it.
	Facts json.RawMessage `json:"facts,omitempty"`
}

// ErrorSource tells whose error it is.
type ErrorSource string

// The sources of an error.
const (
	SourceUpstream  ErrorSource = "upstream"
	SourceArchestra ErrorSource = "archestra"
)

// Error is an error as the provider stated it, or as archestra did.
type Error struct {
	Source  ErrorSource `json:"source"`
	Type    string      `json:"type,omitempty"`
	Code    string      `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
	Param   string      `json:"param,omitempty"`
}

// Finding is something that a detector found: a secret, personal data, a body
// that cannot be judged. It names the kind and the place, never the value.
type Finding struct {
	Kind     string `json:"kind"`
	Detector string `json:"detector,omitempty"`
	Where    string `json:"where,omitempty"`
	Action   string `json:"action,omitempty"`
}
