package gemini_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
)

func frame(data string) sse.Frame { return sse.Frame{Data: []byte(data)} }

func TestFramesDoNotAllocate(t *testing.T) {
	st := gemini.New().NewStream(1 << 30)
	f := frame(`{"candidates":[{"content":{"parts":[{"text":" fox"}]},"index":0}],"usageMetadata":{"promptTokenCount":9},"modelVersion":"m","responseId":"r"}`)
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
		"text": frame(`{"candidates": [{"content": {"parts": [{"text": " the quick brown fox"}],"role": "model"},"index": 0}],` +
			`"usageMetadata": {"promptTokenCount": 9,"candidatesTokenCount": 15,"totalTokenCount": 368,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 9}],` +
			`"thoughtsTokenCount": 344},"modelVersion": "gemini-2.5-flash","responseId": "eb-FapqKAZ36nsEP49ya-As"}`),
		"thought": frame(`{"candidates": [{"content": {"parts": [{"text": " let me\nthink","thought": true}],"role": "model"},"index": 0}],` +
			`"usageMetadata": {"promptTokenCount": 9},"modelVersion": "gemini-2.5-flash","responseId": "eb-FapqKAZ36nsEP49ya-As"}`),
	} {
		b.Run(name, func(b *testing.B) {
			st := gemini.New().NewStream(1 << 30)
			b.SetBytes(int64(len(delta.Data)))
			b.ReportAllocs()
			for b.Loop() {
				st.Frame(delta)
			}
		})
	}
}
