package anthropic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func continuing() wiretest.Retrying { return anthropic.New().(wiretest.Retrying) }

func retry() wiretest.Retry {
	return wiretest.Retry{
		Format: continuing(), Dir: "anthropic", Sound: sound,
		Requests: []string{
			` { "model" : "m", "messages":[ ] , "max_tokens":1}`,
			"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\u00e4\"}\n ],\"stream\":true}",
		},
	}
}

func TestRetry(t *testing.T) {
	retry().Run(t, wiretest.GateCases(t, "anthropic", continuing()))
}

func TestRetryCorpus(t *testing.T) {
	retry().Run(t, wiretest.CorpusCases(t, "anthropic"))
}

func FuzzRetry(f *testing.F) { wiretest.FuzzRetry(f, "anthropic", continuing()) }

// sound checks what the SDKs' accumulators demand: one message_start, and blocks
// that begin one after another, each with events of its own until it ends.
func sound(stream []byte) string {
	framer := sse.NewEvents(0)
	framer.Write(stream)
	framer.Close()
	started, blocks := 0, int64(0)
	open := map[int64]bool{}
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		var kind string
		index := int64(-1)
		s := jsonscan.New(f.Data)
		for key := range s.Object() {
			switch string(key) {
			case "type":
				kind = s.Text()
			case "index":
				index, _ = s.Int()
			}
		}
		if s.End() != nil {
			continue // a stream that was cut
		}
		switch kind {
		case "message_start":
			if started++; started > 1 {
				return "a message starts twice"
			}
		case "content_block_start":
			if index != blocks || started == 0 {
				return fmt.Sprintf("block %d starts behind %d others", index, blocks)
			}
			blocks++
			open[index] = true
		case "content_block_delta", "content_block_stop":
			if !open[index] {
				return fmt.Sprintf("%s of block %d, which is not open", kind, index)
			}
			open[index] = kind == "content_block_delta"
		case "message_stop":
			for i, is := range open {
				if is {
					return fmt.Sprintf("block %d is open at the end", i)
				}
			}
		}
	}
	return ""
}

// TestContinue: what goes back to the model is what it said, to the letter.
func TestContinue(t *testing.T) {
	event := func(data string) string { return "data: " + data + "\n\n" }
	stream := event(`{"type":"message_start","message":{"type":"message","content":[]}}`) +
		event(`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`) +
		event(`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"The \"user\" "}}`) +
		event(`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"wants"}}`) +
		event(`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`) +
		event(`{"type":"content_block_stop","index":0}`) +
		event(`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"ZGF0YQ=="}}`) +
		event(`{"type":"content_block_stop","index":1}`) +
		event(`{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`) +
		event(`{"type":"content_block_stop","index":2}`) +
		event(`{"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{}}}`) +
		event(`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"query\": \"x\"}"}}`) +
		event(`{"type":"content_block_stop","index":3}`) +
		event(`{"type":"content_block_start","index":4,"content_block":{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[{"encrypted_content":"e"}]}}`) +
		event(`{"type":"content_block_stop","index":4}`) +
		event(`{"type":"content_block_start","index":5,"content_block":{"type":"text","text":"","citations":[]}}`) +
		event(`{"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":"Found."}}`) +
		event(`{"type":"content_block_delta","index":5,"delta":{"type":"citations_delta","citation":{"url":"u"}}}`) +
		event(`{"type":"content_block_stop","index":5}`) +
		event(`{"type":"content_block_start","index":6,"content_block":{"type":"tool_use","id":"toolu_1","name":"send","input":{}}}`) +
		event(`{"type":"content_block_delta","index":6,"delta":{"type":"input_json_delta","partial_json":"{\"to\":"}}`) +
		event(`{"type":"content_block_delta","index":6,"delta":{"type":"input_json_delta","partial_json":"\"a\"}"}}`) +
		event(`{"type":"content_block_stop","index":6}`) +
		event(`{"type":"content_block_start","index":7,"content_block":{"type":"tool_use","id":"toolu_2","name":"odd","input":{}}}`) +
		event(`{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{\"to\":"}}`) +
		event(`{"type":"content_block_stop","index":7}`) +
		event(`{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`) + event(`{"type":"message_stop"}`)
	got, err := continuing().Continue([]byte(`{"messages":[{"role":"user","content":"a"}],"model":"m"}`), []byte(stream), "text/event-stream", []string{"No.", "Nor \"that\"."})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"messages":[{"role":"user","content":"a"},` +
		`{"role":"assistant","content":[{"type":"thinking","thinking":"The \"user\" wants","signature":"c2ln"},` +
		`{"type":"redacted_thinking","data":"ZGF0YQ=="},` +
		`{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"query": "x"}},` +
		`{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[{"encrypted_content":"e"}]},` +
		`{"type":"text","text":"Found.","citations":[{"url":"u"}]},` +
		`{"type":"tool_use","id":"toolu_1","name":"send","input":{"to":"a"}},` +
		`{"type":"tool_use","id":"toolu_2","name":"odd","input":{"INVALID_JSON":"{\"to\":"}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"No.","is_error":true},` +
		`{"type":"tool_result","tool_use_id":"toolu_2","content":"Nor \"that\".","is_error":true}]}],"model":"m"}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestContinueNot(t *testing.T) {
	const call = `{"type":"message","content":[{"type":"tool_use","id":"1","name":"a","input":{}}]}`
	for name, c := range map[string]struct{ request, response string }{
		"no call":         {`{"messages":[]}`, `{"type":"message","content":[{"type":"text","text":"a"}]}`},
		"an error":        {`{"messages":[]}`, `{"type":"error","error":{"message":"a"}}`},
		"by code":         {`{"messages":[]}`, strings.Replace(call, `"input"`, `"caller":{"type":"code_execution_20250825","tool_id":"x"},"input"`, 1)},
		"no messages":     {`{}`, call},
		"a text for them": {`{"messages":"a"}`, call},
		"twice":           {`{"messages":[],"messages":[]}`, call},
		"no object":       {`[]`, call},
	} {
		if out, err := continuing().Continue([]byte(c.request), []byte(c.response), "application/json", []string{"No."}); !errors.Is(err, wire.ErrNotContinued) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSequelStops: a block that the first stream left open ends before the second.
func TestSequelStops(t *testing.T) {
	sent := `data: {"type":"message_start","message":{"content":[]}}` + "\n\n" +
		`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}` + "\n\n"
	second := `data: {"type":"message_start","message":{"content":[{"type":"tool_use","id":"1","name":"b","input":{}}]}}` + "\n\n" +
		`data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"c"}}` + "\n\n" +
		`data: {"type":"content_block_stop","index":1}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n"
	out := wiretest.Sequel(continuing(), "text/event-stream", []byte(sent), []byte(second), func() int { return len(second) })
	if wrong := sound(append([]byte(sent), out...)); wrong != "" {
		t.Errorf("%s:\n%s", wrong, out)
	}
}
