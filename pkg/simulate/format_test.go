package simulate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said is what a client understands of an answer, whatever the format.
type said struct {
	Text, Reason, Refusal string
	Calls                 []ToolCall
	Finish                string
	In, Out, Cached       int // as the format states them
	Reasoning             int
}

// speaker is one way to ask: a provider, a format, streamed or not.
type speaker struct {
	name   string
	path   string
	body   func(words string, stream bool) string
	whole  func(t *testing.T, v map[string]any) said
	stream func(t *testing.T, body string) said
	// path of the stream where it differs
	streamPath string
}

func chatBody(model string) func(string, bool) string {
	return func(words string, stream bool) string {
		s := `{"model":"` + model + `","messages":[{"role":"user","content":` + quote(words) + `}]`
		if stream {
			s += `,"stream":true,"stream_options":{"include_usage":true}`
		}
		return s + "}"
	}
}

func geminiBodyOf(words string, _ bool) string {
	return `{"contents":[{"role":"user","parts":[{"text":` + quote(words) + `}]}]}`
}

func ollamaBodyOf(words string, stream bool) string {
	s := `{"model":"m","messages":[{"role":"user","content":` + quote(words) + `}]`
	if !stream {
		s += `,"stream":false`
	}
	return s + "}"
}

var speakers = []speaker{
	{name: "openai chat", path: "/v1/chat/completions", body: chatBody("gpt"), whole: chatSaid, stream: chatStreamSaid},
	{name: "xai chat", path: "/xai/v1/chat/completions", body: chatBody("grok"), whole: chatSaid, stream: chatStreamSaid},
	{name: "cerebras chat", path: "/cerebras/chat/completions", body: chatBody("llama"), whole: chatSaid, stream: chatStreamSaid},
	{name: "vllm chat", path: "/vllm/v1/chat/completions", body: chatBody("qwen"), whole: chatSaid, stream: chatStreamSaid},
	{name: "ollama chat", path: "/ollama/v1/chat/completions", body: chatBody("llama"), whole: chatSaid, stream: chatStreamSaid},
	{name: "openai responses", path: "/openai/v1/responses", body: responsesBodyOf, whole: responsesSaid, stream: responsesStreamSaid},
	{name: "anthropic messages", path: "/anthropic/v1/messages", body: chatBody("claude"), whole: messagesSaid, stream: messagesStreamSaid},
	{name: "gemini", path: "/gemini/v1beta/models/gemini-2.5-flash:generateContent", streamPath: "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", body: geminiBodyOf, whole: geminiSaid, stream: geminiStreamSaid},
	{name: "gemini array", path: "/v1beta/models/gemini-2.5-flash:generateContent", streamPath: "/v1beta/models/gemini-2.5-flash:streamGenerateContent", body: geminiBodyOf, whole: geminiSaid, stream: geminiArraySaid},
	{name: "ollama native", path: "/api/chat", body: ollamaBodyOf, whole: ollamaSaid, stream: ollamaStreamSaid},
}

func responsesBodyOf(words string, stream bool) string {
	s := `{"model":"gpt","input":` + quote(words)
	if stream {
		s += `,"stream":true`
	}
	return s + "}"
}

func (s *said) call(id, name, arguments string) {
	s.Calls = append(s.Calls, ToolCall{ID: id, Name: name, Arguments: arguments})
}

func chatUsageSaid(s *said, v any) {
	s.In, s.Out = number(v, "prompt_tokens"), number(v, "completion_tokens")
	s.Cached = number(v, "prompt_tokens_details", "cached_tokens")
	s.Reasoning = number(v, "completion_tokens_details", "reasoning_tokens")
}

func chatSaid(_ *testing.T, v map[string]any) said {
	m := at(v, "choices", 0, "message")
	s := said{
		Text: text(m, "content"), Reason: text(m, "reasoning") + text(m, "reasoning_content"), Refusal: text(m, "refusal"),
		Finish: text(v, "choices", 0, "finish_reason"),
	}
	calls, _ := at(m, "tool_calls").([]any)
	for _, c := range calls {
		s.call(text(c, "id"), text(c, "function", "name"), text(c, "function", "arguments"))
	}
	chatUsageSaid(&s, v["usage"])
	return s
}

