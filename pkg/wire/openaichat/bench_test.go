package openaichat_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// A text chunk as OpenAI sends it, about 300 bytes.
const textChunk = `{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"a1B2c3"}`

const callChunk = `{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"city"}}]},"logprobs":null,"finish_reason":null}],"usage":null}`

func TestFramesDoNotAllocate(t *testing.T) {
	for name, chunk := range map[string]string{"text": textChunk, "tool call": callChunk} {
		st := openaichat.New().NewStream(1 << 30)
		f := sse.Frame{Data: []byte(chunk)}
		st.Frame(f)
		// The text grows by doubling: a hundred thousand frames grow it some thirty times.
		n := testing.AllocsPerRun(1, func() {
			for range 100_000 {
				st.Frame(f)
			}
		})
		if n > 60 {
			t.Errorf("%s: %v allocations in 100000 frames", name, n)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	for name, chunk := range map[string]string{"text": textChunk, "call": callChunk} {
		b.Run(name, func(b *testing.B) {
			f := sse.Frame{Data: []byte(chunk)}
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			st := openaichat.New().NewStream(0)
			for i := 0; b.Loop(); i++ {
				if i%100_000 == 0 {
					st = openaichat.New().NewStream(0)
				}
				st.Frame(f)
			}
		})
	}
}
