package proxy

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// foreign reads the messages of an API that is not observed, such as OpenAI's
// realtime or Gemini's live one, as far as they call tools. A call there is an
// object that has a name and arguments, or the id of a call and its arguments.
type foreign struct {
	limit int               // bytes that may be held; zero or less is no bound
	names map[string]string // of calls, by the ids that later messages name them with
	held  map[string][]byte // messages with pieces of calls that are not whole, by those ids
	size  int               // of held
}

// maxNames bounds the names that are kept; a call without one is judged as such.
const maxNames = 4096

// foreignMessage is what a message says of calls.
type foreignMessage struct {
	calls []llm.ToolCall // that are whole
	piece string         // the id of the call that it holds a piece of, or ""
	whole []string       // the ids of calls
}

// read reads a message.
func (f *foreign) read(m []byte) (out foreignMessage) {
	if !mayCall(m) {
		return out
	}
	event := ""
	s := jsonscan.New(m)
	for key := range s.Object() {
		if string(key) == "type" {
			event = s.Text()
		}
	}
	w := foreignWalk{foreign: f, done: strings.HasSuffix(event, ".done"), piece: isPiece(event)}
	w.value(jsonscan.New(m), "", 0)
	return w.out
}

// isPiece tells that an event holds a piece of what a tool is called with.
func isPiece(event string) bool {
	event, piece := strings.CutSuffix(event, ".delta")
	return piece && (strings.HasSuffix(event, "function_call_arguments") || strings.HasSuffix(event, "custom_tool_call_input") ||
		strings.HasSuffix(event, "shell_call_command") || strings.Contains(event, "apply_patch_call_operation"))
}

// builtIn names OpenAI's own tools that run at the client's by the type of their calls.
// What they are called with is the call's action, or its operation.
var builtIn = map[string]string{"local_shell_call": "local_shell", "shell_call": "shell", "apply_patch_call": "apply_patch", "computer_call": "computer"}

// mayCall tells whether a text has what every call has.
func mayCall(m []byte) bool {
	return bytes.Contains(m, []byte("unction")) || bytes.Contains(m, []byte("ool")) || bytes.Contains(m, []byte("_call")) || bytes.Contains(m, []byte(`\u`))
}

// hold keeps a message back until the call is whole that it holds a piece of. It
// tells whether there was room.
func (f *foreign) hold(id string, raw []byte) bool {
	if f.held == nil {
		f.held = map[string][]byte{}
	}
	f.held[id] = append(f.held[id], raw...)
	f.size += len(raw)
	return f.limit <= 0 || f.size <= f.limit
}

// release returns what was held of calls.
func (f *foreign) release(ids []string) (raw []byte) {
	for _, id := range ids {
		raw = append(raw, f.held[id]...)
		f.size -= len(f.held[id])
		delete(f.held, id)
	}
	return raw
}

// name keeps the name of a call.
func (f *foreign) name(name string, ids ...string) {
	for _, id := range ids {
		if f.names == nil || len(f.names) >= maxNames {
			f.names = map[string]string{}
		}
		if id != "" {
			f.names[id] = name
		}
	}
}

// foreignWalk is one look at a message.
type foreignWalk struct {
	*foreign
	done, piece bool
	out         foreignMessage
}

// value walks over a value that stands under a name.
func (w *foreignWalk) value(s *jsonscan.Scanner, under string, depth int) {
	switch {
	case s.Kind() == jsonscan.Array:
		for range s.Array() {
			w.value(s, under, depth+1)
		}
	case s.Kind() == jsonscan.Object && depth < 32:
		w.object(s, under, depth)
	default:
		s.Skip()
	}
}

func (w *foreignWalk) object(s *jsonscan.Scanner, under string, depth int) {
	var c llm.ToolCall
	var args, input, action []byte
	var kind, item string
	for key := range s.Object() {
		switch name := string(key); name {
		case "name":
			c.Name = s.Text()
		case "type":
			kind = s.Text()
		case "call_id":
			c.ID = s.Text()
		case "id", "item_id":
			item = s.Text()
		case "arguments", "args":
			args = argument(s)
		case "input":
			input = s.Raw()
		case "action", "operation":
			action = s.Raw()
		default:
			w.value(s, name, depth+1)
		}
	}
	switch {
	case kind == "tool_use" || strings.HasSuffix(kind, "custom_tool_use"): // Anthropic's
		if args == nil {
			args = bytes.Clone(input)
		}
	case strings.HasSuffix(kind, "custom_tool_call") || w.done && strings.HasSuffix(kind, "custom_tool_call_input.done") || under == "custom" && c.Name != "": // OpenAI's
		if args == nil && len(input) > 0 {
			args = argument(jsonscan.New(input))
		}
	case len(input) > 0:
		w.value(jsonscan.New(input), "input", depth+1)
	}
	switch name := builtIn[kind]; {
	case name != "":
		if c.Name = name; args == nil {
			args = bytes.Clone(action)
		}
	case len(action) > 0:
		w.value(jsonscan.New(action), "action", depth+1)
	}
	if w.piece && depth == 0 {
		w.out.piece = cmp.Or(item, c.ID, "?")
		return
	}
	called := under == "functionCalls" || under == "functionCall"
	if c.Name != "" {
		w.name(c.Name, item, c.ID)
	} else if len(args) > 0 && (item != "" || c.ID != "") {
		c.Name = cmp.Or(w.names[item], w.names[c.ID])
		called = true
	}
	if !called && (c.Name == "" || len(args) == 0 && !(w.done && kind == "function_call")) {
		return
	}
	if len(args) == 0 {
		args = []byte("{}")
	}
	if jsonscan.Check(args) == nil {
		c.Arguments = args
	} else {
		c.ArgumentsText = string(args)
	}
	w.out.whole = append(w.out.whole, item, c.ID)
	if c.ID == "" {
		c.ID = item
	}
	w.out.calls = append(w.out.calls, c)
}

// argument reads what a tool is called with: a text, or a value of its own.
func argument(s *jsonscan.Scanner) []byte {
	if s.Kind() == jsonscan.String {
		return []byte(s.Text())
	}
	return bytes.Clone(s.Raw())
}