func chatStreamSaid(t *testing.T, body string) said {
	var s said
	for _, v := range values(t, events(t, body)) {
		if text(v, "object") != "chat.completion.chunk" {
			t.Errorf("object %v", v["object"])
		}
		d := at(v, "choices", 0, "delta")
		s.Text += text(d, "content")
		s.Reason += text(d, "reasoning") + text(d, "reasoning_content")
		s.Refusal += text(d, "refusal")
		calls, _ := at(d, "tool_calls").([]any)
		for _, c := range calls {
			i := number(c, "index")
			if i == len(s.Calls) {
				s.call(text(c, "id"), text(c, "function", "name"), "")
			}
			s.Calls[i].Arguments += text(c, "function", "arguments")
		}
		if f := text(v, "choices", 0, "finish_reason"); f != "" {
			s.Finish = f
		}
		if v["usage"] != nil {
			chatUsageSaid(&s, v["usage"])
		}
	}
	return s
}

func responsesSaid(_ *testing.T, v map[string]any) said {
	s := said{
		Finish: text(v, "status"), In: number(v, "usage", "input_tokens"), Out: number(v, "usage", "output_tokens"),
		Cached:    number(v, "usage", "input_tokens_details", "cached_tokens"),
		Reasoning: number(v, "usage", "output_tokens_details", "reasoning_tokens"),
	}
	output, _ := v["output"].([]any)
	for _, o := range output {
		switch text(o, "type") {
		case "message":
			s.Text += text(o, "content", 0, "text")
			s.Refusal += text(o, "content", 0, "refusal")
		case "reasoning":
			s.Reason += text(o, "summary", 0, "text")
		case "function_call":
			s.call(text(o, "call_id"), text(o, "name"), text(o, "arguments"))
		}
	}
	return s
}

func responsesStreamSaid(t *testing.T, body string) said {
	all := events(t, body)
	var s, final said
	var arguments string
	for i, v := range values(t, all) {
		if number(v, "sequence_number") != i || text(v, "type") != all[i].name {
			t.Errorf("event %d has number %v, type %v and name %s", i, v["sequence_number"], v["type"], all[i].name)
		}
		switch text(v, "type") {
		case "response.output_text.delta":
			s.Text += text(v, "delta")
		case "response.refusal.delta":
			s.Refusal += text(v, "delta")
		case "response.reasoning_summary_text.delta":
			s.Reason += text(v, "delta")
		case "response.function_call_arguments.delta":
			arguments += text(v, "delta")
		case "response.output_item.done":
			if text(v, "item", "type") == "function_call" {
				s.call(text(v, "item", "call_id"), text(v, "item", "name"), arguments)
				arguments = ""
			}
		case "response.completed", "response.incomplete":
			final = responsesSaid(t, v["response"].(map[string]any))
		}
	}
	s.Finish, s.In, s.Out, s.Cached, s.Reasoning = final.Finish, final.In, final.Out, final.Cached, final.Reasoning
	if d := cmp.Diff(final, s); d != "" {
		t.Errorf("the deltas and the final response differ: %s", d)
	}
	return s
}

func messagesSaid(t *testing.T, v map[string]any) said {
	s := said{
		Finish: text(v, "stop_reason"), In: number(v, "usage", "input_tokens"), Out: number(v, "usage", "output_tokens"),
		Cached: number(v, "usage", "cache_read_input_tokens"),
	}
	blocks, _ := v["content"].([]any)
	for _, b := range blocks {
		switch text(b, "type") {
		case "text":
			s.Text += text(b, "text")
		case "thinking":
			s.Reason += text(b, "thinking")
			if text(b, "signature") == "" {
				t.Error("thinking without a signature")
			}
		case "tool_use":
			s.call(text(b, "id"), text(b, "name"), remarshal(at(b, "input")))
		}
	}
	return s
}

// remarshal writes a decoded value as JSON.
func remarshal(v any) string {
	b, _ := json.Marshal(v) // decoded JSON always marshals
	return string(b)
}

func messagesStreamSaid(t *testing.T, body string) said {
	all := events(t, body)
	var s said
	open := -1
	for i, v := range values(t, all) {
		if text(v, "type") != all[i].name {
			t.Errorf("event %s has type %v", all[i].name, v["type"])
		}
		index := number(v, "index")
		switch text(v, "type") {
		case "message_start":
			s.In, s.Cached = number(v, "message", "usage", "input_tokens"), number(v, "message", "usage", "cache_read_input_tokens")
		case "content_block_start":
			if open = index; text(v, "content_block", "type") == "tool_use" {
				s.call(text(v, "content_block", "id"), text(v, "content_block", "name"), "")
			}
		case "content_block_delta":
			if index != open {
				t.Errorf("a delta for block %d while %d is open", index, open)
			}
			s.Text += text(v, "delta", "text")
			s.Reason += text(v, "delta", "thinking")
			if j := text(v, "delta", "partial_json"); j != "" {
				s.Calls[len(s.Calls)-1].Arguments += j
			}
		case "message_delta":
			s.Finish, s.Out = text(v, "delta", "stop_reason"), number(v, "usage", "output_tokens")
		}
	}
	if last := all[len(all)-1].name; last != "message_stop" {
		t.Errorf("the last event is %s", last)
	}
	return s
}

