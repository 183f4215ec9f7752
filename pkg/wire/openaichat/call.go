package openaichat

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// The kinds of llm.ToolCall that are not plain functions.
const (
	kindCustom = "custom"        // a free-text tool
	kindLegacy = "function_call" // what tool calls were before; one a message, without an id
)

// call is a tool call that is being put together.
type call struct {
	index int // unknown where none is stated
	kind  string
	id    string
	name  string
	args  []byte
}

// part is an element of tool_calls, in a delta or whole.
type part struct {
	index          int
	kind           string
	id, name, args []byte // raw
}

// toolCall folds in the next value, an element of tool_calls.
func (st *stream) toolCall(c *choice, s *jsonscan.Scanner) {
	p := part{index: unknown}
	for key := range s.Object() {
		switch string(key) {
		case "index":
			if n, ok := s.Int(); ok && n >= 0 && n == int64(int(n)) {
				p.index = int(n)
			}
		case "id":
			p.id = text(s.Raw())
		case "function":
			p.function(s)
		case "custom":
			p.kind = kindCustom
			p.function(s)
		case "type":
			if string(s.Raw()) == `"custom"` {
				p.kind = kindCustom
			}
		}
	}
	if s.Err() == nil {
		st.fold(c, p)
	}
}

// functionCall folds in the next value, a legacy function_call.
func (st *stream) functionCall(c *choice, s *jsonscan.Scanner) {
	if s.Kind() != jsonscan.Object {
		return
	}
	p := part{index: unknown, kind: kindLegacy}
	p.function(s)
	if s.Err() == nil {
		st.fold(c, p)
	}
}

func (p *part) function(s *jsonscan.Scanner) {
	for key := range s.Object() {
		switch string(key) {
		case "name":
			p.name = text(s.Raw())
		case "arguments", "input":
			p.args = s.Raw()
		}
	}
}

// text returns raw if it is a JSON string that is not empty.
func text(raw []byte) []byte {
	if len(raw) > 2 && raw[0] == '"' {
		return raw
	}
	return nil
}

func (st *stream) fold(c *choice, p part) {
	st.delta.Token, st.delta.ToolCall = true, true
	i := c.find(p)
	if i == unknown {
		if len(c.calls) >= maxEntries || !st.callsKept.Take(entryCost) {
			st.lost = true
			return
		}
		i = len(c.calls)
		c.calls = append(c.calls, call{index: p.index, kind: p.kind})
	}
	c.whole = min(c.whole, i)
	k := &c.calls[i]
	if p.kind != "" {
		k.kind = p.kind
	}
	if k.id == "" && p.id != nil {
		k.id = st.callsKept.String(p.id)
	}
	switch name := p.name; {
	case name == nil:
	case k.name == "":
		k.name = st.callsKept.String(name)
	case len(k.args) == 0 && !same(k.name, name): // it comes in pieces
		k.name += st.callsKept.String(name)
	}
	switch {
	case len(p.args) == 0 || p.args[0] == 'n':
	case p.args[0] == '"':
		k.args = st.callsKept.Append(k.args, p.args)
	case st.callsKept.Take(len(p.args)): // an object, where OpenAI has its text
		k.args = append(k.args, p.args...)
	}
}

// find returns which call the part goes on with, unknown for a new one.
//
// OpenAI states an index with every part, and the id and the name with the
// first. Gemini's endpoint of this format gives index 0 to all calls, so that a
// new id with a name is a new call; old vLLM makes up a new id for every part, so
// that one without a name is none. Without an index a new id begins a call; and
// without an id either, a name does, unless it is only repeated.
func (c *choice) find(p part) int {
	last := len(c.calls) - 1
	if p.kind == kindLegacy {
		for i := range c.calls {
			if c.calls[i].kind == kindLegacy {
				return i
			}
		}
		return unknown
	}
	for i := last; i >= 0 && p.index != unknown; i-- {
		k := &c.calls[i]
		if k.index != p.index || k.kind == kindLegacy {
			continue
		}
		if p.id == nil || k.id == "" || p.name == nil || same(k.id, p.id) {
			return i
		}
		return unknown
	}
	if last < 0 || p.index != unknown && c.calls[last].index != unknown {
		return unknown
	}
	if p.id != nil {
		for i := last; i >= 0; i-- {
			if same(c.calls[i].id, p.id) {
				return i
			}
		}
		if c.calls[last].id != "" {
			return unknown
		}
	}
	k := &c.calls[last]
	if p.name != nil && k.name != "" && (!same(k.name, p.name) || k.seemsWhole() && beginsObject(p.args)) {
		return unknown
	}
	return last
}

// same tells whether a JSON string holds that text.
func same(text string, literal []byte) bool {
	if inner := literal[1 : len(literal)-1]; string(inner) == text {
		return true
	}
	return fold.String(literal) == text
}

func (k *call) seemsWhole() bool {
	return len(k.args) > 0 && k.args[len(k.args)-1] == '}' && jsonscan.Check(k.args) == nil
}

func beginsObject(args []byte) bool {
	return len(args) > 0 && (args[0] == '{' || len(args) > 1 && args[1] == '{')
}

func (k *call) toolCall(choice int) llm.ToolCall {
	t := llm.ToolCall{ID: k.id, Name: k.name, Choice: choice, Kind: k.kind}
	if k.kind == kindCustom {
		t.ArgumentsText = string(k.args)
	} else {
		fold.Arguments(&t, k.args)
	}
	return t
}
