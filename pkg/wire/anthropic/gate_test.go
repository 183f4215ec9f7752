package anthropic_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func gated() wire.Gated { return anthropic.New().(wire.Gated) }

func TestGateCases(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.GateCases(t, "anthropic", gated()))
}

func TestGateCorpus(t *testing.T) { wiretest.Gate(t, gated(), wiretest.CorpusCases(t, "anthropic")) }

func FuzzGate(f *testing.F) { wiretest.FuzzGate(f, "anthropic", gated()) }

func BenchmarkGate(b *testing.B) {
	g := gated().NewGate("text/event-stream", wire.GateOptions{})
	const data = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" fox"}}`
	f := sse.Frame{Raw: []byte("event: content_block_delta\ndata: " + data + "\n\n"), Event: []byte("content_block_delta"), Data: []byte(data)}
	b.ReportAllocs()
	for b.Loop() {
		g.Frame(f)
	}
}

const (
	stream = "text/event-stream"
	start  = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"content\":[],\"stop_reason\":null}}\n\n"
	end    = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
)

func event(name, data string) string {
	return "event: " + name + "\ndata: {\"type\":\"" + name + "\"," + data + "}\n\n"
}

func block(index, id, partial string) string {
	return event("content_block_start", `"index":`+index+`,"content_block":{"type":"tool_use","id":"`+id+`","name":"f","input":{}}`) +
		event("content_block_delta", `"index":`+index+`,"delta":{"type":"input_json_delta","partial_json":""}`) +
		event("content_block_delta", `"index":`+index+`,"delta":{"type":"input_json_delta","partial_json":"`+partial+`"}`) +
		event("content_block_stop", `"index":`+index)
}

func refusal(index, text string) string {
	return event("content_block_start", `"index":`+index+`,"content_block":{"type":"text","text":""}`) +
		event("content_block_delta", `"index":`+index+`,"delta":{"type":"text_delta","text":"`+text+`"}`) +
		event("content_block_stop", `"index":`+index)
}

func TestGateEdits(t *testing.T) {
	no := func(numbers ...int) func(wire.Call) wire.Decision {
		return func(c wire.Call) wire.Decision {
			d := wiretest.RefuseOnly(numbers...)(c)
			if !d.Allow {
				d.Text = "No."
			}
			return d
		}
	}
	stop := func(reason string) string {
		return event("message_delta", `"delta":{"stop_reason":"`+reason+`"},"usage":{"output_tokens":9}`)
	}
	for name, c := range map[string]struct {
		in, want string
		judge    func(wire.Call) wire.Decision
	}{
		"one of three": {
			start + block("0", "a", "{}") + block("1", "b", `{\"x\":1}`) + block("2", "c", "") + stop("tool_use") + end,
			start + block("0", "a", "{}") + refusal("1", "No.") + block("2", "c", "") + stop("tool_use") + end,
			no(1),
		},
		"the only one": {
			start + block("0", "a", "{}") + stop("tool_use") + end,
			start + refusal("0", "No.") + stop("end_turn") + end,
			no(0),
		},
		"other arguments": {
			start + block("0", "a", "{}") + stop("tool_use") + end,
			start + event("content_block_start", `"index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}`) +
				event("content_block_delta", `"index":0,"delta":{"type":"input_json_delta","partial_json":"{\"y\":2}"}`) +
				event("content_block_stop", `"index":0`) + stop("tool_use") + end,
			func(wire.Call) wire.Decision { return wire.Decision{Allow: true, Arguments: []byte(` {"y": 2}`)} },
		},
		"input behind the end": {
			start + block("0", "a", "{}") + event("content_block_delta", `"index":0,"delta":{"type":"input_json_delta","partial_json":"evil"}`) + end,
			start + block("0", "a", "{}") + end,
			wiretest.Allow,
		},
		"input that is no JSON": {
			start + block("0", "a", `{\"x\":1,\"x\":2}`) + stop("tool_use") + end,
			start + refusal("0", wiretest.Refused) + stop("end_turn") + end,
			wiretest.Allow,
		},
		"a provider's tool beside it": {
			start + event("content_block_start", `"index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}`) +
				event("content_block_delta", `"index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}`) +
				event("content_block_stop", `"index":0`) + block("1", "a", "{}") + stop("tool_use") + end,
			start + event("content_block_start", `"index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}`) +
				event("content_block_delta", `"index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}`) +
				event("content_block_stop", `"index":0`) + refusal("1", "No.") + stop("end_turn") + end,
			no(0),
		},
	} {
		got, _ := wiretest.Pass(gated(), stream, []byte(c.in), func() int { return len(c.in) }, false, c.judge)
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}
