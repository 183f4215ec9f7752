package simulate

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// OpenAI's chat completions, platform.openai.com/docs/api-reference/chat, and the
// servers that imitate them: see dialect.go for how they differ.
var chatCodec = codec{
	decode:  decodeChat,
	whole:   chatWhole,
	stream:  chatStream,
	fault:   chatFault,
	framing: always(framingSSE),
}

type chatMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolName   string          `json:"tool_name"` // Ollama's native API
	Name       string          `json:"name"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
		Custom *struct {
			Name  string `json:"name"`
			Input string `json:"input"`
		} `json:"custom"`
	} `json:"tool_calls"`
}

func decodeChat(body []byte, r *Request) error {
	var q struct {
		Model    string        `json:"model"`
		Stream   bool          `json:"stream"`
		N        int           `json:"n"`
		Messages []chatMessage `json:"messages"`
		Tools    []struct {
			Function struct {
				Name string `json:"name"`
			} `json:"function"`
			Custom struct {
				Name string `json:"name"`
			} `json:"custom"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.Messages == nil {
		return fmt.Errorf("missing required parameter: 'messages'")
	}
	r.Model, r.Stream, r.Choices = q.Model, q.Stream, q.N
	for _, t := range q.Tools {
		r.Tools = append(r.Tools, t.Function.Name+t.Custom.Name)
	}
	for _, m := range q.Messages {
		r.addChat(m)
	}
	return nil
}

// addChat appends a message as OpenAI's chat and Ollama's native API write it.
func (r *Request) addChat(m chatMessage) {
	text := texts(m.Content)
	switch m.Role {
	case "system", "developer":
		r.addSystem(text)
	case "assistant":
		var calls []ToolCall
		for _, c := range m.ToolCalls {
			call := ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: argumentText(c.Function.Arguments)}
			if c.Custom != nil {
				call = ToolCall{ID: c.ID, Name: c.Custom.Name, Arguments: c.Custom.Input, Custom: true}
			}
			calls = append(calls, call)
		}
		r.add(Message{Role: RoleAssistant, Text: text, Calls: calls})
	case "tool", "function":
		name := m.ToolName
		if name == "" {
			name = m.Name
		}
		r.add(Message{Role: RoleTool, Results: []ToolResult{{ID: m.ToolCallID, Name: name, Text: text}}})
	default:
		r.addUser(text, nil)
	}
}

// argumentText returns arguments that are a JSON string, or an object, as text.
func argumentText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func chatFinish(word string) string {
	switch word {
	case "calls":
		return "tool_calls"
	case "filter":
		return "content_filter"
	case "refusal":
		return "stop"
	}
	return word
}

func chatWhole(a *answer) []byte {
	d := dialectOf(a.req.Provider)
	choices := make(array, 0, a.req.Choices)
	for i := range a.req.Choices {
		choice := object{"index", i, "message", d.message(a)}
		if d.logprobs {
			choice = choice.with("logprobs", nil)
		}
		choice = choice.with("finish_reason", chatFinish(a.finish()))
		if d.stopReason {
			choice = choice.with("stop_reason", nil)
		}
		choices = append(choices, choice)
	}
	body := object{
		"id", d.id(a), "object", "chat.completion", "created", a.created.Unix(),
		"model", a.script.Model, "choices", choices, "usage", d.usage(a.usage),
	}
	body = body.with(d.extra...)
	if d.timeInfo {
		body = body.with("time_info", timeInfo(a))
	}
	if d.indent {
		return indented(body)
	}
	return encode(body)
}

// message writes the assistant's message of a whole answer.
func (d dialect) message(a *answer) object {
	text, calls, refusal := a.text(PartText), a.calls(), a.text(PartRefusal)
	m := object{"role", "assistant"}
	if text == "" && (len(calls) > 0 || refusal != "") && !d.emptyContent {
		m = m.with("content", nil)
	} else {
		m = m.with("content", text)
	}
	if reason := a.text(PartReason); reason != "" && d.reasoning != "" {
		m = m.with(d.reasoning, reason)
	}
	if len(calls) > 0 {
		list := make(array, 0, len(calls))
		for i, c := range calls {
			list = append(list, d.call(i, c, c.Arguments, false))
		}
		m = m.with("tool_calls", list)
	}
	if d.refusal {
		m = m.with("refusal", orNull(refusal), "annotations", array{})
	}
	return m
}

// call writes one tool call, or the first delta of one.
func (d dialect) call(i int, c ToolCall, arguments string, delta bool) object {
	o := object{}
	if delta || d.wholeIndex {
		o = o.with("index", i)
	}
	o = o.with("id", c.ID)
	if c.Custom {
		return o.with("type", "custom", "custom", object{"name", c.Name, "input", arguments})
	}
	return o.with("type", "function", "function", object{"name", c.Name, "arguments", arguments})
}

