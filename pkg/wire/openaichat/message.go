package openaichat

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// message folds in a delta or a whole message.
func (st *stream) message(c *choice, raw []byte) {
	if len(raw) <= len(`{}`) {
		return
	}
	// Reasoning has several names: reasoning_content (DeepSeek, xAI, vLLM,
	// llama.cpp), reasoning (OpenRouter, Groq, Cerebras, Ollama), thinking. Some
	// servers send the same text under two of them.
	var content, thinking, other, details []byte
	s := &st.inner
	s.Reset(raw)
	for key := range s.Object() {
		switch string(key) {
		case "content":
			content = s.Raw()
		case "reasoning_content":
			if raw := s.Raw(); len(raw) > 2 && raw[0] == '"' {
				thinking = raw
			}
		case "reasoning", "thinking":
			if raw := s.Raw(); len(raw) > 2 && raw[0] == '"' {
				other = raw
			}
		case "reasoning_details":
			details = s.Raw()
		case "refusal":
			st.add(&c.refusal, s.Raw())
		case "tool_calls":
			for range s.Array() {
				st.toolCall(c, s)
			}
		case "function_call":
			st.functionCall(c, s)
		}
	}
	switch {
	case thinking != nil:
		st.add(&c.reasoning, thinking)
	case other != nil:
		st.add(&c.reasoning, other)
	case len(details) > 2:
		st.details(c, details)
	}
	if len(content) > 0 && content[0] == '[' {
		st.parts(c, content)
		return
	}
	st.add(&c.text, content)
}

// add appends the text of a JSON string.
func (st *stream) add(to *[]byte, literal []byte) {
	if len(literal) > 2 && literal[0] == '"' {
		*to = st.kept.Append(*to, literal)
		st.delta.Token = true
		st.added++
		st.alikeTo, st.literal = to, literal
	}
}

// details reads OpenRouter's reasoning_details ("Reasoning tokens" of its
// documentation): reasoning.text, reasoning.summary, and reasoning.encrypted,
// which nobody can read.
func (st *stream) details(c *choice, raw []byte) {
	s := jsonscan.New(raw)
	for range s.Array() {
		for key := range s.Object() {
			switch string(key) {
			case "text", "summary":
				st.add(&c.reasoning, s.Raw())
			}
		}
	}
}

// parts reads content that is an array, as Mistral's: text and references, and
// thinking, which holds text parts of its own.
func (st *stream) parts(c *choice, raw []byte) {
	s := jsonscan.New(raw)
	for range s.Array() {
		if s.Kind() == jsonscan.String {
			st.add(&c.text, s.Raw())
			continue
		}
		for key := range s.Object() {
			switch string(key) {
			case "text":
				st.add(&c.text, s.Raw())
			case "refusal":
				st.add(&c.refusal, s.Raw())
			case "thinking":
				if s.Kind() == jsonscan.String {
					st.add(&c.reasoning, s.Raw())
					continue
				}
				for range s.Array() {
					for key := range s.Object() {
						if string(key) == "text" {
							st.add(&c.reasoning, s.Raw())
						}
					}
				}
			}
		}
	}
}