func geminiSaid(_ *testing.T, v map[string]any) said {
	u := v["usageMetadata"]
	s := said{
		Finish: text(v, "candidates", 0, "finishReason"), In: number(u, "promptTokenCount"),
		Out: number(u, "candidatesTokenCount"), Cached: number(u, "cachedContentTokenCount"), Reasoning: number(u, "thoughtsTokenCount"),
	}
	parts, _ := at(v, "candidates", 0, "content", "parts").([]any)
	for _, p := range parts {
		switch {
		case at(p, "functionCall") != nil:
			s.call(text(p, "functionCall", "id"), text(p, "functionCall", "name"), remarshal(at(p, "functionCall", "args")))
		case at(p, "thought") == true:
			s.Reason += text(p, "text")
		default:
			s.Text += text(p, "text")
		}
	}
	return s
}

func joinGemini(t *testing.T, all []map[string]any) said {
	var s said
	for _, v := range all {
		one := geminiSaid(t, v)
		s.Text += one.Text
		s.Reason += one.Reason
		s.Calls = append(s.Calls, one.Calls...)
		s.Finish, s.In, s.Out, s.Cached, s.Reasoning = one.Finish, one.In, one.Out, one.Cached, one.Reasoning
	}
	return s
}

func geminiStreamSaid(t *testing.T, body string) said {
	if strings.Count(body, "\n") != strings.Count(body, "\r\n") {
		t.Error("Gemini ends its lines with CRLF")
	}
	return joinGemini(t, values(t, events(t, body)))
}

func geminiArraySaid(t *testing.T, body string) said {
	var all []map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return joinGemini(t, all)
}

func ollamaSaid(_ *testing.T, v map[string]any) said {
	s := said{
		Text: text(v, "message", "content"), Reason: text(v, "message", "thinking"), Finish: text(v, "done_reason"),
		In: number(v, "prompt_eval_count"), Out: number(v, "eval_count"),
	}
	calls, _ := at(v, "message", "tool_calls").([]any)
	for _, c := range calls {
		s.call(text(c, "id"), text(c, "function", "name"), remarshal(at(c, "function", "arguments")))
	}
	return s
}

func ollamaStreamSaid(t *testing.T, body string) said {
	var s said
	all := lines(t, body)
	for i, v := range all {
		one := ollamaSaid(t, v)
		s.Text += one.Text
		s.Reason += one.Reason
		s.Calls = append(s.Calls, one.Calls...)
		s.Finish, s.In, s.Out = one.Finish, one.In, one.Out
		if done := v["done"] == true; done != (i == len(all)-1) {
			t.Errorf("line %d of %d has done %v", i, len(all), done)
		}
	}
	return s
}

// finishes are the words of each format for stop, length and calls.
var finishes = map[string][3]string{
	"chat":     {"stop", "length", "tool_calls"},
	"response": {"completed", "incomplete", "completed"},
	"messages": {"end_turn", "max_tokens", "tool_use"},
	"gemini":   {"STOP", "MAX_TOKENS", "STOP"},
	"native":   {"stop", "length", "stop"},
}

func finishOf(name string, i int) string {
	for kind, words := range finishes {
		if strings.Contains(name, kind) {
			return words[i]
		}
	}
	return ""
}

