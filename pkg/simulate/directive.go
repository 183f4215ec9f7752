package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	directiveOpen  = "[[sim:"
	directiveClose = "]]"
)

// Limits of what a script may ask for, so that a typing error cannot exhaust a
// test's memory.
const (
	maxCount  = 1_000_000
	maxScript = 1 << 20
)

// ParseScript reads instructions of the package's script language, without the
// brackets: one Script for each turn.
func ParseScript(s string) ([]Script, error) {
	p := parser{src: s, turns: []Script{{}}}
	if err := p.block(false); err != nil {
		return nil, err
	}
	return p.turns, nil
}

// scriptIn reads all scripts in a text, joined; found is false where it has none.
func scriptIn(text string) (turns []Script, found bool, err error) {
	p := parser{turns: []Script{{}}}
	for {
		_, rest, ok := strings.Cut(text, directiveOpen)
		if !ok {
			return p.turns, found, nil
		}
		found = true
		p.src, p.pos = rest, 0
		if err := p.block(true); err != nil {
			return nil, true, err
		}
		text = rest[p.pos:]
	}
}

type parser struct {
	src   string
	pos   int
	turns []Script
}

// block reads instructions up to the closing brackets, or to the end.
func (p *parser) block(closed bool) error {
	if len(p.src) > maxScript && !closed {
		return fmt.Errorf("simulate: a script of %d bytes is too long", len(p.src))
	}
	for {
		p.space()
		if closed && strings.HasPrefix(p.src[p.pos:], directiveClose) {
			p.pos += len(directiveClose)
			return nil
		}
		if p.pos == len(p.src) {
			if closed {
				return errors.New("simulate: a script has no closing ]]")
			}
			return nil
		}
		if p.src[p.pos] == '|' {
			p.pos++
			continue
		}
		name := p.word()
		if name == "then" {
			p.turns = append(p.turns, Script{})
		} else if read, ok := instructions[name]; !ok {
			return fmt.Errorf("simulate: unknown instruction %q", name)
		} else if err := read(p, &p.turns[len(p.turns)-1]); err != nil {
			return fmt.Errorf("simulate: %s: %w", name, err)
		}
		p.space()
		if !p.atEnd() {
			return fmt.Errorf("simulate: %s: %q is not understood", name, excerpt(p.src[p.pos:], 40))
		}
	}
}

func (p *parser) atEnd() bool {
	rest := p.src[p.pos:]
	return rest == "" || rest[0] == '|' || strings.HasPrefix(rest, directiveClose)
}

func (p *parser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// word reads up to white space or the end of the instruction.
func (p *parser) word() string {
	p.space()
	start := p.pos
	for !p.atEnd() && strings.IndexByte(" \t\r\n", p.src[p.pos]) < 0 {
		p.pos++
	}
	return p.src[start:p.pos]
}

// number reads a count.
func (p *parser) number() (int, error) {
	w := p.word()
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > maxCount {
		return 0, fmt.Errorf("%q is not a number from 0 to %d", w, maxCount)
	}
	return n, nil
}

func (p *parser) duration() (time.Duration, error) {
	w := p.word()
	d, err := time.ParseDuration(w)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 200ms", w)
	}
	return d, nil
}

// value reads one JSON value and returns its exact text.
func (p *parser) value() (json.RawMessage, error) {
	dec := json.NewDecoder(strings.NewReader(p.src[p.pos:]))
	var v json.RawMessage
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("a JSON value is missing")
		}
		return nil, err
	}
	p.pos += int(dec.InputOffset())
	return v, nil
}

// text reads a JSON string, or bare words up to the end of the instruction.
func (p *parser) text() (string, error) {
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == '"' {
		v, err := p.value()
		if err != nil {
			return "", err
		}
		var s string
		err = json.Unmarshal(v, &s)
		return s, err
	}
	start := p.pos
	for !p.atEnd() {
		p.pos++
	}
	return strings.TrimSpace(p.src[start:p.pos]), nil
}

// call reads a tool's name and its arguments.
func (p *parser) call(custom bool) (Part, error) {
	c := ToolCall{Name: p.word(), Custom: custom}
	if c.Name == "" {
		return Part{}, errors.New("the tool's name is missing")
	}
	p.space()
	switch {
	case p.atEnd():
	case custom || p.src[p.pos] == '"':
		s, err := p.text()
		if err != nil {
			return Part{}, err
		}
		c.Arguments = s
	default:
		v, err := p.value()
		if err != nil {
			return Part{}, fmt.Errorf("arguments of %s: %w", c.Name, err)
		}
		c.Arguments = string(v)
	}
	return Part{Kind: PartCall, Call: c}, nil
}

// An instruction reads its own arguments and changes the script.
type instruction func(p *parser, s *Script) error

// instructions is the vocabulary; the package documentation explains each word.
var instructions = vocabulary()

