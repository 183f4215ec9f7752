package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"path"
	"slices"
	"strings"
)

// overlay is what we add to the public set by hand.
type overlay struct {
	Day     string   `json:"day"`
	Sources []string `json:"sources"`
	Tiers   []struct {
		selection
		Tier string `json:"tier"`
		tier
	} `json:"tiers"`
	Rates []struct {
		selection
		Rates map[string]json.Number `json:"rates"`
	} `json:"rates"`
	Aliases []*model `json:"aliases"`
	Free    []*model `json:"free"`
	Models  []*model `json:"models"`
}

// selection names models of one provider; a pattern may hold *.
type selection struct {
	Provider string   `json:"provider"`
	Models   []string `json:"models"`
}

// find returns the models that are selected. A pattern that finds nothing is an
// error: the set has changed, and somebody must look.
func (s *selection) find(models []*model) ([]*model, error) {
	var found []*model
	for _, pattern := range s.Models {
		n := len(found)
		for _, m := range models {
			if ok, _ := path.Match(pattern, m.Model); ok && m.Provider == s.Provider && !m.Free {
				found = append(found, m)
			}
		}
		if len(found) == n {
			return nil, fmt.Errorf("no model is %s %s", s.Provider, pattern)
		}
	}
	return found, nil
}

func (o *overlay) apply(models []*model) ([]*model, error) {
	find := func(provider, name string) *model {
		for _, m := range models {
			if m.Provider == provider && m.Model == name {
				return m
			}
		}
		return nil
	}
	for _, m := range slices.Concat(o.Models, o.Free) {
		if find(m.Provider, m.Model) != nil {
			return nil, fmt.Errorf("%s %s is in the set by now", m.Provider, m.Model)
		}
		models = append(models, m)
	}
	for _, m := range o.Free {
		m.Free = true
		if m.Names == nil {
			m.Names, m.Prefixes = []string{m.Model}, []string{m.Model}
		}
	}
	for _, a := range o.Aliases {
		m := find(a.Provider, a.Model)
		if m == nil {
			return nil, fmt.Errorf("%s %s is not in the set any more", a.Provider, a.Model)
		}
		m.Names = append(m.Names, a.Names...)
	}
	for _, r := range o.Rates {
		found, err := r.find(models)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			for _, p := range m.Prices {
				for kind, v := range r.Rates {
					if p.Rates[kind] == "" {
						p.Rates[kind] = v
					}
				}
			}
		}
	}
	for _, t := range o.Tiers {
		found, err := t.find(models)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if m.Tiers == nil {
				m.Tiers = map[string]*tier{}
			}
			if m.Tiers[t.Tier] != nil {
				return nil, fmt.Errorf("%s %s has tier %s twice", m.Provider, m.Model, t.Tier)
			}
			m.Tiers[t.Tier] = &tier{Times: t.Times, Rates: t.tier.Rates, Short: t.Short}
		}
	}
	for _, m := range models {
		m.tidy()
	}
	slices.SortFunc(models, func(a, b *model) int {
		if c := strings.Compare(a.Provider, b.Provider); c != 0 {
			return c
		}
		return strings.Compare(a.Model, b.Model)
	})
	return models, nil
}

// render writes the table, one model a line.
func render(models []*model, day string, o *overlay) []byte {
	var b strings.Builder
	line := func(name string, v any, end string) {
		text, _ := json.Marshal(v) // strings and slices of strings
		fmt.Fprintf(&b, "%q: %s%s\n", name, text, end)
	}
	b.WriteString("{\n")
	line("about", "Prices in US dollars for a million tokens, or for a thousand calls. Written by pkg/price/gen; change overlay.json there, not this file.", ",")
	line("source", fmt.Sprintf("genai-prices by Pydantic (npm %s %s, MIT licence)", pkg, release), ",")
	line("day", day, ",")
	line("overlay", o.Sources, ",")
	line("overlay_day", o.Day, ",")
	b.WriteString("\"models\": [\n")
	for i, m := range models {
		text, _ := json.Marshal(m)
		b.Write(text)
		if i < len(models)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n}\n")
	return []byte(b.String())
}

// plain writes a number without an exponent and with a digit before the point.
func plain(n number) json.Number {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return json.Number(n)
	}
	return decimal(r)
}

func times2(n json.Number) json.Number {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return n
	}
	return decimal(r.Mul(r, big.NewRat(2, 1)))
}

func decimal(r *big.Rat) json.Number {
	text := r.FloatString(9)
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}
