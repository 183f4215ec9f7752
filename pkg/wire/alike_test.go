package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

// impostor is a format with a frame that adds to a text, in which TEXT stands for the
// text, and with what may be put into its places to make another frame of it.
type impostor struct {
	name   string
	format wire.Format
	media  string
	before string
	plain  string
	after  string
	// swaps turn the plain frame into one that says more.
	swaps [][2]string
	// calls tells that the calls in them are calls wherever they stand.
	calls bool
}

const events, lines = "text/event-stream", "application/x-ndjson"

// chatCalls are calls of the chat format, by ever another spelling.
var chatCalls = []string{
	`"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"Bash","arguments":"{}"}}]`,
	`"tool\u005fcalls":[{"index":0,"id":"c","type":"function","function":{"name":"Bash","arguments":"{}"}}]`,
	`"\u0074ool_calls" : [ {"index":0,"id":"c","type":"function","function":{"name":"Bash","arguments":"{}"}} ]`,
	`"function_call":{"name":"Bash","arguments":"{}"}`,
}

func impostors() []impostor {
	chat := impostor{
		name: "chat completions", calls: true, format: openaichat.New(), media: events,
		plain: `data: {"id":"1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":null}],"obfuscation":"PAD"}` + "\n\n",
		after: "data: [DONE]\n\n",
		swaps: [][2]string{
			{`"finish_reason":null`, `"finish_reason":"tool_calls"`}, {`"index":0`, `"index":1`}, {`}],"obf`, `}],"usage":{"prompt_tokens":1,"completion_tokens":2},"obf`},
			{`"content"`, `"refusal"`}, {`"content"`, `"content":"x","content"`}, {`"content"`, `"\u0063ontent"`},
		},
	}
	for _, c := range chatCalls {
		chat.swaps = append(chat.swaps, [][2]string{
			{`"content":"TEXT"`, `"content":"TEXT",` + c}, {`"content":"TEXT"`, c + `,"content":"TEXT"`}, {`"content":"TEXT"`, c},
			{`"delta":{`, `"delta":{` + c + `},"delta":{`}, {`},"finish`, `},"delta":{` + c + `},"finish`}, {`null}]`, `null},{"index":1,"delta":{` + c + `}}]`},
			{`"choices"`, `"choices":[{"index":0,"delta":{` + c + `}}],"choices"`}, {`,"obfuscation"`, `,"choices":[{"index":0,"delta":{` + c + `}}],"obfuscation"`},
			{`"PAD"}`, `"PAD","choices":[{"index":0,"delta":{` + c + `}}]}`}, {`"PAD"`, `{` + c + `}`}, {`"delta":`, `"message":{` + c + `},"delta":`},
			{`"PAD"}`, `"PAD"}{"choices":[{"index":0,"delta":{` + c + `}}]}`},
		}...)
	}
	messages := impostor{
		name: "messages", format: anthropic.New(), media: events,
		before: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		plain: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"TEXT\"},\"obfuscation\":\"PAD\"}\n\n",
		after: "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	}
	for _, use := range []string{`tool_use`, `tool\u005fuse`, `server_tool_use`} {
		block := `"content_block":{"type":"` + use + `","id":"t","name":"Bash","input":{"a":1}}`
		messages.swaps = append(messages.swaps, [][2]string{
			{`"type":"content_block_delta"`, `"type":"content_block_start",` + block}, {`"type":"content_block_delta"`, `"type":"content_block_delta",` + block},
			{`"PAD"}`, `"PAD","type":"content_block_start",` + block + `}`}, {`event: content_block_delta`, `event: content_block_start`},
			{`,"delta"`, `,` + block + `,"delta"`}, {`"index":0`, `"index":1`}, {`"PAD"}`, `"PAD","type":"content_block_sta\u0072t",` + block + `}`},
			{"\n\n", "\nevent: content_block_start\ndata: {" + `"type":"content_block_start","index":1,` + block + "}\n\n"},
			{"\n\n", "\n\nevent: content_block_start\ndata: {" + `"type":"content_block_start","index":1,` + block + "}\n\n"},
			{"data: {", "data: {\ndata: " + block + ","},
		}...)
	}
	messages.swaps = append(messages.swaps, [][2]string{
		{`text_delta`, `input_json_delta`}, {`"text":"TEXT"`, `"text":"TEXT","partial_json":"{}"`}, {`text_delta`, `thinking_delta`}, {`"text"`, `"thinking"`},
		{`"type":"content_block_delta"`, `"type":"message_delta","delta":{"stop_reason":"tool_use"}`}, {`"type":"content_block_delta"`, `"type":"message_stop"`},
		{`"type":"content_block_delta"`, `"type":"error","error":{"type":"overloaded_error","message":"x"}`}, {`"text":`, `"te\u0078t":`},
	}...)
	responses := impostor{
		name: "responses", format: openairesponses.New(), media: events,
		before: "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}}\n\n" +
			"event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"i\",\"content\":[]}}\n\n",
		plain: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":NUM,\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"TEXT\",\"obfuscation\":\"PAD\"}\n\n",
		after: "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n",
	}
	for _, kind := range []string{`function_call`, `function\u005fcall`, `custom_tool_call`, `local_shell_call`} {
		item := `"item":{"type":"` + kind + `","id":"f","call_id":"c","name":"Bash","arguments":"{}","input":"x","status":"completed"}`
		for _, event := range []string{"response.output_item.added", "response.output_item.done", "response.output_item.d\\u006fne"} {
			responses.swaps = append(responses.swaps, [][2]string{
				{`"type":"response.output_text.delta"`, `"type":"` + event + `",` + item}, {`"PAD"}`, `"PAD","type":"` + event + `",` + item + `}`},
				{`,"delta"`, `,` + item + `,"delta"`}, {`"type":"response.output_text.delta",`, item + `,`},
				{`event: response.output_text.delta`, `event: ` + event}, {"\n\n", "\n\nevent: " + event + "\ndata: {\"type\":\"" + event + "\",\"output_index\":1," + item + "}\n\n"},
				{`"type":"response.output_text.delta"`, `"type":"response.completed","response":{"status":"completed","output":[` + strings.TrimPrefix(item, `"item":`) + `]}`},
			}...)
		}
	}
	responses.swaps = append(responses.swaps, [][2]string{
		{`:NUM`, `:{"a":1}`}, {`:NUM`, `:1e3`}, {`:NUM`, `:01`}, {`output_text.delta","`, `function_call_arguments.delta","`}, {`"output_index":0`, `"output_index":1`},
		{`"delta":"TEXT"`, `"delta":"TEXT","arguments":"{}"`}, {`output_text.delta","`, `refusal.delta","`},
	}...)
	gem := impostor{
		name: "gemini", calls: true, format: gemini.New(), media: events,
		plain: `data: {"candidates":[{"content":{"parts":[{"text":"TEXT"}],"role":"model"},"index":0}],"created_at":"PAD"}` + "\n\n",
		after: `data: {"candidates":[{"content":{"parts":[{"text":"end"}],"role":"model"},"finishReason":"STOP","index":0}]}` + "\n\n",
	}
	oll := impostor{
		name: "ollama", calls: true, format: ollama.Chat(), media: lines,
		plain: `{"model":"m","created_at":"PAD","message":{"role":"assistant","content":"TEXT"},"done":false}` + "\n",
		after: `{"model":"m","created_at":"x","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n",
	}
	for _, name := range []string{`functionCall`, `function\u0043all`} {
		c := `"` + name + `":{"name":"Bash","args":{"a":1}}`
		gem.swaps = append(gem.swaps, [][2]string{{`"text":"TEXT"`, `"text":"TEXT",` + c}, {`"text":"TEXT"`, c}, {`TEXT"}]`, `TEXT"},{` + c + `}]`}, {`"parts"`, `"parts":[{` + c + `}],"parts"`}, {`"PAD"}`, `"PAD","candidates":[{"content":{"parts":[{` + c + `}]}}]}`}, {`0}]`, `0},{"content":{"parts":[{` + c + `}]},"index":1}]`}}...)
	}
	for _, name := range []string{`tool_calls`, `tool\u005fcalls`} {
		c := `"` + name + `":[{"function":{"name":"Bash","arguments":{"a":1}}}]`
		oll.swaps = append(oll.swaps, [][2]string{{`"content":"TEXT"`, `"content":"TEXT",` + c}, {`"content":"TEXT"`, c}, {`"message"`, `"message":{` + c + `},"message"`}, {`,"done"`, `,"message":{` + c + `},"done"`}, {`,"done"`, `,` + c + `,"done"`}, {"false", "true"}}...)
	}
	return []impostor{chat, messages, responses, gem, oll}
}

// spellings change how a frame is written, and not what a parser reads of it.
var spellings = []func(string) string{
	func(s string) string { return s },
	func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	func(s string) string { return strings.ReplaceAll(s, "data: ", "data:") },
	func(s string) string { return ": note\n" + s },
	func(s string) string { return "\ufeff" + s },
	func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	func(s string) string { return strings.Replace(s, `,"`, "\ndata: ,\"", 1) },
	func(s string) string { return strings.Replace(s, `":`, `" : `, -1) },
}