func chatStream(a *answer) []frame {
	d := dialectOf(a.req.Provider)
	perChoice := make([][]frame, a.req.Choices)
	for i := range perChoice {
		perChoice[i] = d.choiceFrames(a, i)
	}
	frames := interleave(perChoice)
	if !d.usageInFinish && a.req.includeUsage() {
		frames = append(frames, terminal("", d.chunk(a, array{}).with("usage", d.usage(a.usage))))
	}
	if d.obfuscate && a.req.obfuscated() {
		for i := range frames {
			pad := object{"obfuscation", a.id("", 4+(i*7)%11, "pad"+strconv.Itoa(i))}
			frames[i].data = joinObjects(frames[i].data, encode(pad))
		}
	}
	if d.done {
		frames = append(frames, frame{kind: frameTerminal, data: []byte("[DONE]")})
	}
	return frames
}

// choiceFrames writes the events of one choice.
func (d dialect) choiceFrames(a *answer, i int) []frame {
	var frames []frame
	event := func(kind func(string, any) frame, delta object, finish any) {
		choice := object{"index", i, "delta", delta}
		if d.logprobs {
			choice = choice.with("logprobs", nil)
		}
		if finish != nil || d.nullFinish {
			choice = choice.with("finish_reason", finish)
		}
		c := d.chunk(a, array{choice})
		if finish != nil && d.usageInFinish {
			c = c.with("usage", d.usage(a.usage))
			if d.timeInfo {
				c = c.with("time_info", timeInfo(a))
			}
		} else if d.nullUsage && a.req.includeUsage() {
			c = c.with("usage", nil)
		}
		frames = append(frames, kind("", c))
	}
	first := true // the role goes with the first delta, or with all
	delta := func(members ...any) object {
		o := object{}
		if d.roleAlways || (first && d.roleWithFirst) {
			o = object{"role", "assistant"}
		}
		first = false
		return o.with(members...)
	}
	if !d.roleWithFirst && !d.roleAlways {
		role := object{"role", "assistant"}
		if d.emptyContent || len(a.calls()) == 0 || a.text(PartText) != "" {
			role = role.with("content", "")
		} else {
			role = role.with("content", nil)
		}
		if d.refusal {
			role = role.with("refusal", nil)
		}
		event(opening, role, nil)
	}
	for _, p := range a.script.Parts {
		switch p.Kind {
		case PartReason:
			if d.reasoning == "" {
				continue // counted, and not shown
			}
			for _, s := range a.deltas(p.Text) {
				if d.roleAlways {
					event(content, delta("content", "", d.reasoning, s), nil)
				} else {
					event(content, delta(d.reasoning, s), nil)
				}
			}
		case PartText:
			for _, s := range a.deltas(p.Text) {
				event(content, delta("content", s), nil)
			}
		case PartRefusal:
			name := "content"
			if d.refusal {
				name = "refusal"
			}
			for _, s := range a.deltas(p.Text) {
				event(content, delta(name, s), nil)
			}
		}
	}
	for n, c := range a.calls() {
		if d.wholeCalls {
			event(content, delta("tool_calls", array{d.call(n, c, c.Arguments, true)}), nil)
			continue
		}
		event(content, delta("tool_calls", array{d.call(n, c, "", true)}), nil)
		for _, s := range pieces(c.Arguments) {
			piece := object{"index", n, "function", object{"arguments", s}}
			if c.Custom {
				piece = object{"index", n, "custom", object{"input", s}}
			}
			event(content, delta("tool_calls", array{piece}), nil)
		}
	}
	last := object{}
	if d.roleAlways {
		last = object{"role", "assistant", "content", ""}
	}
	event(terminal, last, chatFinish(a.finish()))
	return frames
}

// chunk writes the members that all chunks share.
func (d dialect) chunk(a *answer, choices array) object {
	return object{
		"id", d.id(a), "object", "chat.completion.chunk", "created", a.created.Unix(),
		"model", a.script.Model,
	}.with(d.extra...).with("choices", choices)
}

// interleave takes one frame of each list in turn.
func interleave(lists [][]frame) []frame {
	if len(lists) == 1 {
		return lists[0]
	}
	var all []frame
	for i := 0; ; i++ {
		more := false
		for _, l := range lists {
			if i < len(l) {
				all = append(all, l[i])
				more = true
			}
		}
		if !more {
			return all
		}
	}
}

// obfuscated reports stream_options.include_obfuscation, which is on unless
// the request says no.
func (r *Request) obfuscated() bool {
	var o struct {
		Include *bool `json:"include_obfuscation"`
	}
	return json.Unmarshal(r.body["stream_options"], &o) != nil || o.Include == nil || *o.Include
}

// joinObjects appends the members of the object b to the object a.
func joinObjects(a, b []byte) []byte {
	return append(append(a[:len(a)-1:len(a)-1], ','), b[1:]...)
}

func chatFault(a *answer, p problem, _ int) []frame {
	return []frame{{kind: frameTerminal, data: compact(shapeOf(a.req.Provider, ChatCompletions)(p, discard()))}}
}
