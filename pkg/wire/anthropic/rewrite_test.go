package anthropic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return anthropic.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "anthropic", rewriting()), order)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "anthropic"), order)
}

// order: deltas come within their block.
func order(frames []sse.Frame) (faults []string) {
	open := map[int]bool{}
	for _, f := range frames {
		var e struct {
			Type  string
			Index int
		}
		if json.Unmarshal(f.Data, &e) != nil {
			continue
		}
		switch e.Type {
		case "content_block_start":
			open[e.Index] = true
		case "content_block_stop":
			delete(open, e.Index)
		case "content_block_delta":
			if !open[e.Index] {
				faults = append(faults, fmt.Sprintf("a delta of block %d, which is not open", e.Index))
			}
		}
	}
	return faults
}

func TestRewriteRedaction(t *testing.T) {
	wiretest.Redaction(t, rewriting(), "text/event-stream", func(said wiretest.Said) []byte {
		kind := map[string][3]string{
			"content":   {`{"type":"text","text":""}`, "text_delta", "text"},
			"thinking":  {`{"type":"thinking","thinking":"","signature":""}`, "thinking_delta", "thinking"},
			"tool_args": {`{"type":"tool_use","id":"t","name":"f","input":{}}`, "input_json_delta", "partial_json"},
		}[said.Channel]
		if kind[0] == "" {
			return nil
		}
		var b bytes.Buffer
		event := func(name, members string) {
			fmt.Fprintf(&b, "event: %s\ndata: {\"type\":\"%s\"%s}\n\n", name, name, members)
		}
		event("message_start", `,"message":{"id":"m","type":"message","role":"assistant","content":[],"model":"c"}`)
		event("content_block_start", `,"index":0,"content_block":`+kind[0])
		for _, p := range said.Pieces {
			q, _ := json.Marshal(p)
			event("content_block_delta", `,"index":0,"delta":{"type":"`+kind[1]+`","`+kind[2]+`":`+string(q)+`}`)
		}
		if said.Channel == "thinking" {
			event("content_block_delta", `,"index":0,"delta":{"type":"signature_delta","signature":"abc"}`)
		}
		event("content_block_stop", `,"index":0`)
		event("message_delta", `,"delta":{"stop_reason":"end_turn"}`)
		event("message_stop", "")
		return b.Bytes()
	})
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "anthropic", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word\n%d"}}`+"\n\n", i)
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}

func TestRewriteDetails(t *testing.T) {
	for _, d := range [][3]string{
		{"the provider's own tools", `
			{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"cat"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"cat"}}
			{"type":"content_block_stop","index":0}
			{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"s","name":"f","input":{"q":"cat"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"cat"}}`, `
			{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"cat"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"cat"}}
			{"type":"content_block_stop","index":0}
			{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"s","name":"f","input":{"q":"dog"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"dog"}}`},
		{"thoughts end before their signature", `
			{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"catca"}}
			{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"cat"}}`, `
			{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"dog"}}
			{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"ca"}}
			{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"cat"}}`},
		{"text in the start of a block", `
			{"type":"content_block_start","index":3,"content_block":{"type":"text","text":"catca"}}
			{"type":"content_block_stop","index":3}
			{"type":"content_block_start","index":4,"content_block":{"type":"text","text":"ca"}}
			{"type":"content_block_delta","index":4,"delta":{"type":"text_delta","text":"t"}}`, `
			{"type":"content_block_start","index":3,"content_block":{"type":"text","text":"dog"}}
			{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"ca"}}
			{"type":"content_block_stop","index":3}
			{"type":"content_block_start","index":4,"content_block":{"type":"text","text":""}}
			{"type":"content_block_delta","index":4,"delta":{"type":"text_delta","text":"dog"}}`},
		{"citations stay", `
			{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a ca"}}
			{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"cited_text":"cat"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"t"}}`, `
			{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a "}}
			{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"cited_text":"cat"}}}
			{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"dog"}}`},
	} {
		wiretest.Detail(t, rewriting(), d[0], d[1], d[2])
	}
}
