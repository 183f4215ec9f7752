package gemini_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func gated() wire.Gated { return gemini.New().(wire.Gated) }

func TestGateCases(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.GateCases(t, "gemini", gated()))
}

func TestGateCorpus(t *testing.T) { wiretest.Gate(t, gated(), wiretest.CorpusCases(t, "gemini")) }

func FuzzGate(f *testing.F) { wiretest.FuzzGate(f, "gemini", gated()) }

func BenchmarkGate(b *testing.B) {
	g := gated().NewGate("text/event-stream", wire.GateOptions{})
	const data = `{"candidates":[{"content":{"parts":[{"text":" word"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":7,"totalTokenCount":19},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`
	f := sse.Frame{Raw: []byte("data: " + data + "\r\n\r\n"), Data: []byte(data)}
	b.ReportAllocs()
	for b.Loop() {
		g.Frame(f)
	}
}

func TestGateEdits(t *testing.T) {
	no := func(c wire.Call) wire.Decision { return wire.Decision{Allow: c.N != 0, Text: "No."} }
	other := func(c wire.Call) wire.Decision {
		return wire.Decision{Allow: true, Arguments: []byte("{\n\"y\": 2}")}
	}
	const a, b = `{"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"s"}`, `{"functionCall":{"name":"g","args":{}}}`
	chunk := func(parts, more string) string {
		return `{"candidates":[{"content":{"parts":[` + parts + `],"role":"model"}` + more + `}]}`
	}
	const stop = `,"finishReason":"STOP"`
	for name, c := range map[string]struct {
		contentType, in, want string
		judge                 func(wire.Call) wire.Decision
	}{
		"one of two, and text": {
			"text/event-stream",
			"data: " + chunk(`{"text":"Hi"}`, "") + "\r\n\r\ndata: " + chunk(a+", "+b, stop) + "\r\n\r\n",
			"data: " + chunk(`{"text":"Hi"}`, "") + "\r\n\r\ndata: " + chunk(`{"text":"\n\nNo."}, `+b, stop) + "\r\n\r\n",
			no,
		},
		"in an array": {
			"application/json",
			"[" + chunk(a, "") + "\n,\r\n" + chunk(b, stop) + "\n]\n",
			"[" + chunk(`{"text":"No."}`, "") + "\n,\r\n" + chunk(b, stop) + "\n]\n",
			no,
		},
		"a whole body": {"", chunk(a+","+b, stop), chunk(`{"text":"No."},`+b, stop), no},
		"other arguments": {
			"", chunk(a+","+`{"text":"x"}`, stop),
			chunk(`{"functionCall":{"name":"f","args":{"y":2}},"thoughtSignature":"s"},{"text":"x"}`, stop), other,
		},
		"arguments in pieces": {
			"text/event-stream",
			"data: " + chunk(`{"functionCall":{"name":"f","willContinue":true}}`, "") + "\n\n" +
				"data: " + chunk(`{"functionCall":{"partialArgs":[{"jsonPath":"$.x","stringValue":"SECRET"}],"willContinue":true}}`, "") + "\n\n" +
				"data: " + chunk(`{"functionCall":{}}`, stop) + "\n\n",
			"data: " + chunk(`{"text":"No."}`, "") + "\n\n" + "data: " + chunk(`{"text":""}`, "") + "\n\n" + "data: " + chunk(`{"text":""}`, stop) + "\n\n",
			no,
		},
		"a name that stands twice": {
			"text/event-stream",
			"data: " + chunk(`{"functionCall":{"name":"f","name":"g","args":{}}}`, "") + "\n\ndata: " + chunk(`{"text":""}`, stop) + "\n\n",
			"data: " + chunk(`{"text":"`+wiretest.Refused+`"}`, "") + "\n\ndata: " + chunk(`{"text":""}`, stop) + "\n\n",
			wiretest.Allow,
		},
	} {
		var got []byte
		if c.contentType == "" {
			var err error
			if got, err = gated().Screen([]byte(c.in), wire.GateOptions{}, c.judge); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else {
			got, _ = wiretest.Pass(gated(), c.contentType, []byte(c.in), func() int { return len(c.in) }, false, c.judge)
		}
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}
