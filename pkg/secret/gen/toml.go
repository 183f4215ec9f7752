package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is one [table] or [[table]] of a TOML file. Values are strings, numbers
// as they were written, or lists of strings: what gitleaks' file holds.
type table struct {
	name   string
	values map[string]any
}

func (t table) text(key string) string { s, _ := t.values[key].(string); return s }

func (t table) list(key string) []string { l, _ := t.values[key].([]string); return l }

func (t table) only(keys []string) bool {
	for k := range t.values {
		if !slices.Contains(keys, k) {
			return false
		}
	}
	return true
}

// parse reads a TOML file of that simple kind.
func parse(text string) ([]table, error) {
	tables := []table{{values: map[string]any{}}}
	p := toml{text: text}
	for {
		p.blank()
		if p.pos == len(text) {
			return tables, nil
		}
		if p.take("[") {
			double := p.take("[")
			end := strings.IndexByte(text[p.pos:], ']')
			if end < 0 {
				return nil, p.errorf("a table's name is not closed")
			}
			tables = append(tables, table{text[p.pos : p.pos+end], map[string]any{}})
			if p.pos += end + 1; double && !p.take("]") {
				return nil, p.errorf("a table's name is not closed")
			}
			continue
		}
		key, _, ok := strings.Cut(text[p.pos:], "=")
		if !ok || strings.Contains(key, "\n") {
			return nil, p.errorf("a name is expected")
		}
		p.pos += len(key) + 1
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		tables[len(tables)-1].values[strings.TrimSpace(key)] = v
	}
}

type toml struct {
	text string
	pos  int
}

func (p *toml) value() (any, error) {
	p.blank()
	switch {
	case p.take("'''"):
		return p.until("'''")
	case p.take(`"""`):
		return p.until(`"""`)
	case p.take("'"):
		return p.until("'")
	case p.pos < len(p.text) && p.text[p.pos] == '"':
		lit, err := strconv.QuotedPrefix(p.text[p.pos:])
		if err != nil {
			return nil, p.errorf("a string that is not known")
		}
		p.pos += len(lit)
		return strconv.Unquote(lit)
	case p.take("["):
		list := []string{}
		for {
			if p.blank(); p.take("]") {
				return list, nil
			}
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			s, ok := v.(string)
			if !ok {
				return nil, p.errorf("a list of other things than strings")
			}
			list = append(list, s)
			if p.blank(); !p.take(",") && !strings.HasPrefix(p.text[p.pos:], "]") {
				return nil, p.errorf("a comma is expected")
			}
		}
	}
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte("0123456789.-truefals", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == start {
		return nil, p.errorf("a value is expected")
	}
	return p.text[start:p.pos], nil
}

func (p *toml) until(end string) (string, error) {
	n := strings.Index(p.text[p.pos:], end)
	if n < 0 {
		return "", p.errorf("a string is not closed")
	}
	s := p.text[p.pos : p.pos+n]
	p.pos += n + len(end)
	return s, nil
}

// blank skips white space and comments.
func (p *toml) blank() {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '#':
			if n := strings.IndexByte(p.text[p.pos:], '\n'); n >= 0 {
				p.pos += n
			} else {
				p.pos = len(p.text)
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *toml) take(s string) bool {
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *toml) errorf(msg string) error {
	return fmt.Errorf("line %d: %s", 1+strings.Count(p.text[:p.pos], "\n"), msg)
}
