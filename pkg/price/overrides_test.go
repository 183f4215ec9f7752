package price

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const mine = `
openai:
  gpt-5-mini: {input: 0.2}
  "gpt-4*": {times: 0.9}
  "gpt-4.1-*": {times: 0.5}
  my-model: {input: 1, output: 2.5, tiers: {batch: 0.5}}
anthropic:
  "*": {times: 0.75}
ollama:
  "*": {input: 0.05, output: 0.1}
  free:*: {input: 0, output: 0}
vllm:
  big: {input: 1, output: 2, long: {input: 3, output: 4}, above: 1000, cache_read: 0.1}
`

func TestOverrides(t *testing.T) {
	var o Overrides
	if err := yaml.Unmarshal([]byte(mine), &o); err != nil {
		t.Fatal(err)
	}
	b, err := NewBook(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		provider, model, tier string
		in, out               int64
		want                  string
		source                Source
	}{
		{"openai", "gpt-5-mini-2025-08-07", "", 1_000_000, 1_000_000, "2.2", SourceOverride}, // output from the table
		{"openai", "gpt-4o", "", 1_000_000, 1_000_000, "11.25", SourceOverride},
		{"openai", "gpt-4.1-mini", "", 1_000_000, 0, "0.2", SourceOverride},
		{"openai", "gpt-4o-mini", "priority", 1_000_000, 0, "0.225", SourceOverride},
		{"openai", "gpt-5", "", 1_000_000, 0, "1.25", SourceTable},
		{"openai", "my-model", "batch", 1_000_000, 1_000_000, "1.75", SourceOverride},
		{"anthropic", "claude-sonnet-4-5", "", 100_000, 0, "0.225", SourceOverride},
		{"ollama", "llama3", "", 1_000_000, 1_000_000, "0.15", SourceOverride},
		{"ollama", "free:8b", "", 1_000_000, 1_000_000, "0", SourceOverride},
		{"vllm", "big", "", 1000, 1000, "0.003", SourceOverride},
		{"vllm", "big", "", 2000, 1000, "0.01", SourceOverride},
		{"vllm", "other", "", 2000, 1000, "0", SourceLocal},
	} {
		got, bd, ok := b.Cost(c.provider, c.model, time.Time{}, tokens(c.in, c.out), c.tier)
		if !ok || got.String() != c.want || bd.Source != c.source {
			t.Errorf("%s %s: %s, known %v, from %s", c.provider, c.model, got, ok, bd.Source)
		}
	}
	if _, _, ok := b.Cost("anthropic", "claude-next", time.Time{}, tokens(1, 1), ""); ok {
		t.Error("a factor gave a price to a model that has none")
	}
	if b.Version() == standard.Version() || !strings.HasPrefix(b.Version(), standard.Version()+"+") {
		t.Errorf("version %s", b.Version())
	}
	// The embedded table stays as it was.
	if got, _, _ := Cost("openai", "gpt-4o", time.Time{}, tokens(1_000_000, 0), ""); got.String() != "2.5" {
		t.Errorf("the table was changed: %s", got)
	}
}

func TestOverridesFromJSON(t *testing.T) {
	var o Overrides
	if err := json.Unmarshal([]byte(`{"openai":{"m":{"input":0.0375,"output":"1","times":2}}}`), &o); err != nil {
		t.Fatal(err)
	}
	b, err := NewBook(o)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, ok := b.Cost("openai", "m", time.Time{}, tokens(1_000_000, 0), ""); !ok || got.String() != "0.075" {
		t.Errorf("%s, known %v", got, ok)
	}
}

func TestOverridesThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		`openai: {m: {inptu: 1}}`:                   "no kind of price",
		`openai: {m: {input: -1}}`:                  "less than nothing",
		`openai: {m: {input: much}}`:                "not an amount",
		`openai: {"a*b": {input: 1}}`:               "at the end",
		`openai: {m: {input: 1, long: {input: 2}}}`: "needs above",
		`openai: {m: {input: 0.0000001}}`:           "finer",
		`openai: {m: {times: 5000}}`:                "factor",
		`openai: {m: {tiers: {batch: 9999}}}`:       "factor",
	} {
		var o Overrides
		err := yaml.Unmarshal([]byte(text), &o)
		if err == nil {
			_, err = NewBook(o)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
