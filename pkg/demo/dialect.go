package demo

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// dialect keeps an agent's conversation in a provider's format.
type dialect interface {
	user(text string)
	request() (path string, body []byte, err error)
	header(h http.Header)
	// answer reads the events of a streamed answer and keeps it.
	answer(events [][]byte) (text string, calls []called, err error)
	results(calls []called)
}

// called is a tool call as it came, and what the tool made of it.
type called struct {
	id, name, arguments, result string
}

// key is sent where a provider expects a key. The simulated one takes any.
const key = "demo"

func speak(s *Scene) (dialect, error) {
	switch s.API {
	case llm.APIMessages:
		return &anthropic{scene: s}, nil
	case llm.APIChatCompletions:
		d := &chat{scene: s}
		d.history = append(d.history, object{"role": "system", "content": s.System})
		return d, nil
	case llm.APIGenerateContent:
		return &gemini{scene: s}, nil
	}
	return nil, fmt.Errorf("demo: no agent speaks %q", s.API)
}

// marks is what stands in every answer of a format that calls a tool, and in no
// other.
var marks = map[llm.API]string{
	llm.APIMessages:        `"tool_use"`,
	llm.APIChatCompletions: `"tool_calls"`,
	llm.APIGenerateContent: `"functionCall"`,
}

// object is a JSON object that is written.
type object = map[string]any

// schema is the JSON schema of a tool's arguments.
func (t *Tool) schema() object {
	properties := object{}
	for _, name := range t.Text {
		properties[name] = object{"type": "string"}
	}
	for _, name := range t.Number {
		properties[name] = object{"type": "number"}
	}
	return object{"type": "object", "properties": properties}
}

// anthropic is the Messages API, docs.claude.com/en/api/messages.
type anthropic struct {
	scene   *Scene
	history []object
}

func (d *anthropic) header(h http.Header) {
	h.Set("X-Api-Key", key)
	h.Set("Anthropic-Version", "2023-06-01")
}

func (d *anthropic) user(text string) {
	d.history = append(d.history, object{"role": "user", "content": text})
}

func (d *anthropic) request() (string, []byte, error) {
	var tools []object
	for _, t := range d.scene.Tools {
		tools = append(tools, object{"name": t.Name, "description": t.About, "input_schema": t.schema()})
	}
	b, err := json.Marshal(object{
		"model": d.scene.Model, "max_tokens": 4096, "stream": true, "system": d.scene.System, "tools": tools, "messages": d.history,
	})
	return "/v1/messages", b, err
}

func (d *anthropic) answer(events [][]byte) (text string, calls []called, err error) {
	at := map[int]int{} // of content blocks, to places in calls
	for _, data := range events {
		var e struct {
			Type  string `json:"type"`
			Index int    `json:"index"`
			Block struct {
				Type, ID, Name string
			} `json:"content_block"`
			Delta struct {
				Text string `json:"text"`
				JSON string `json:"partial_json"`
			} `json:"delta"`
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return "", nil, err
		}
		if e.Type == "content_block_start" && e.Block.Type == "tool_use" {
			at[e.Index] = len(calls)
			calls = append(calls, called{id: e.Block.ID, name: e.Block.Name})
		}
		text += e.Delta.Text
		if i, ok := at[e.Index]; ok {
			calls[i].arguments += e.Delta.JSON
		}
	}
	var content []object
	if text != "" {
		content = append(content, object{"type": "text", "text": text})
	}
	for _, c := range calls {
		content = append(content, object{"type": "tool_use", "id": c.id, "name": c.name, "input": json.RawMessage(c.arguments)})
	}
	d.history = append(d.history, object{"role": "assistant", "content": content})
	return text, calls, nil
}

func (d *anthropic) results(calls []called) {
	var content []object
	for _, c := range calls {
		content = append(content, object{"type": "tool_result", "tool_use_id": c.id, "content": c.result})
	}
	d.history = append(d.history, object{"role": "user", "content": content})
}

// chat is OpenAI's chat completions, platform.openai.com/docs/api-reference/chat.
type chat struct {
	scene   *Scene
	history []object
}

func (d *chat) header(h http.Header) { h.Set("Authorization", "Bearer "+key) }

