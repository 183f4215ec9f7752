package anthropic_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
)

func frame(event, data string) sse.Frame {
	return sse.Frame{Event: []byte(event), Data: []byte(data)}
}

func TestFramesDoNotAllocate(t *testing.T) {
	st := anthropic.New().NewStream(1 << 30)
	f := frame("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" fox"}}`)
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
		"text":      frame("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the quick brown fox"}}`),
		"thinking":  frame("content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":" let me\nthink"}}`),
		"tool call": frame("content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"location\": \"San"}}`),
		"ping":      frame("ping", `{"type": "ping"}`),
	} {
		b.Run(name, func(b *testing.B) {
			st := anthropic.New().NewStream(1 << 30)
			st.Frame(frame("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"m"}}`))
			st.Frame(frame("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`))
			st.Frame(frame("content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}}`))
			st.Frame(frame("content_block_start", `{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`))
			b.SetBytes(int64(len(delta.Data)))
			b.ReportAllocs()
			for b.Loop() {
				st.Frame(delta)
			}
		})
	}
}
