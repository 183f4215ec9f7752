package payload

import (
	"encoding/json"
	"fmt"
)

// An object whose members keep their order and which cannot fail to encode:
// strings, numbers, maps and slices of them.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a defect of this package
	}
	return b
}

// Small yields the chat that everyone quotes: one kilobyte there and back. Each
// question is another one.
func Small(seed uint64) Source {
	t, n := newText(seed), 0
	system := encode(t.prose(300))
	return func() Request {
		n++
		body := fmt.Appendf(nil, `{"model":%q,"temperature":0.2,"messages":[{"role":"system","content":%s},{"role":"user","content":%s}]}`,
			ModelChat, system, encode(fmt.Sprintf("Question %d-%d: %s", seed, n, t.prose(480))))
		return Request{Format: Chat, Body: [][]byte{body}, Answer: answers[answerKey{ModelChat, Chat}]}
	}
}

// Streaming yields small questions whose answer is a stream.
func Streaming(m Model, seed uint64) Source {
	t, n := newText(seed), 0
	return func() Request {
		n++
		body := fmt.Appendf(nil, `{"model":%q,"stream":true,"messages":[{"role":"user","content":%s}]}`, m, encode(fmt.Sprintf("Tell %d-%d: %s", seed, n, t.prose(200))))
		return Request{Format: Chat, Body: [][]byte{body}, Answer: answers[answerKey{m, Chat}]}
	}
}

// Shape is the size of an agent's session.
type Shape struct {
	Base   int // bytes of the first request, instructions and tools included
	First  int // its messages
	Turn   int // bytes that a turn adds
	Rewind int // after so many turns the session goes back to its first request and on another way; 0: it never does
}

// The sessions of the benchmark. A typical turn keeps its size since it goes back,
// as people do who try again: its history has always been seen.
var (
	Typical = Shape{Base: 175_000, First: 48, Turn: 2_000, Rewind: 16}
	Growing = Shape{Base: 30_000, First: 1, Turn: 2_950}
)

// Agent yields the turns of a coding agent's session: instructions, 16 tools, a
// history, and with each turn one call of a tool and its result more.
func Agent(f Format, s Shape, seed uint64) Source {
	t := newText(seed)
	w := writer{f, t}
	base := w.begin()
	for i := range s.First {
		left := (s.Base - len(base)) / (s.First - i)
		if i > 0 {
			base = append(base, ',')
		}
		switch {
		case i == 0:
			base = append(base, w.user(fmt.Sprintf("Task %d. %s", seed, t.prose(max(100, left/2))))...)
		case i%2 == 1:
			base = append(base, w.call(i, max(80, left/4))...)
		default:
			base = append(base, w.result(i-1, max(100, left))...)
		}
	}
	base = base[:len(base):len(base)] // turns must not share what grows behind it
	n, body := s.First, [][]byte{base}
	return func() Request {
		if s.Rewind > 0 && len(body) > s.Rewind {
			body = body[:1:1]
		}
		turn := append([]byte{','}, w.call(n, s.Turn/5)...)
		turn = append(append(turn, ','), w.result(n, s.Turn*4/5)...)
		n += 2
		body = append(body, turn)
		return Request{Format: f, Body: append(body[:len(body):len(body)], []byte("]}")), Answer: answers[answerKey{ModelAgent, f}]}
	}
}

// writer writes the messages of one format.
type writer struct {
	f Format
	t text
}

type object map[string]any

// begin writes a request up to its first message: 10 kB of instructions and 16
// tools of about a kilobyte, the same in every session.
func (w writer) begin() []byte {
	t := newText(7)
	instructions := t.prose(10_000)
	var tools []any
	for _, name := range []string{"Read", "Write", "Edit", "Grep", "Glob", "Bash", "Task", "TodoWrite", "WebFetch", "WebSearch", "NotebookEdit", "LSP", "Plan", "Skill", "Monitor", "Ask"} {
		properties := object{}
		for range 5 {
			properties[t.pick(nouns)] = object{"type": "string", "description": t.prose(90)}
		}
		schema := object{"type": "object", "properties": properties, "additionalProperties": false}
		if w.f == Messages {
			tools = append(tools, object{"name": name, "description": t.prose(400), "input_schema": schema})
		} else {
			tools = append(tools, object{"type": "function", "function": object{"name": name, "description": t.prose(400), "parameters": schema}})
		}
	}
	if w.f == Messages {
		return fmt.Appendf(nil, `{"model":%q,"max_tokens":16000,"stream":true,"system":%s,"tools":%s,"messages":[`, ModelAgent,
			encode([]any{object{"type": "text", "text": instructions, "cache_control": object{"type": "ephemeral"}}}), encode(tools))
	}
	return fmt.Appendf(nil, `{"model":%q,"stream":true,"stream_options":{"include_usage":true},"tools":%s,"messages":[{"role":"system","content":%s},`,
		ModelAgent, encode(tools), encode(instructions))
}

func (w writer) user(s string) []byte {
	return encode(object{"role": "user", "content": s})
}

// call writes an assistant's message: some words, then a call of a tool.
func (w writer) call(i, size int) []byte {
	id, words := fmt.Sprintf("toolu_%08d", i), w.t.prose(size)
	path := "pkg/" + w.t.pick(nouns) + "/" + w.t.pick(nouns) + ".go"
	if w.f == Messages {
		return encode(object{"role": "assistant", "content": []any{
			object{"type": "text", "text": words},
			object{"type": "tool_use", "id": id, "name": "Read", "input": object{"file_path": path}}}})
	}
	return encode(object{"role": "assistant", "content": words, "tool_calls": []any{
		object{"id": id, "type": "function", "function": object{"name": "Read", "arguments": string(encode(object{"file_path": path}))}}}})
}

// result writes what the tool gave back: a source file.
func (w writer) result(i, size int) []byte {
	id, code := fmt.Sprintf("toolu_%08d", i), w.t.code(size)
	if w.f == Messages {
		return encode(object{"role": "user", "content": []any{object{"type": "tool_result", "tool_use_id": id, "content": code}}})
	}
	return encode(object{"role": "tool", "tool_call_id": id, "content": code})
}