func vocabulary() map[string]instruction {
	set := func(f func(*Script)) instruction {
		return func(_ *parser, s *Script) error { f(s); return nil }
	}
	count := func(field func(*Script) *int) instruction {
		return func(p *parser, s *Script) (err error) { *field(s), err = p.number(); return err }
	}
	wait := func(field func(*Delivery) *time.Duration) instruction {
		return func(p *parser, s *Script) (err error) { *field(&s.Delivery), err = p.duration(); return err }
	}
	word := func(field func(*Script) *string) instruction {
		return func(p *parser, s *Script) error {
			w := p.word()
			if w == "" {
				return errors.New("a word is missing")
			}
			*field(s) = w
			return nil
		}
	}
	say := func(kind PartKind) instruction {
		return func(p *parser, s *Script) error {
			t, err := p.text()
			s.Parts = append(s.Parts, Part{Kind: kind, Text: t})
			return err
		}
	}
	call := func(custom bool) instruction {
		return func(p *parser, s *Script) error {
			c, err := p.call(custom)
			s.Parts = append(s.Parts, c)
			return err
		}
	}
	encoded := func(name string) instruction {
		return set(func(s *Script) { s.Delivery.Encoding = name })
	}
	return map[string]instruction{
		"text":   say(PartText),
		"reason": say(PartReason),
		"refuse": say(PartRefusal),
		"call":   call(false),
		"custom": call(true),
		"tokens": func(p *parser, s *Script) error {
			n, err := p.number()
			if err == nil {
				s.Parts = append(s.Parts, Text(words(n)))
			}
			return err
		},

		"usage":  readUsage,
		"finish": word(func(s *Script) *string { return &s.Finish }),
		"model":  word(func(s *Script) *string { return &s.Model }),
		"n":      count(func(s *Script) *int { return &s.Choices }),
		"events": count(func(s *Script) *int { return &s.Events }),
		"error": func(p *parser, s *Script) (err error) {
			s.Error, err = p.failure(0)
			return err
		},

		"hold":  wait(func(d *Delivery) *time.Duration { return &d.Hold }),
		"ttft":  wait(func(d *Delivery) *time.Duration { return &d.TTFT }),
		"delay": wait(func(d *Delivery) *time.Duration { return &d.Delay }),
		"slow":  set(func(s *Script) { s.Delivery.Delay = 50 * time.Millisecond }),
		"pause": func(p *parser, s *Script) (err error) {
			if s.Delivery.PauseAfter, err = p.number(); err == nil {
				s.Delivery.Pause, err = p.duration()
			}
			return err
		},
		"chunk":       count(func(s *Script) *int { return &s.Delivery.Chunk }),
		"gzip":        encoded("gzip"),
		"br":          encoded("br"),
		"zstd":        encoded("zstd"),
		"deflate":     encoded("deflate"),
		"crlf":        set(func(s *Script) { s.Delivery.CRLF = true }),
		"lf":          set(func(s *Script) { s.Delivery.LF = true }),
		"comments":    set(func(s *Script) { s.Delivery.Comments = true }),
		"blanks":      set(func(s *Script) { s.Delivery.Blanks = true }),
		"nospace":     set(func(s *Script) { s.Delivery.NoSpace = true }),
		"nolastblank": set(func(s *Script) { s.Delivery.NoLastBlank = true }),
		"header":      readHeader,
		"redirect":    word(func(s *Script) *string { return &s.Delivery.Redirect }),
		"early":       set(func(s *Script) { s.Delivery.Early = true }),
		"close":       set(func(s *Script) { s.Delivery.Close = true }),
		"drop":        set(func(s *Script) { s.Delivery.Drop = true }),

		"abort":      set(func(s *Script) { s.Delivery.Abort = true }),
		"cut":        count(func(s *Script) *int { return &s.Delivery.Cut }),
		"noterminal": set(func(s *Script) { s.Delivery.NoTerminal = true }),
		"garbage":    set(func(s *Script) { s.Delivery.Garbage = true }),
		"error-midstream": func(p *parser, s *Script) (err error) {
			s.Delivery.MidError, err = p.failure(500)
			return err
		},
	}
}

// failure reads a status and, where given, a message.
func (p *parser) failure(status int) (*Failure, error) {
	p.space()
	if status == 0 || !p.atEnd() {
		n, err := p.number()
		if err != nil {
			return nil, err
		}
		if n < 400 || n > 599 {
			return nil, fmt.Errorf("%d is not the status of an error", n)
		}
		status = n
	}
	message, err := p.text()
	return &Failure{Status: status, Message: message}, err
}

func readUsage(p *parser, s *Script) (err error) {
	u := &Usage{}
	if u.Input, err = p.number(); err != nil {
		return err
	}
	if u.Output, err = p.number(); err != nil {
		return err
	}
	for p.space(); !p.atEnd(); p.space() {
		var field *int
		switch w := p.word(); w {
		case "cached":
			field = &u.CacheRead
		case "write":
			field = &u.CacheWrite
		case "reasoning":
			field = &u.Reasoning
		default:
			return fmt.Errorf("%q is none of cached, write, reasoning", w)
		}
		if *field, err = p.number(); err != nil {
			return err
		}
	}
	s.Usage = u
	return nil
}

func readHeader(p *parser, s *Script) error {
	line, err := p.text()
	if err != nil {
		return err
	}
	name, value, ok := strings.Cut(line, ":")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return errors.New("a header is written NAME: VALUE")
	}
	if s.Delivery.Header == nil {
		s.Delivery.Header = http.Header{}
	}
	s.Delivery.Header.Add(name, strings.TrimSpace(value))
	return nil
}

// excerpt shortens s to n bytes at most, between runes.
func excerpt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
