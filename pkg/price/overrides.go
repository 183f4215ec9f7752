package price

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// USD is an amount of dollars, or a factor, as it was written: 2.5, "0.0375".
type USD string

// UnmarshalText reads the digits of a YAML scalar.
func (u *USD) UnmarshalText(text []byte) error {
	if v, err := llm.ParseDecimal(string(text)); err != nil {
		return err
	} else if v < 0 {
		return fmt.Errorf("%s is less than nothing", text)
	}
	*u = USD(text)
	return nil
}

// UnmarshalJSON reads a JSON number or string.
func (u *USD) UnmarshalJSON(text []byte) error {
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	return u.UnmarshalText(text)
}

// MarshalJSON writes a number.
func (u USD) MarshalJSON() ([]byte, error) { return json.RawMessage(u), nil }

// Overrides are the user's own prices: by provider, then by model. A model's
// name may end in *; the name that says most wins. What an override does not
// say is taken from the embedded table.
//
//	openai:
//	  gpt-5-mini: {input: 0.2, output: 1.5}
//	  "*": {times: 0.9}
//	vllm:
//	  "*": {input: 0.05, output: 0.1}
type Overrides map[string]map[string]Override

// Override changes one model's prices. Amounts are dollars for a million
// tokens, or for a thousand calls.
type Override struct {
	Rates map[string]USD `yaml:",inline" json:"-"` // by the name of a Kind
	// Times multiplies all the model's prices, those given here too.
	Times USD `yaml:"times,omitempty" json:"times,omitempty"`
	// Long holds where a request has more than Above tokens of input.
	Long  map[string]USD `yaml:"long,omitempty" json:"long,omitempty"`
	Above int64          `yaml:"above,omitempty" json:"above,omitempty"`
	// Tiers gives factors for service tiers: {batch: 0.5, priority: 2}.
	Tiers map[string]USD `yaml:"tiers,omitempty" json:"tiers,omitempty"`
}

// UnmarshalJSON reads the rates from among the other members.
func (o *Override) UnmarshalJSON(text []byte) error {
	type plain Override
	if err := json.Unmarshal(text, (*plain)(o)); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, v := range all {
		switch name {
		case "times", "long", "above", "tiers":
			continue
		}
		var u USD
		if err := u.UnmarshalJSON(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if o.Rates == nil {
			o.Rates = map[string]USD{}
		}
		o.Rates[name] = u
	}
	return nil
}

// overrides are the same, ready for use.
type overrides struct {
	providers map[string][]*override
	suffix    string

	once sync.Once
	full string
}

type override struct {
	pattern string
	star    bool // pattern is what stands before the *
	rates   rates
	long    rates
	above   int64
	times   factor
	tiers   []tier
}

func compile(o Overrides) (*overrides, error) {
	if len(o) == 0 {
		return nil, nil
	}
	c := &overrides{providers: map[string][]*override{}}
	text, err := json.Marshal(struct {
		O Overrides
		R []map[string]USD
	}{o, allRates(o)})
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	sum := sha256.Sum256(text)
	c.suffix = "+" + hex.EncodeToString(sum[:3])
	for _, provider := range slices.Sorted(maps.Keys(o)) {
		for _, name := range slices.Sorted(maps.Keys(o[provider])) {
			ov, err := compileOne(name, o[provider][name])
			if err != nil {
				return nil, fmt.Errorf("prices: %s: %s: %w", provider, name, err)
			}
			c.providers[provider] = append(c.providers[provider], ov)
		}
	}
	return c, nil
}

// allRates lists the rates in a fixed order, for the version.
func allRates(o Overrides) []map[string]USD {
	var all []map[string]USD
	for _, p := range slices.Sorted(maps.Keys(o)) {
		for _, m := range slices.Sorted(maps.Keys(o[p])) {
			all = append(all, o[p][m].Rates)
		}
	}
	return all
}

func compileOne(name string, o Override) (*override, error) {
	c := &override{pattern: strings.ToLower(name), above: o.Above, times: one}
	c.pattern, c.star = strings.CutSuffix(c.pattern, "*")
	if strings.Contains(c.pattern, "*") {
		return nil, fmt.Errorf("a * may stand at the end only")
	}
	if err := putAll(&c.rates, o.Rates); err != nil {
		return nil, err
	}
	if err := putAll(&c.long, o.Long); err != nil {
		return nil, fmt.Errorf("long: %w", err)
	}
	if len(o.Long) > 0 && o.Above <= 0 {
		return nil, fmt.Errorf("long needs above, the count of input tokens beyond which it holds")
	}
	if o.Times != "" {
		var err error
		if c.times, err = factorOf(o.Times); err != nil {
			return nil, fmt.Errorf("times: %w", err)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(o.Tiers)) {
		f, err := factorOf(o.Tiers[t])
		if err != nil {
			return nil, fmt.Errorf("tiers: %s: %w", t, err)
		}
		c.tiers = append(c.tiers, tier{name: t, times: f})
	}
	return c, nil
}

func factorOf(u USD) (factor, error) {
	v, err := llm.ParseDecimal(string(u))
	if err != nil || v < 0 || v > 1000*llm.DecimalScale {
		return 0, fmt.Errorf("%q is no factor between 0 and 1000", string(u))
	}
	return factor(v / (llm.DecimalScale / llm.Decimal(one))), nil
}

func putAll(r *rates, given map[string]USD) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		k, ok := kindOf([]byte(name))
		if !ok {
			return fmt.Errorf("%q is no kind of price; there are %s, and times, above, long and tiers", name, strings.Join(kindNames[:], ", "))
		}
		v, err := perUnit(k, string(given[name]))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if v < 0 {
			return fmt.Errorf("%s: less than nothing", name)
		}
		r.put(k, v)
	}
	return nil
}

