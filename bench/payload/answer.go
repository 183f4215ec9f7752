package payload

import (
	"bytes"
	"fmt"
	"iter"
	"time"
)

// Answer is what the upstream sends.
type Answer struct {
	ContentType string
	Body        []byte
	Events      int           // of a stream
	First       int           // which event, from 1, carries the first token
	Gap         time.Duration // where it is set, Body is one event, sent again and again
}

// Stream tells whether the answer is one of events.
func (a *Answer) Stream() bool { return a.Events > 0 }

// EachEvent yields the events of a stream, with the blank line that ends each.
func (a *Answer) EachEvent() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := a.Body; len(rest) > 0; {
			end := bytes.Index(rest, []byte("\n\n")) + 2
			if end < 2 || !yield(rest[:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

type answerKey struct {
	model  Model
	format Format
}

var answers = map[answerKey]*Answer{
	{ModelChat, Chat}:      chatAnswer(),
	{ModelAgent, Chat}:     stream(1, agentChat()...),
	{ModelAgent, Messages}: stream(4, agentMessages()...),
	{ModelBurst, Chat}:     stream(1, burst(200)...),
	{ModelSlow, Chat}:      paced(200 * time.Millisecond),
	{ModelPace, Chat}:      paced(time.Second),
}

// AnswerTo finds the answer by the beginning of a body, nil if there is none.
func AnswerTo(f Format, beginning []byte) *Answer {
	_, rest, ok := bytes.Cut(beginning, []byte(`"model":`))
	if !ok {
		return nil
	}
	_, rest, ok = bytes.Cut(rest, []byte(`"`))
	if !ok {
		return nil
	}
	model, _, _ := bytes.Cut(rest, []byte(`"`))
	return answers[answerKey{Model(model), f}]
}

func chatAnswer() *Answer {
	body := fmt.Appendf(nil, `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench-chat","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%s,"refusal":null},"logprobs":null,"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":210,"completion_tokens":150,"total_tokens":360}}`, encode(newText(3).prose(640)))
	return &Answer{ContentType: "application/json", Body: body}
}

// stream joins events, which end with a blank line, to an answer.
func stream(first int, events ...string) *Answer {
	a := &Answer{ContentType: "text/event-stream", Events: len(events), First: first}
	for _, e := range events {
		a.Body = append(a.Body, e...)
	}
	return a
}

func paced(gap time.Duration) *Answer {
	return &Answer{ContentType: "text/event-stream", Body: []byte(chunk(`{"content":" word"}`, "null")), Events: 1, First: 1, Gap: gap}
}

func chunk(delta, finish string) string {
	return `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-chat","choices":[{"index":0,"delta":` +
		delta + `,"finish_reason":` + finish + `}]}` + "\n\n"
}

func word(t text) string { return string(encode(" " + t.pick(nouns))) }

// burst is a stream of n events, the last of which says that it is done.
func burst(n int) []string {
	t, events := newText(5), make([]string, 0, n)
	for len(events) < n-2 {
		events = append(events, chunk(`{"content":`+word(t)+`}`, "null"))
	}
	return append(events, chunk(`{}`, `"stop"`), "data: [DONE]\n\n")
}

func agentChat() []string {
	t := newText(11)
	events := []string{chunk(`{"role":"assistant","content":`+word(t)+`}`, "null")}
	for range 24 {
		events = append(events, chunk(`{"content":`+word(t)+`}`, "null"))
	}
	events = append(events, chunk(`{"tool_calls":[{"index":0,"id":"call_bench","type":"function","function":{"name":"Read","arguments":""}}]}`, "null"))
	for _, s := range []string{`{\"file_`, `path\":`, ` \"pkg/`, `store/`, `journal`, `.go\"}`} {
		events = append(events, chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"`+s+`"}}]}`, "null"))
	}
	return append(events, chunk(`{}`, `"tool_calls"`),
		`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench-chat","choices":[],`+
			`"usage":{"prompt_tokens":50000,"completion_tokens":60,"total_tokens":50060,"prompt_tokens_details":{"cached_tokens":49000}}}`+"\n\n",
		"data: [DONE]\n\n")
}

func agentMessages() []string {
	t := newText(13)
	event := func(name, data string) string {
		return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + data + "}\n\n"
	}
	delta := func(index int, d string) string {
		return event("content_block_delta", fmt.Sprintf(`,"index":%d,"delta":%s`, index, d))
	}
	events := []string{
		event("message_start", `,"message":{"id":"msg_bench","type":"message","role":"assistant","model":"bench-agent","content":[],"stop_reason":null,`+
			`"stop_sequence":null,"usage":{"input_tokens":900,"cache_creation_input_tokens":600,"cache_read_input_tokens":49000,"output_tokens":1}}`),
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
		event("ping", ""),
	}
	for range 24 {
		events = append(events, delta(0, `{"type":"text_delta","text":`+word(t)+`}`))
	}
	events = append(events, event("content_block_stop", `,"index":0`),
		event("content_block_start", `,"index":1,"content_block":{"type":"tool_use","id":"toolu_bench","name":"Read","input":{}}`))
	for _, s := range []string{``, `{\"file_`, `path\":`, ` \"pkg/`, `store/`, `journal`, `.go\"}`} {
		events = append(events, delta(1, `{"type":"input_json_delta","partial_json":"`+s+`"}`))
	}
	return append(events, event("content_block_stop", `,"index":1`),
		event("message_delta", `,"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":60}`),
		event("message_stop", ""))
}