func (d *chat) user(text string) {
	d.history = append(d.history, object{"role": "user", "content": text})
}

func (d *chat) request() (string, []byte, error) {
	var tools []object
	for _, t := range d.scene.Tools {
		tools = append(tools, object{"type": "function", "function": object{"name": t.Name, "description": t.About, "parameters": t.schema()}})
	}
	b, err := json.Marshal(object{
		"model": d.scene.Model, "stream": true, "stream_options": object{"include_usage": true}, "tools": tools, "messages": d.history,
	})
	return "/chat/completions", b, err
}

func (d *chat) answer(events [][]byte) (text string, calls []called, err error) {
	at := map[int]int{}
	for _, data := range events {
		if string(data) == "[DONE]" {
			break
		}
		var e struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
					Calls   []struct {
						Index    int    `json:"index"`
						ID       string `json:"id"`
						Function struct {
							Name, Arguments string
						} `json:"function"`
					} `json:"tool_calls"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return "", nil, err
		}
		for _, choice := range e.Choices {
			text += choice.Delta.Content
			for _, c := range choice.Delta.Calls {
				i, ok := at[c.Index]
				if !ok {
					i = len(calls)
					at[c.Index] = i
					calls = append(calls, called{id: c.ID, name: c.Function.Name})
				}
				calls[i].arguments += c.Function.Arguments
			}
		}
	}
	m := object{"role": "assistant", "content": text}
	var made []object
	for _, c := range calls {
		made = append(made, object{"id": c.id, "type": "function", "function": object{"name": c.name, "arguments": c.arguments}})
	}
	if made != nil {
		m["tool_calls"] = made
	}
	d.history = append(d.history, m)
	return text, calls, nil
}

func (d *chat) results(calls []called) {
	for _, c := range calls {
		d.history = append(d.history, object{"role": "tool", "tool_call_id": c.id, "content": c.result})
	}
}

// gemini is generateContent, ai.google.dev/api/generate-content.
type gemini struct {
	scene   *Scene
	history []object
}

func (d *gemini) header(h http.Header) { h.Set("X-Goog-Api-Key", key) }

func (d *gemini) user(text string) { d.add("user", []any{object{"text": text}}) }

func (d *gemini) add(role string, parts []any) {
	d.history = append(d.history, object{"role": role, "parts": parts})
}

func (d *gemini) request() (string, []byte, error) {
	var tools []object
	for _, t := range d.scene.Tools {
		tools = append(tools, object{"name": t.Name, "description": t.About, "parameters": t.schema()})
	}
	b, err := json.Marshal(object{
		"contents": d.history, "systemInstruction": object{"parts": []object{{"text": d.scene.System}}}, "tools": []object{{"functionDeclarations": tools}},
	})
	return "/v1beta/models/" + d.scene.Model + ":streamGenerateContent?alt=sse", b, err
}

func (d *gemini) answer(events [][]byte) (text string, calls []called, err error) {
	var made []any // as they came: they carry signatures that have to come back
	for _, data := range events {
		var e struct {
			Candidates []struct {
				Content struct {
					Parts []json.RawMessage `json:"parts"`
				} `json:"content"`
			} `json:"candidates"`
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return "", nil, err
		}
		for _, c := range e.Candidates {
			for _, raw := range c.Content.Parts {
				var p struct {
					Text string `json:"text"`
					Call *struct {
						ID, Name string
						Args     json.RawMessage
					} `json:"functionCall"`
				}
				if err := json.Unmarshal(raw, &p); err != nil {
					return "", nil, err
				}
				text += p.Text
				if p.Call != nil {
					made = append(made, raw)
					calls = append(calls, called{id: p.Call.ID, name: p.Call.Name, arguments: string(p.Call.Args)})
				}
			}
		}
	}
	if text != "" {
		made = append([]any{object{"text": text}}, made...)
	}
	d.add("model", made)
	return text, calls, nil
}

func (d *gemini) results(calls []called) {
	var parts []any
	for _, c := range calls {
		parts = append(parts, object{"functionResponse": object{"id": c.id, "name": c.name, "response": object{"output": c.result}}})
	}
	d.add("user", parts)
}
