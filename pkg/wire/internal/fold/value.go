package fold

import (
	"bytes"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// String returns the text of a JSON string that is given with its quotes, or ""
// if raw is something else.
func String(raw []byte) string {
	if len(raw) <= 2 || raw[0] != '"' {
		return ""
	}
	lit := raw[1 : len(raw)-1]
	if bytes.IndexByte(lit, '\\') < 0 {
		return string(lit)
	}
	return string(jsonscan.AppendUnescaped(nil, lit))
}

// Name returns the text of a JSON string, for members that say what a thing is.
// It is a part of raw unless the name is spelt with escapes.
func Name(raw []byte) []byte {
	if len(raw) <= 2 || raw[0] != '"' {
		return nil
	}
	lit := raw[1 : len(raw)-1]
	if bytes.IndexByte(lit, '\\') < 0 {
		return lit
	}
	return jsonscan.AppendUnescaped(nil, lit)
}

// Word returns the text of a JSON string, or a number or a truth value as it is
// written: for members that some servers send as one and some as the other,
// such as an error's code. Anything else gives "".
func Word(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return String(raw)
	case 'n', '{', '[':
		return ""
	}
	return string(raw)
}

// IsNull tells that raw is absent or null.
func IsNull(raw []byte) bool { return len(raw) == 0 || raw[0] == 'n' }

// maxCount is far above what any request can use. A number beyond it is not
// believed, and sums of several cannot overflow.
const maxCount = 1 << 50

// Count is a counter of tokens that may not be stated.
type Count struct {
	N  int64
	OK bool
}

// Read takes the next value for the counter if it is a whole number of zero or
// more; else the counter stays as it is.
func (c *Count) Read(s *jsonscan.Scanner) {
	if n, ok := s.Int(); ok && n >= 0 && n <= maxCount {
		*c = Count{n, true}
	}
}

// Set takes over what another counter states, if it states anything.
func (c *Count) Set(other Count) {
	if other.OK {
		*c = other
	}
}

// Ptr returns the counter as the nouns want it.
func (c Count) Ptr() *int64 {
	if !c.OK {
		return nil
	}
	return &c.N
}

// Sum adds what is stated of others to c. It is stated if c is.
func (c Count) Sum(others ...Count) Count {
	if c.OK {
		for _, o := range others {
			c.N += o.N
		}
	}
	return c
}

// Arguments puts the text of a tool call's arguments where it belongs: into
// Arguments if it is strict JSON, else into ArgumentsText. Text in which an
// object holds a name twice counts as the latter, since the client may read it
// otherwise than a rule would.
func Arguments(c *llm.ToolCall, text []byte) {
	switch {
	case len(text) == 0:
	case jsonscan.Check(text) == nil:
		c.Arguments = json.RawMessage(bytes.Clone(text))
	default:
		c.ArgumentsText = string(text)
	}
}

// maxPlain is how much is kept of an error body that is no JSON.
const maxPlain = 1 << 10

// Plain returns the error that a body which is not in the shape of the format
// states: its text, or the name of the status where it is empty.
func Plain(status int, body []byte) *llm.Error {
	text := bytes.TrimSpace(body)
	if len(text) > maxPlain {
		end := maxPlain
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	e := &llm.Error{Source: llm.SourceUpstream, Message: string(bytes.ToValidUTF8(text, []byte("\uFFFD")))}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	return e
}
