// Package gemini is the wire format of Google's Gemini API: generateContent and
// streamGenerateContent, the latter as server-sent events (alt=sse) and as a JSON
// array that grows, of AI Studio and of Vertex AI.
//
// The facts are those of the API references at ai.google.dev ("Generating
// content") and docs.cloud.google.com ("GenerateContentResponse", "FunctionCall",
// "PartialArg"), and of google.rpc.Code for errors.
package gemini

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

type format struct{}

// New returns the format.
func New() wire.Format { return format{} }

// API implements wire.Format.
func (format) API() llm.API { return llm.APIGenerateContent }

// Scan implements wire.Format. The model and whether the response is to be a
// stream stand in the path and not in the body: whoever has routed the request
// fills them in. The API has no member for a user or a session.
func (format) Scan(body []byte) wire.Request {
	var r wire.Request
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "tools":
			r.Tools = s.Kind() == jsonscan.Object
			for range s.Array() {
				r.Tools = true
			}
		case "contents":
			r.Messages, r.Newest = "contents", view.Newest(s)
		}
	}
	r.Err = view.End(s, kind)
	return r
}

// NewFramer implements wire.Format. JSON is taken for the array that
// streamGenerateContent sends without alt=sse; the one object of generateContent
// has the same media type, and is one frame to that framer.
func (format) NewFramer(contentType string, limit int) sse.Framer {
	switch mediaType(contentType) {
	case "text/event-stream":
		return sse.NewEvents(limit)
	case "application/json":
		return sse.NewArray(limit)
	}
	return nil
}

func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
