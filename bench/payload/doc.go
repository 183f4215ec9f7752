// Package payload makes the requests and the answers of the benchmark. Both are
// the same in every run: texts come from seeded generators, answers are fixed.
// The texts read like code and prose, so that they compress and scan like them.
package payload

// Format is a wire format of requests and answers.
type Format string

// The formats: the most used one, and the one of the commonest coding agent.
const (
	Chat     Format = "chat_completions"
	Messages Format = "messages"
)

// Path is where a format is called on the provider's host.
func (f Format) Path() string {
	if f == Messages {
		return "/v1/messages"
	}
	return "/v1/chat/completions"
}

// Request is one request. Its body comes in pieces, so that a growing history
// is not copied for each turn.
type Request struct {
	Format Format
	Body   [][]byte
	Answer *Answer // what the upstream answers
}

// Size is the length of the body in bytes.
func (r *Request) Size() int64 {
	var n int64
	for _, p := range r.Body {
		n += int64(len(p))
	}
	return n
}

// Source yields one client's requests, one after the other.
type Source func() Request

// Model names the answers: the upstream reads it from the first bytes of a body.
type Model string

// The answers that the upstream knows.
const (
	ModelChat  Model = "bench-chat"  // 1 kB at once
	ModelAgent Model = "bench-agent" // a streamed turn: text, then a tool call
	ModelBurst Model = "bench-burst" // 200 events at full speed
	ModelSlow  Model = "bench-slow"  // events at human pace, until the client leaves
	ModelPace  Model = "bench-pace"  // the same at one event a second
)
