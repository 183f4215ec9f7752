package wiretest

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Refusal is the text with which the tests refuse a call.
const Refusal = "Refused: \"rule\"\nsays why."

// Refused marks a gate's own refusals in the text.
const Refused = "(by the gate)"

func gateOptions() wire.GateOptions {
	return wire.GateOptions{Refusal: func(llm.ToolCall, error) string { return Refused }}
}

// Allow allows every call.
func Allow(wire.Call) wire.Decision { return wire.Decision{Allow: true} }

// RefuseOnly refuses the calls of those numbers.
func RefuseOnly(numbers ...int) func(wire.Call) wire.Decision {
	return func(c wire.Call) wire.Decision {
		for _, n := range numbers {
			if n == c.N {
				return wire.Decision{Text: Refusal}
			}
		}
		return wire.Decision{Allow: true}
	}
}

// Pass sends a streamed response through a gate in pieces whose lengths size
// tells, deciding each call at once, or all of them only at the end if late. It
// returns what leaves and the calls that the gate told.
func Pass(format wire.Gated, contentType string, body []byte, size func() int, late bool, judge func(wire.Call) wire.Decision) (out []byte, calls []wire.Call) {
	framer := format.NewFramer(contentType, Limit)
	gate := format.NewGate(contentType, gateOptions())
	var waiting []wire.Call
	decide := func() {
		for _, c := range waiting {
			out = append(out, gate.Decide(c.N, judge(c))...)
		}
		waiting = nil
	}
	teacher := teacher{framer: framer, stream: format.NewStream(Limit)}
	drain := func() {
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			release, told := gate.Frame(f)
			teacher.stream.Frame(f)
			teacher.saw(f)
			out = append(out, release...)
			for _, c := range told {
				c.Arguments = bytes.Clone(c.Arguments)
				calls = append(calls, c)
				if c.Refused == nil {
					waiting = append(waiting, c)
				}
			}
			if !late {
				decide()
			}
		}
	}
	var buf []byte
	for len(body) > 0 {
		n := min(max(1, size()), len(body))
		teacher.idle = teacher.idle || buf == nil && n == len(body)
		buf = append(buf[:0], body[:n]...)
		framer.Write(buf)
		drain()
		for i := range buf {
			buf[i] = '#'
		}
		body = body[n:]
	}
	framer.Close()
	drain()
	decide()
	release, told := gate.Close()
	return append(out, release...), append(calls, told...)
}
