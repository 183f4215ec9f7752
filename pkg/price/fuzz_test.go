package price

import (
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzOverrides reads anything as a user's prices, as YAML and as JSON: what is taken
// is found again by its name and is no less than nothing.
func FuzzOverrides(f *testing.F) {
	for _, s := range []string{
		"openai:\n  gpt-5-mini: {input: 0.2, output: 1.5}\n  \"*\": {times: 0.9}\n", "vllm:\n  \"*\": {input: 0.05, output: 0.1, long: {input: 1}, above: 200000}\n",
		"a: {b: {tiers: {batch: 0.5}}}", `{"openai":{"gpt":{"input":"0.5"}}}`, "a: {b*c: {input: 1}}", "a: {b: {input: -1}}", "a: {b: {input: 1e9}}", "a: {b: {nonsense: 1}}", "a: {b: {above: 1}}", "null", `{"a":{"b":{"input":"}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var o Overrides
		if yaml.Unmarshal(text, &o) == nil {
			checkOverrides(t, o)
		}
		o = nil
		if json.Unmarshal(text, &o) == nil {
			checkOverrides(t, o)
		}
	})
}

func checkOverrides(t *testing.T, o Overrides) {
	c, err := compile(o)
	if err != nil || c == nil {
		return
	}
	for provider, models := range o {
		for name := range models {
			ov := c.find(provider, name, reference{}, nil)
			if ov == nil {
				continue // one that only begins with the name may say more
			}
			if m := ov.over(nil, provider, name); m != nil && len(m.periods) == 0 {
				t.Fatalf("%s: %s has no prices", provider, name)
			}
			for _, v := range ov.rates.of {
				if v < 0 {
					t.Fatalf("%s: %s costs %d", provider, name, v)
				}
			}
		}
	}
}

// FuzzTable reads anything as the table of prices: what is read is found by its names.
func FuzzTable(f *testing.F) {
	for _, s := range []string{
		`{"day":"2026-01-01","models":[{"provider":"openai","model":"m","names":["m","m-1"],"prefixes":["m-"],"prices":[{"rates":{"input":2.5,"output":10},"above":200000,"long":{"input":5}}],"tiers":{"batch":{"times":0.5}}}]}`,
		"", "{}", "[]", `{"models":[{}]}`, `{"models":null}`, `{"models":[{"prices":[{"from":"x"}]}]}`, `{"models":[{"tiers":{"a":{"times":1e9}}}]}`, `{"models":[{"names":["a"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := readTable(data)
		if err != nil {
			return
		}
		for name, v := range table.vendors {
			for n, m := range v.names {
				if m == nil || m.provider != name {
					t.Fatalf("%s of %s is %+v", n, name, m)
				}
			}
		}
	})
}
