package openairesponses_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return openairesponses.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "openairesponses", rewriting()), order)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "responses"), order)
}

// order: no text goes on behind its done event, and what repeats a text says what
// its deltas said.
func order(frames []sse.Frame) (faults []string) {
	type key struct {
		name         string
		output, part int
	}
	said, done := map[key]string{}, map[key]bool{}
	for _, f := range frames {
		var e struct {
			Type             string
			OutputIndex      int  `json:"output_index"`
			ContentIndex     int  `json:"content_index"`
			SummaryIndex     int  `json:"summary_index"`
			Sequence         *int `json:"sequence_number"`
			Delta            any
			Text, Refusal    *string
			Arguments, Input *string
			Item             outputItem
			Response         struct{ Output []outputItem }
		}
		if json.Unmarshal(f.Data, &e) != nil {
			continue
		}
		repeats := func(k key, text string) {
			if had, ok := said[k]; ok && had != text {
				faults = append(faults, fmt.Sprintf("%s: %v repeated as %q, it was %q", e.Type, k, text, had))
			}
		}
		if name, ok := strings.CutSuffix(e.Type, ".delta"); ok {
			k := key{name, e.OutputIndex, e.ContentIndex + e.SummaryIndex}
			if text, _ := e.Delta.(string); text != "" {
				if said[k] += text; done[k] {
					faults = append(faults, fmt.Sprintf("%v goes on", k))
				}
			}
		}
		if name, ok := strings.CutSuffix(e.Type, ".done"); ok {
			k := key{name, e.OutputIndex, e.ContentIndex + e.SummaryIndex}
			done[k] = true
			for _, whole := range []*string{e.Text, e.Refusal, e.Arguments, e.Input} {
				if whole != nil {
					repeats(k, *whole)
				}
			}
		}
		items := map[int]outputItem{e.OutputIndex: e.Item}
		for i, it := range e.Response.Output {
			items[i] = it
		}
		for i, it := range items {
			if e.Type == "response.output_item.added" {
				break
			}
			if it.Arguments != nil {
				repeats(key{"response.function_call_arguments", i, 0}, *it.Arguments)
			}
			for n, p := range it.Content {
				repeats(key{"response." + p.Type, i, n}, p.Text)
			}
			for n, p := range it.Summary {
				repeats(key{"response.reasoning_" + p.Type, i, n}, p.Text)
			}
		}
	}
	return faults
}

type outputItem struct {
	Content, Summary []struct{ Type, Text string }
	Arguments        *string
}

func TestRewriteRedaction(t *testing.T) {
	wiretest.Redaction(t, rewriting(), "text/event-stream", func(said wiretest.Said) []byte {
		kind := map[string][3]string{
			"content":   {"output_text", "text", `{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":%s,"annotations":[]}]}`},
			"thinking":  {"reasoning_text", "text", `{"type":"reasoning","id":"m","summary":[],"content":[{"type":"reasoning_text","text":%s}]}`},
			"refusal":   {"refusal", "refusal", `{"type":"message","id":"m","role":"assistant","content":[{"type":"refusal","refusal":%s}]}`},
			"tool_args": {"function_call_arguments", "arguments", `{"type":"function_call","id":"m","call_id":"c","name":"f","arguments":%s}`},
		}[said.Channel]
		var b bytes.Buffer
		n := 0
		event := func(name, members string, text string) {
			q, _ := json.Marshal(text)
			fmt.Fprintf(&b, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%d,%s}\n\n", name, name, n, strings.ReplaceAll(members, "%s", string(q)))
			n++
		}
		whole := strings.Join(said.Pieces, "")
		event("response.output_item.added", `"output_index":0,"item":`+kind[2], "")
		for _, p := range said.Pieces {
			event("response."+kind[0]+".delta", `"item_id":"m","output_index":0,"content_index":0,"delta":%s`, p)
		}
		event("response."+kind[0]+".done", `"item_id":"m","output_index":0,"content_index":0,"`+kind[1]+`":%s`, whole)
		event("response.output_item.done", `"output_index":0,"item":`+kind[2], whole)
		event("response.completed", `"response":{"id":"r","status":"completed","output":[`+kind[2]+`]}`, whole)
		return b.Bytes()
	})
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "openairesponses", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "event: response.output_text.delta\ndata: "+`{"type":"response.output_text.delta","sequence_number":%d,"item_id":"msg_0123456789abcdef0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" word%d","logprobs":[],"obfuscation":"%s"}`+"\n\n", i, i, strings.Repeat("x", 1+i%9))
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}

func TestRewriteDetails(t *testing.T) {
	for _, d := range [][3]string{
		{"the rest leaves before the repetition", `
			{"type":"response.output_text.delta","sequence_number":4,"item_id":"m","output_index":0,"content_index":0,"delta":"catca","logprobs":[{"token":"cat"}],"obfuscation":"x"}
			{"type":"response.output_text.done","sequence_number":5,"item_id":"m","output_index":0,"content_index":0,"text":"a ca","logprobs":[{"token":"ca"}]}
			{"type":"response.content_part.done","sequence_number":6,"item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"cat","annotations":[],"logprobs":[{"token":"cat"}]}}`, `
			{"type":"response.output_text.delta","sequence_number":4,"item_id":"m","output_index":0,"content_index":0,"delta":"dog","logprobs":[],"obfuscation":"x"}
			{"type":"response.output_text.delta","sequence_number":4,"item_id":"m","output_index":0,"content_index":0,"delta":"ca","logprobs":[]}
			{"type":"response.output_text.done","sequence_number":5,"item_id":"m","output_index":0,"content_index":0,"text":"a ca","logprobs":[{"token":"ca"}]}
			{"type":"response.content_part.done","sequence_number":6,"item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"dog","annotations":[],"logprobs":[]}}`},
		{"tools of the client, and of the provider", `
			{"type":"response.shell_call_command.delta","output_index":0,"command_index":1,"delta":"cat"}
			{"type":"response.shell_call_command.done","output_index":0,"command_index":1,"command":"cat"}
			{"type":"response.apply_patch_call_operation_diff.delta","output_index":1,"delta":"+cat"}
			{"type":"response.custom_tool_call_input.done","output_index":2,"input":"cat"}
			{"type":"response.mcp_call_arguments.delta","output_index":3,"delta":"cat"}
			{"type":"response.output_item.done","output_index":4,"item":{"type":"local_shell_call","action":{"command":["cat"]}}}
			{"type":"response.output_item.done","output_index":5,"item":{"type":"mcp_call","arguments":"cat","output":"cat"}}`, `
			{"type":"response.shell_call_command.delta","output_index":0,"command_index":1,"delta":"dog"}
			{"type":"response.shell_call_command.done","output_index":0,"command_index":1,"command":"dog"}
			{"type":"response.apply_patch_call_operation_diff.delta","output_index":1,"delta":"+dog"}
			{"type":"response.custom_tool_call_input.done","output_index":2,"input":"dog"}
			{"type":"response.mcp_call_arguments.delta","output_index":3,"delta":"cat"}
			{"type":"response.output_item.done","output_index":4,"item":{"type":"local_shell_call","action":{"command":["dog"]}}}
			{"type":"response.output_item.done","output_index":5,"item":{"type":"mcp_call","arguments":"cat","output":"cat"}}`},
	} {
		wiretest.Detail(t, rewriting(), d[0], d[1], d[2])
	}
}
