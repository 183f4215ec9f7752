package wire

import (
	"errors"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Continuing is a Format in which a turn whose calls were all refused can be gone
// on with: the model is told so as the result of its calls, and the client reads
// what it says then behind what it had read before.
type Continuing interface {
	Format
	// Continue writes the request that goes on. To the request's messages it
	// appends the model's turn, as the response stated it (text, reasoning with its
	// signatures, calls with their ids), and a result for each call: refusals[i] is
	// that of the answer's ToolCalls[i]. The response is all that the provider sent,
	// whole or as a stream of that media type. Nothing else of the request changes;
	// but where a conversation at the provider's holds the turn already (the
	// responses format), the results alone take the place of the input.
	//
	// The error wraps ErrNotContinued where the turn has no such form: an answer
	// with several choices, calls that were not finished, calls whose result cannot
	// be text. Neither argument is changed, and nothing of them is kept.
	Continue(request, response []byte, contentType string, refusals []string) ([]byte, error)
	// NewSequel returns what makes the frames of the second response go on with the
	// stream of that media type of which sent has reached the client: whole frames,
	// from the first on, as they were sent. After a second refusal it is all that
	// was sent of both.
	NewSequel(contentType string, sent []byte) Sequel
	// Merge returns the second of two whole bodies with what the first one says
	// before its first call put before what the second says. The rest, such as id,
	// usage and finish reason, is the second's.
	Merge(first, second []byte) ([]byte, error)
}

// ErrNotContinued tells that a turn cannot be gone on with.
var ErrNotContinued = errors.New("the turn cannot be gone on with")

// Sequel lets the frames of a response go on with a stream that has begun: what
// begins a stream is left out, and what is counted is counted on. If nothing of
// the stream has begun, they leave as they came. The usage stays the second
// response's, since clients read from it how full the context is. It is used by
// one goroutine at a time and never panics.
type Sequel interface {
	// Frame takes the next frame and returns what may leave. The bytes are valid
	// until the next call of the sequel or of the framer that made the frame.
	Frame(f sse.Frame) (release []byte)
}
