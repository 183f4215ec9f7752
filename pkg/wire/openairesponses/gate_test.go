package openairesponses_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func gated() wire.Gated { return openairesponses.New().(wire.Gated) }

func TestGateCases(t *testing.T) {
	wiretest.Gate(t, gated(), wiretest.GateCases(t, "openairesponses", gated()))
}

func TestGateCorpus(t *testing.T) { wiretest.Gate(t, gated(), wiretest.CorpusCases(t, "responses")) }

func FuzzGate(f *testing.F) { wiretest.FuzzGate(f, "openairesponses", gated()) }

func BenchmarkGate(b *testing.B) {
	g := gated().NewGate("text/event-stream", wire.GateOptions{})
	const data = `{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_0123456789abcdef0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" word","logprobs":[],"obfuscation":"a1B2c3"}`
	f := sse.Frame{Raw: []byte("event: response.output_text.delta\ndata: " + data + "\n\n"), Event: []byte("response.output_text.delta"), Data: []byte(data)}
	b.ReportAllocs()
	for b.Loop() {
		g.Frame(f)
	}
}

const stream = "text/event-stream"

// events writes events, numbered from 0.
func events(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		members := pairs[i+1]
		if members != "" {
			members = "," + members
		}
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%d%s}\n\n", pairs[i], pairs[i], i/2, members)
	}
	return b.String()
}

func item(id, args, status string) string {
	return `{"id":"fc_` + id + `","type":"function_call","status":"` + status + `","arguments":"` + args + `","call_id":"call_` + id + `","name":"f"}`
}

func call(place, id, args string) []string {
	at := `"item_id":"fc_` + id + `","output_index":` + place
	return []string{
		"response.output_item.added", `"output_index":` + place + `,"item":` + item(id, "", "in_progress"),
		"response.function_call_arguments.delta", at + `,"delta":"` + args + `"`,
		"response.function_call_arguments.done", at + `,"arguments":"` + args + `"`,
		"response.output_item.done", `"output_index":` + place + `,"item":` + item(id, args, "completed"),
	}
}

func completed(items ...string) []string {
	return []string{"response.completed", `"response":{"id":"resp_1","status":"completed","output":[` + strings.Join(items, ",") + `]}`}
}

func said(place, text string) []string {
	at := `"output_index":` + place + `,"item_id":"msg_archestra_0","content_index":0`
	const part = `"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"`
	return []string{
		"response.output_item.added", `"output_index":` + place + `,"item":{"id":"msg_archestra_0","type":"message","status":"in_progress","content":[],"role":"assistant"}`,
		"response.content_part.added", at + `,` + part + `"}`,
		"response.output_text.delta", at + `,"delta":"` + text + `","logprobs":[]`,
		"response.output_text.done", at + `,"text":"` + text + `","logprobs":[]`,
		"response.content_part.done", at + `,` + part + text + `"}`,
		"response.output_item.done", `"output_index":` + place + `,"item":` + done(text),
	}
}

func done(text string) string {
	return `{"id":"msg_archestra_0","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"` + text + `"}],"role":"assistant"}`
}

func TestGateEdits(t *testing.T) {
	no := func(c wire.Call) wire.Decision { return wire.Decision{Allow: c.N != 0, Text: "No."} }
	other := func(c wire.Call) wire.Decision {
		return wire.Decision{Allow: true, Arguments: []byte(`{"y": 2}`)}
	}
	for name, c := range map[string]struct {
		in, want string
		judge    func(wire.Call) wire.Decision
	}{
		"the first of two": {
			events(slices.Concat(call("0", "a", "{}"), call("1", "b", `{}`), completed(item("a", "{}", "completed"), item("b", "{}", "completed")))...),
			events(slices.Concat(said("0", "No."), call("1", "b", `{}`), completed(done("No."), item("b", "{}", "completed")))...),
			no,
		},
		"only in the last event": {
			events(completed(item("a", "{}", "completed"))...),
			events(completed(done("No."))...),
			no,
		},
		"another call in the last event": {
			events(slices.Concat(call("0", "a", "{}"), completed(item("a", `{\"x\":1}`, "completed")))...),
			events(slices.Concat(call("0", "a", "{}"), completed(done(wiretest.Refused)))...),
			wiretest.Allow,
		},
		"deltas that say something else": {
			events(slices.Concat(
				call("0", "a", "{}")[:2],
				[]string{"response.function_call_arguments.delta", `"item_id":"fc_a","output_index":0,"delta":"{ }"`},
				call("0", "a", "{}")[4:], completed(item("a", "{}", "completed")))...),
			events(slices.Concat(said("0", wiretest.Refused), completed(done(wiretest.Refused)))...),
			wiretest.Allow,
		},
		"other arguments": {
			events(slices.Concat(call("0", "a", "{}"), completed(item("a", "{}", "completed")))...),
			events(slices.Concat(call("0", "a", `{\"y\":2}`), completed(item("a", `{\"y\":2}`, "completed")))...),
			other,
		},
		"a shell at the client": {
			events(slices.Concat([]string{"response.output_item.done", `"output_index":0,"item":{"id":"sh_1","type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["rm"]},"status":"completed"}`},
				completed(`{"id":"sh_1","type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["rm"]},"status":"completed"}`))...),
			events(slices.Concat(said("0", "No."), completed(done("No.")))...),
			no,
		},
	} {
		got, _ := wiretest.Pass(gated(), stream, []byte(c.in), func() int { return len(c.in) }, false, c.judge)
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
