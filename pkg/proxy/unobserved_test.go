package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// unobservedAnswers are answers of APIs that are not observed, in which evil_tool is called.
var unobservedAnswers = []struct{ method, path, media, body string }{
	{"GET", "/v1/openai/p/files/file_1/content", "application/octet-stream",
		`{"id":"b1","custom_id":"1","response":{"status_code":200,"body":` + chatThatCalls("k1", "evil_tool", canaryArgs) + "}}\n" +
			`{"id":"b2","custom_id":"2","response":{"status_code":200,"body":` + strings.ReplaceAll(responseThatCalls("r1", "completed", "get_weather", "{}"), "c1", "c2") + "}}\n"},
	{"GET", "/v1/anthropic/p/v1/messages/batches/b/results", "application/x-jsonl",
		`{"custom_id":"1","result":{"type":"succeeded","message":{"type":"message","role":"assistant","content":[{"type":"tool_use","id":"t1","name":"evil_tool","input":` + canaryArgs + `}]}}}` + "\n"},
	{"GET", "/v1/openai/p/chat/completions", "application/json", `{"object":"list","data":[` + chatThatCalls("k1", "evil_tool", canaryArgs) + `]}`},
	{"GET", "/v1/openai/p/conversations/c/items", "application/json", "{\n  \"object\": \"list\",\n  \"data\": [" + `{"type":"function_call","id":"f1","call_id":"c1","name":"evil_tool","arguments":` + quoted(canaryArgs) + "}]\n}"},
	{"GET", "/v1/openai/p/conversations/c/items", "application/json", `{"object":"list","data":[{"type":"custom_tool_call","id":"f1","call_id":"c1","name":"evil_tool","input":` + quoted(canaryArgs) + `}]}`},
	{"GET", "/v1/openai/p/files/file_1/content", "application/octet-stream",
		`{"custom_id":"1","response":{"body":{"choices":[{"message":{"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"evil_tool","input":` + quoted(canaryArgs) + `}}]}}]}}}` + "\n"},
	{"GET", "/v1/openai/p/other", "text/event-stream",
		"data: {\"type\":\"response.custom_tool_call_input.delta\",\"item_id\":\"f1\",\"delta\":" + quoted(canaryArgs) + "}\n\n" +
			"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"custom_tool_call\",\"id\":\"f1\",\"call_id\":\"c1\",\"name\":\"evil_tool\",\"input\":" + quoted(canaryArgs) + "}}\n\n"},
	{"POST", "/v1/openai/p/threads/t/runs", "application/json",
		`{"object":"thread.run","status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"c1","type":"function","function":{"name":"evil_tool","arguments":` + quoted(canaryArgs) + `}}]}},"tools":[{"type":"function","function":{"name":"fine","parameters":{}}}]}`},
	{"POST", "/v1/gemini/p/v1beta/interactions", "application/json",
		`{"id":"i1","status":"requires_action","outputs":[{"type":"function_call","id":"c1","name":"evil_tool","arguments":` + canaryArgs + `}]}`},
	{"POST", "/v1/gemini/p/v1beta/interactions", "text/event-stream",
		"event: content.delta\ndata: {\"event_type\":\"content.delta\",\"index\":0,\"delta\":{\"type\":\"function_call\",\"id\":\"c1\",\"name\":\"evil_tool\",\"arguments\":" + canaryArgs + "}}\n\nevent: interaction.complete\ndata: {\"event_type\":\"interaction.complete\"}\n\n"},
	{"POST", "/v1/anthropic/p/v1/sessions/s/events/stream", "text/event-stream",
		"data: {\"type\":\"agent.custom_tool_use\",\"id\":\"t1\",\"name\":\"evil_tool\",\"input\":" + canaryArgs + "}\n\n"},
	{"GET", "/v1/gemini/p/v1beta/batches/b", "application/json",
		`{"done":true,"response":{"inlinedResponses":[{"response":{"candidates":[{"content":{"parts":[{"functionCall":{"name":"evil_tool","args":` + canaryArgs + `}}]}}]}}]}}`},
}

