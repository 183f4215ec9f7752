package hold

import (
	"bytes"
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Call is a call in a gate.
type Call struct {
	N         int
	Whole     bool // it was asked about, or refused before that
	Settled   bool
	Refused   bool
	Text      string          // of the refusal
	Arguments json.RawMessage // edited ones, or nil
	Shown     bool            // for editors: the text, or the edited call, was written
	tool      llm.ToolCall
	ambiguous bool
	LateText  string // stands for a copy of the call that says something else than it
	late      bool   // something came behind its end
}

// Part is a piece of a call in a frame.
type Part struct {
	*Call
	// Late tells that the piece came behind the call's end. It is cut out, even
	// if the call is allowed.
	Late bool
	// At is where the piece stands in the frame's data, if it is a value of its own.
	At llm.Span
}

// Gone tells that the piece does not leave as it is.
func (p Part) Gone() bool { return p.Refused || p.Late }

// Begin adds a call.
func (g *Gate) Begin() *Call {
	c := &Call{N: len(g.calls)}
	g.calls = append(g.calls, c)
	return c
}

// Add notes that a value in the frame is a piece of a call. If the value is not
// strict JSON, or names something twice, the call is refused once it is whole.
func (g *Gate) Add(f *Frame, p Part, at llm.Span) {
	p.At = at
	if jsonscan.Check(In(f.Data, at)) != nil {
		if p.Whole {
			p.Late = g.Late(p.Call).Late
		}
		p.ambiguous = true
	}
	f.Parts = append(f.Parts, p)
}

// Finish tells that a call is whole, and which it is. Its arguments are refused
// if they are no strict JSON, unless it is a custom tool's.
func (g *Gate) Finish(c *Call, t llm.ToolCall) {
	if c.Whole {
		return
	}
	c.Whole, c.tool = true, t
	if c.Settled {
		return
	}
	if c.ambiguous || t.ArgumentsText != "" && t.Kind != "custom" {
		g.Refuse(c, wire.ErrAmbiguous)
		return
	}
	g.told = append(g.told, wire.Call{N: c.N, ToolCall: t})
}

// Pass lets a call go that turns out not to be the client's.
func (g *Gate) Pass(c *Call) {
	if c.Whole = true; !c.Settled {
		g.settle(c, wire.Decision{Allow: true})
	}
}

// RefuseWhole tells that a call is whole, and refuses it.
func (g *Gate) RefuseWhole(c *Call, t llm.ToolCall, why error) {
	if !c.Whole {
		c.Whole, c.tool = true, t
		g.Refuse(c, why)
	}
}

// Refuse settles a call for a reason of the gate's own.
func (g *Gate) Refuse(c *Call, why error) {
	if c.Settled {
		return
	}
	if !c.Whole {
		c.tool = g.edit().Tool(c)
	}
	g.settle(c, wire.Decision{Text: g.text(c.tool, why)})
	g.told = append(g.told, wire.Call{N: c.N, ToolCall: c.tool, Refused: why})
}

func (g *Gate) text(t llm.ToolCall, why error) string {
	if g.options.Refusal != nil {
		return g.options.Refusal(t, why)
	}
	return "[archestra] A tool call was refused: " + why.Error() + "."
}

func (g *Gate) settle(c *Call, d wire.Decision) {
	c.Settled = true
	switch {
	case !d.Allow:
		c.Refused, c.Text, g.touched = true, d.Text, true
	case d.Arguments != nil:
		if jsonscan.Check(d.Arguments) != nil {
			g.settle(c, wire.Decision{Text: g.text(c.tool, wire.ErrAmbiguous)})
			return
		}
		// A frame's data must stay on its line.
		var b bytes.Buffer
		if json.Compact(&b, d.Arguments) == nil {
			c.Arguments, g.touched = b.Bytes(), true
		}
	}
	for g.first < len(g.calls) && g.calls[g.first].Settled {
		g.first++
	}
}

// refuseAll refuses every call that is not settled.
func (g *Gate) refuseAll(why error) {
	for _, c := range g.calls[g.first:] {
		g.Refuse(c, why)
	}
}

// NoneLeft tells that all of the first calls, and at least one, are refused.
func (g *Gate) NoneLeft(known int) bool {
	for g.gone < known && g.calls[g.gone].Refused {
		g.gone++
	}
	return known > 0 && g.gone >= known
}

// Late tells that a piece of the call came behind its end.
func (g *Gate) Late(c *Call) Part {
	if c.Settled && !c.late {
		g.told = append(g.told, wire.Call{N: c.N, ToolCall: c.tool, Refused: wire.ErrGoesOn})
	}
	g.Refuse(c, wire.ErrGoesOn)
	g.touched, c.late = true, true
	c.LateText = g.text(c.tool, wire.ErrGoesOn)
	return Part{Call: c, Late: true}
}
