package llm

import "encoding/json"

// Role says whose message it is.
type Role string

// The roles. Developer instructions are RoleSystem.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// PartKind says what a part of a message is.
type PartKind string

// The kinds of parts.
const (
	PartText       PartKind = "text"
	PartReasoning  PartKind = "reasoning"
	PartToolCall   PartKind = "tool_call"   // Name, CallID, Arguments
	PartToolResult PartKind = "tool_result" // CallID, Name where stated, Text
	PartImage      PartKind = "image"       // Media, and Text for its URL where it has one
	PartAudio      PartKind = "audio"
	PartFile       PartKind = "file"
	PartOther      PartKind = "other" // Text holds the raw JSON
)

// Span is a range of bytes [Start, End) in the body that was decoded, where
// End > Start; the zero Span means not known. For text it covers the JSON
// string literal, quotes included.
type Span struct{ Start, End int }

// Part is one piece of a message.
type Part struct {
	Kind      PartKind        `json:"kind"`
	Text      string          `json:"text,omitempty"`
	Name      string          `json:"name,omitempty"`
	CallID    string          `json:"call_id,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Media     string          `json:"media,omitempty"` // a MIME type, or what is known of it
	Bytes     int             `json:"bytes,omitempty"` // size of inline media, encoded
	IsError   bool            `json:"is_error,omitempty"`
	Span      Span            `json:"-"`
}

// Message is one entry of a conversation.
type Message struct {
	Role  Role   `json:"role"`
	Parts []Part `json:"parts"`
	Span  Span   `json:"-"` // the message's own bytes in the body
	Hash  uint64 `json:"-"` // its Sum, where that was taken before; else 0
	Raw   uint64 `json:"-"` // the SumBytes of its own bytes in the body, where that was taken before; else 0
}

// Tool is a tool that the request declares.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON schema
	Span        Span            `json:"-"`
	Hash        uint64          `json:"-"` // its Sum, where that was taken before; else 0
}

// Conversation is the neutral view of a request: for rules to judge and for
// people to read, never for forwarding.
type Conversation struct {
	Model    string    `json:"model,omitempty"`
	System   []Part    `json:"system,omitempty"` // what stands outside the messages
	Messages []Message `json:"messages"`
	Tools    []Tool    `json:"tools,omitempty"`
	// PreviousID names the history that the provider keeps (previous_response_id
	// or conversation), where the request continues one.
	PreviousID string `json:"previous_id,omitempty"`
	// Store tells whether the provider is asked to keep the answer under its id; nil
	// where the request does not say.
	Store *bool `json:"-"`
}