func (o *overrides) version(table string) string {
	o.once.Do(func() { o.full = table + o.suffix })
	return o.full
}

// find returns the override that says most of a model: its name as written, its
// bare name, the table's name for it, or the longest beginning.
func (o *overrides) find(provider, written string, r reference, base *model) *override {
	if o == nil {
		return nil
	}
	names := []string{strings.ToLower(written), r.name}
	for n := undated(r.name); n != ""; n = undated(n) {
		names = append(names, n)
	}
	if base != nil {
		names = append(names, base.name)
	}
	list := o.providers[provider]
	for _, n := range names {
		for _, c := range list {
			if !c.star && c.pattern == n {
				return c
			}
		}
	}
	var best *override
	for _, c := range list {
		if c.star && (best == nil || len(c.pattern) > len(best.pattern)) &&
			slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, c.pattern) }) {
			best = c
		}
	}
	return best
}

// over lays the override over the table's prices of a model. It returns nil
// where neither says what the model's tokens cost.
func (o *override) over(base *model, provider, name string) *model {
	m := &model{provider: provider, name: name}
	if base != nil {
		m.name, m.free = base.name, base.free && o.rates.set == 0
		m.periods = slices.Clone(base.periods)
		m.tiers = slices.Clone(base.tiers)
	} else if o.rates.set == 0 {
		return nil
	}
	if len(m.periods) == 0 {
		m.periods = []period{{}}
	}
	for i := range m.periods {
		p := &m.periods[i]
		p.rates.merge(&o.rates)
		p.long.merge(&o.long)
		if o.above > 0 {
			p.above = o.above
		}
		p.rates.scale(o.times)
		p.long.scale(o.times)
	}
	for i := range m.tiers {
		if r := m.tiers[i].rates; r != nil {
			scaled := *r
			scaled.scale(o.times)
			m.tiers[i].rates = &scaled
		}
	}
	for _, t := range o.tiers {
		m.tiers = slices.DeleteFunc(m.tiers, func(have tier) bool { return have.name == t.name })
		m.tiers = append(m.tiers, t)
	}
	return m
}

func (r *rates) scale(times factor) {
	for k := range r.of {
		if v, ok := multiply(1, r.of[k], times); ok {
			r.of[k] = v
		}
	}
}
