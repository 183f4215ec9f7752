package llm

import "encoding/json"

// Usage counts tokens in one normal form for every provider. A nil counter was
// not stated.
//
// InputTokens is all input, cached included; OutputTokens is all output,
// reasoning included. Providers differ (PROVIDERS.md W2-W4): Anthropic leaves
// cache reads and writes out of input_tokens, Gemini leaves thoughts out of
// candidatesTokenCount, xAI leaves reasoning out of completion_tokens. The
// decoders add what is missing, once.
type Usage struct {
	InputTokens      *int64 `json:"input_tokens,omitempty"`
	OutputTokens     *int64 `json:"output_tokens,omitempty"`
	CacheReadTokens  *int64 `json:"cache_read_tokens,omitempty"`
	CacheWriteTokens *int64 `json:"cache_write_tokens,omitempty"` // all writes, whatever their lifetime
	ReasoningTokens  *int64 `json:"reasoning_tokens,omitempty"`
	// Raw is the provider's own usage object, its last word, verbatim.
	// For an Anthropic stream it is message_start's object overwritten by the
	// members of each message_delta.
	Raw json.RawMessage `json:"raw,omitempty"`
	// ServiceTier is the tier that the response states (priority, flex, batch, …).
	ServiceTier string `json:"service_tier,omitempty"`
}
