package simulate

import (
	"encoding/json"
	"errors"
	"strconv"
)

// OpenAI's Responses API, platform.openai.com/docs/api-reference/responses.
var responsesCodec = codec{
	decode:  decodeResponses,
	whole:   func(a *answer) []byte { return indented(response(a, "", items(a, true))) },
	stream:  responsesStream,
	fault:   responsesFault,
	framing: always(framingSSE),
}

// item is an entry of the input list, of any type.
type item struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	Name      string          `json:"name"`
	CallID    string          `json:"call_id"`
	Arguments string          `json:"arguments"`
	Input     string          `json:"input"`
	Output    json.RawMessage `json:"output"`
}

func decodeResponses(body []byte, r *Request) error {
	var q struct {
		Model        string          `json:"model"`
		Stream       bool            `json:"stream"`
		Instructions string          `json:"instructions"`
		Input        json.RawMessage `json:"input"`
		Tools        []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	r.Model, r.Stream, r.System = q.Model, q.Stream, q.Instructions
	for _, t := range q.Tools {
		if t.Name == "" {
			t.Name = t.Type
		}
		r.Tools = append(r.Tools, t.Name)
	}
	var text string
	if json.Unmarshal(q.Input, &text) == nil {
		r.addUser(text, nil)
		return nil
	}
	var input []item
	if len(q.Input) > 0 {
		if err := json.Unmarshal(q.Input, &input); err != nil {
			return errors.New("input: expected a string or a list of items")
		}
	}
	for _, it := range input {
		r.addItem(it)
	}
	return nil
}

func (r *Request) addItem(it item) {
	switch it.Type {
	case "function_call":
		r.add(Message{Role: RoleAssistant, Calls: []ToolCall{{ID: it.CallID, Name: it.Name, Arguments: it.Arguments}}})
	case "custom_tool_call":
		r.add(Message{Role: RoleAssistant, Calls: []ToolCall{{ID: it.CallID, Name: it.Name, Arguments: it.Input, Custom: true}}})
	case "function_call_output", "custom_tool_call_output":
		r.add(Message{Role: RoleTool, Results: []ToolResult{{ID: it.CallID, Text: texts(it.Output)}}})
	case "message", "":
		switch text := texts(it.Content); it.Role {
		case "system", "developer":
			r.addSystem(text)
		case "assistant":
			r.add(Message{Role: RoleAssistant, Text: text})
		default:
			r.addUser(text, nil)
		}
	}
}

// said returns what an answer adds to the conversation.
func (a *answer) said() Message {
	return Message{Role: RoleAssistant, Text: a.text(PartText), Calls: a.calls()}
}

// items writes the output list; done tells finished items from ones begun.
func items(a *answer, done bool) array {
	out := make(array, 0, len(a.script.Parts))
	for i, p := range a.script.Parts {
		out = append(out, outputItem(a, i, p, done))
	}
	return out
}

func itemID(a *answer, i int, p Part) string {
	prefix := "msg_"
	switch {
	case p.Kind == PartReason:
		prefix = "rs_"
	case p.Kind == PartCall && p.Call.Custom:
		prefix = "ctc_"
	case p.Kind == PartCall:
		prefix = "fc_"
	}
	return prefix + a.hex("item" + strconv.Itoa(i))[:48]
}

func outputItem(a *answer, i int, p Part, done bool) object {
	status := "completed"
	if !done {
		status = "in_progress"
	}
	o := object{"id", itemID(a, i, p)}
	switch p.Kind {
	case PartReason:
		summary := array{}
		if done {
			summary = array{object{"type", "summary_text", "text", p.Text}}
		}
		return o.with("type", "reasoning", "summary", summary)
	case PartCall:
		arguments := p.Call.Arguments
		if !done {
			arguments = ""
		}
		if p.Call.Custom {
			return o.with("type", "custom_tool_call", "status", status, "call_id", p.Call.ID, "input", arguments, "name", p.Call.Name)
		}
		return o.with("type", "function_call", "status", status, "arguments", arguments, "call_id", p.Call.ID, "name", p.Call.Name)
	}
	parts := array{}
	if done {
		parts = array{contentPart(p, p.Text)}
	}
	return o.with("type", "message", "status", status, "content", parts, "role", "assistant")
}

func contentPart(p Part, text string) object {
	if p.Kind == PartRefusal {
		return object{"type", "refusal", "refusal", text}
	}
	return object{"type", "output_text", "annotations", array{}, "logprobs", array{}, "text", text}
}

// response writes the response object. An empty status means that of the end.
func response(a *answer, status string, output array) object {
	ended := status == ""
	var incomplete, usage, completedAt any
	if ended {
		status = "completed"
		switch a.finish() {
		case "length":
			status, incomplete = "incomplete", object{"reason", "max_output_tokens"}
		case "filter":
			status, incomplete = "incomplete", object{"reason", "content_filter"}
		}
		usage = responsesUsage(a)
		if status == "completed" {
			completedAt = a.created.Unix()
		}
	}
	body := a.req.body
	return object{
		"id", responseID(a), "object", "response", "created_at", a.created.Unix(), "status", status,
		"background", false, "completed_at", completedAt, "error", nil, "incomplete_details", incomplete,
		"instructions", rawOr(body["instructions"], nil),
		"max_output_tokens", rawOr(body["max_output_tokens"], nil), "max_tool_calls", nil,
		"model", a.script.Model, "output", output, "parallel_tool_calls", rawOr(body["parallel_tool_calls"], true),
		"previous_response_id", rawOr(body["previous_response_id"], nil),
		"reasoning", rawOr(body["reasoning"], object{"effort", nil, "summary", nil}),
		"service_tier", "default", "store", rawOr(body["store"], true), "temperature", rawOr(body["temperature"], 1.0),
		"text", rawOr(body["text"], object{"format", object{"type", "text"}}),
		"tool_choice", rawOr(body["tool_choice"], "auto"), "tools", rawOr(body["tools"], array{}),
		"top_p", rawOr(body["top_p"], 1.0), "truncation", "disabled", "usage", usage,
		"user", nil, "metadata", rawOr(body["metadata"], object{}),
	}
}

func responseID(a *answer) string {
	if a.req.Provider == XAI {
		return a.uuid("id")
	}
	return "resp_" + a.hex("id")[:48]
}

func responsesUsage(a *answer) object {
	u := a.usage
	return object{
		"input_tokens", u.Input, "input_tokens_details", object{"cached_tokens", u.CacheRead},
		"output_tokens", u.Output, "output_tokens_details", object{"reasoning_tokens", u.Reasoning},
		"total_tokens", u.Input + u.Output,
	}
}

func responsesStream(a *answer) []frame {
	s := &responsesEvents{a: a}
	s.add(frameOpening, "response.created", "response", response(a, "in_progress", array{}))
	s.add(frameOpening, "response.in_progress", "response", response(a, "in_progress", array{}))
	for i, p := range a.script.Parts {
		s.item(i, p)
	}
	final := response(a, "", items(a, true))
	name := "response.completed"
	if f := a.finish(); f == "length" || f == "filter" {
		name = "response.incomplete"
	}
	s.add(frameTerminal, name, "response", final)
	return s.frames
}

// responsesEvents numbers the events of one stream.
type responsesEvents struct {
	a      *answer
	frames []frame
}

func (s *responsesEvents) add(kind frameKind, name string, members ...any) {
	o := object{"type", name, "sequence_number", len(s.frames)}
	s.frames = append(s.frames, frame{kind, name, encode(o.with(members...))})
}

// item writes the events of one output item.
func (s *responsesEvents) item(i int, p Part) {
	id := itemID(s.a, i, p)
	s.add(frameContent, "response.output_item.added", "output_index", i, "item", outputItem(s.a, i, p, false))
	at := []any{"item_id", id, "output_index", i}
	with := func(members ...any) []any { return append(append([]any(nil), at...), members...) }
	switch p.Kind {
	case PartReason:
		at = with("summary_index", 0)
		s.add(frameContent, "response.reasoning_summary_part.added", with("part", object{"type", "summary_text", "text", ""})...)
		for n, d := range s.a.deltas(p.Text) {
			s.delta("response.reasoning_summary_text.delta", n, with("delta", d))
		}
		s.add(frameContent, "response.reasoning_summary_text.done", with("text", p.Text)...)
		s.add(frameContent, "response.reasoning_summary_part.done", with("part", object{"type", "summary_text", "text", p.Text})...)
	case PartCall:
		name, member := "response.function_call_arguments", "arguments"
		if p.Call.Custom {
			name, member = "response.custom_tool_call_input", "input"
		}
		for n, d := range pieces(p.Call.Arguments) {
			s.delta(name+".delta", n, with("delta", d))
		}
		s.add(frameContent, name+".done", with(member, p.Call.Arguments)...)
	case PartText, PartRefusal:
		at = with("content_index", 0)
		s.add(frameContent, "response.content_part.added", with("part", contentPart(p, ""))...)
		if p.Kind == PartRefusal {
			for n, d := range s.a.deltas(p.Text) {
				s.delta("response.refusal.delta", n, with("delta", d))
			}
			s.add(frameContent, "response.refusal.done", with("refusal", p.Text)...)
		} else {
			for n, d := range s.a.deltas(p.Text) {
				s.delta("response.output_text.delta", n, with("delta", d, "logprobs", array{}))
			}
			s.add(frameContent, "response.output_text.done", with("text", p.Text, "logprobs", array{})...)
		}
		s.add(frameContent, "response.content_part.done", with("part", contentPart(p, p.Text))...)
	}
	s.add(frameContent, "response.output_item.done", "output_index", i, "item", outputItem(s.a, i, p, true))
}

// delta adds a piece of text, padded as the service pads it against those who
// count bytes.
func (s *responsesEvents) delta(name string, n int, members []any) {
	if s.a.req.Provider == OpenAI && s.a.req.obfuscated() {
		members = append(members, "obfuscation", s.a.id("", 4+(n*7)%11, "pad"+strconv.Itoa(n)))
	}
	s.add(frameContent, name, members...)
}

// responsesFault: the stream tells an error in an event of its own and then
// in the failed response.
func responsesFault(a *answer, p problem, sent int) []frame {
	var e struct {
		Error struct {
			Type    string `json:"type"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(openaiError(p, discard()), &e) // our own JSON
	if e.Error.Code == "" {
		e.Error.Code = e.Error.Type
	}
	failed := response(a, "failed", array{})
	for i := 0; i < len(failed); i += 2 {
		if failed[i] == "error" {
			failed[i+1] = object{"code", e.Error.Code, "message", e.Error.Message}
		}
	}
	return []frame{
		terminal("error", object{"type", "error", "sequence_number", sent, "error", object{
			"type", e.Error.Type, "code", e.Error.Code, "message", e.Error.Message, "param", nil,
		}}),
		terminal("response.failed", object{"type", "response.failed", "sequence_number", sent + 1, "response", failed}),
	}
}