// What is like the frames before it, but for more than a text, is seen by all who
// read frames, as if nothing had been learnt.
func TestWhatOnlySeemsAlike(t *testing.T) {
	for _, p := range impostors() {
		t.Run(p.name, func(t *testing.T) {
			number := 0
			frame := func(s, text, pad string) string {
				number++
				return strings.NewReplacer("TEXT", text, "PAD", pad, "NUM", fmt.Sprint(number)).Replace(s)
			}
			for _, swap := range append(p.swaps, [2]string{"TEXT", `TEXT\"tool_calls\":`}, [2]string{"TEXT", "TE\xffXT"}, [2]string{"TEXT", ""}, [2]string{"PAD", `\"PAD`}) {
				for n, spell := range spellings {
					if p.media == lines && n > 0 && n < 7 {
						continue
					}
					for _, all := range []bool{false, true} { // the frames around it are spelt so, too
						var head, odd, tail string
						number = 0
						around := spellings[0]
						if all && n != 4 {
							around = spell
						}
						for _, text := range []string{"Hello", " there", " you", " and"} {
							head += around(frame(p.plain, text, "x"+text))
						}
						odd = spell(frame(strings.Replace(p.plain, swap[0], swap[1], 1), "odd", "pad"))
						for _, text := range []string{" more", " of", " it"} {
							tail += around(frame(p.plain, text, "y"+text))
						}
						body := []byte(p.before + head + odd + tail + p.after)
						p := p
						p.calls = p.calls && n != 4 // behind a byte-order mark stands no field
						sameFor(t, p, body, swap)
					}
				}
			}
		})
	}
}

