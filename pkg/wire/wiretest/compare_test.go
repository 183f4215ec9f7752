package wiretest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func expect(t *testing.T, text string) Exchange {
	t.Helper()
	var x Exchange
	if err := json.Unmarshal([]byte(text), &x.Expect); err != nil {
		t.Fatal(err)
	}
	return x
}

func n(v int64) *int64 { return &v }

func answer() llm.Answer {
	return llm.Answer{
		ID: "i", Model: "m", Reasoning: "r", Refusal: "no",
		Choices:       []llm.Choice{{Text: "t", FinishReason: "stop"}},
		FinishReasons: []string{"stop"},
		ToolCalls:     []llm.ToolCall{{ID: "c", Name: "f", Arguments: json.RawMessage(`{"a":1.0}`)}},
		Usage:         &llm.Usage{InputTokens: n(1), OutputTokens: n(12), ReasoningTokens: n(10), Raw: json.RawMessage(`{"x":1e-5}`)},
		Error:         &llm.Error{Source: llm.SourceUpstream, Code: "400", Message: "e"},
		Complete:      true,
	}
}

const want = `{"kind":"chat","stream":true,"model":"m","id":"i","text":"t","reasoning_text":"r","refusal":"no","finish_reasons":["stop"],
"choices":[{"index":0,"text":"t","finish_reason":"stop"}],"tool_calls":[{"choice":0,"id":"c","name":"f","arguments":{"a":1}}],
"usage":{"input":1,"output":2,"total":13,"reasoning":10,"raw":{"x":0.00001}},"error":{"code":400,"message":"e"},"saw_done":false}`

// The comparison must see each difference; a harness that finds none proves nothing.
func TestCompareSees(t *testing.T) {
	x := expect(t, want)
	if _, diffs := Compare(x, answer()); len(diffs) > 0 {
		t.Fatal(diffs)
	}
	for field, change := range map[string]func(*llm.Answer){
		"model":                func(a *llm.Answer) { a.Model = "" },
		"id":                   func(a *llm.Answer) { a.ID = "j" },
		"text":                 func(a *llm.Answer) { a.Choices[0].Text = "u" },
		"reasoning_text":       func(a *llm.Answer) { a.Reasoning = "" },
		"refusal":              func(a *llm.Answer) { a.Refusal = "" },
		"finish_reasons":       func(a *llm.Answer) { a.FinishReasons = nil },
		"number of choices":    func(a *llm.Answer) { a.Choices = append(a.Choices, llm.Choice{}) },
		"number of tool calls": func(a *llm.Answer) { a.ToolCalls = nil },
		"tool_calls[0].id":     func(a *llm.Answer) { a.ToolCalls[0].ID = "" },
		"tool_calls[0].choice": func(a *llm.Answer) { a.ToolCalls[0].Choice = 1 },
		"tool_calls[0].arguments": func(a *llm.Answer) {
			a.ToolCalls[0].Arguments = json.RawMessage(`{"a":2}`)
		},
		"usage.input":   func(a *llm.Answer) { a.Usage.InputTokens = nil },
		"usage.output":  func(a *llm.Answer) { a.Usage.OutputTokens = n(2) },
		"usage.raw":     func(a *llm.Answer) { a.Usage.Raw = nil },
		"is an error":   func(a *llm.Answer) { a.Error = nil },
		"error.source":  func(a *llm.Answer) { a.Error.Source = llm.SourceArchestra },
		"error.code":    func(a *llm.Answer) { a.Error.Code = "" },
		"error.message": func(a *llm.Answer) { a.Error.Message = "" },
		"complete":      func(a *llm.Answer) { a.Complete = false },
	} {
		a := answer()
		change(&a)
		var fields []string
		_, diffs := Compare(x, a)
		for _, d := range diffs {
			if d.Field != "choices[0].text" { // the text stands twice
				fields = append(fields, d.Field)
			}
		}
		if d := cmp.Diff([]string{field}, fields); d != "" {
			t.Errorf("%s (-want +got):\n%s", field, d)
		}
	}
}

func TestNormalForm(t *testing.T) {
	for text, usage := range map[string]llm.Usage{
		`{"kind":"anthropic","usage":{"input":1,"cached_input":20,"cache_write":300,"output":5}}`:       {InputTokens: n(321), CacheReadTokens: n(20), CacheWriteTokens: n(300), OutputTokens: n(5)},
		`{"kind":"gemini","usage":{"input":1,"tool_use_input":2,"output":5,"reasoning":40}}`:            {InputTokens: n(3), OutputTokens: n(45), ReasoningTokens: n(40)},
		`{"kind":"gemini","usage":{"input":1,"reasoning":40}}`:                                          {InputTokens: n(1), OutputTokens: n(40), ReasoningTokens: n(40)},
		`{"kind":"chat","usage":{"input":1,"output":5,"reasoning":4,"total":6}}`:                        {InputTokens: n(1), OutputTokens: n(5), ReasoningTokens: n(4)},
		`{"kind":"chat","usage":{"input":1,"output":5,"reasoning":4,"total":10,"cached_input":0}}`:      {InputTokens: n(1), OutputTokens: n(9), ReasoningTokens: n(4), CacheReadTokens: n(0)},
		`{"kind":"responses","usage":{"input":1,"output":5,"reasoning":4,"total":10,"cached_input":0}}`: {InputTokens: n(1), OutputTokens: n(5), ReasoningTokens: n(4), CacheReadTokens: n(0)},
	} {
		if _, diffs := Compare(expect(t, text), llm.Answer{Usage: &usage, Complete: true}); len(diffs) > 0 {
			t.Errorf("%s: %v", text, diffs)
		}
	}
}
