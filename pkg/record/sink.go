package record

import (
	"context"
	"os"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Body is one side of an exchange as it went over the wire, content encoding
// included. Data and File are never changed once they are handed over.
type Body struct {
	Data []byte
	// File holds the body where it was too large for memory; it is read from
	// offset 0 to Size and belongs to the exchange until Finish returns.
	File *os.File
	Size int64
	// Encoding is the Content-Encoding that the bytes are in, or "".
	Encoding string
	// Truncated tells that only the first part was kept.
	Truncated bool
}

// Header is a header without credentials, sorted by the names of its fields.
type Header []Field

// Field is one field of a header: a name as net/http spells it, and a value a line.
type Field struct {
	Name   string
	Values []string
}

// Entry is all that is kept of one exchange.
type Entry struct {
	Interaction    *llm.Interaction
	RequestHeader  Header
	ResponseHeader Header
	Request        Body
	Response       Body
	// Conversation keys what one conversation's requests have in common, so that
	// the history which an agent sends again each turn is found and stored once.
	// Requests with equal keys probably share a beginning; nothing is wrong if
	// they do not.
	Conversation uint64
	// SearchText is what full-text search finds of the exchange and the
	// interaction's own text does not hold: the newest user message and tool results.
	SearchText string
}

// Sink keeps entries.
type Sink interface {
	// Start notes that an exchange has begun. It does not wait for the disk.
	Start(i *llm.Interaction)
	// Finish keeps the entry and returns once a kill of this process cannot
	// lose it any more, or when ctx ends, which others may wait by; an entry whose wait was cut is kept
	// all the same as soon as that is possible.
	Finish(ctx context.Context, e *Entry) error
}
