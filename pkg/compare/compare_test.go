package compare

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestCompare(t *testing.T) {
	call := func(name, args string) llm.ToolCall {
		return llm.ToolCall{ID: name + args, Name: name, Arguments: json.RawMessage(args)}
	}
	was := &llm.Interaction{
		Text: "The capital of France is Paris, as you know.", FinishReasons: []string{"stop"},
		ToolCalls: []llm.ToolCall{call("a", `{"x":1,"y":[2]}`), call("b", `{}`)},
	}
	same := *was
	same.ToolCalls = []llm.ToolCall{call("a", `{"y": [2], "x": 1}`), call("b", `{ }`)}
	if got := Exchanges(was, &same); !cmp.Equal(got, Comparison{TextEqual: true, Alike: 1, ToolCallsEqual: true, FinishReasonsEqual: true}) {
		t.Errorf("%+v", got)
	}
	other := &llm.Interaction{
		Text: "The capital of France is Lyon, as you know.", FinishReasons: []string{"length"},
		ToolCalls: []llm.ToolCall{call("a", `{"x":2}`), call("c", `{}`), {Name: "d", ArgumentsText: "{broken"}},
	}
	want := Comparison{
		Alike: 16.0 / 18, Text: `"…of France is Lyon, as you know." was "…of France is Paris, as you know."`,
		ToolCalls: []string{`a: arguments "{"x":2}" were "{"x":1,"y":[2]}"`, `c "{}" instead of b "{}"`, `new: d "{broken"`},
	}
	if diff := cmp.Diff(want, Exchanges(was, other)); diff != "" {
		t.Error(diff)
	}
	if got := Exchanges(other, was).ToolCalls; len(got) != 3 || got[2] != `missing: d "{broken"` {
		t.Errorf("%q", got)
	}
	if got := Exchanges(&llm.Interaction{}, was); got.TextEqual || got.Alike != 0 || !strings.HasSuffix(got.Text, `was "(ends)"`) {
		t.Errorf("%+v", got)
	}
	if got := Exchanges(&llm.Interaction{Text: "a  b\n"}, &llm.Interaction{Text: "a b"}); got.TextEqual || got.Alike != 1 || got.Text != "only white space differs" {
		t.Errorf("%+v", got)
	}
	long := strings.Repeat("word ", 5000)
	if got := Exchanges(&llm.Interaction{Text: long + "a"}, &llm.Interaction{Text: long + "b"}); got.Alike < 0.99 || got.TextEqual {
		t.Errorf("%+v", got)
	}
}

func TestMedian(t *testing.T) {
	with := func(in int64, cost float64, ttft time.Duration) *llm.Interaction {
		i := &llm.Interaction{TTFTMS: llm.MillisOf(ttft)}
		if in > 0 {
			i.Usage = &llm.Usage{InputTokens: &in}
		}
		if cost > 0 {
			d := llm.Decimal(cost * llm.DecimalScale)
			i.CostUSD = &d
		}
		return i
	}
	n := Median([]*llm.Interaction{with(10, 0.5, time.Second), with(0, 0.25, 3*time.Second), with(30, 0, 2*time.Second)})
	if *n.InputTokens != 20 || *n.CostUSD != llm.Decimal(0.375*llm.DecimalScale) || n.TTFTMS.Duration() != 2*time.Second || n.OutputTokens != nil || n.DurationMS != nil {
		t.Errorf("%+v", n)
	}
	if n := Median(nil); n != (Numbers{}) {
		t.Errorf("%+v", n)
	}
}
