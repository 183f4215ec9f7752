package simulate

import (
	"net/http"
	"time"
)

// Script is one answer of the simulated model. The zero Script is the default
// answer: the user's words, or a mention of the tool results.
type Script struct {
	// Parts is what the model says, in order.
	Parts []Part
	// Finish is stop, length, filter or calls, said in the provider's words; any
	// other word is sent as it is. Empty means what the parts imply.
	Finish string
	// Usage is what the answer states; nil means counted from the texts.
	Usage *Usage
	// Model is the model that the answer names; empty means the one asked for.
	Model string
	// Choices overrides the number of choices asked for.
	Choices int
	// Events is the number of events in which each text is sent; 0 means one a word.
	Events int
	// Error is sent instead of an answer.
	Error *Failure
	// Delivery is how it is sent.
	Delivery Delivery
}

// Say returns a Script of the given parts.
func Say(parts ...Part) Script { return Script{Parts: parts} }

// PartKind says what a Part is.
type PartKind int

// The kinds of parts.
const (
	PartText PartKind = iota
	PartReason
	PartCall
	PartRefusal
)

// Part is one piece of an answer.
type Part struct {
	Kind PartKind
	Text string   // of text, reasoning and refusals
	Call ToolCall // of calls
}

// Text returns a part of text.
func Text(s string) Part { return Part{Kind: PartText, Text: s} }

// Reason returns a part of reasoning.
func Reason(s string) Part { return Part{Kind: PartReason, Text: s} }

// Refuse returns a refusal.
func Refuse(s string) Part { return Part{Kind: PartRefusal, Text: s} }

// Call returns a tool call whose arguments are the given JSON text.
func Call(name, arguments string) Part {
	return Part{Kind: PartCall, Call: ToolCall{Name: name, Arguments: arguments}}
}

// ToolCall is a call that the model proposes, or proposed earlier.
type ToolCall struct {
	ID        string // empty means one made in the provider's manner
	Name      string
	Arguments string // JSON text, or any text of a custom call; empty means {}
	Custom    bool   // a free-text tool of OpenAI's
}

// Usage counts tokens. Input is all input, cached included; Output is all
// output, reasoning included. Each format states them in its own manner.
type Usage struct {
	Input, Output         int
	CacheRead, CacheWrite int
	Reasoning             int
}

// Failure is an error of the provider.
type Failure struct {
	Status  int
	Message string // empty means the provider's usual words
	// Type and Code override the provider's usual ones.
	Type, Code string
}

// Delivery is how an answer is sent, and how it fails on the way. The package
// documentation says what each means.
type Delivery struct {
	Hold, TTFT, Delay time.Duration

	PauseAfter int // events
	Pause      time.Duration

	Chunk    int    // bytes a write
	Encoding string // gzip, br, zstd or deflate

	CRLF, LF                               bool
	Comments, Blanks, NoSpace, NoLastBlank bool

	Header   http.Header
	Redirect string
	Early    bool
	Close    bool
	Drop     bool

	Abort      bool
	Cut        int // events
	NoTerminal bool
	Garbage    bool
	MidError   *Failure
}

// Func answers a request. Options.Answer takes one.
type Func func(Request) Script

// Turns answers the first turn of a conversation with the first script, and so
// on: it counts the assistant's messages in the history, so it needs no memory
// and any number of conversations can run at once. Beyond its end the default
// answer is given.
func Turns(scripts ...Script) Func {
	return func(r Request) Script {
		turn := 0
		for _, m := range r.Messages {
			if m.Role == RoleAssistant {
				turn++
			}
		}
		if turn < len(scripts) {
			return scripts[turn]
		}
		return Script{}
	}
}