// What is not observed passes as it came, and what of it is a tool call is on record,
// with what the rules say.
func TestCallsOfWhatIsNotObservedAreOnRecord(t *testing.T) {
	for _, act := range []bool{true, false} {
		for _, c := range unobservedAnswers {
			for _, encoding := range []string{"", "gzip"} {
				answer := []byte(c.body)
				if encoding != "" {
					answer = encoded(t, encoding, c.body)
				}
				base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", c.media)
					if encoding != "" {
						w.Header().Set("Content-Encoding", encoding)
					}
					_, _ = w.Write(answer)
				}, func(o *proxy.Options) {
					ruled(t, noEvil, nil)(o)
					if !act {
						reports(t)(o)
					}
				})
				if got := fetch(t, c.method, base+c.path, ""); got != string(answer) {
					t.Errorf("%s: the client got %q", c.path, got)
				}
				i := sink.last(t, 1).Interaction
				if i.API != llm.APIOther || i.State != llm.StateDone || len(i.ToolCalls) == 0 {
					t.Fatalf("%s %q: recorded as %s, %s, %+v", c.path, encoding, i.API, i.State, i.ToolCalls)
				}
				k := i.ToolCalls[0]
				if k.Name != "evil_tool" || string(k.Arguments) != canaryArgs || k.Verdict != llm.ActionAllow {
					t.Errorf("%s: recorded %+v", c.path, k)
				}
				told := strings.HasPrefix(strings.Join(i.Notes, "\n"), "unjudged: ")
				if act && (k.Would != llm.ActionBlock || k.Rule != "no-evil" || !told) || !act && told {
					t.Errorf("%s: would %s by %s, notes %q", c.path, k.Would, k.Rule, i.Notes)
				}
				if n := strings.Count(c.body, "get_weather"); len(i.ToolCalls) != 1+n {
					t.Errorf("%s: %d calls", c.path, len(i.ToolCalls))
				}
			}
		}
	}
}

// The calls of OpenAI's own tools that run at the client's have no name but their kind.
func TestBuiltInCallsOfWhatIsNotObserved(t *testing.T) {
	for tool, item := range map[string]string{
		"local_shell": `{"type":"local_shell_call","id":"i","call_id":"c1","action":{"type":"exec","command":["CANARY"]}}`,
		"shell":       `{"type":"shell_call","id":"i","call_id":"c1","action":{"commands":["CANARY"]}}`,
		"apply_patch": `{"type":"apply_patch_call","id":"i","call_id":"c1","operation":{"type":"delete_file","path":"CANARY"}}`,
		"computer":    `{"type":"computer_call","id":"i","call_id":"c1","action":{"type":"type","text":"CANARY"}}`,
	} {
		for _, pieces := range []string{"", "data: {\"type\":\"response.shell_call_command.delta\",\"item_id\":\"i\",\"delta\":\"CANARY\"}\n\n"} {
			base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
				stream(w, pieces, "data: {\"type\":\"response.output_item.done\",\"item\":"+item+"}\n\n")
			}, ruled(t, strings.ReplaceAll(noEvil, "evil_tool", tool), func(g *guard.Options) { g.RefuseUnobserved = true }))
			if res, got := post(t, base+"/v1/openai/p/other", "{}"); res.StatusCode != http.StatusForbidden || strings.Contains(got, "CANARY") {
				t.Errorf("%s: %d %s", tool, res.StatusCode, got)
			}
			if i := sink.last(t, 1).Interaction; len(i.Findings) != 1 || !strings.Contains(i.Findings[0].Where, quoted(tool)) {
				t.Errorf("%s: recorded %+v", tool, i.Findings)
			}
		}
	}
}

