package price

import (
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	table, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ provider, name, want string }{
		{"openai", "gpt-4o", "gpt-4o"},
		{"openai", "GPT-4o", "gpt-4o"},
		{"openai", "openai/gpt-4o", "gpt-4o"},
		{"openai", "gpt-4o-2024-08-06", "gpt-4o"},
		{"openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"},
		{"openai", "gpt-4o-2031-01-01", "gpt-4o"}, // a snapshot that is yet to come
		{"openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"},
		{"openai", "gpt-5.1-codex-max", "gpt-5.1"},
		{"openai", "gpt-5.6", "gpt-5.6-sol"},
		{"openai", "gpt-5.6-sol-2026-07-09", "gpt-5.6-sol"},
		{"openai", "ft:gpt-4o-2024-08-06:acme::abc", "ft:gpt-4o"},
		{"openai", "gpt-4-0613", "gpt-4"},
		{"openai", "gpt-4-1106-preview", "gpt-4-turbo"},
		{"openai", "anthropic/claude-opus-4-1", "claude-opus-4-1"},
		{"openai", "gpt-4o-mini-tts", "gpt-4o-mini-tts"},
		{"openai", "gpt-oss-120b", ""}, // not OpenAI's to sell
		{"anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"},
		{"anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"},
		{"anthropic", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5"},
		{"anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"},
		{"anthropic", "claude-opus-4-20250514", "claude-opus-4-0"},
		{"anthropic", "claude-opus-4-1-20250805", "claude-opus-4-1"},
		{"anthropic", "claude-opus-4-10", ""},
		{"anthropic", "claude-opus-5-5", "claude-opus-5-5"},
		{"anthropic", "claude-opus-5-20260723", "claude-opus-5"},
		{"anthropic", "claude-3-5-haiku-latest", "claude-3-5-haiku-latest"},
		{"anthropic", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet"},
		{"anthropic", "claude-haiku-4.5", "claude-haiku-4-5"},
		{"gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"},
		{"gemini", "gemini-2.5-flash-latest", "gemini-2.5-flash"},
		{"gemini", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"},
		{"gemini", "google/gemini-2.0-flash-001", "gemini-2.0-flash"},
		{"gemini", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"},
		{"gemini", "gemini-2.5-pro-preview-tts", "gemini-2.5-pro-tts"},
		{"gemini", "gemini-2.5-pro-tts-next", ""},
		{"gemini", "gemini-2.5-flash-lite-preview-06-17", "gemini-2.5-flash-lite"},
		{"gemini", "gemini-1.5-flash-8b", "gemini-flash-1.5-8b"},
		{"gemini", "gemini-1.5-flash-002", "gemini-1.5-flash"},
		{"gemini", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"},
		{"xai", "grok-4", "grok-4-0709"},
		{"xai", "grok-4-latest", "grok-4-0709"},
		{"xai", "x-ai/grok-4.3", "grok-4.3"},
		{"xai", "grok-4.20-0309-reasoning", "grok-4.20"},
		{"xai", "grok-4-1-fast", "grok-4-1-fast-reasoning"},
		{"cerebras", "cerebras/gpt-oss-120b", "gpt-oss-120b"},
		{"cerebras", "cerebras:gpt-oss-120b", "gpt-oss-120b"},
		{"cerebras", "qwen-3-coder-480b", ""},
	} {
		got := ""
		if m := table.find(c.provider, parse(c.name)); m != nil {
			got = m.name
		}
		if got != c.want {
			t.Errorf("%s %s is %q, want %q", c.provider, c.name, got, c.want)
		}
	}
}

// Every entry is found under its own names, with and without a path before it
// and a snapshot's day behind it.
func TestEveryNameIsFound(t *testing.T) {
	table, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	for provider, v := range table.vendors {
		for name, m := range v.names {
			for _, form := range []string{name, strings.ToUpper(name), provider + "/" + name, name + "-20991231", name + "-2099-12-31", name + "-latest", "models/" + name + "@001"} {
				if got := table.find(provider, parse(form)); got != m {
					t.Errorf("%s %s is not %s", provider, form, m.name)
				}
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"gpt-4o-2024-08-06", "models/gemini-2.5-flash", "ft:gpt-4o-2024-08-06:a::b", "a/b/c", "claude-opus-5-", "-0000", "@", "[", "[]", "::", "claude-sonnet-4-5[1m]", "gpt-5.4-mini", "İ"} {
		f.Add("openai", seed)
		f.Add("anthropic", seed)
	}
	table, err := loaded()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, provider, name string) {
		m := table.find(provider, parse(name))
		if again := table.find(provider, parse(name)); again != m {
			t.Fatal("another answer")
		}
		if again := table.find(provider, parse(parse(name).name)); m != nil && parse(name).vendor == "" && again != m {
			t.Fatalf("%q: a name that was taken apart is another model", name)
		}
		if got, _, ok := Cost(provider, name, time.Time{}, tokens(1000, 1000), ""); got < 0 || !ok && got != 0 {
			t.Fatalf("%s, known %v", got, ok)
		} else if ok && got == 0 && m != nil && !m.free {
			t.Fatalf("%q costs nothing", name)
		}
	})
}
