package wire

import (
	"encoding/json"
	"errors"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Gated is a Format that can take tool calls out of a response.
//
// A tool call here is one that the client is to execute. What a provider runs
// itself (server tools, hosted MCP, web search) passes: it has happened already.
type Gated interface {
	Format
	// NewGate returns a gate for a streamed response of that media type, one for
	// which NewFramer returns a framer.
	NewGate(contentType string, o GateOptions) Gate
	// Screen takes the refused calls out of a whole body. It asks judge of each
	// call in order, and returns body itself when nothing is to be changed. The
	// error tells that the body may hold a call and cannot be read with
	// certainty; then it must not reach the client.
	Screen(body []byte, o GateOptions, judge func(Call) Decision) ([]byte, error)
}

// WebSocket stands in the place of a media type for the messages of an upgraded
// connection: a frame's Data is a message, and its Raw are the WebSocket frames
// that it came in.
const WebSocket = "websocket"

// GateOptions are the bounds of a gate.
type GateOptions struct {
	// MaxHeld is how many bytes a gate holds at most; zero or less is no bound.
	// If more would be held, all calls that wait are refused. Screen, which has
	// the whole body at hand, does not look at it.
	MaxHeld int
	// Refusal words what the user reads where the gate itself refuses a call,
	// for one of the reasons below. Nil gives a plain sentence.
	Refusal func(llm.ToolCall, error) string
}

// Call is a tool call that a gate holds.
type Call struct {
	// N names the call to Decide. Numbers count from 0 in the order in which
	// the stream began the calls.
	N int
	llm.ToolCall
	// Refused tells that the gate has refused the call itself and why: there is
	// nothing to decide. A call that was asked about may come once more so, when
	// it went on behind its end (what came so was cut off, and the call stays as
	// it was decided, if it was) or when the gate held too much. N is -1, and the
	// call empty, for a frame that was taken out because it cannot be read.
	Refused error
}

// Why a gate refuses a call itself.
var (
	// ErrAmbiguous: its bytes, or the frame around them, are not strict JSON, or
	// the stream states its arguments in two ways that differ.
	ErrAmbiguous = errors.New("the call cannot be read with certainty")
	// ErrUnfinished: the stream ended, or failed, before the call was whole and
	// decided.
	ErrUnfinished = errors.New("the response ended before the call was decided")
	// ErrTooMuch: MaxHeld.
	ErrTooMuch = errors.New("more is held than allowed")
	// ErrGoesOn: more of the call came behind its end.
	ErrGoesOn = errors.New("the call went on behind its end")
	// ErrUnread: a frame could not be read (sse.Frame.Err) and may have been, or
	// have belonged to, a call.
	ErrUnread = errors.New("a part of the response cannot be read")
)

// Decision settles a call.
type Decision struct {
	Allow bool
	// Text stands in the answer in the place of a refused call.
	Text string
	// Arguments, where not nil, take the place of those of an allowed call. They
	// are JSON; of a custom tool, whose input is free text, a JSON string.
	Arguments json.RawMessage
}

// Gate lets the frames of one response pass, and holds a tool call until it is
// decided. It is used by one goroutine at a time, never blocks and never panics.
//
// Frames leave in the order in which they came. Frames before a call pass at
// once; a call, and what stands behind it, is held until the call is settled. As
// long as nothing is refused the bytes are those that came in. A refused call
// leaves none of its own: no name, id or argument. Its text takes its place,
// indexes close up, and the stop reason says that no call is to be made, if none
// is left.
//
// The bytes that a method returns are valid until the next call of the gate or
// of the framer that made the frame.
type Gate interface {
	// Frame takes the next frame. It returns what may leave now, and the calls
	// that became whole with it and wait for Decide.
	Frame(f sse.Frame) (release []byte, calls []Call)
	// Decide settles call n and returns what that frees. A call that is settled
	// already stays as it is.
	Decide(n int, d Decision) (release []byte)
	// Close tells that the stream is over. What is not decided is refused; those
	// calls are returned.
	Close() (release []byte, refused []Call)
	// Held is how many bytes are held.
	Held() int
	// KeepAlive returns bytes that may be sent between two releases and mean
	// nothing to the format's clients: they keep a connection from looking dead
	// while calls are held.
	KeepAlive() []byte
}