// Nothing is taken for a call that is none, and no answer is changed by the look.
func TestWhatIsNoCallIsNotTakenForOne(t *testing.T) {
	for _, body := range []string{
		"", "{}", "null", "tool", "\xff\xfetool function", `{"tools":[{"type":"function","function":{"name":"x","parameters":{"properties":{"arguments":{}}}}}]}`,
		`{"object":"list","data":[{"id":"gpt-5","object":"model","owned_by":"tool"}]}`, `{"data":[{"name":"a function","description":"arguments"}]}`,
		strings.Repeat("[", 5000) + `"function"`, `{"type":"server_tool_use","name":"web_search","input":{"query":"x"}}`, "data: {\"tool\"", `{"function_call":`,
	} {
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) }, nil)
		if got := fetch(t, "GET", base+"/v1/openai/p/models", ""); got != body {
			t.Errorf("%q came as %q", body, got)
		}
		if i := sink.last(t, 1).Interaction; len(i.ToolCalls) != 0 || len(i.Notes) != 0 {
			t.Errorf("%q: recorded %+v, %q", body, i.ToolCalls, i.Notes)
		}
	}
}

// refuses has what is not observed judged before it passes.
func refuses(t *testing.T) func(*proxy.Options) {
	return ruled(t, noEvil, func(g *guard.Options) { g.RefuseUnobserved = true })
}

// With the setting, no such answer passes in which a rule stops a call, however it is
// cut; what calls nothing that is stopped passes to the byte.
func TestCallsOfWhatIsNotObservedCanBeRefused(t *testing.T) {
	for _, c := range unobservedAnswers {
		for _, tool := range []string{"evil_tool", "get_weather"} {
			body := strings.ReplaceAll(c.body, "evil_tool", tool)
			for _, encoding := range []string{"", "gzip"} {
				for _, step := range []int{1, 7, len(body)} {
					answer := body
					if encoding != "" {
						answer = string(encoded(t, encoding, body))
					}
					base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Type", c.media)
						if encoding != "" {
							w.Header().Set("Content-Encoding", encoding)
						}
						for at := 0; at < len(answer); at += step {
							_, _ = io.WriteString(w, answer[at:min(at+step, len(answer))])
							if step > 1 {
								_ = http.NewResponseController(w).Flush()
							}
						}
					}, refuses(t))
					req, err := http.NewRequest(c.method, base+c.path, nil)
					if err != nil {
						t.Fatal(err)
					}
					res, err := client(t).Do(req)
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err != nil {
						t.Errorf("%s: %v", c.path, err)
					}
					i := sink.last(t, 1).Interaction
					if tool == "get_weather" {
						if res.StatusCode != http.StatusOK || string(got) != answer || i.State != llm.StateDone || len(i.ToolCalls) == 0 || i.ToolCalls[0].Verdict != llm.ActionAllow || i.ToolCalls[0].Would != "" || len(i.Notes) != 0 {
							t.Errorf("%s %q in %d: %d %q, recorded as %s %+v %q", c.path, encoding, step, res.StatusCode, got, i.State, i.ToolCalls, i.Notes)
						}
						continue
					}
					if res.StatusCode != http.StatusForbidden || strings.Contains(string(got), "CANARY") || !strings.Contains(string(got), "no-evil") || res.Header.Get("X-Should-Retry") != "false" {
						t.Errorf("%s %q in %d: %d %q", c.path, encoding, step, res.StatusCode, got)
					}
					if i.State != llm.StateFailed || i.Error == nil || i.Error.Code != "refused_by_rules" || len(i.Findings) != 1 || i.Findings[0].Detector != "no-evil" {
						t.Errorf("%s: recorded as %s, %+v, %+v", c.path, i.State, i.Error, i.Findings)
					}
				}
			}
		}
	}
}

