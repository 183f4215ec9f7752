package openaichat_test

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func gated() wire.Gated { return openaichat.New().(wire.Gated) }

func TestGateCases(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.GateCases(t, "openaichat", gated()))
}

func TestGateCorpus(t *testing.T) { wiretest.Gate(t, gated(), wiretest.CorpusCases(t, "chat")) }

func FuzzGate(f *testing.F) { wiretest.FuzzGate(f, "openaichat", gated()) }

func BenchmarkGate(b *testing.B) {
	g := gated().NewGate("text/event-stream", wire.GateOptions{})
	f := sse.Frame{Raw: []byte("data: " + textChunk + "\n\n"), Data: []byte(textChunk)}
	b.ReportAllocs()
	for b.Loop() {
		g.Frame(f)
	}
}

const stream = "text/event-stream"

func whole(body string) func() int { return func() int { return len(body) } }

func TestGateEdits(t *testing.T) {
	refuse := func(n ...int) func(wire.Call) wire.Decision {
		return func(c wire.Call) wire.Decision {
			for _, x := range n {
				if x == c.N {
					return wire.Decision{Text: "No."}
				}
			}
			return wire.Decision{Allow: true}
		}
	}
	edit := func(args string) func(wire.Call) wire.Decision {
		return func(c wire.Call) wire.Decision {
			return wire.Decision{Allow: true, Arguments: []byte(args)}
		}
	}
	for name, c := range map[string]struct {
		in, want string
		judge    func(wire.Call) wire.Decision
	}{
		"text and a call in one frame": {
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\\n\\nNo.\"},\"finish_reason\":\"stop\"}]}\n\n",
			refuse(0),
		},
		"text before a call": {
			"data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\": \"Hi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},\"finish_reason\":\"function_call\"}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\": \"Hi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\n\\nNo.\"},\"finish_reason\":\"stop\"}]}\n\n",
			refuse(0),
		},
		"the first of two": {
			"id: 7\r\n: x\r\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\r\n\r\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[ {\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
			"id: 7\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"No.\"}}]}\r\n\r\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[ {\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
			refuse(0),
		},
		"the second of two in one array": {
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}, {\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"content\":\"No.\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			refuse(1),
		},
		"log probabilities of a call's tokens": {
			"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"logprobs\":{\"content\":[{\"token\":\"f\"}]},\"token_ids\":[7],\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\\n\\nNo.\"},\"logprobs\":null,\"token_ids\":null,\"finish_reason\":\"stop\"}]}\n\n",
			refuse(0),
		},
		"the only one of the second choice": {
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"},{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"},{\"index\":1,\"delta\":{\"content\":\"No.\"},\"finish_reason\":\"stop\"}]}\n\n",
			refuse(1),
		},
		"names spelt by escapes": {
			"data: {\"choices\":[{\"delta\":{\"tool\\u005fcalls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"content\":\"No.\"},\"finish_reason\":\"stop\"}]}\n\n",
			refuse(0),
		},
		"other arguments": {
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":2}\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
			edit("{ \"a\":\n2}"),
		},
		"a name that stands twice": {
			"data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"content\":\"y\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\ndata: [DONE]\n\n",
			"data: [DONE]\n\n",
			wiretest.Allow,
		},
		"a call that goes on behind its end": {
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n" +
				"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"evil\"}}]}}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
			wiretest.Allow,
		},
		"a call that does not end": {
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
			"data: {\"choices\":[{\"delta\":{\"content\":\"(by the gate)\"}}]}\n\n",
			wiretest.Allow,
		},
	} {
		got, _ := wiretest.Pass(gated(), stream, []byte(c.in), whole(c.in), false, c.judge)
		if string(got) != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

// A call and all behind it waits; what comes before does not.
func TestGateHolds(t *testing.T) {
	g := gated().NewGate(stream, wire.GateOptions{MaxHeld: 1000})
	frame := func(data string) (string, []wire.Call) {
		out, calls := g.Frame(sse.Frame{Raw: []byte("data: " + data + "\n\n"), Data: []byte(data)})
		return string(out), append([]wire.Call(nil), calls...)
	}
	if out, _ := frame(textChunk); out == "" || g.Held() != 0 {
		t.Fatal("text is held")
	}
	const call = `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}`
	if out, calls := frame(call); out != "" || len(calls) != 0 || g.Held() != len(call)+8 {
		t.Fatalf("%q %v, held %d", out, calls, g.Held())
	}
	const end = `{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`
	out, calls := frame(end)
	if out != "" || len(calls) != 1 || calls[0].Name != "f" || string(calls[0].Arguments) != "{}" {
		t.Fatalf("%q %+v", out, calls)
	}
	if out, _ := frame("[DONE]"); out != "" {
		t.Fatalf("%q left before the call", out)
	}
	if got := string(g.Decide(0, wire.Decision{Allow: true})); got != "data: "+call+"\n\ndata: "+end+"\n\ndata: [DONE]\n\n" || g.Held() != 0 {
		t.Fatalf("%q, held %d", got, g.Held())
	}
}

func TestGateBounds(t *testing.T) {
	for name, last := range map[string]sse.Frame{
		"too much":      {Raw: make([]byte, 2000), Data: []byte(`{"choices":[]}`)},
		"a frame error": {Raw: []byte("SECRET"), Err: sse.ErrTooLong},
	} {
		g := gated().NewGate(stream, wire.GateOptions{MaxHeld: 1000})
		const call = `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"SECRET\"}"}}]}}]}`
		g.Frame(sse.Frame{Raw: []byte("data: " + call + "\n\n"), Data: []byte(call)})
		out, calls := g.Frame(last)
		if len(calls) == 0 || calls[0].Refused == nil || calls[0].Name != "f" || g.Held() != 0 {
			t.Errorf("%s: %+v, held %d", name, calls, g.Held())
		}
		all := string(out) + string(g.Decide(0, wire.Decision{Allow: true}))
		rest, _ := g.Close()
		if all += string(rest); strings.Contains(all, "SECRET") || !strings.Contains(all, "archestra") {
			t.Errorf("%s: %q", name, all)
		}
	}
}

// The time of the decisions does not matter.
func TestGateLate(t *testing.T) {
	for _, c := range wiretest.GateCases(t, "openaichat", gated()) {
		if c.ContentType == "" {
			continue
		}
		judge := wiretest.RefuseOnly(0)
		now, _ := wiretest.Pass(gated(), c.ContentType, c.Body, func() int { return 9 }, false, judge)
		late, _ := wiretest.Pass(gated(), c.ContentType, c.Body, func() int { return 9 }, true, judge)
		if string(now) != string(late) {
			t.Errorf("%s:\n now %q\nlate %q", c.Name, now, late)
		}
	}
}
