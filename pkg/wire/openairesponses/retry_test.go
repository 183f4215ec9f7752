package openairesponses_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func continuing() wiretest.Retrying { return openairesponses.New().(wiretest.Retrying) }

func retry() wiretest.Retry {
	return wiretest.Retry{
		Format: continuing(), Dir: "openairesponses", Sound: sound,
		Unlike: []string{"stream-call-goes-on.txtar", "stream-ids-differ.txtar", "stream-last-word.txtar"},
		Requests: []string{
			` { "input":[ ] , "model":"m","previous_response_id":"resp_0"}`,
			`{"input":[{"role":"user","content":"Hi \u00e4"} ],"stream":true}`,
			`{"model":"m","previous_response_id":"resp_0"}`,
		},
	}
}

func TestRetry(t *testing.T) {
	retry().Run(t, wiretest.GateCases(t, "openairesponses", continuing()))
}

func TestRetryCorpus(t *testing.T) { retry().Run(t, wiretest.CorpusCases(t, "responses")) }

func FuzzRetry(f *testing.F) { wiretest.FuzzRetry(f, "openairesponses", continuing()) }

// sound checks that a response begins once, that its events are counted one by one
// and its items too, and that the last event repeats the items that were finished,
// but for reasoning.
func sound(stream []byte) string {
	framer := sse.NewEvents(0)
	framer.Write(stream)
	framer.Close()
	begun, next, items := 0, int64(0), int64(0)
	var done, last []string
	ended := false
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		var kind, item string
		sequence, index := int64(-1), int64(-1)
		var output []string
		s := jsonscan.New(f.Data)
		for key := range s.Object() {
			switch string(key) {
			case "type":
				kind = s.Text()
			case "sequence_number":
				sequence, _ = s.Int()
			case "output_index":
				index, _ = s.Int()
			case "item":
				item = kindOf(s)
			case "response":
				for key := range s.Object() {
					if string(key) == "output" {
						for range s.Array() {
							output = append(output, kindOf(s))
						}
					}
				}
			}
		}
		if s.End() != nil || len(f.Data) == 0 {
			continue
		}
		if sequence != next {
			return fmt.Sprintf("event %d is numbered %d", next, sequence)
		}
		next++
		switch kind {
		case "response.created":
			if begun++; begun > 1 {
				return "a response begins twice"
			}
		case "response.output_item.added":
			if index != items {
				return fmt.Sprintf("item %d is at %d", items, index)
			}
			items++
		case "response.output_item.done":
			done = append(done, item)
		case "response.completed":
			last, ended = output, true
		}
		if index >= items {
			return fmt.Sprintf("%s of item %d", kind, index)
		}
	}
	answers := func(kinds []string) string {
		return strings.Join(slices.DeleteFunc(kinds, func(kind string) bool { return kind == "reasoning" }), " ")
	}
	if ended && answers(last) != answers(done) {
		return fmt.Sprintf("finished were %q, and the last event has %q", done, last)
	}
	return ""
}

// kindOf returns an item's type.
func kindOf(s *jsonscan.Scanner) (kind string) {
	for key := range s.Object() {
		if string(key) == "type" {
			kind = s.Text()
		}
	}
	return kind
}

func TestContinue(t *testing.T) {
	const (
		reasoning = `{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAA"}`
		message   = `{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"So","annotations":[]}]}`
		function  = `{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\":"}`
		custom    = `{"id":"ctc_1","type":"custom_tool_call","call_id":"call_2","name":"g","input":"x"}`
		shell     = `{"id":"sh_1","type":"shell_call","call_id":"call_3","action":{"commands":["ls"]},"status":"completed"}`
		patch     = `{"id":"apc_1","type":"apply_patch_call","call_id":"call_4","operation":{"type":"delete_file","path":"a"}}`
		local     = `{"id":"lsh_1","type":"local_shell_call","call_id":"call_5","action":{"type":"exec","command":["ls"]}}`
		turn      = reasoning + "," + message + "," + function + "," + custom + "," + shell + "," + patch + "," + local
		results   = `{"type":"function_call_output","call_id":"call_1","output":"0"},` +
			`{"type":"custom_tool_call_output","call_id":"call_2","output":"1"},` +
			`{"type":"shell_call_output","call_id":"call_3","output":[{"stdout":"","stderr":"2","outcome":{"type":"exit","exit_code":1}}]},` +
			`{"type":"apply_patch_call_output","call_id":"call_4","status":"failed","output":"3"},` +
			`{"type":"local_shell_call_output","call_id":"call_5","output":"4"}`
	)
	refusals := []string{"0", "1", "2", "3", "4"}
	response := `{"id":"resp_1","status":"completed","error":null,"output":[` + turn + `]}`
	var stream strings.Builder // that repeats nothing at its end
	for i, item := range strings.SplitAfter(strings.ReplaceAll(turn, "},{\"id\"", "}\x00{\"id\""), "\x00") {
		fmt.Fprintf(&stream, "data: {\"type\":\"response.output_item.done\",\"output_index\":%d,\"item\":%s}\n\n", i, strings.TrimSuffix(item, "\x00"))
	}
	stream.WriteString(`data: {"type":"response.completed","response":{"id":"resp_1","output":[]}}` + "\n\n")
	for request, want := range map[string]string{
		`{"input":[{"role":"user"}],"store":false}`:    `{"input":[{"role":"user"},` + turn + `,` + results + `],"store":false}`,
		`{"model":"m", "input": "a\n" }`:               `{"model":"m", "input": [{"role":"user","content":"a\n"},` + turn + `,` + results + `] }`,
		`{"previous_response_id":"resp_0"}`:            `{"input":[` + turn + `,` + results + `],"previous_response_id":"resp_0"}`,
		`{"input":"a","conversation":{"id":"conv_1"}}`: `{"input":[` + results + `],"conversation":{"id":"conv_1"}}`,
	} {
		for contentType, body := range map[string]string{"application/json": response, "text/event-stream": stream.String()} {
			got, err := continuing().Continue([]byte(request), []byte(body), contentType, refusals)
			if err != nil || string(got) != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", contentType, err, got, want)
			}
		}
	}
}

