package anthropic

import (
	"bytes"
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// maxUsage bounds the usage object that is kept; real ones have hundreds of bytes.
const maxUsage = 64 << 10

// mergeUsage returns the usage object old overwritten by those members of next
// that are not null. The usage of a message_delta is cumulative, and what it
// leaves out stands as message_start gave it ("Streaming messages").
func mergeUsage(old, next []byte) []byte {
	if len(next) == 0 || next[0] != '{' || len(old)+len(next) > maxUsage {
		return old
	}
	if len(old) == 0 {
		return bytes.Clone(next)
	}
	var names []string
	values := map[string][]byte{}
	read := func(object []byte, nulls bool) {
		s := jsonscan.New(object)
		for key := range s.Object() {
			name, raw := string(key), s.Raw()
			if _, known := values[name]; !known && (nulls || !fold.IsNull(raw)) {
				names = append(names, name)
			} else if fold.IsNull(raw) {
				continue
			}
			values[name] = raw
		}
	}
	read(old, true)
	read(next, false)
	out := make([]byte, 0, len(old)+len(next))
	for i, name := range names {
		out = append(out, "{,"[min(i, 1)])
		out = jsonscan.AppendString(out, name)
		out = append(out, ':')
		out = append(out, values[name]...)
	}
	if len(names) == 0 {
		out = append(out, '{')
	}
	return append(out, '}')
}

// readUsage reads a usage object into the normal form. input_tokens leaves out
// what was read from and written to the cache, so these are added.
func readUsage(raw []byte) *llm.Usage {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var input, output, read, write, thinking fold.Count
	u := &llm.Usage{Raw: json.RawMessage(bytes.Clone(raw))}
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "input_tokens":
			input.Read(s)
		case "output_tokens":
			output.Read(s)
		case "cache_read_input_tokens":
			read.Read(s)
		case "cache_creation_input_tokens":
			write.Read(s)
		case "output_tokens_details":
			for key := range s.Object() {
				if string(key) == "thinking_tokens" {
					thinking.Read(s)
				}
			}
		case "service_tier":
			u.ServiceTier = s.Text()
		}
	}
	u.InputTokens = input.Sum(read, write).Ptr()
	u.OutputTokens = output.Ptr()
	u.CacheReadTokens = read.Ptr()
	u.CacheWriteTokens = write.Ptr()
	u.ReasoningTokens = thinking.Ptr()
	return u
}
