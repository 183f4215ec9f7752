package simulate

import (
	"encoding/json"
	"errors"
	"time"
)

// Ollama's native API, docs.ollama.com/api: lines of JSON, the last of which has
// "done": true and the counts.
var (
	ollamaChatCodec = codec{
		decode:  decodeOllamaChat,
		whole:   func(a *answer) []byte { return encode(ollamaLast(a, object{"message", ollamaMessage(a)})) },
		stream:  ollamaChatStream,
		fault:   ollamaFault,
		framing: always(framingNDJSON),
	}
	ollamaGenerateCodec = codec{
		decode:  decodeOllamaGenerate,
		whole:   ollamaGenerateWhole,
		stream:  ollamaGenerateStream,
		fault:   ollamaFault,
		framing: always(framingNDJSON),
	}
)

// streamed reads the member stream, which is true where it is absent.
func (r *Request) streamed() bool {
	_, said := r.body["stream"]
	return !said || r.flag("stream")
}

func decodeOllamaChat(body []byte, r *Request) error {
	var q struct {
		Model    string        `json:"model"`
		Messages []chatMessage `json:"messages"`
		Tools    []struct {
			Function struct {
				Name string `json:"name"`
			} `json:"function"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.Model == "" {
		return errors.New("model is required")
	}
	r.Model, r.Stream = q.Model, r.streamed()
	for _, t := range q.Tools {
		r.Tools = append(r.Tools, t.Function.Name)
	}
	for _, m := range q.Messages {
		r.addChat(m)
	}
	return nil
}

func decodeOllamaGenerate(body []byte, r *Request) error {
	var q struct {
		Model  string `json:"model"`
		System string `json:"system"`
		Prompt string `json:"prompt"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.Model == "" {
		return errors.New("model is required")
	}
	r.Model, r.System, r.Stream = q.Model, q.System, r.streamed()
	r.addUser(q.Prompt, nil)
	return nil
}

// ollamaLine writes the members that all lines share.
func ollamaLine(a *answer) object {
	return object{"model", a.script.Model, "created_at", a.created.Format(time.RFC3339Nano)}
}

// ollamaLast writes a line that ends the answer, with the counts.
func ollamaLast(a *answer, members object) object {
	reason := a.finish()
	if reason == "calls" || reason == "refusal" {
		reason = "stop"
	}
	return ollamaLine(a).with(members...).with(
		"done", true, "done_reason", reason,
		"total_duration", 5_000_000, "load_duration", 1_000_000,
		"prompt_eval_count", a.usage.Input, "prompt_eval_duration", 1_000_000,
		"eval_count", a.usage.Output, "eval_duration", 3_000_000,
	)
}

func ollamaCall(i int, c ToolCall) object {
	return object{"id", c.ID, "function", object{"index", i, "name", c.Name, "arguments", jsonOrString(c.Arguments)}}
}

func ollamaMessage(a *answer) object {
	m := object{"role", "assistant", "content", a.text(PartText) + a.text(PartRefusal)}
	if reason := a.text(PartReason); reason != "" {
		m = m.with("thinking", reason)
	}
	var calls array
	for i, c := range a.calls() {
		calls = append(calls, ollamaCall(i, c))
	}
	if calls != nil {
		m = m.with("tool_calls", calls)
	}
	return m
}

func ollamaChatStream(a *answer) []frame {
	var frames []frame
	line := func(members ...any) {
		m := object{"role", "assistant"}.with(members...)
		frames = append(frames, content("", ollamaLine(a).with("message", m, "done", false)))
	}
	n := 0
	for _, p := range a.script.Parts {
		switch p.Kind {
		case PartReason:
			for _, s := range a.deltas(p.Text) {
				line("content", "", "thinking", s)
			}
		case PartCall:
			line("content", "", "tool_calls", array{ollamaCall(n, p.Call)})
			n++
		default:
			for _, s := range a.deltas(p.Text) {
				line("content", s)
			}
		}
	}
	last := object{"message", object{"role", "assistant", "content", ""}}
	return append(frames, terminal("", ollamaLast(a, last)))
}

func ollamaGenerateWhole(a *answer) []byte {
	o := object{"response", a.text(PartText) + a.text(PartRefusal)}
	if reason := a.text(PartReason); reason != "" {
		o = o.with("thinking", reason)
	}
	return encode(ollamaLast(a, o.with("context", array{1, 2, 3})))
}

func ollamaGenerateStream(a *answer) []frame {
	var frames []frame
	for _, p := range a.script.Parts {
		for _, s := range a.deltas(p.Text) {
			o := ollamaLine(a)
			if p.Kind == PartReason {
				o = o.with("response", "", "thinking", s)
			} else {
				o = o.with("response", s)
			}
			frames = append(frames, content("", o.with("done", false)))
		}
	}
	return append(frames, terminal("", ollamaLast(a, object{"response", "", "context", array{1, 2, 3}})))
}

func ollamaFault(_ *answer, p problem, _ int) []frame {
	return []frame{{kind: frameTerminal, data: ollamaError(p, discard())}}
}
