package wire

import (
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// TextKind says what a text of an answer is.
type TextKind int

// The kinds of text that can be rewritten.
const (
	TextAnswer    TextKind = iota // what the user reads, refusals included
	TextReasoning                 // what the model thinks, or a summary of it; it may be signed
	TextArguments                 // the JSON text of a tool call's arguments
)

// TextEditor edits one text of an answer as it comes: one choice's, one content
// block's, or one tool call's. Write takes the next piece and returns what can go
// on, in whole characters; Flush tells that the text is over and returns what was
// held back.
type TextEditor interface {
	Write(text string) string
	Flush() string
}

// RewriteOptions say who edits.
type RewriteOptions struct {
	// Editor returns the editor of a text that begins. Nil leaves that text as it is.
	Editor func(TextKind) TextEditor
}

// Rewriting is a Format whose answers' texts can be edited.
type Rewriting interface {
	Format
	// NewRewriter returns a rewriter for a streamed response of that media type,
	// one for which NewFramer returns a framer; or for WebSocket, where the format
	// is spoken over one.
	NewRewriter(contentType string, o RewriteOptions) Rewriter
	// Rewrite edits the texts of a whole body, and returns body itself when
	// nothing is to be changed or it cannot be read.
	Rewrite(body []byte, o RewriteOptions) []byte
}

// Rewriter edits the texts of one streamed response. Frames leave in the order in
// which they came, and what comes out as it went in leaves byte for byte as it
// came: a frame waits while an editor holds back a part of what it says, and those
// behind it wait with it, whosever they are. The wait ends with the editor's, and
// where the frames that wait are more than 256 kB.
//
// Of a frame whose texts come out otherwise only the texts' literals differ; and
// the log probabilities beside them, which state their tokens, are taken out. What
// an editor still holds back when its text ends joins the literal of a frame that
// waits or of the one that ends the text, else it leaves in a frame of its own,
// made after the text's last one and before the frame that ends it. Where a later
// frame repeats a whole text (the done events of OpenAI's responses), the
// repetition is edited the same way, by an editor of its own. The input of a tool
// that takes free text counts as arguments, though it is no JSON. It is used by one
// goroutine at a time and never panics.
//
// The bytes that a method returns are valid until the next call of the rewriter or
// of the framer that made the frame.
type Rewriter interface {
	Frame(f sse.Frame) (release []byte)
	// Held returns how many bytes of frames wait. Their client may need a sign of life.
	Held() int
	// Close tells that the stream is over, and returns what is left.
	Close() (release []byte)
}
