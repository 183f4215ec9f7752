package llm

import "time"

// EventType says what an Event tells.
type EventType string

// The events of an interaction's life, in the order in which they can come.
const (
	EventStarted    EventType = "started"
	EventFirstToken EventType = "first_token"
	EventProgress   EventType = "progress" // new text or counters; at most ten a second for each interaction
	EventToolCall   EventType = "tool_call"
	EventVerdict    EventType = "verdict" // a tool call was judged; or an ask was settled, which Ask tells
	EventHeld       EventType = "held"    // a tool call waits for a person: Ask
	EventFinished   EventType = "finished"
	// EventLost tells a slow reader how many events it missed.
	EventLost EventType = "lost"
)

// Event is one line of the live feed.
type Event struct {
	Seq  uint64    `json:"seq"`
	Type EventType `json:"type"`
	At   time.Time `json:"at"`
	// Interaction is a snapshot: whole in started and finished events, and
	// without its long texts in the others.
	Interaction *Interaction `json:"interaction,omitempty"`
	// Text is the assistant's text that is new since the last event, in progress
	// events; Reasoning likewise.
	Text      string    `json:"text,omitempty"`
	Reasoning string    `json:"reasoning,omitempty"`
	ToolCall  *ToolCall `json:"tool_call,omitempty"`
	Ask       *Ask      `json:"ask,omitempty"`
	Lost      uint64    `json:"lost,omitempty"`
}
