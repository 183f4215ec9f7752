package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Difference is one member in which an answer is not as expected.
type Difference struct {
	Field     string
	Want, Got any
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: want %s, got %s", d.Field, short(d.Want), short(d.Got))
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 300 {
		return fmt.Sprintf("%s … (%d bytes)", b[:300], len(b))
	}
	return string(b)
}

// comparison gathers differences, and counts what was compared.
type comparison struct {
	fields int
	diffs  []Difference
}

func (c *comparison) equal(field string, want, got any) {
	c.fields++
	if !reflect.DeepEqual(want, got) {
		c.diffs = append(c.diffs, Difference{field, want, got})
	}
}

func (c *comparison) text(field string, want *string, got string) {
	if want != nil {
		c.equal(field, *want, got)
	}
}

// json compares values and not bytes, so 1e-5 is 0.00001; absent is the empty string.
func (c *comparison) json(field string, want, got json.RawMessage) {
	c.equal(field, decoded(want), decoded(got))
}

func decoded(b json.RawMessage) any {
	if len(b) == 0 {
		return ""
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err.Error() + ": " + string(b)
	}
	return numbers(v)
}

// numbers replaces each number by one that equals others of the same value.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			if n := int64(f); f == float64(n) && n > -1<<53 && n < 1<<53 {
				return n
			}
			return f
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	}
	return v
}

// Compare returns how many members were compared, and those that differ.
func Compare(x Exchange, a llm.Answer) (fields int, diffs []Difference) {
	e := x.Expect
	c := &comparison{}
	c.text("model", e.Model, a.Model)
	c.text("id", e.ID, a.ID)
	c.text("text", e.Text, a.Text())
	c.text("refusal", e.Refusal, a.Refusal)
	c.text("reasoning_text", e.ReasoningText, a.Reasoning)
	if e.ReasoningText == nil {
		c.text("reasoning_summary", (*string)(e.Summary), a.Reasoning)
	}
	if e.FinishReasons != nil {
		want := make([]string, len(e.FinishReasons))
		for i, r := range e.FinishReasons {
			want[i] = deref(r)
		}
		c.equal("finish_reasons", want, a.FinishReasons)
	}
	c.choices(e.Choices, a.Choices)
	c.usage(e, a.Usage)
	if e.ToolCalls != nil {
		c.toolCalls(*e.ToolCalls, a.ToolCalls)
	}
	c.err(e.Error, a.Error)
	if want, known := complete(e); known {
		c.equal("complete", want, a.Complete)
	}
	return c.fields, c.diffs
}

func (c *comparison) choices(want []ExpectChoice, got []llm.Choice) {
	if want == nil {
		return
	}
	c.equal("number of choices", len(want), len(got))
	for i, w := range want {
		if i >= len(got) {
			break
		}
		field := fmt.Sprintf("choices[%d].", i)
		c.equal(field+"index", w.Index, got[i].Index)
		c.text(field+"text", w.Text, got[i].Text)
		c.equal(field+"finish_reason", deref(w.FinishReason), got[i].FinishReason)
	}
}

// usage compares the normal form; expect.json has the provider's own counts.
func (c *comparison) usage(e Expect, got *llm.Usage) {
	if e.Usage == nil {
		return
	}
	if got == nil {
		got = &llm.Usage{}
	}
	want := *e.Usage
	switch e.Kind {
	case "anthropic": // cache reads and writes stand outside input_tokens
		if want.Input != nil {
			want.Input = sum(want.Input, want.CachedInput, want.CacheWrite)
		}
	case "gemini": // thoughts and tool-use prompts stand outside
		want.Input = sum(want.Input, want.ToolUseInput)
		want.Output = sum(want.Output, want.Reasoning)
	case "chat": // xAI's reasoning stands outside completion_tokens
		if want.Total != nil && want.Input != nil && want.Output != nil && want.Reasoning != nil &&
			*want.Total == *want.Input+*want.Output+*want.Reasoning {
			want.Output = sum(want.Output, want.Reasoning)
		}
	}
	count := func(field string, want, got *int64) {
		if want != nil {
			c.equal(field, want, got)
		}
	}
	count("usage.input", want.Input, got.InputTokens)
	count("usage.output", want.Output, got.OutputTokens)
	count("usage.cached_input", want.CachedInput, got.CacheReadTokens)
	count("usage.cache_write", want.CacheWrite, got.CacheWriteTokens)
	count("usage.reasoning", want.Reasoning, got.ReasoningTokens)
	if want.Raw != nil {
		c.json("usage.raw", want.Raw, got.Raw)
	}
}

func sum(counts ...*int64) *int64 {
	var total *int64
	for _, n := range counts {
		switch {
		case n == nil:
		case total == nil:
			v := *n
			total = &v
		default:
			*total += *n
		}
	}
	return total
}

func (c *comparison) toolCalls(want []ExpectToolCall, got []llm.ToolCall) {
	c.equal("number of tool calls", len(want), len(got))
	for i, w := range want {
		if i >= len(got) {
			break
		}
		g, field := got[i], fmt.Sprintf("tool_calls[%d].", i)
		c.text(field+"id", w.ID, g.ID)
		c.equal(field+"name", w.Name, g.Name)
		if w.Choice != nil {
			c.equal(field+"choice", *w.Choice, g.Choice)
		}
		switch w.Type {
		case "custom":
			c.equal(field+"kind", "custom", g.Kind)
			c.text(field+"input", w.Input, g.ArgumentsText)
			continue
		case "legacy_function_call":
			c.equal(field+"kind", "function_call", g.Kind)
		}
		switch {
		case w.Arguments != nil:
			c.json(field+"arguments", w.Arguments, g.Arguments)
		case w.ArgumentsRaw != nil:
			c.equal(field+"arguments_raw", *w.ArgumentsRaw, g.ArgumentsText)
		}
	}
}

func (c *comparison) err(want *ExpectError, got *llm.Error) {
	c.equal("is an error", want != nil, got != nil)
	if want == nil || got == nil {
		return
	}
	c.equal("error.source", llm.SourceUpstream, got.Source)
	c.text("error.type", want.Type, got.Type)
	c.text("error.message", want.Message, got.Message)
	c.text("error.param", want.Param, got.Param)
	if want.Code != nil {
		c.equal("error.code", fmt.Sprint(want.Code), got.Code)
	}
}

// complete says whether the protocol's end was seen, where expect.json tells.
// Cerebras and others end a chat stream without [DONE]; there every choice
// having a finish reason is the end.
func complete(e Expect) (want, known bool) {
	switch {
	case !e.Stream:
		return true, true
	case e.SawDone != nil:
		finished := len(e.FinishReasons) > 0
		for _, r := range e.FinishReasons {
			finished = finished && r != nil
		}
		return *e.SawDone || finished, true
	case e.SawStop != nil:
		return *e.SawStop, true
	case e.Members["terminal_event"] != nil:
		return string(e.Members["terminal_event"]) != "null", true
	}
	return false, false
}

func deref(w *Words) string {
	if w == nil {
		return ""
	}
	return string(*w)
}
