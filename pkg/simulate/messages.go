package simulate

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
)

// Anthropic's Messages API, docs.claude.com/en/api/messages and
// docs.claude.com/en/docs/build-with-claude/streaming.
var messagesCodec = codec{
	decode:  decodeMessages,
	whole:   messagesWhole,
	stream:  messagesStream,
	fault:   messagesFault,
	framing: always(framingSSE),
}

// block is one entry of a message's content, of any type.
type block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
}

func decodeMessages(body []byte, r *Request) error {
	var q struct {
		Model    string          `json:"model"`
		Stream   bool            `json:"stream"`
		System   json.RawMessage `json:"system"`
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		Tools []struct {
			Name string `json:"name"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.Messages == nil {
		return errors.New("messages: Field required")
	}
	r.Model, r.Stream, r.System = q.Model, q.Stream, texts(q.System)
	for _, t := range q.Tools {
		r.Tools = append(r.Tools, t.Name)
	}
	for _, m := range q.Messages {
		var text string
		var blocks []block
		if json.Unmarshal(m.Content, &text) != nil {
			if err := json.Unmarshal(m.Content, &blocks); err != nil {
				return errors.New("messages: content: Input should be a valid list")
			}
		}
		r.addBlocks(m.Role, text, blocks)
	}
	return nil
}

func (r *Request) addBlocks(role, text string, blocks []block) {
	var calls []ToolCall
	var results []ToolResult
	for _, b := range blocks {
		switch b.Type {
		case "text":
			text = joinText(text, b.Text)
		case "tool_use":
			calls = append(calls, ToolCall{ID: b.ID, Name: b.Name, Arguments: string(b.Input)})
		case "tool_result":
			results = append(results, ToolResult{ID: b.ToolUseID, Text: texts(b.Content), IsError: b.IsError})
		}
	}
	switch role {
	case "assistant":
		r.add(Message{Role: RoleAssistant, Text: text, Calls: calls})
	case "system":
		r.addSystem(text)
	default:
		r.addUser(text, results)
	}
}

func stopReason(word string) string {
	switch word {
	case "stop":
		return "end_turn"
	case "length":
		return "max_tokens"
	case "calls":
		return "tool_use"
	case "filter":
		return "refusal"
	}
	return word
}

// messagesUsage: input_tokens leaves out what was read from or written to the
// cache.
func messagesUsage(u Usage, output int) object {
	return object{
		"input_tokens", u.Input - u.CacheRead - u.CacheWrite,
		"cache_creation_input_tokens", u.CacheWrite, "cache_read_input_tokens", u.CacheRead,
		"cache_creation", object{"ephemeral_5m_input_tokens", u.CacheWrite, "ephemeral_1h_input_tokens", 0},
		"output_tokens", output, "service_tier", "standard",
	}
}

// messageObject writes the message; content and stop are nil while it begins.
func messageObject(a *answer, content array, stop any, output int) object {
	return object{
		"model", a.script.Model, "id", a.id("msg_01", 22, "id"), "type", "message", "role", "assistant",
		"content", content, "stop_reason", stop, "stop_sequence", nil, "usage", messagesUsage(a.usage, output),
	}
}

func messagesWhole(a *answer) []byte {
	blocks := array{}
	for i, p := range a.script.Parts {
		switch p.Kind {
		case PartReason:
			blocks = append(blocks, object{"type", "thinking", "thinking", p.Text, "signature", signature(a, i)})
		case PartCall:
			blocks = append(blocks, object{
				"type", "tool_use", "id", p.Call.ID, "name", p.Call.Name, "input", jsonOrString(p.Call.Arguments),
			})
		default:
			blocks = append(blocks, object{"type", "text", "text", p.Text})
		}
	}
	return encode(messageObject(a, blocks, stopReason(a.finish()), a.usage.Output))
}

// signature stands for the proof that the provider puts under its reasoning,
// which must come back unchanged.
func signature(a *answer, i int) string {
	return base64.StdEncoding.EncodeToString([]byte(a.hex("signature" + strconv.Itoa(i))))
}

// jsonOrString returns arguments as the JSON value that they are, else as a string.
func jsonOrString(arguments string) any {
	if json.Valid([]byte(arguments)) {
		return json.RawMessage(arguments)
	}
	return arguments
}

func messagesStream(a *answer) []frame {
	frames := []frame{opening("message_start", object{
		"type", "message_start", "message", messageObject(a, array{}, nil, 1),
	})}
	add := func(kind frameKind, name string, members ...any) {
		frames = append(frames, frame{kind, name, encode(object{"type", name}.with(members...))})
	}
	for i, p := range a.script.Parts {
		start, deltas := blockEvents(a, i, p)
		add(frameContent, "content_block_start", "index", i, "content_block", start)
		if i == 0 {
			frames = append(frames, frame{frameContent, "ping", []byte(`{"type": "ping"}`)})
		}
		for _, d := range deltas {
			add(frameContent, "content_block_delta", "index", i, "delta", d)
		}
		add(frameContent, "content_block_stop", "index", i)
	}
	u := a.usage
	add(frameTerminal, "message_delta",
		"delta", object{"stop_reason", stopReason(a.finish()), "stop_sequence", nil},
		"usage", object{
			"input_tokens", u.Input - u.CacheRead - u.CacheWrite,
			"cache_creation_input_tokens", u.CacheWrite, "cache_read_input_tokens", u.CacheRead,
			"output_tokens", u.Output,
		})
	add(frameTerminal, "message_stop")
	return frames
}

// blockEvents returns the block as it starts, and its deltas.
func blockEvents(a *answer, i int, p Part) (object, []object) {
	var deltas []object
	switch p.Kind {
	case PartReason:
		for _, s := range a.deltas(p.Text) {
			deltas = append(deltas, object{"type", "thinking_delta", "thinking", s})
		}
		deltas = append(deltas, object{"type", "signature_delta", "signature", signature(a, i)})
		return object{"type", "thinking", "thinking", "", "signature", ""}, deltas
	case PartCall:
		deltas = append(deltas, object{"type", "input_json_delta", "partial_json", ""})
		for _, s := range pieces(p.Call.Arguments) {
			deltas = append(deltas, object{"type", "input_json_delta", "partial_json", s})
		}
		return object{"type", "tool_use", "id", p.Call.ID, "name", p.Call.Name, "input", object{}}, deltas
	}
	for _, s := range a.deltas(p.Text) {
		deltas = append(deltas, object{"type", "text_delta", "text", s})
	}
	return object{"type", "text", "text", ""}, deltas
}

func messagesFault(_ *answer, p problem, _ int) []frame {
	return []frame{{frameTerminal, "error", anthropicError(p, discard())}}
}
