package adopt

import (
	"fmt"
	"strconv"
	"strings"
)

// The rules of Codex are calls in Starlark, with names, texts and lists for
// arguments (https://developers.openai.com/codex/rules). That much is read here;
// a file that computes something is told to its reader, line by line.

// call is one call of a file.
type call struct {
	line int
	name string
	args map[string]value
}

// value is a text, a name such as True, or a list.
type value struct {
	text   string
	isList bool
	isText bool
	list   []value
}

// texts returns a text, or the texts of a list of texts.
func (v value) texts() ([]string, bool) {
	if v.isText {
		return []string{v.text}, true
	}
	var out []string
	for _, e := range v.list {
		if !e.isText {
			return nil, false
		}
		out = append(out, e.text)
	}
	return out, v.isList && len(out) > 0
}

// starlark is a reader of such a file.
type starlark struct {
	text string
	at   int
	line int
}

// fault is a line that was not understood.
type fault struct {
	line int
	why  string
}

// calls reads the calls of a file, and goes on behind what it does not understand
// with the next line that begins with a name.
func calls(text string) (all []call, faults []fault) {
	s := &starlark{text: text, line: 1}
	for {
		s.blank(true)
		if s.at >= len(s.text) || len(all)+len(faults) >= maxEntries {
			return all, faults
		}
		line := s.line
		c, err := s.call()
		if err != nil {
			faults = append(faults, fault{line, err.Error()})
			s.resume(line)
			continue
		}
		c.line = line
		all = append(all, c)
	}
}

// resume goes to the next line after one that does not begin with a blank, a
// bracket or a comment.
func (s *starlark) resume(after int) {
	for s.at < len(s.text) {
		i := strings.IndexByte(s.text[s.at:], '\n')
		if i < 0 {
			s.at = len(s.text)
			return
		}
		s.at += i + 1
		s.line++
		if s.line > after && s.at < len(s.text) && isLetter(s.text[s.at]) {
			return
		}
	}
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// blank skips blanks and comments; lines too, where they do not end a statement.
func (s *starlark) blank(lines bool) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '\n' && lines:
			s.line++
			s.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == ';' && lines:
			s.at++
		case c == '#':
			if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
				s.at += i
			} else {
				s.at = len(s.text)
			}
		default:
			return
		}
	}
}

func (s *starlark) peek() byte {
	s.blank(true)
	if s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *starlark) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *starlark) name() string {
	begin := s.at
	for s.at < len(s.text) && (isLetter(s.text[s.at]) || s.at > begin && '0' <= s.text[s.at] && s.text[s.at] <= '9') {
		s.at++
	}
	return s.text[begin:s.at]
}

func (s *starlark) call() (call, error) {
	c := call{name: s.name(), args: map[string]value{}}
	s.blank(false)
	if c.name == "" || s.at >= len(s.text) || s.text[s.at] != '(' {
		return c, fmt.Errorf("a call such as prefix_rule(…) is expected")
	}
	s.at++
	for !s.take(')') {
		s.peek()
		name := s.name()
		if name == "" || !s.take('=') {
			return c, fmt.Errorf("an argument of %s has no name", c.name)
		}
		if _, twice := c.args[name]; twice {
			return c, fmt.Errorf("%s has %s twice", c.name, name)
		}
		v, err := s.value(0)
		if err != nil {
			return c, fmt.Errorf("%s of %s: %w", name, c.name, err)
		}
		c.args[name] = v
		if !s.take(',') && s.peek() != ')' {
			return c, fmt.Errorf("%s of %s: a comma is expected behind it", name, c.name)
		}
	}
	return c, nil
}

func (s *starlark) value(depth int) (value, error) {
	const deepest = 8
	switch c := s.peek(); {
	case depth > deepest:
		return value{}, fmt.Errorf("it is nested too deeply")
	case c == '[' || c == '(':
		s.at++
		end := byte(']')
		if c == '(' {
			end = ')'
		}
		v := value{isList: true}
		for !s.take(end) {
			e, err := s.value(depth + 1)
			if err != nil {
				return v, err
			}
			if v.list = append(v.list, e); len(v.list) > maxEntries {
				return v, fmt.Errorf("the list is too long")
			}
			if !s.take(',') && s.peek() != end {
				return v, fmt.Errorf("a comma is expected in the list")
			}
		}
		return v, nil
	case c == '"' || c == '\'' || c == 'r' && s.at+1 < len(s.text) && (s.text[s.at+1] == '"' || s.text[s.at+1] == '\''):
		text, err := s.literal()
		return value{text: text, isText: true}, err
	case isLetter(c):
		name := s.name()
		if name == "True" || name == "False" || name == "None" {
			return value{text: name}, nil
		}
		return value{}, fmt.Errorf("%s is computed, and only texts and lists are read", name)
	}
	return value{}, fmt.Errorf("a text or a list is expected")
}

// literal reads a text: quoted once or three times, raw or with escapes.
func (s *starlark) literal() (string, error) {
	raw := s.text[s.at] == 'r'
	if raw {
		s.at++
	}
	quote := s.text[s.at : s.at+1]
	if strings.HasPrefix(s.text[s.at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	s.at += len(quote)
	var b strings.Builder
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case strings.HasPrefix(s.text[s.at:], quote):
			s.at += len(quote)
			return b.String(), nil
		case c == '\n':
			if len(quote) == 1 {
				return "", fmt.Errorf("a text does not end")
			}
			s.line++
		case c == '\\' && s.at+1 < len(s.text) && raw:
			b.WriteByte(c)
			s.at++
			c = s.text[s.at]
			if c == '\n' {
				s.line++
			}
		case c == '\\' && s.at+1 < len(s.text) && (s.text[s.at+1] == '"' || s.text[s.at+1] == '\''):
			s.at++
			c = s.text[s.at]
		case c == '\\':
			r, _, rest, err := strconv.UnquoteChar(s.text[s.at:min(len(s.text), s.at+12)], quote[0])
			if err != nil {
				return "", fmt.Errorf("an escape in a text is not known")
			}
			b.WriteRune(r)
			s.at = min(len(s.text), s.at+12) - len(rest)
			continue
		}
		b.WriteByte(c)
		s.at++
	}
	return "", fmt.Errorf("a text does not end")
}
