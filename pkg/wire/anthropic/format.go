// Package anthropic is the wire format of Anthropic's Messages API
// (POST /v1/messages), whole and streamed, as Anthropic, Vertex AI, Ollama and
// vLLM speak it.
//
// The facts are those of docs.anthropic.com: "Messages", "Streaming messages"
// and "Errors" of the API reference, and "Tool use" for the kinds of content blocks.
package anthropic

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
func (format) API() llm.API { return llm.APIMessages }

// Scan implements wire.Format. On Vertex AI the model stands in the path, and
// Request.Model is empty.
func (format) Scan(body []byte) wire.Request {
	var r wire.Request
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "messages":
			r.Messages, r.Newest = "messages", view.Newest(s)
		case "model":
			r.Model = s.Text()
		case "stream":
			r.Stream, _ = s.Bool()
		case "tools":
			r.Tools = false
			for range s.Array() {
				r.Tools = true
			}
		case "metadata":
			for key := range s.Object() {
				if string(key) == "user_id" {
					r.Session = session(s.Text())
				}
			}
		}
	}
	r.Err = view.End(s, kind)
	return r
}

// session reads a metadata.user_id. Claude Code puts its session there: as
// "user_…_account_…_session_<uuid>", and in newer versions as JSON with the
// member session_id. Anything else stands for itself.
func session(userID string) string {
	if strings.HasPrefix(userID, "{") {
		s := jsonscan.New([]byte(userID))
		id := ""
		for key := range s.Object() {
			if string(key) == "session_id" {
				id = s.Text()
			}
		}
		if s.End() == nil && id != "" {
			return id
		}
	}
	const mark = "_session_"
	if i := strings.LastIndex(userID, mark); i >= 0 && i+len(mark) < len(userID) {
		return userID[i+len(mark):]
	}
	return userID
}

// NewFramer implements wire.Format.
func (format) NewFramer(contentType string, limit int) sse.Framer {
	if !isEvents(contentType) {
		return nil
	}
	return sse.NewEvents(limit)
}

func isEvents(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}
