package main

import (
	"fmt"
	"strconv"
	"strings"
)

// literal reads one JavaScript literal: what a bundler leaves of a JSON value.
// Names may stand without quotes, true and false are !0 and !1, strings may be
// templates, and numbers keep their digits (type number), so that a price is
// exact.
type literal struct {
	text string
	pos  int
}

// number is a number as it was written.
type number string

func (l *literal) value() (any, error) {
	l.space()
	if l.pos >= len(l.text) {
		return nil, l.errorf("unexpected end")
	}
	switch c := l.text[l.pos]; {
	case c == '{':
		return l.object()
	case c == '[':
		return l.array()
	case c == '"', c == '\'', c == '`':
		return l.str()
	case c == '-', c == '.', c >= '0' && c <= '9':
		return l.number()
	}
	for word, v := range map[string]any{"!0": true, "!1": false, "true": true, "false": false, "null": nil, "void 0": nil} {
		if strings.HasPrefix(l.text[l.pos:], word) {
			l.pos += len(word)
			return v, nil
		}
	}
	return nil, l.errorf("no value that is known")
}

func (l *literal) object() (map[string]any, error) {
	m := map[string]any{}
	l.pos++
	for {
		l.space()
		if l.take('}') {
			return m, nil
		}
		key, err := l.key()
		if err != nil {
			return nil, err
		}
		if l.space(); !l.take(':') {
			return nil, l.errorf("a colon is expected")
		}
		if m[key], err = l.value(); err != nil {
			return nil, err
		}
		if l.space(); !l.take(',') && l.peek() != '}' {
			return nil, l.errorf("a comma is expected")
		}
	}
}

func (l *literal) array() ([]any, error) {
	a := []any{}
	l.pos++
	for {
		l.space()
		if l.take(']') {
			return a, nil
		}
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		if l.space(); !l.take(',') && l.peek() != ']' {
			return nil, l.errorf("a comma is expected")
		}
	}
}

func (l *literal) key() (string, error) {
	if c := l.peek(); c == '"' || c == '\'' {
		return l.str()
	}
	start := l.pos
	for c := l.peek(); c == '_' || c == '$' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'; c = l.peek() {
		l.pos++
	}
	if l.pos == start {
		return "", l.errorf("a name is expected")
	}
	return l.text[start:l.pos], nil
}

func (l *literal) str() (string, error) {
	quote := l.text[l.pos]
	l.pos++
	var b strings.Builder
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		l.pos++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '$' && quote == '`' && l.peek() == '{':
			return "", l.errorf("a template that computes")
		case c != '\\':
			b.WriteByte(c)
		default:
			if err := l.escape(&b); err != nil {
				return "", err
			}
		}
	}
	return "", l.errorf("a string is not closed")
}

func (l *literal) escape(b *strings.Builder) error {
	c := l.peek()
	l.pos++
	digits := 0
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'b', 'f', 'v', '0':
		// White space that no name or price holds.
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	default:
		b.WriteByte(c)
	}
	if digits == 0 {
		return nil
	}
	if l.pos+digits > len(l.text) {
		return l.errorf("an escape is cut")
	}
	r, err := strconv.ParseUint(l.text[l.pos:l.pos+digits], 16, 32)
	if err != nil {
		return l.errorf("a wrong escape")
	}
	l.pos += digits
	b.WriteRune(rune(r))
	return nil
}

func (l *literal) number() (number, error) {
	start := l.pos
	for l.pos < len(l.text) && strings.IndexByte("+-.eE0123456789", l.text[l.pos]) >= 0 {
		l.pos++
	}
	text := l.text[start:l.pos]
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return "", l.errorf("a wrong number")
	}
	return number(text), nil
}

func (l *literal) peek() byte {
	if l.pos < len(l.text) {
		return l.text[l.pos]
	}
	return 0
}

func (l *literal) take(c byte) bool {
	if l.peek() != c {
		return false
	}
	l.pos++
	return true
}

func (l *literal) space() {
	for l.pos < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.pos]) >= 0 {
		l.pos++
	}
}

func (l *literal) errorf(msg string) error {
	return fmt.Errorf("literal offset %d: %s", l.pos, msg)
}
