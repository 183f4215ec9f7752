package tui

import (
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// used is one call of a tool in the conversation.
type used struct {
	id, name string
	args     json.RawMessage
	text     string // arguments that are no JSON
	result   *llm.Part
	call     *llm.ToolCall // where the answer proposes it
}

// toolUse lists the calls of the history with their results, then those of the
// answer.
func (d *detail) toolUse() []used {
	var all []used
	at := map[string]int{}
	if d.conv != nil {
		for k := range d.conv.Messages {
			parts := d.conv.Messages[k].Parts
			for j := range parts {
				switch p := &parts[j]; p.Kind {
				case llm.PartToolCall:
					at[p.CallID] = len(all)
					all = append(all, used{id: p.CallID, name: p.Name, args: p.Arguments})
				case llm.PartToolResult:
					if n, ok := at[p.CallID]; ok {
						all[n].result = p
					} else {
						all = append(all, used{id: p.CallID, name: p.Name, result: p})
					}
				}
			}
		}
	}
	for k := range d.i.ToolCalls {
		c := &d.i.ToolCalls[k]
		all = append(all, used{id: c.ID, name: c.Name, args: c.Arguments, text: c.ArgumentsText, call: c})
	}
	return all
}

// tools lists every call with its arguments, its result and its verdict.
func (d *detail) tools(g *page) {
	all := d.toolUse()
	if len(all) == 0 {
		if d.fetched {
			g.note("No tool was called.")
		} else {
			g.note("reading…")
		}
	}
	for k := range all {
		u := &all[k]
		if k > 0 {
			g.empty()
		}
		var l paint.Line
		l.Add(paint.Dim, line("%3d ", k+1))
		l.Add(paint.Bold, printable.Line(u.name))
		l.Add(paint.Dim, printable.Line("  "+u.id))
		switch {
		case u.call == nil && u.result == nil:
			l.Say(paint.Dim, "  no result")
		case u.call == nil && u.result.IsError:
			l.Say(paint.Warn, "  ! error")
		case u.call == nil:
			l.Say(paint.Dim, "  ✓ returned")
		case rulingOf(u.call) != unjudged:
			sign, style := rulingOf(u.call).sign()
			l.Gap(2)
			l.Add(style, sign)
		default:
			l.Say(paint.Live, "  proposed now")
		}
		g.line(l)
		back := g.indent(paint.Dim, false)
		if len(u.args) > 0 {
			g.json(u.args)
		} else {
			g.text(paint.Code, u.text)
		}
		back()
		if u.result != nil {
			outer := g.indent(paint.Dim, false)
			back := g.indent(paint.Dim, true)
			g.text(paint.Plain, u.result.Text)
			back()
			outer()
		}
	}
}
