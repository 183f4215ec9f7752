// Package wire defines what a wire format can do: read a request's surface,
// decode a neutral view, fold a response into an answer, and write an error in
// the format's own shape. Each format is a package below this one; they do not
// know each other, and they know no provider.
//
// Decoding is for observation. Nothing here writes anew what a client or a
// provider sent.
package wire

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Format is one wire format, such as OpenAI's chat completions. Its methods are
// safe for concurrent use, never panic whatever the bytes, and tolerate members
// of unexpected types: they leave out what they cannot read.
type Format interface {
	// API names the API that speaks the format.
	API() llm.API
	// Scan reads what routing and recording need, in one pass and without a
	// full decode.
	Scan(body []byte) Request
	// Conversation decodes a request into the neutral view. The error tells
	// that the body is not JSON; what was read before it is returned all the same.
	Conversation(body []byte) (llm.Conversation, error)
	// Answer decodes a whole response body (already decompressed). A status of
	// 400 and above, or a body in the shape of an error, gives Answer.Error.
	Answer(status int, body []byte) llm.Answer
	// NewFramer returns the framer for a streamed response of that media type,
	// or nil if such a response is not a stream but one whole body. No frame's
	// text may outgrow limit bytes: a longer one comes in pieces with Frame.Err set.
	NewFramer(contentType string, limit int) sse.Framer
	// NewStream returns a decoder of the frames of one streamed response. It
	// keeps at most limit bytes of text, and says so in Answer.Truncated.
	NewStream(limit int) Stream
	// Error writes the body of an error response in the format's own shape, as
	// its official SDKs read it.
	Error(status int, e llm.Error) []byte
	// StreamError writes an error as an event of a stream that has begun, in
	// the framing of a response of that media type.
	StreamError(contentType string, e llm.Error) []byte
}

// Request is the surface of a request body.
type Request struct {
	Model  string
	Stream bool
	// User names the end user or session where the body states one
	// (metadata.user_id, user, prompt_cache_key, safety_identifier).
	Session string
	// IncludeUsage tells that a chat completions request asked for the usage
	// chunk itself; HasStreamOptions that it has a stream_options member.
	IncludeUsage     bool
	HasStreamOptions bool
	// Tools tells that the request declares tools.
	Tools bool
	// Newest is the range of the messages after the model's last one, and
	// Messages the name of the member that holds them: what is new in a
	// conversation of which the rest was seen. The zero Span means that there
	// are none, or that the format has no messages.
	Newest   llm.Span
	Messages string
	// Err tells that the body is not JSON of the expected outer shape.
	Err error
}

// Stream folds the frames of one response into an answer. It is used by one
// goroutine at a time and never panics.
type Stream interface {
	// Frame folds in one frame and says what it meant.
	Frame(sse.Frame) Delta
	// Adds returns the JSON string, a part of the last frame's data, that this frame
	// added to a text, if that was all it did, and would be however often it came:
	// what a framer can learn. It is nil where that is not known, and valid as long as
	// the frame is.
	Adds() []byte
	// End tells that the stream is over, and returns the whole answer.
	End() llm.Answer
	// Answer returns what is known so far. Its strings are copies; it may be
	// called at any time and costs as much as the answer is long.
	Answer() llm.Answer
	// Text and Reasoning return the text of the first choice from byte offset
	// on, for a live view.
	Text(from int) string
	Reasoning(from int) string
}

// Delta says what one frame meant.
type Delta struct {
	// Token tells that the frame carries generated output: text, reasoning, or
	// a part of a tool call. The first such frame sets the time to first token.
	Token bool
	// ToolCall tells that the frame begins, continues or ends a tool call that
	// the client is to execute.
	ToolCall bool
	// Finished is how many tool calls are whole now.
	Finished int
	// Terminal tells that the frame is the protocol's last.
	Terminal bool
	// UsageOnly tells that the frame holds usage and nothing that a client which
	// did not ask for usage would get (a chat completions chunk with no choices).
	UsageOnly bool
	// Error tells that the frame states an error.
	Error bool
}

// Idle are members that say nothing of a text that a frame adds: OpenAI's obfuscation
// and sequence_number, and the clock of Ollama's lines.
var Idle = []sse.Member{
	{Start: `"obfuscation":"`},
	{Start: `"created_at":"`},
	{Start: `"sequence_number":`, Number: true},
}
