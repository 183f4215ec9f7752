// Package openaichat is the wire format of OpenAI's Chat Completions API
// (POST /chat/completions), whole and streamed, as OpenAI, Azure, Cerebras, xAI,
// vLLM, Ollama, Groq, DeepSeek, OpenRouter, Mistral, llama.cpp and many others
// speak it.
//
// The facts are those of OpenAI's API reference, "Chat Completions", and, where
// a provider departs from it, those of that provider's own reference; each is
// named where it matters.
package openaichat

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
func (format) API() llm.API { return llm.APIChatCompletions }

// Scan implements wire.Format. The session is what names it best of what is
// there: prompt_cache_key, which agents set to their session; metadata's
// session_id or user_id; user; safety_identifier.
func (format) Scan(body []byte) wire.Request {
	var r wire.Request
	var cacheKey, metadata, user, safety string
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
		case "stream_options":
			r.HasStreamOptions = true
			r.IncludeUsage = includeUsage(s)
		case "tools", "functions":
			for range s.Array() {
				r.Tools = true
			}
		case "prompt_cache_key":
			cacheKey = s.Text()
		case "metadata":
			metadata = sessionOf(s)
		case "user":
			user = s.Text()
		case "safety_identifier":
			safety = s.Text()
		}
	}
	for _, name := range []string{cacheKey, metadata, user, safety} {
		if name != "" {
			r.Session = name
			break
		}
	}
	r.Err = view.End(s, kind)
	return r
}

func includeUsage(s *jsonscan.Scanner) (on bool) {
	for key := range s.Object() {
		if string(key) == "include_usage" {
			on, _ = s.Bool()
		}
	}
	return on
}

func sessionOf(s *jsonscan.Scanner) string {
	var session, user string
	for key := range s.Object() {
		switch string(key) {
		case "session_id":
			session = s.Text()
		case "user_id":
			user = s.Text()
		}
	}
	if session != "" {
		return session
	}
	return user
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

// NewStream implements wire.Format.
func (format) NewStream(limit int) wire.Stream { return newStream(limit) }
