package price

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// object is the usage objects of all providers, for the tests.
type object struct {
	Prompt        *int64 `json:"prompt_tokens"`
	Completion    *int64 `json:"completion_tokens"`
	Input         *int64 `json:"input_tokens"`
	Output        *int64 `json:"output_tokens"`
	Read          *int64 `json:"cache_read_input_tokens"`
	Write         *int64 `json:"cache_creation_input_tokens"`
	PromptCount   *int64 `json:"promptTokenCount"`
	Candidates    *int64 `json:"candidatesTokenCount"`
	Cached        *int64 `json:"cachedContentTokenCount"`
	Thoughts      *int64 `json:"thoughtsTokenCount"`
	ToolPrompt    *int64 `json:"toolUsePromptTokenCount"`
	PromptDetails struct {
		Cached *int64 `json:"cached_tokens"`
		Write  *int64 `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	InputDetails struct {
		Cached *int64 `json:"cached_tokens"`
		Write  *int64 `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	CompletionDetails struct {
		Reasoning *int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func sum(ps ...*int64) *int64 {
	var total *int64
	for _, p := range ps {
		if p != nil {
			if total == nil {
				total = new(int64)
			}
			*total += *p
		}
	}
	return total
}

// normal brings a usage object into the normal form, as the wire packages do
// (PROVIDERS.md W2 to W4).
func normal(t testing.TB, provider, raw string) llm.Usage {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		t.Fatal(err)
	}
	u := llm.Usage{Raw: json.RawMessage(raw)}
	switch {
	case provider == "anthropic":
		u.InputTokens, u.OutputTokens = sum(o.Input, o.Read, o.Write), o.Output
		u.CacheReadTokens, u.CacheWriteTokens = o.Read, o.Write
	case provider == "gemini":
		u.InputTokens, u.OutputTokens = sum(o.PromptCount, o.ToolPrompt), sum(o.Candidates, o.Thoughts)
		u.CacheReadTokens, u.ReasoningTokens = o.Cached, o.Thoughts
	case o.Input != nil:
		u.InputTokens, u.OutputTokens = o.Input, o.Output
		u.CacheReadTokens, u.CacheWriteTokens = o.InputDetails.Cached, o.InputDetails.Write
	default:
		u.InputTokens, u.OutputTokens = o.Prompt, o.Completion
		u.CacheReadTokens, u.CacheWriteTokens = o.PromptDetails.Cached, o.PromptDetails.Write
		u.ReasoningTokens = o.CompletionDetails.Reasoning
		if provider == "xai" {
			u.OutputTokens = sum(o.Completion, o.CompletionDetails.Reasoning)
		}
	}
	return u
}

func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWorkedCases(t *testing.T) {
	if len(worked) < 60 {
		t.Fatalf("%d cases", len(worked))
	}
	for _, c := range worked {
		t.Run(c.name, func(t *testing.T) {
			u := normal(t, c.provider, c.usage)
			u.ServiceTier = c.tier
			got, bd, ok := Cost(c.provider, c.model, day(t, c.day), u, "")
			if !ok || got.String() != c.want {
				t.Errorf("%s, known %v, want %s\n%+v", got, ok, c.want, bd.Lines())
			}
			var total llm.Decimal
			for _, l := range bd.Lines() {
				total += l.Cost
			}
			if bd.Source == SourceTable && total != got {
				t.Errorf("the lines add up to %s, not %s", total, got)
			}
			if bd.Partial && u.OutputTokens != nil {
				t.Error("partial")
			}
		})
	}
}

func tokens(in, out int64) llm.Usage { return llm.Usage{InputTokens: &in, OutputTokens: &out} }

func TestUnknownIsNotZero(t *testing.T) {
	now := day(t, "2026-06-01")
	for _, c := range []struct {
		name, provider, model, tier string
		usage                       llm.Usage
	}{
		{"a model that nobody knows", "openai", "gpt-17", "", tokens(1, 1)},
		{"a sibling of another size", "openai", "gpt-5.5-mini", "", tokens(1, 1)},
		{"the next version", "anthropic", "claude-opus-4-9", "", tokens(1, 1)},
		{"a version behind a prefix", "anthropic", "claude-sonnet-5-7", "", tokens(1, 1)},
		{"a model of another provider", "anthropic", "gpt-4o", "", tokens(1, 1)},
		{"a provider that nobody knows", "acme", "gpt-4o", "", tokens(1, 1)},
		{"a tier without a price", "openai", "gpt-5-nano", "priority", tokens(1, 1)},
		{"a tier that nobody knows", "openai", "gpt-5", "warp", tokens(1, 1)},
		{"what was paid in advance", "gemini", "gemini-2.5-flash", "PROVISIONED_THROUGHPUT", tokens(1, 1)},
		{"no counts", "openai", "gpt-5", "", llm.Usage{}},
		{"no name", "openai", "", "", tokens(1, 1)},
		{"a sum that does not fit", "openai", "o1-pro", "", tokens(math.MaxInt64, math.MaxInt64)},
		{"priority is not sold for long context", "openai", "gpt-5.4", "priority", tokens(300_000, 1)},
	} {
		if got, _, ok := Cost(c.provider, c.model, now, c.usage, c.tier); ok || got != 0 {
			t.Errorf("%s: %s, known %v", c.name, got, ok)
		}
	}
}

func TestKnownZero(t *testing.T) {
	for _, c := range [][2]string{{"vllm", "x"}, {"ollama", "llama3"}, {"openai", "omni-moderation-latest"}, {"gemini", "gemma-3-27b-it"}} {
		if got, bd, ok := Cost(c[0], c[1], time.Time{}, tokens(10, 10), ""); !ok || got != 0 {
			t.Errorf("%v: %s, known %v %v", c, got, ok, bd.Source)
		}
	}
}

func TestPartial(t *testing.T) {
	in := int64(1000)
	got, bd, ok := Cost("anthropic", "claude-haiku-4-5", time.Time{}, llm.Usage{InputTokens: &in}, "")
	if !ok || got.String() != "0.001" || !bd.Partial {
		t.Errorf("a broken stream: %s, known %v, partial %v", got, ok, bd.Partial)
	}
	u := tokens(1000, 0)
	u.Raw = json.RawMessage(`{"server_tool_use":{"web_search_requests":2}}`)
	got, bd, ok = Cost("anthropic", "claude-3-haiku-20240307", time.Time{}, u, "")
	if !ok || got.String() != "0.00025" || !bd.Partial {
		t.Errorf("a search without a price: %s, known %v, partial %v", got, ok, bd.Partial)
	}
}

// Whatever a usage object says, no token is priced twice and none is negative.
func TestHostileUsage(t *testing.T) {
	for _, raw := range []string{
		`{"prompt_tokens_details":{"cached_tokens":403,"audio_tokens":-5,"image_tokens":9999999}}`,
		`{"cache_creation":{"ephemeral_1h_input_tokens":99999999}}`,
		`{"completion_tokens_details":{"audio_tokens":1e18}}`,
		`{"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":5000}],"promptTokensDetails":[[],{"modality":3}]}`,
		`{"cost":-3}`, `{"cost":"0.1"}`, `{"cost":1e300}`, `{"cost_in_usd_ticks":9223372036854775807}`, `{"cost_in_usd_ticks":0}`,
		`{"iterations":[1,{"type":"advisor_message"}]}`, `{"iterations":`, `[]`, `null`, `{"speed":7,"service_tier":{},"inference_geo":[]}`,
	} {
		u := tokens(347, 18)
		read := int64(403)
		u.CacheReadTokens, u.Raw = &read, json.RawMessage(raw)
		got, bd, ok := Cost("openai", "gpt-4o", time.Time{}, u, "")
		var n int64
		for _, l := range bd.Lines() {
			if l.Count < 0 || l.Cost < 0 {
				t.Errorf("%s: %+v", raw, l)
			}
			n += l.Count
		}
		if !ok || got < 0 || n != 347+18 && bd.Source == SourceTable {
			t.Errorf("%s: %s, known %v, %d tokens", raw, got, ok, n)
		}
	}
}

func TestTierOfTheResponseWins(t *testing.T) {
	u := tokens(1_000_000, 0)
	u.Raw = json.RawMessage(`{"service_tier":"batch"}`)
	if got, _, _ := Cost("anthropic", "claude-haiku-4-5", time.Time{}, u, "priority"); got.String() != "0.5" {
		t.Error(got)
	}
	if got, _, _ := Cost("anthropic", "claude-haiku-4-5", time.Time{}, tokens(1_000_000, 0), "batch"); got.String() != "0.5" {
		t.Error(got)
	}
}

func TestInteraction(t *testing.T) {
	u := tokens(1_000_000, 0)
	i := &llm.Interaction{Provider: "openai", Model: "my-deployment", RequestModel: "gpt-4o", Usage: &u, StartedAt: day(t, "2026-01-01")}
	if got, bd, ok := standard.Interaction(i); !ok || got.String() != "2.5" || bd.Model != "gpt-4o" {
		t.Errorf("%s %v %s", got, ok, bd.Model)
	}
	i.Usage = nil
	if _, _, ok := standard.Interaction(i); ok {
		t.Error("a cost without usage")
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	c := worked[0]
	for _, w := range worked {
		if strings.HasPrefix(w.name, "2.5 flash audio cached") {
			c = w
		}
	}
	u := normal(t, c.provider, c.usage)
	at := day(t, c.day)
	var b Book
	if n := testing.AllocsPerRun(100, func() { b.Cost(c.provider, c.model, at, u, "") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var b Book
	for i := range 3 * maxFound {
		b.lookup("openai", strings.Repeat("x", 1+i%200)+string(rune('a'+i%26))+string(rune('a'+i/26%26)))
	}
	if n := len(*b.found.Load()); n > maxFound {
		t.Errorf("%d answers are kept", n)
	}
}

func BenchmarkCost(b *testing.B) {
	c := worked[0]
	u := normal(b, c.provider, c.usage)
	at := day(b, c.day)
	var book Book
	b.ReportAllocs()
	for b.Loop() {
		book.Cost(c.provider, c.model, at, u, "")
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readTable(embedded); err != nil {
			b.Fatal(err)
		}
	}
}
