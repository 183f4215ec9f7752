// Package ollama is the wire format of Ollama's native API, POST /api/chat and
// POST /api/generate, whole and streamed as newline-delimited JSON.
//
// The facts are those of docs/api.md in Ollama's repository and of its types in
// api/types.go.
package ollama

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// format is one of the two APIs. Their members do not clash, so that each
// reads those of the other too.
type format struct{ api llm.API }

// Chat returns the format of /api/chat.
func Chat() wire.Format { return format{llm.APIOllamaChat} }

// Generate returns the format of /api/generate.
func Generate() wire.Format { return format{llm.APIOllamaGenerate} }

// API implements wire.Format.
func (f format) API() llm.API { return f.api }

// Scan implements wire.Format. A request without the member stream is streamed.
func (format) Scan(body []byte) wire.Request {
	r := wire.Request{Stream: true}
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "messages":
			r.Messages, r.Newest = "messages", view.Newest(s)
		case "model":
			r.Model = s.Text()
		case "stream":
			if on, ok := s.Bool(); ok {
				r.Stream = on
			}
		case "tools":
			for range s.Array() {
				r.Tools = true
			}
		}
	}
	r.Err = view.End(s, kind)
	return r
}

// NewFramer implements wire.Format.
func (format) NewFramer(contentType string, limit int) sse.Framer {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/x-ndjson", "application/ndjson", "application/jsonl":
		return sse.NewLines(limit)
	}
	return nil
}

// NewStream implements wire.Format.
func (format) NewStream(limit int) wire.Stream { return newStream(limit) }

// Error implements wire.Format. Ollama states an error as text and nothing else.
func (format) Error(_ int, e llm.Error) []byte {
	b := jsonscan.AppendString([]byte(`{"error":`), e.Message)
	return append(b, '}')
}

// StreamError implements wire.Format. Ollama's clients look for an error in
// every line.
func (f format) StreamError(_ string, e llm.Error) []byte {
	return append(f.Error(0, e), '\n')
}