// Of a stream that has begun, nothing comes from the call on but an event that says why.
func TestAStreamThatIsNotObservedIsCut(t *testing.T) {
	const begins = "event: interaction.start\ndata: {\"event_type\":\"interaction.start\"}\n\n"
	for _, c := range []struct{ path, begins, says string }{
		{"/v1/gemini/p/v1beta/interactions", begins, `"error"`},
		{"/v1/anthropic/p/v1/sessions/s/events/stream", begins, `event: error`},
		{"/v1/openai/p/threads/t/runs", begins, `"error"`},
	} {
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
			stream(w, c.begins, "data: {\"type\":\"function_call\",\"id\":\"c1\",\"name\":\"evil_tool\",\"arguments\":"+canaryArgs+"}\n\n", "data: {\"more\":1}\n\n")
		}, refuses(t))
		res, got := post(t, base+c.path, "{}")
		rest, ok := strings.CutPrefix(got, c.begins)
		if res.StatusCode != http.StatusOK || !ok || strings.Contains(rest, "CANARY") || strings.Contains(rest, "more") || !strings.Contains(rest, c.says) || !strings.Contains(rest, "no-evil") {
			t.Errorf("%s: %d %q", c.path, res.StatusCode, got)
		}
		i := sink.last(t, 1).Interaction
		if len(i.ToolCalls) != 1 || i.ToolCalls[0].Verdict != llm.ActionBlock || i.State != llm.StateIncomplete || i.Error == nil || i.Error.Code != "refused_by_rules" {
			t.Errorf("%s: recorded as %s, %+v, %+v", c.path, i.State, i.ToolCalls, i.Error)
		}
	}
	// The name came before, with nothing that the tool is called with.
	const added = `data: {"type":"response.output_item.added","item":{"type":"custom_tool_call","id":"f1","call_id":"c1","name":"evil_tool","input":""}}` + "\n\n"
	custom, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w, added, "data: {\"type\":\"response.custom_tool_call_input.delta\",\"item_id\":\"f1\",\"delta\":\"CANARY\"}\n\n",
			"data: {\"type\":\"response.custom_tool_call_input.done\",\"item_id\":\"f1\",\"input\":\"CANARY\"}\n\n")
	}, refuses(t))
	if _, got := post(t, custom+"/v1/openai/p/other", "{}"); !strings.HasPrefix(got, added) || strings.Contains(got, "CANARY") || !strings.Contains(got, "no-evil") {
		t.Errorf("%q", got)
	}
	// A call that is not whole at the end went nowhere.
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w, begins, "data: {\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"f\",\"delta\":\"CANARY\"}\n\n")
	}, refuses(t))
	if _, got := post(t, base+"/v1/openai/p/other", "{}"); strings.Contains(got, "CANARY") || !strings.Contains(got, "before a tool call in it was whole") {
		t.Errorf("%q", got)
	}
}

// What is no text is not waited for, and errors pass as they are.
func TestWhatCallsNothingPassesAtOnce(t *testing.T) {
	for _, c := range []struct {
		media  string
		status int
	}{{"audio/mpeg", 200}, {"image/png", 200}, {"application/json", 404}, {"text/event-stream", 500}} {
		there := make(chan struct{})
		base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.media)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, "first")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-there:
			case <-r.Context().Done():
			}
		}, refuses(t))
		res, err := client(t).Get(base + "/v1/openai/p/files/f/content")
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 5)
		if _, err := io.ReadFull(res.Body, first); err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %d %q %v", c.media, res.StatusCode, first, err)
		}
		close(there)
		res.Body.Close()
	}
}

// A provider that goes silent holds nobody, also where an answer is held until its end.
func TestAnUnobservedAnswerThatGoesSilent(t *testing.T) {
	for media, begins := range map[string]string{"application/json": "{", "application/octet-stream": "x", "text/event-stream": ""} {
		base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			_, _ = io.WriteString(w, begins)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, func(o *proxy.Options) {
			refuses(t)(o)
			o.ResponseIdle = 50 * time.Millisecond
		})
		if res, got := post(t, base+"/v1/openai/p/threads/t/runs", "{}"); res.StatusCode != http.StatusGatewayTimeout || !strings.Contains(got, "sent nothing for too long") {
			t.Errorf("%s: %d %s", media, res.StatusCode, got)
		}
		if i := sink.last(t, 1).Interaction; i.State != llm.StateFailed || i.Error == nil || i.Error.Code != "response_idle_timeout" {
			t.Errorf("%s: recorded as %s, %+v", media, i.State, i.Error)
		}
	}
}
