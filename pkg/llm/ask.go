package llm

import (
	"encoding/json"
	"time"
)

// Ask is a tool call that waits for a person, as `ask list` prints it. What it
// quotes was written by a model: it is shown sanitised.
type Ask struct {
	ID          string `json:"id"`          // names the ask; short enough to type
	Interaction string `json:"interaction"` // the exchange that waits
	Provider    string `json:"provider"`
	Profile     string `json:"profile"`
	Agent       string `json:"agent,omitempty"` // of the client

	Tool          string          `json:"tool"`
	Arguments     json.RawMessage `json:"arguments,omitempty"`
	ArgumentsText string          `json:"arguments_text,omitempty"` // where they are not JSON

	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	Accept string `json:"accept,omitempty"` // what would be accepted without a question
	Path   string `json:"path,omitempty"`   // the argument that decided
	Sink   string `json:"sink,omitempty"`   // what an answer is remembered for

	AskedAt time.Time `json:"asked_at"`
	// ExpiresAt is when the question is answered by itself; nil means that it
	// waits until somebody does.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// Answer is how it was settled: allow or block. By says by whom: a person
	// (terminal), the time (timeout), the client (client_gone), the end of the
	// server (shutdown), or nobody, since no terminal was there to ask (unattended)
	// or too many asks were open (overflow).
	Answer Action `json:"answer,omitempty"`
	By     string `json:"by,omitempty"`
}

// AskAnswer settles an Ask.
type AskAnswer struct {
	Action Action `json:"action"` // allow or block
	// Always makes a rule of the answer, for exactly this.
	Always bool `json:"always,omitempty"`
	// Arguments, where not nil, take the place of those of an allowed call.
	Arguments json.RawMessage `json:"arguments,omitempty"`
}
