// Package openairesponses is the wire format of OpenAI's Responses API
// (POST /responses), whole and streamed, as OpenAI, Azure, xAI, vLLM and Ollama
// speak it.
//
// The facts are those of OpenAI's API reference ("Responses", "Streaming
// events") and of its guides on the tools: function calling, custom tools, shell,
// local shell, apply patch, computer use, tool search.
package openairesponses

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
func (format) API() llm.API { return llm.APIResponses }

// Scan implements wire.Format. The session is the first that is stated of
// prompt_cache_key (Codex puts its conversation's id there),
// metadata.session_id, user and safety_identifier.
func (format) Scan(body []byte) wire.Request {
	var r wire.Request
	var cacheKey, session, safety, user string
	s := jsonscan.New(body)
	kind := s.Kind()
	for key := range s.Object() {
		switch string(key) {
		case "input":
			r.Messages, r.Newest = "input", view.Newest(s)
		case "model":
			r.Model = s.Text()
		case "stream":
			r.Stream, _ = s.Bool()
		case "tools":
			r.Tools = false
			for range s.Array() {
				r.Tools = true
			}
		case "stream_options":
			r.HasStreamOptions = s.Kind() == jsonscan.Object
		case "prompt_cache_key":
			cacheKey = s.Text()
		case "safety_identifier":
			safety = s.Text()
		case "user":
			user = s.Text()
		case "metadata":
			for key := range s.Object() {
				if string(key) == "session_id" {
					session = s.Text()
				}
			}
		}
	}
	for _, id := range [...]string{cacheKey, session, user, safety} {
		if id != "" {
			r.Session = id
			break
		}
	}
	r.Err = view.End(s, kind)
	return r
}

// NewFramer implements wire.Format.
func (format) NewFramer(contentType string, limit int) sse.Framer {
	media, _, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
		return nil
	}
	return sse.NewEvents(limit)
}

// callName returns the name by which clients and their rules know a function
// that stands in a namespace. Codex declares the tools of an MCP server as a
// namespace "mcp__server__" and calls them mcp__server__tool; the names of other
// namespaces only group.
func callName(namespace, name string) string {
	if strings.HasPrefix(namespace, "mcp__") && !strings.HasPrefix(name, namespace) {
		return namespace + name
	}
	return name
}