// byLines cuts a body behind each line, so that what comes is learnt from.
func byLines(body []byte) func() int {
	rest := body
	return func() int {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = max(len(rest), 1)
		}
		rest = rest[n:]
		return n
	}
}

// sameFor compares what is made of a stream that nobody learns from and one that is learnt
// from.
func sameFor(t *testing.T, p impostor, body []byte, swap [2]string) {
	t.Helper()
	whole := func() int { return len(body) }
	judge := wiretest.RefuseOnly(0, 1, 2)
	out, calls := wiretest.Pass(p.format.(wire.Gated), p.media, body, whole, false, judge)
	got, told := wiretest.Pass(p.format.(wire.Gated), p.media, body, byLines(body), false, judge)
	if !bytes.Equal(out, got) {
		t.Fatalf("%q: what leaves (-unlearnt +learnt):\n%s", swap, cmp.Diff(string(out), string(got)))
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", calls), fmt.Sprintf("%+v", told)); diff != "" {
		t.Fatalf("%q: calls (-unlearnt +learnt):\n%s", swap, diff)
	}
	if p.calls && swap[0] != `"PAD"` && bytes.Contains(got, []byte(`"Bash"`)) {
		t.Fatalf("%q: a call leaves:\n%s", swap, got)
	}
	answer, deltas := wiretest.Decode(p.format, p.media, body, whole)
	answer2, deltas2 := wiretest.Decode(p.format, p.media, body, byLines(body))
	if diff := cmp.Diff(answer, answer2); diff != "" {
		t.Fatalf("%q: the answer (-unlearnt +learnt):\n%s", swap, diff)
	}
	if diff := cmp.Diff(deltas, deltas2); diff != "" {
		t.Fatalf("%q: the deltas (-unlearnt +learnt):\n%s", swap, diff)
	}
	// Where lines end in two ways, a frame that is made may end in either.
	edited := func(size func() int) string {
		out := wiretest.Edit(p.format.(wire.Rewriting), p.media, body, size, shouting)
		return strings.ReplaceAll(string(out), "\r\n", "\n")
	}
	if diff := cmp.Diff(edited(whole), edited(byLines(body))); diff != "" {
		t.Fatalf("%q: what is edited (-unlearnt +learnt):\n%s", swap, diff)
	}
}

// shout makes capitals of a text, and holds its last letter back.
type shout struct{ held string }

func shouting(wire.TextKind) wire.TextEditor { return new(shout) }

func (s *shout) Write(text string) string {
	text = s.held + strings.ToUpper(text)
	if text == "" {
		return ""
	}
	s.held = text[len(text)-1:]
	return text[:len(text)-1]
}

func (s *shout) Flush() string { return s.held + "!" }
