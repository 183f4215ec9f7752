package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// model is one line of the table.
type model struct {
	Provider string           `json:"provider"`
	Model    string           `json:"model"`
	Names    []string         `json:"names,omitempty"`
	Prefixes []string         `json:"prefixes,omitempty"`
	Prices   []price          `json:"prices,omitempty"`
	Tiers    map[string]*tier `json:"tiers,omitempty"`
	Free     bool             `json:"free,omitempty"`
}

// price is what holds from a day on. Rates are dollars for a million tokens or
// a thousand calls.
type price struct {
	From  string                 `json:"from,omitempty"`
	Rates map[string]json.Number `json:"rates"`
	Above int64                  `json:"above,omitempty"` // Long holds where there is more input than this
	Long  map[string]json.Number `json:"long,omitempty"`
}

type tier struct {
	Times json.Number            `json:"times,omitempty"`
	Rates map[string]json.Number `json:"rates,omitempty"`
	Short bool                   `json:"short,omitempty"` // not sold for long context
}

// kindOf maps the set's names of units to ours.
var kindOf = map[string]string{
	"input_mtok": "input", "output_mtok": "output",
	"cache_read_mtok": "cache_read", "cache_write_mtok": "cache_write", "cache_write_1h_mtok": "cache_write_1h",
	"input_audio_mtok": "audio_input", "output_audio_mtok": "audio_output", "cache_audio_read_mtok": "audio_cache_read",
	"input_image_mtok": "image_input", "output_image_mtok": "image_output", "cache_image_read_mtok": "image_cache_read",
	"input_video_mtok": "video_input", "output_video_mtok": "video_output",
	"output_reasoning_mtok": "reasoning",
	"web_searches_kcount":   "web_search", "storage_searches_kcount": "file_search",
}

// unused are units that no usage object of ours counts.
var unused = map[string]bool{"audio_hours": true, "input_audio_hours": true, "input_text_messages_kcount": true}

// readModel reads one entry of the set. It returns nil for entries without a
// price for tokens, and for those that are not the provider's own figures.
func readModel(provider string, entry map[string]any) (*model, error) {
	id, _ := entry["id"].(string)
	if comments, _ := entry["price_comments"].(string); strings.Contains(comments, "OpenRouter") || strings.Contains(id, ":") && !strings.HasPrefix(id, "ft:") {
		return nil, nil
	}
	m := &model{Provider: provider, Model: id, Names: []string{id}}
	match, _ := entry["match"].(map[string]any)
	if err := m.addMatch(match); err != nil {
		return nil, err
	}
	switch p := entry["prices"].(type) {
	case map[string]any:
		if err := m.addPrice("", p); err != nil {
			return nil, err
		}
	case []any:
		for _, v := range p {
			dated, _ := v.(map[string]any)
			constraint, _ := dated["constraint"].(map[string]any)
			day, _ := constraint["start_date"].(string)
			if kind := constraint["type"]; constraint != nil && kind != "start_date" {
				return nil, fmt.Errorf("a price by %v", kind)
			}
			rates, _ := dated["prices"].(map[string]any)
			if err := m.addPrice(day, rates); err != nil {
				return nil, err
			}
		}
	}
	if len(m.Prices) == 0 {
		return nil, nil
	}
	return m, nil
}

var dated = regexp.MustCompile(`^\^((?:[a-z0-9]|-|\\\.|/)+?)-?\\d(\{\d+\}(-\\d\{2\}){0,2}\$)?$`)

// addMatch turns a rule of the set into names and prefixes. The table's reader
// knows dated snapshots by itself, so rules for those need no trace.
func (m *model) addMatch(rule map[string]any) error {
	for op, arg := range rule {
		switch op {
		case "equals", "ends_with":
			m.Names = append(m.Names, arg.(string))
		case "starts_with", "contains":
			m.Prefixes = append(m.Prefixes, strings.TrimRight(arg.(string), "-@"))
		case "or", "and":
			for _, r := range arg.([]any) {
				if err := m.addMatch(r.(map[string]any)); err != nil {
					return err
				}
			}
		case "regex":
			text := arg.(string)
			if strings.Contains(text, "(?!") {
				break // "and not text to speech": the reader does not take those for the same model anyway
			}
			base := dated.FindStringSubmatch(text)
			if base == nil {
				return fmt.Errorf("a rule that is not known: %s", text)
			}
			m.Names = append(m.Names, strings.ReplaceAll(base[1], `\`, ""))
		default:
			return fmt.Errorf("a rule that is not known: %s", op)
		}
	}
	return nil
}

func (m *model) addPrice(day string, units map[string]any) error {
	p := price{From: day, Rates: map[string]json.Number{}}
	for unit, v := range units {
		kind := kindOf[unit]
		if kind == "" {
			if unused[unit] {
				continue
			}
			return fmt.Errorf("a unit that is not known: %s", unit)
		}
		switch v := v.(type) {
		case number:
			p.Rates[kind] = plain(v)
		case map[string]any:
			p.Rates[kind] = plain(v["base"].(number))
			tiers := v["tiers"].([]any)
			if len(tiers) != 1 {
				return fmt.Errorf("%s has %d tiers", unit, len(tiers))
			}
			long := tiers[0].(map[string]any)
			above, err := plain(long["start"].(number)).Int64()
			if err != nil || p.Above != 0 && p.Above != above {
				return fmt.Errorf("%s: tiers begin at different counts", unit)
			}
			if p.Long == nil {
				p.Above, p.Long = above, map[string]json.Number{}
			}
			p.Long[kind] = plain(long["price"].(number))
		default:
			return fmt.Errorf("%s: a price that is no number", unit)
		}
	}
	if _, tokens := p.Rates["input"]; !tokens {
		return nil
	}
	m.cacheHour(p.Rates)
	m.cacheHour(p.Long)
	m.Prices = append(m.Prices, p)
	return nil
}

// cacheHour adds the price of writing Claude's cache for an hour where the set
// leaves it out (Vertex): twice the input price, as Google's page has it too.
func (m *model) cacheHour(r map[string]json.Number) {
	if r["cache_write"] == "" || r["cache_write_1h"] != "" || !strings.HasPrefix(m.Model, "claude-") {
		return
	}
	r["cache_write_1h"] = times2(r["input"])
}

// tidy sorts what has no order of its own.
func (m *model) tidy() {
	m.Names = unique(m.Names)
	m.Prefixes = unique(m.Prefixes)
	slices.SortStableFunc(m.Prices, func(a, b price) int { return strings.Compare(a.From, b.From) })
}

func unique(names []string) []string {
	for i, n := range names {
		n = strings.ToLower(n)
		names[i] = n[strings.LastIndexAny(n, "/:")+1:]
		if strings.HasPrefix(n, "ft:") {
			names[i] = n
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
