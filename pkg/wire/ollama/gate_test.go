package ollama_test

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func gated() wire.Gated { return ollama.Chat().(wire.Gated) }

func TestGateCases(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.GateCases(t, "ollama", gated()))
}

func TestGateCorpus(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.CorpusCases(t, "ollama-native"))
}

func FuzzGate(f *testing.F) { wiretest.FuzzGate(f, "ollama", gated()) }

func BenchmarkGate(b *testing.B) {
	g := gated().NewGate("application/x-ndjson", wire.GateOptions{})
	const data = `{"model":"llama3.2","created_at":"2023-08-04T08:52:19.385406455-07:00","message":{"role":"assistant","content":"The"},"done":false}`
	f := sse.Frame{Raw: []byte(data + "\n"), Data: []byte(data)}
	b.ReportAllocs()
	for b.Loop() {
		g.Frame(f)
	}
}

func TestGateEdits(t *testing.T) {
	const a, b = `{"function":{"name":"f","arguments":{"x":1}}}`, `{"function":{"name":"g","arguments":{}}}`
	line := func(message string) string { return `{"model":"m","message":{` + message + `},"done":false}` + "\n" }
	end := func(reason string) string { return `{"model":"m","done":true,"done_reason":"` + reason + `"}` + "\n" }
	no := func(numbers ...int) func(wire.Call) wire.Decision {
		return func(c wire.Call) wire.Decision {
			return wire.Decision{Allow: wiretest.RefuseOnly(numbers...)(c).Allow, Text: "No."}
		}
	}
	for name, c := range map[string]struct {
		in, want string
		judge    func(wire.Call) wire.Decision
	}{
		"one of two": {
			line(`"role":"assistant","content":"Hi"`) + line(`"role":"assistant","content":"","tool_calls":[`+a+`, `+b+`]`) + end("stop"),
			line(`"role":"assistant","content":"Hi"`) + line(`"role":"assistant","content":"\n\nNo.","tool_calls":[`+b+`]`) + end("stop"),
			no(0),
		},
		"the only one": {
			line(`"tool_calls":[`+a+`]`) + end("tool_calls"),
			line(`"content":"No."`) + end("stop"),
			no(0),
		},
		"all, beside text": {
			line(`"content":"Hi","tool_calls":[`+a+`,`+b+`],"x":1`) + end("stop"),
			line(`"content":"Hi\n\nNo.\n\nNo.","x":1`) + end("stop"),
			no(0, 1),
		},
		"other arguments": {
			line(`"tool_calls":[`+a+`]`) + end("stop"),
			line(`"tool_calls":[{"function":{"name":"f","arguments":{"y":2}}}]`) + end("stop"),
			func(wire.Call) wire.Decision { return wire.Decision{Allow: true, Arguments: []byte(`{"y": 2}`)} },
		},
		"arguments with a name that stands twice": {
			line(`"content":"","tool_calls":[{"function":{"name":"f","arguments":{"x":1,"x":2}}},`+b+`]`) + end("stop"),
			line(`"content":"[archestra] A tool call was refused: the call cannot be read with certainty.","tool_calls":[`+b+`]`) + end("stop"),
			wiretest.Allow,
		},
	} {
		got, _ := wiretest.Pass(gated(), "application/x-ndjson", []byte(c.in), func() int { return len(c.in) }, false, c.judge)
		want := strings.Replace(c.want, "[archestra] A tool call was refused: the call cannot be read with certainty.", wiretest.Refused, 1)
		if string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		// The same body without a media type that tells what it is.
		if screened, err := gated().Screen([]byte(c.in), wire.GateOptions{Refusal: nil}, c.judge); err != nil || string(screened) != c.want {
			t.Errorf("%s, screened: %v\n got %s\nwant %s", name, err, screened, c.want)
		}
	}
}