// TestContinueStored: reasoning that is kept nowhere does not go back.
func TestContinueStored(t *testing.T) {
	const call = `{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}`
	for _, c := range []struct {
		request, response string
		reasoning         bool
	}{
		{`{"input":[]`, `{"output":[`, true},
		{`{"input":[],"store":true`, `{"store":true,"output":[`, true},
		{`{"input":[],"store":false`, `{"output":[`, false},
		{`{"input":[]`, `{"store":false,"output":[`, false},
	} {
		response := c.response + `{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"a"}]},` + call + `]}`
		got, err := continuing().Continue([]byte(c.request+`}`), []byte(response), "", []string{"No."})
		if err != nil || strings.Contains(string(got), "rs_1") != c.reasoning || !strings.Contains(string(got), call) {
			t.Errorf("%s, %s: %v, %s", c.request, c.response, err, got)
		}
	}
}

func TestContinueNot(t *testing.T) {
	for name, response := range map[string]string{
		"screenshot": `{"output":[{"type":"computer_call","call_id":"1","action":{}}]}`,
		"tools":      `{"output":[{"type":"tool_search_call","execution":"client","call_id":"1","arguments":{}}]}`,
		"approval":   `{"output":[{"type":"mcp_approval_request"},{"type":"function_call","call_id":"1","name":"f","arguments":"{}"}]}`,
		"error":      `{"error":{"message":"a"},"output":[{"type":"function_call","call_id":"1","name":"f","arguments":"{}"}]}`,
		"no call":    `{"output":[]}`,
		"nothing":    ``,
	} {
		if out, err := continuing().Continue([]byte(`{"input":[]}`), []byte(response), "", []string{"No."}); !errors.Is(err, wire.ErrNotContinued) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSequel: events and items are counted on, the last event has the finished
// items of both without the reasoning that led to the refused call, and the second
// response's id.
func TestSequel(t *testing.T) {
	event := func(data string) string { return "data: " + data + "\n\n" }
	sent := event(`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","output":[]}}`) +
		event(`{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message"}}`) +
		event(`{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message"}}`) +
		event(`{"type":"response.output_item.added","sequence_number":3,"output_index":1,"item":{"id":"rs_1","type":"reasoning"}}`) +
		event(`{"type":"response.output_item.done","sequence_number":4,"output_index":1,"item":{"id":"rs_1","type":"reasoning"}}`)
	second := "event: response.created\n" + event(`{"type":"response.created","sequence_number":0,"response":{"id":"resp_2","output":[]}}`) +
		event(`{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_2","output":[]}}`) +
		"event: response.output_item.added\n" + event(`{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_2","type":"reasoning"}}`) +
		event(`{"type":"response.completed","sequence_number":3,"response":{"id":"resp_2","output":[{"id":"rs_2","type":"reasoning"},{"id":"msg_2","type":"message"}]}}`)
	want := "event: response.output_item.added\n" + event(`{"type":"response.output_item.added","sequence_number":5,"output_index":2,"item":{"id":"rs_2","type":"reasoning"}}`) +
		event(`{"type":"response.completed","sequence_number":6,"response":{"id":"resp_2","output":[{"id":"msg_1","type":"message"},{"id":"rs_2","type":"reasoning"},{"id":"msg_2","type":"message"}]}}`)
	got := wiretest.Sequel(continuing(), "text/event-stream", []byte(sent), []byte(second), func() int { return 50 })
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	first := `{"output":[{"id":"msg_1","type":"message"},{"id":"rs_1","type":"reasoning"},{"type":"function_call"},{"id":"msg_x","type":"message"}]}`
	whole, err := continuing().Merge([]byte(first), []byte(`{"id":"resp_2","output":[{"id":"msg_2","type":"message"}],"usage":null}`))
	if want := `{"id":"resp_2","output":[{"id":"msg_1","type":"message"},{"id":"msg_2","type":"message"}],"usage":null}`; err != nil || string(whole) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, whole, want)
	}
}
