package openaichat

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Where a usage object stood. The top level of a chunk is the last word.
const (
	noUsage     = iota
	nestedUsage // Groq's x_groq.usage, Moonshot's choices[].usage
	topUsage
)

// setUsage keeps the last usage object. Some servers (xAI, Perplexity) send one
// with every chunk; its figures are totals.
func (st *stream) setUsage(raw []byte, from byte) {
	if len(raw) == 0 || raw[0] != '{' || from < st.usageFrom {
		return
	}
	st.usage = append(st.usage[:0], raw...)
	st.usageFrom = from
}

// readUsage brings a usage object into the normal form. Cached tokens are part
// of prompt_tokens and reasoning tokens part of completion_tokens, except that
// xAI counts reasoning beside them, which shows in the total.
func readUsage(raw []byte, tier string) *llm.Usage {
	if len(raw) == 0 {
		return nil
	}
	var input, output, total, cached, write, reasoning, flatCached, flatWrite, flatReasoning fold.Count
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "prompt_tokens":
			input.Read(s)
		case "completion_tokens":
			output.Read(s)
		case "total_tokens":
			total.Read(s)
		case "prompt_tokens_details":
			for key := range s.Object() {
				switch string(key) {
				case "cached_tokens":
					cached.Read(s)
				case "cache_write_tokens":
					write.Read(s)
				}
			}
		case "completion_tokens_details":
			for key := range s.Object() {
				if string(key) == "reasoning_tokens" {
					reasoning.Read(s)
				}
			}
		case "prompt_cache_hit_tokens", // DeepSeek
			"cached_tokens",           // Moonshot
			"cache_read_input_tokens": // gateways to Anthropic
			flatCached.Read(s)
		case "cache_creation_input_tokens":
			flatWrite.Read(s)
		case "reasoning_tokens": // Perplexity
			flatReasoning.Read(s)
		case "service_tier":
			if tier == "" {
				tier = s.Text()
			}
		}
	}
	cached, write, reasoning = or(cached, flatCached), or(write, flatWrite), or(reasoning, flatReasoning)
	if total.OK && reasoning.N > 0 && total.N == input.N+output.N+reasoning.N {
		output = output.Sum(reasoning)
	}
	return &llm.Usage{
		InputTokens:      input.Ptr(),
		OutputTokens:     output.Ptr(),
		CacheReadTokens:  cached.Ptr(),
		CacheWriteTokens: write.Ptr(),
		ReasoningTokens:  reasoning.Ptr(),
		Raw:              bytes.Clone(raw),
		ServiceTier:      tier,
	}
}

func or(a, b fold.Count) fold.Count {
	if a.OK {
		return a
	}
	return b
}
