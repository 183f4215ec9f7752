package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Comparison says how an exchange compares with the one whose request it repeats.
type Comparison struct {
	// TextEqual tells that both answers' texts are the same, and Alike how much of
	// their words is, from 0 to 1. Text says where they part, or is "".
	TextEqual bool    `json:"text_equal"`
	Alike     float64 `json:"alike"`
	Text      string  `json:"text_diff,omitempty"`
	// ToolCallsEqual tells that both have the same calls: their names and
	// arguments, in their order. ToolCalls says what differs.
	ToolCallsEqual     bool     `json:"tool_calls_equal"`
	ToolCalls          []string `json:"tool_calls_diff,omitempty"`
	FinishReasonsEqual bool     `json:"finish_reasons_equal"`
}

// Exchanges compares an answer with the original.
func Exchanges(original, again *llm.Interaction) Comparison {
	c := Comparison{
		TextEqual:          original.Text == again.Text,
		FinishReasonsEqual: slices.Equal(original.FinishReasons, again.FinishReasons),
	}
	c.Alike, c.Text = texts(original.Text, again.Text)
	c.ToolCalls = calls(original.ToolCalls, again.ToolCalls)
	c.ToolCallsEqual = len(c.ToolCalls) == 0
	return c
}

// calls says what differs between two lists of tool calls, by their places. Ids
// are new each time.
func calls(was, is []llm.ToolCall) []string {
	var out []string
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(was):
			out = append(out, fmt.Sprintf("new: %s", call(is[i])))
		case i >= len(is):
			out = append(out, fmt.Sprintf("missing: %s", call(was[i])))
		case was[i].Name != is[i].Name:
			out = append(out, fmt.Sprintf("%s instead of %s", call(is[i]), call(was[i])))
		case !bytes.Equal(arguments(was[i]), arguments(is[i])):
			out = append(out, fmt.Sprintf("%s: arguments %s were %s", is[i].Name, short(string(arguments(is[i]))), short(string(arguments(was[i])))))
		}
	}
	return out
}

func call(c llm.ToolCall) string { return c.Name + " " + short(string(arguments(c))) }

// arguments are a call's in one form: white space and the order of members aside.
func arguments(c llm.ToolCall) []byte {
	if c.Arguments == nil {
		return []byte(c.ArgumentsText)
	}
	dec := json.NewDecoder(bytes.NewReader(c.Arguments))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return c.Arguments
	}
	b, err := json.Marshal(v)
	if err != nil {
		return c.Arguments
	}
	return b
}

// Numbers are what is measured of an exchange; nil is not known.
type Numbers struct {
	InputTokens  *int64       `json:"input_tokens,omitempty"`
	OutputTokens *int64       `json:"output_tokens,omitempty"`
	CostUSD      *llm.Decimal `json:"cost_usd,omitempty"`
	TTFTMS       *llm.Millis  `json:"ttft_ms,omitempty"`
	DurationMS   *llm.Millis  `json:"duration_ms,omitempty"`
}

// NumbersOf are an exchange's own.
func NumbersOf(i *llm.Interaction) Numbers {
	n := Numbers{CostUSD: i.CostUSD, TTFTMS: i.TTFTMS, DurationMS: i.DurationMS}
	if i.Usage != nil {
		n.InputTokens, n.OutputTokens = i.Usage.InputTokens, i.Usage.OutputTokens
	}
	return n
}

// Median is the median of each number, of the exchanges of which it is known.
func Median(all []*llm.Interaction) Numbers {
	var n Numbers
	var in, out []int64
	var cost []llm.Decimal
	var ttft, took []llm.Millis
	for _, i := range all {
		x := NumbersOf(i)
		in, out = known(in, x.InputTokens), known(out, x.OutputTokens)
		cost, ttft, took = known(cost, x.CostUSD), known(ttft, x.TTFTMS), known(took, x.DurationMS)
	}
	n.InputTokens, n.OutputTokens = median(in), median(out)
	n.CostUSD, n.TTFTMS, n.DurationMS = median(cost), median(ttft), median(took)
	return n
}

func known[T any](list []T, v *T) []T {
	if v == nil {
		return list
	}
	return append(list, *v)
}

// median is the middle one, or between the two in the middle.
func median[T ~int64 | ~float64](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.Sort(list)
	m := list[len(list)/2]
	if len(list)%2 == 0 {
		m = list[len(list)/2-1] + (m-list[len(list)/2-1])/2
	}
	return &m
}