func TestFormats(t *testing.T) {
	_, url := newTestServer(t, Options{})
	for _, sp := range speakers {
		t.Run(sp.name, func(t *testing.T) {
			tests := []struct {
				words  string
				finish int
				want   said
			}{
				{"Hi there", 0, said{Text: "You said: Hi there"}},
				{`[[sim: text "Grüße, 世界 \"quoted\" <b>" | usage 100 20 cached 40 reasoning 5]]`, 0, said{Text: "Grüße, 世界 \"quoted\" <b>"}},
				{`[[sim: reason "Think hard." | text "So." | usage 50 9 reasoning 4]]`, 0, said{Text: "So.", Reason: "Think hard."}},
				{`[[sim: text "Look." | call get_weather {"city":"Paris"} | call read_file {"path":"/a b"}]]`, 2, said{
					Text:  "Look.",
					Calls: []ToolCall{{Name: "get_weather", Arguments: `{"city":"Paris"}`}, {Name: "read_file", Arguments: `{"path":"/a b"}`}},
				}},
				{`[[sim: call now]]`, 2, said{Calls: []ToolCall{{Name: "now", Arguments: "{}"}}}},
				{`[[sim: tokens 30 | finish length]]`, 1, said{Text: words(30)}},
			}
			for _, tt := range tests {
				res := post(t, url+sp.path, sp.body(tt.words, false))
				if res.status != 200 || res.err != nil || !strings.HasPrefix(res.header.Get("Content-Type"), "application/json") {
					t.Fatalf("%s: %d %v %v\n%s", tt.words, res.status, res.err, res.header, res.body)
				}
				whole := sp.whole(t, parse(t, res.body))
				path := sp.path
				if sp.streamPath != "" {
					path = sp.streamPath
				}
				res = post(t, url+path, sp.body(tt.words, true))
				if res.status != 200 || res.err != nil {
					t.Fatalf("%s, streamed: %d %v\n%s", tt.words, res.status, res.err, res.body)
				}
				streamed := sp.stream(t, res.body)

				ids := map[string]bool{}
				for _, s := range []said{whole, streamed} {
					for _, c := range s.Calls {
						ids[c.ID] = true
						if c.ID == "" {
							t.Errorf("%s: a call without an id", tt.words)
						}
					}
				}
				if len(ids) != 2*len(tt.want.Calls) {
					t.Errorf("%s: call ids are not their own: %v", tt.words, ids)
				}
				want := tt.want
				want.Finish = finishOf(sp.name, tt.finish)
				if sp.name == "openai chat" {
					want.Reason = "" // OpenAI's chat completions do not show it
				}
				if sp.name == "anthropic messages" || sp.name == "ollama native" {
					whole.Reasoning, streamed.Reasoning = 0, 0
				}
				if d := cmp.Diff(want, spoken(whole)); d != "" {
					t.Errorf("%s: whole (-want +got)\n%s", tt.words, d)
				}
				if d := cmp.Diff(want, spoken(streamed)); d != "" {
					t.Errorf("%s: streamed (-want +got)\n%s", tt.words, d)
				}
				if whole.In != streamed.In || whole.Out != streamed.Out || whole.Cached != streamed.Cached || whole.In == 0 || whole.Out == 0 {
					t.Errorf("%s: usage whole %+v, streamed %+v", tt.words, whole, streamed)
				}
			}
		})
	}
}

// spoken leaves the ids and the counts out.
func spoken(s said) said {
	s.In, s.Out, s.Cached, s.Reasoning = 0, 0, 0, 0
	s.Calls = append([]ToolCall(nil), s.Calls...)
	for i := range s.Calls {
		s.Calls[i].ID = ""
	}
	return s
}

// TestUsage checks how each provider states the same usage: PROVIDERS.md W2-W4.
func TestUsage(t *testing.T) {
	_, url := newTestServer(t, Options{})
	want := map[string]said{ // In, Out, Cached, Reasoning
		"openai chat":        {In: 100, Out: 20, Cached: 40, Reasoning: 5},
		"xai chat":           {In: 100, Out: 15, Cached: 40, Reasoning: 5},
		"cerebras chat":      {In: 100, Out: 20, Cached: 40},
		"vllm chat":          {In: 100, Out: 20},
		"ollama chat":        {In: 100, Out: 20},
		"openai responses":   {In: 100, Out: 20, Cached: 40, Reasoning: 5},
		"anthropic messages": {In: 50, Out: 20, Cached: 40},
		"gemini":             {In: 100, Out: 15, Cached: 40, Reasoning: 5},
		"gemini array":       {In: 100, Out: 15, Cached: 40, Reasoning: 5},
		"ollama native":      {In: 100, Out: 20},
	}
	for _, sp := range speakers {
		res := post(t, url+sp.path, sp.body("[[sim: text hi | usage 100 20 cached 40 write 10 reasoning 5]]", false))
		got := sp.whole(t, parse(t, res.body))
		got = said{In: got.In, Out: got.Out, Cached: got.Cached, Reasoning: got.Reasoning}
		if d := cmp.Diff(want[sp.name], got); d != "" {
			t.Errorf("%s (-want +got)\n%s", sp.name, d)
		}
	}
}
