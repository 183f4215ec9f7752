package gemini

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// call is a function call, whole or as it grows.
type call struct {
	id, name  string
	candidate int64
	args      []byte // as JSON, where they came whole
	partial   *arguments
	whole     bool
}

// callCost is what a call costs its budget, beside its texts.
const callCost = 64

func (st *stream) part(c *candidate, s *jsonscan.Scanner) (d wire.Delta) {
	var text, function []byte
	thought, other := false, false
	for key := range s.Object() {
		switch string(key) {
		case "text":
			text = s.Raw()
		case "thought":
			thought, _ = s.Bool()
		case "functionCall":
			function = s.Raw()
		case "executableCode", "codeExecutionResult", "inlineData", "fileData", "toolCall", "toolResponse":
			other = true
		}
	}
	d.Token = other
	to := &c.text
	if thought {
		to = &c.thought
	}
	if to.Append(&st.kept, 0, text) {
		d.Token = true
	}
	if !fold.IsNull(function) {
		d.Token, d.ToolCall = true, true
		st.call(c, function)
	}
	return d
}

// call folds in a functionCall. Most come whole. Vertex AI streams the arguments
// if it is asked to (streamFunctionCallArguments): the first part has the name,
// the following ones partialArgs, and all but the last willContinue.
func (st *stream) call(c *candidate, raw []byte) {
	var id, name, args, pieces []byte
	more := false
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "id":
			id = s.Raw()
		case "name":
			name = s.Raw()
		case "args":
			args = s.Raw()
		case "partialArgs":
			pieces = s.Raw()
		case "willContinue":
			more, _ = s.Bool()
		}
	}
	if c.open >= 0 && len(name) > 2 && st.calls[c.open].name != fold.String(name) {
		st.close(c)
	}
	if c.open < 0 {
		if !st.callsKept.Take(callCost + len(id) + len(name)) {
			return
		}
		st.calls = append(st.calls, call{candidate: c.index})
		c.open = len(st.calls) - 1
	}
	k := &st.calls[c.open]
	setOnce(&k.id, id)
	setOnce(&k.name, name)
	if !fold.IsNull(args) && st.callsKept.Take(len(args)) {
		k.args = bytes.Clone(args)
	}
	if !fold.IsNull(pieces) {
		if k.partial == nil {
			k.partial = &arguments{budget: &st.callsKept}
		}
		k.partial.add(pieces)
	}
	if !more {
		st.close(c)
	}
}

// close ends the call that a candidate streams, if there is one.
func (st *stream) close(c *candidate) {
	if c.open < 0 {
		return
	}
	if k := &st.calls[c.open]; !k.whole {
		k.whole = true
		st.whole++
	}
	c.open = -1
}

// text returns a call's arguments as JSON, and whether they are to be trusted
// as such. A whole call without arguments has none to give: {}.
func (k *call) text() (args []byte, ok bool) {
	switch {
	case k.partial != nil:
		return k.partial.json(), k.whole && !k.partial.broken
	case len(k.args) > 0:
		return k.args, true
	case k.whole:
		return []byte("{}"), true
	}
	return nil, false
}
