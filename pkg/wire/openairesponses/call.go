package openairesponses

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// call is a tool call that the client is to execute.
type call struct {
	id, name, kind string
	args           []byte
	whole          bool
}

// client says how the client is called by an item, if it is: the tool's name,
// the kind of the call, and its arguments, a JSON string or another value.
//
// Beside functions and custom tools there are the built-in tools that run at
// the client's: local_shell, shell (unless its environment is a container of the
// provider's), apply_patch, computer, and tool_search with client execution. Their
// kind is the item's type. All else runs at the provider's; of
// mcp_approval_request the client only says whether it may.
func (m *members) client() (name, kind string, args []byte, ok bool) {
	switch string(m.kind) {
	case "function_call":
		return callName(fold.String(m.namespace), fold.String(m.name)), "", m.arguments, true
	case "custom_tool_call":
		return callName(fold.String(m.namespace), fold.String(m.name)), "custom", m.input, true
	case "local_shell_call":
		return "local_shell", "local_shell_call", m.action, true
	case "shell_call":
		return "shell", "shell_call", m.action, !strings.HasPrefix(m.environment, "container")
	case "apply_patch_call":
		return "apply_patch", "apply_patch_call", m.operation, true
	case "computer_call":
		return "computer", "computer_call", m.action, true
	case "tool_search_call":
		return "tool_search", "tool_search_call", m.arguments, m.execution == "client"
	}
	return "", "", nil, false
}

// callItem folds in an item that is a call, or another of the provider's tools.
func (st *stream) callItem(it *item, m *members, whole bool) (d wire.Delta) {
	name, kind, args, ok := m.client()
	if !ok {
		d.Token = !whole && strings.HasSuffix(it.kind, "_call")
		return d
	}
	d.ToolCall = true
	if it.call < 0 {
		d.Token = true
		if !st.callsKept.Take(callCost + len(m.callID) + len(name)) {
			return d
		}
		id := fold.String(m.callID)
		if id == "" {
			id = fold.String(m.id)
		}
		st.calls = append(st.calls, call{id: id, name: name, kind: kind})
		it.call = len(st.calls) - 1
	}
	c := &st.calls[it.call]
	if c.name == "" {
		c.name = name
	}
	d.Token = d.Token || len(c.args) == 0 && len(args) > 2
	st.setArguments(it.call, args)
	if whole {
		st.finish(it.call)
	}
	return d
}

// setArguments takes what an event gives as the whole of a call's arguments;
// nothing leaves what came in pieces.
func (st *stream) setArguments(i int, raw []byte) {
	if fold.IsNull(raw) || string(raw) == `""` {
		return
	}
	c := &st.calls[i]
	st.callsKept.Release(len(c.args))
	c.args = c.args[:0]
	switch {
	case raw[0] == '"':
		c.args = st.callsKept.Append(c.args, raw)
	case st.callsKept.Take(len(raw)):
		c.args = append(c.args, raw...)
	}
}

// argumentsDelta folds in a piece of a call's arguments.
func (st *stream) argumentsDelta(e *event, kind string) wire.Delta {
	d := wire.Delta{Token: len(e.delta) > 2, ToolCall: true}
	if i := st.callOf(e, kind); i >= 0 {
		st.reopen(i)
		c := &st.calls[i]
		c.args = st.callsKept.Append(c.args, e.delta)
	}
	return d
}

// reopen makes a call unfinished again that goes on behind its end, so that no
// rule is led to judge half a call.
func (st *stream) reopen(i int) {
	if st.calls[i].whole {
		st.calls[i].whole = false
		st.whole--
	}
}

// argumentsDone folds in a call's whole arguments; some servers send them only so.
func (st *stream) argumentsDone(e *event, kind string) wire.Delta {
	d := wire.Delta{ToolCall: true}
	if i := st.callOf(e, kind); i >= 0 {
		d.Token = len(st.calls[i].args) == 0
		st.setArguments(i, e.whole)
	}
	return d
}

// callOf returns the index of the call that an event is about, and begins one if
// its item was not announced. It is -1 if there is none.
func (st *stream) callOf(e *event, kind string) int {
	it := st.findOrAdd(e, kind)
	if it == nil {
		return -1
	}
	if it.call < 0 {
		st.callItem(it, &members{kind: []byte(it.kind)}, false)
	}
	return it.call
}
