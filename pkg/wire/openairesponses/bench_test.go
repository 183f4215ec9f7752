package openairesponses_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

func frame(event, data string) sse.Frame {
	return sse.Frame{Event: []byte(event), Data: []byte(data)}
}

func TestFramesDoNotAllocate(t *testing.T) {
	st := openairesponses.New().NewStream(1 << 30)
	f := frame("", `{"type":"response.output_text.delta","sequence_number":9,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" fox"}`)
	st.Frame(f)
	// The text grows by doubling: a hundred thousand frames grow it some thirty times.
	n := testing.AllocsPerRun(1, func() {
		for range 100_000 {
			st.Frame(f)
		}
	})
	if n > 60 {
		t.Errorf("%v allocations in 100000 frames", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	for name, delta := range map[string]sse.Frame{
		"text": frame("response.output_text.delta", `{"type":"response.output_text.delta","sequence_number":9,"item_id":"msg_05500b38c2cd9bfc00691c7c9d222481a3",`+
			`"output_index":0,"content_index":0,"delta":" the quick brown fox","logprobs":[],"obfuscation":"Xq0gV1k2"}`),
		"tool call": frame("response.function_call_arguments.delta", `{"type":"response.function_call_arguments.delta","sequence_number":9,`+
			`"item_id":"fc_05500b38c2cd9bfc00691c7c9d222481a3","output_index":1,"delta":"{\"location\":\"San","obfuscation":"Xq0gV1k2"}`),
		"summary": frame("response.reasoning_summary_text.delta", `{"type":"response.reasoning_summary_text.delta","sequence_number":9,`+
			`"item_id":"rs_05500b38c2cd9bfc00691c7c9d222481a3","output_index":2,"summary_index":0,"delta":" think","obfuscation":"Xq0gV1k2"}`),
	} {
		b.Run(name, func(b *testing.B) {
			st := openairesponses.New().NewStream(1 << 30)
			st.Frame(frame("", `{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_05500b38c2cd9bfc00691c7c9d222481a3","type":"message"}}`))
			st.Frame(frame("", `{"type":"response.output_item.added","output_index":1,"item":{"id":"fc_05500b38c2cd9bfc00691c7c9d222481a3","type":"function_call","call_id":"c","name":"f"}}`))
			st.Frame(frame("", `{"type":"response.output_item.added","output_index":2,"item":{"id":"rs_05500b38c2cd9bfc00691c7c9d222481a3","type":"reasoning"}}`))
			b.SetBytes(int64(len(delta.Data)))
			b.ReportAllocs()
			for b.Loop() {
				st.Frame(delta)
			}
		})
	}
}
