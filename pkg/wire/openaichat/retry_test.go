package openaichat_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func continuing() wiretest.Retrying { return openaichat.New().(wiretest.Retrying) }

func retry() wiretest.Retry {
	return wiretest.Retry{
		Format: continuing(), Dir: "openaichat", Parting: "\n\n", Sound: sound,
		Requests: []string{
			` { "model" : "m", "messages":[ ] , "stream":true}`,
			"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\u00e4\"}\n ],\"stream\":true}",
		},
	}
}

func TestRetry(t *testing.T)       { retry().Run(t, wiretest.GateCases(t, "openaichat", continuing())) }
func TestRetryCorpus(t *testing.T) { retry().Run(t, wiretest.CorpusCases(t, "chat")) }

func FuzzRetry(f *testing.F) { wiretest.FuzzRetry(f, "openaichat", continuing()) }

// sound checks what the SDKs' accumulators demand: one id, and a role that is said
// once.
func sound(stream []byte) string {
	framer := sse.NewEvents(0)
	framer.Write(stream)
	framer.Close()
	id, roles := "", map[int64]int{}
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		s := jsonscan.New(f.Data)
		for key := range s.Object() {
			switch string(key) {
			case "id":
				if text := s.Text(); text != id && id != "" {
					return fmt.Sprintf("%q becomes %q", id, text)
				} else {
					id = text
				}
			case "choices":
				for range s.Array() {
					index, role := int64(0), false
					for key := range s.Object() {
						switch string(key) {
						case "index":
							index, _ = s.Int()
						case "delta":
							for key := range s.Object() {
								role = role || string(key) == "role" && s.Text() != ""
							}
						}
					}
					if role {
						roles[index]++
					}
				}
			}
		}
	}
	if roles[0] > 1 {
		return fmt.Sprintf("the role is said %d times", roles[0])
	}
	return ""
}

// TestContinue: what goes back to the model is what it said, with all that other
// providers than OpenAI want back.
func TestContinue(t *testing.T) {
	delta := func(delta string) string {
		return `data: {"id":"c","choices":[{"index":0,"delta":` + delta + `}]}` + "\n\n"
	}
	for name, c := range map[string]struct {
		contentType, response string
		refusals              []string
		turn                  string
	}{
		"stream": {"text/event-stream",
			delta(`{"role":"assistant","content":null,"refusal":null}`) +
				delta(`{"reasoning_content":"I \"th"}`) + delta(`{"reasoning_content":"ink\""}`) + delta(`{"content":"So\n"}`) +
				delta(`{"reasoning_details":[{"type":"reasoning.text","index":0,"text":"a","signature":null}]}`) +
				delta(`{"reasoning_details":[{"type":"reasoning.text","index":0,"text":"b"}]}`) +
				delta(`{"reasoning_details":[{"type":"reasoning.text","index":0,"signature":"s"}]}`) +
				delta(`{"reasoning_details":[{"type":"reasoning.encrypted","index":1,"data":"d"}]}`) +
				delta(`{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"g"}}}]}`) +
				delta(`{"tool_calls":[{"index":1,"id":"2","type":"custom","custom":{"name":"c","input":"x"}}]}`) +
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}},{"index":1,"custom":{"input":"y"}}]}`) +
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}`) +
				`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\ndata: [DONE]\n\n",
			[]string{"No.", "Nor that."},
			`{"role":"assistant","reasoning_content":"I \"think\"","content":"So\n",` +
				`"reasoning_details":[{"type":"reasoning.text","index":0,"text":"ab","signature":"s"},{"type":"reasoning.encrypted","index":1,"data":"d"}],` +
				`"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"},"extra_content":{"google":{"thought_signature":"g"}}},` +
				`{"id":"2","type":"custom","custom":{"name":"c","input":"xy"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"No."},{"role":"tool","tool_call_id":"2","content":"Nor that."}`},
		"nothing said, no JSON": {"text/event-stream",
			delta(`{"role":"assistant","tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\""}}]}`),
			[]string{"No."},
			`{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\""}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"No."}`},
		"legacy": {"text/event-stream",
			delta(`{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{"}}`) + delta(`{"function_call":{"arguments":"}"}}`),
			[]string{"No."},
			`{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"No."}`},
		"whole": {"application/json",
			`{"choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning":"r","refusal":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
			[]string{"No."},
			`{"role":"assistant","content":null,"reasoning":"r","refusal":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"No."}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := continuing().Continue([]byte(`{"messages":[{"role":"user"}],"model":"m"}`), []byte(c.response), c.contentType, c.refusals)
			if want := `{"messages":[{"role":"user"},` + c.turn + `],"model":"m"}`; err != nil || string(got) != want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func TestContinueNot(t *testing.T) {
	const call = `{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}`
	for name, response := range map[string]string{
		"choices": `{"choices":[{"index":0,"message":` + call + `},{"index":1,"message":` + call + `}]}`,
		"spoken":  `{"choices":[{"message":{"audio":{"id":"a"},"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}}]}`,
		"error":   `{"error":{"message":"a"}}`,
		"no call": `{"choices":[{"message":{"content":"a"}}]}`,
		"nothing": ``,
	} {
		if out, err := continuing().Continue([]byte(`{"messages":[]}`), []byte(response), "", []string{"No."}); !errors.Is(err, wire.ErrNotContinued) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSequel: the chunks of both are one completion's, and its texts are parted.
func TestSequel(t *testing.T) {
	event := func(data string) string { return "data: " + data + "\n\n" }
	azure := event(`{"id":"","created":0,"choices":[],"prompt_filter_results":[]}`)
	sent := azure + event(`{"id":"1","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`)
	second := azure + event(`{"id":"2","created":9,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`) +
		event(`{"id":"2","created":9,"choices":[{"index":0,"delta":{"content":"Then"}}]}`) +
		event(`{"id":"2","created":9,"choices":[{"index":0,"delta":{"content":" so"}}]}`) +
		event(`{"id":"2","created":9,"choices":[],"usage":{}}`) + event("[DONE]")
	for said, parting := range map[string]string{"": "", event(`{"id":"1","created":7,"choices":[{"index":0,"delta":{"content":"First"}}]}`): `\n\n`} {
		want := strings.ReplaceAll(azure, `"id":"","created":0`, `"id":"1","created":7`) +
			event(`{"id":"1","created":7,"model":"m","choices":[{"index":0,"delta":{"content":""}}]}`) +
			event(`{"id":"1","created":7,"choices":[{"index":0,"delta":{"content":"`+parting+`Then"}}]}`) +
			event(`{"id":"1","created":7,"choices":[{"index":0,"delta":{"content":" so"}}]}`) +
			event(`{"id":"1","created":7,"choices":[],"usage":{}}`) + event("[DONE]")
		got := wiretest.Sequel(continuing(), "text/event-stream", []byte(sent+said), []byte(second), func() int { return 50 })
		if string(got) != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}
