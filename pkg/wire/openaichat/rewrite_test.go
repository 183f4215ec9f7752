package openaichat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return openaichat.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "openaichat", rewriting()), order)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "chat"), order)
}

// order: nothing is said of a choice behind its finish reason.
func order(frames []sse.Frame) (faults []string) {
	over := map[int]bool{}
	for _, f := range frames {
		var chunk struct {
			Choices []struct {
				Index  int
				Delta  map[string]any
				Finish *string `json:"finish_reason"`
			}
		}
		if json.Unmarshal(f.Data, &chunk) != nil {
			continue
		}
		for _, c := range chunk.Choices {
			for name, v := range c.Delta {
				if over[c.Index] && name != "role" && v != nil && v != "" {
					faults = append(faults, fmt.Sprintf("%s behind the finish of choice %d", name, c.Index))
				}
			}
			over[c.Index] = over[c.Index] || c.Finish != nil && *c.Finish != ""
		}
	}
	return faults
}

func TestRewriteRedaction(t *testing.T) {
	wiretest.Redaction(t, rewriting(), "text/event-stream", func(said wiretest.Said) []byte {
		member := map[string]string{"content": `"content":%s`, "thinking": `"reasoning_content":%s`, "refusal": `"refusal":%s`,
			"tool_args": `"tool_calls":[{"index":0,"function":{"arguments":%s}}]`}[said.Channel]
		var b bytes.Buffer
		if said.Channel == "tool_args" {
			b.WriteString(`data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}` + "\n\n")
		}
		for _, p := range said.Pieces {
			q, _ := json.Marshal(p)
			fmt.Fprintf(&b, "data: "+`{"id":"c","choices":[{"index":0,"delta":{`+member+`},"finish_reason":null}]}`+"\n\n", q)
		}
		b.WriteString(`data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
		return b.Bytes()
	})
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "openaichat", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	for name, rest := range map[string]string{"alike": "", "padded": `,"obfuscation":"%s"`} {
		b.Run(name, func(b *testing.B) {
			var s strings.Builder
			for i := range 200 {
				fmt.Fprintf(&s, `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word%d"},"logprobs":null,"finish_reason":null}],"usage":null`, i)
				if rest != "" {
					fmt.Fprintf(&s, rest, strings.Repeat("x", 1+i%9))
				}
				s.WriteString("}\n\n")
			}
			wiretest.BenchRewrite(b, rewriting(), stream, []byte(s.String()))
		})
	}
}

func TestRewriteDetails(t *testing.T) {
	for _, d := range [][3]string{
		{"two choices take turns", `
			{"choices":[{"index":0,"delta":{"role":"assistant","content":"c"}},{"index":1,"delta":{"content":"ca"}}]}
			{"choices":[{"delta":{"content":"at"},"index":0}]}
			{"choices":[{"index":1,"delta":{"content":"t c"},"finish_reason":"stop"}]}
			{"choices":[{"index":0,"delta":{"content":"catca"}}],"usage":{"prompt_tokens":1}}
			{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `
			{"choices":[{"index":0,"delta":{"role":"assistant","content":""}},{"index":1,"delta":{"content":""}}]}
			{"choices":[{"delta":{"content":"dog"},"index":0}]}
			{"choices":[{"index":1,"delta":{"content":"dog c"},"finish_reason":"stop"}]}
			{"choices":[{"index":0,"delta":{"content":"dog"}}],"usage":{"prompt_tokens":1}}
			{"choices":[{"index":0,"delta":{"content":"ca"}}]}
			{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`},
		{"the rest leaves before what follows", `
			{"id":"i","created":1,"choices":[{"index":0,"delta":{"role":"assistant","reasoning":"catc"},"finish_reason":null}],"usage":{"x":1}}
			{"id":"i","created":2,"choices":[{"index":0,"delta":{"content":"catca"},"finish_reason":null}]}
			{"id":"i","created":3,"choices":[{"index":0,"delta":{"content":"","tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}}]}}]}
			[DONE]`, `
			{"id":"i","created":1,"choices":[{"index":0,"delta":{"role":"assistant","reasoning":"dog"},"finish_reason":null}],"usage":{"x":1}}
			{"id":"i","created":1,"choices":[{"index":0,"delta":{"reasoning":"c"},"finish_reason":null}]}
			{"id":"i","created":2,"choices":[{"index":0,"delta":{"content":"dog"},"finish_reason":null}]}
			{"id":"i","created":2,"choices":[{"index":0,"delta":{"content":"ca"},"finish_reason":null}]}
			{"id":"i","created":3,"choices":[{"index":0,"delta":{"content":"","tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}}]}}]}
			[DONE]`},
		{"calls in parallel", `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\":\"c"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"f","arguments":"{\"a\":\"ca"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"at\"}"}},{"index":1,"function":{"arguments":"r\"}"}}]}}]}`, `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a\":\""}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"f","arguments":"{\"a\":\"ca"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"dog\"}"}},{"index":1,"function":{"arguments":"r\"}"}}]}}]}`},
		{"calls of one index", `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"[\"catc"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"y","function":{"name":"f","arguments":"at"}}]}}]}`, `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"[\"dog"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"c"}}]}}]}
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"y","function":{"name":"f","arguments":"at"}}]}}]}`},
		{"other arguments", `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":{"cat": [1]}}},{"index":1,"id":"y","type":"custom","custom":{"name":"g","input":"a cat"}}]}}]}
			{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{\"cat"}}}]}`, `
			{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":{"dog":[1]}}},{"index":1,"id":"y","type":"custom","custom":{"name":"g","input":"a dog"}}]}}]}
			{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{\"dog"}}}]}`},
		{"tokens of a changed text only", `
			{"choices":[{"index":0,"logprobs":{"content":[{"token":"cat"}]},"delta":{"content":"cat"}},{"index":1,"logprobs":{"content":[{"token":"cow"}]},"delta":{"content":"cow"}}]}`, `
			{"choices":[{"index":0,"logprobs":null,"delta":{"content":"dog"}},{"index":1,"logprobs":{"content":[{"token":"cow"}]},"delta":{"content":"cow"}}]}`},
		{"a message beside the delta", `
			{"choices":[{"delta":{"content":"c"},"message":{"content":"c"}}]}
			{"choices":[{"delta":{"content":"at"},"message":{"content":"cat"}}]}`, `
			{"choices":[{"delta":{"content":""},"message":{"content":"c"}}]}
			{"choices":[{"delta":{"content":"dog"},"message":{"content":"dog"}}]}`},
	} {
		wiretest.Detail(t, rewriting(), d[0], d[1], d[2])
	}
}
