package openairesponses

import (
	"bytes"
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// readUsage reads a usage object, which is in the normal form already:
// input_tokens has what was cached, output_tokens has the reasoning.
func readUsage(raw []byte) *llm.Usage {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var input, output, read, write, reasoning fold.Count
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "input_tokens":
			input.Read(s)
		case "output_tokens":
			output.Read(s)
		case "input_tokens_details":
			for key := range s.Object() {
				switch string(key) {
				case "cached_tokens":
					read.Read(s)
				case "cache_write_tokens":
					write.Read(s)
				}
			}
		case "output_tokens_details":
			for key := range s.Object() {
				if string(key) == "reasoning_tokens" {
					reasoning.Read(s)
				}
			}
		}
	}
	return &llm.Usage{
		InputTokens:      input.Ptr(),
		OutputTokens:     output.Ptr(),
		CacheReadTokens:  read.Ptr(),
		CacheWriteTokens: write.Ptr(),
		ReasoningTokens:  reasoning.Ptr(),
		Raw:              json.RawMessage(bytes.Clone(raw)),
	}
}
