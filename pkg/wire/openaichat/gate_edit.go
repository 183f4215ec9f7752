package openaichat

import (
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// cut is the editing of one frame.
type cut struct {
	*gate
	g     *hold.Gate
	data  []byte
	known int
	parts []hold.Part // that were not met yet
	edits hold.Edits
	gone  bool // something was taken out
	taken bool // likewise, of the present choice
	left  bool // something is there to be sent
}

// Edit implements hold.Editor. A chunk of which nothing is left is not sent.
func (gt *gate) Edit(g *hold.Gate, f *hold.Frame, out *hold.Out) {
	c := cut{gate: gt, g: g, data: f.Data, known: f.Known, parts: f.Parts}
	s := &gt.scan
	s.Reset(f.Data)
	if s.Kind() != jsonscan.Object {
		out.Keep(f)
		return
	}
	var choices []chosen
	for key := range s.Object() {
		switch string(key) {
		case "choices":
			for i := range s.Array() {
				choices = append(choices, readChosen(f.Data, s, i))
			}
		case "usage", "error":
			c.left = c.left || s.Kind() != jsonscan.Null
		}
	}
	if s.Err() != nil {
		out.Keep(f)
		return
	}
	for _, at := range choices {
		c.choice(at)
	}
	switch {
	case len(c.edits) == 0:
		out.Keep(f)
	case c.gone && !c.left && !f.Body:
	default:
		out.Replace(f, c.edits.Apply(f.Data))
	}
}

func (c *cut) choice(at chosen) {
	own, echo := at.read(c.data, c.st.whole)
	ch := c.st.at(at.index)
	if ch == nil {
		return
	}
	c.taken = false
	c.message(own)
	if hasCalls(c.data, echo) {
		refused, _ := c.count(ch)
		if refused {
			// A copy of what came is of no use once it is edited: its calls go.
			members := hold.Members(c.data, echo.Start)
			c.edits.Cut(hold.Spans(members), func(i int) bool { return isCalls(members[i].Name) })
		}
		for _, k := range c.calls[ch] {
			if k.N < c.known && len(c.parts) > 0 {
				c.parts = c.parts[1:]
			}
		}
	}
	if c.taken {
		for _, at := range at.tokens {
			c.edits.Set(at, []byte("null"))
		}
	}
	switch string(hold.In(c.data, at.finish)) {
	case "", "null":
		return
	case `"tool_calls"`, `"function_call"`:
		if refused, left := c.count(ch); refused && !left {
			c.edits.Set(at.finish, []byte(`"stop"`))
		}
	}
	c.left = true
}

// count tells whether a choice has refused calls, and others, up to this frame.
func (c *cut) count(ch *choice) (refused, left bool) {
	for _, k := range c.calls[ch] {
		if k.N < c.known {
			refused, left = refused || k.Refused, left || !k.Refused
		}
	}
	return refused, left
}

// message edits a delta or a whole message.
func (c *cut) message(at llm.Span) {
	if at.End-at.Start <= len(`{}`) || c.data[at.Start] != '{' {
		return
	}
	members := hold.Members(c.data, at.Start)
	remove := make([]bool, len(members))
	var says string
	for i, m := range members {
		switch v := hold.In(c.data, m.Value); {
		case m.Name == "tool_calls" && len(v) > 0 && v[0] == '[':
			items := hold.Elements(c.data, m.Value.Start)
			left := c.edits.Cut(items, func(k int) bool { return !c.element(items[k], &says) })
			remove[i] = left == 0 && len(items) > 0
			c.left = c.left || left > 0
		case m.Name == "function_call" && len(v) > 0 && v[0] == '{':
			remove[i] = !c.element(m.Value, &says)
			c.left = c.left || !remove[i]
		case m.Name == "content" && len(v) > 2 && v[0] != 'n':
			c.g.Spoken, c.left = true, true
		case m.Name != "role" && m.Name != "content" && len(v) > 0 && v[0] != 'n' && string(v) != `""`:
			c.left = true
		}
	}
	if says != "" {
		c.say(members, remove, says)
	}
	c.edits.Cut(hold.Spans(members), func(i int) bool { return remove[i] })
}

// say puts text into the content of a message, or makes one.
func (c *cut) say(members []hold.Member, remove []bool, text string) {
	c.left = true
	text = c.g.Separated(text)
	content := hold.Find(members, "content")
	v := hold.In(c.data, content.Value)
	switch {
	case len(v) > 2 && v[0] == '"':
		quoted := hold.Quote(text)
		c.edits.Insert(content.Value.End-1, quoted[1:len(quoted)-1])
	case len(v) > 0 && v[0] == '[':
		item := append([]byte(`{"type":"text","text":`), hold.Quote(text)...)
		item = append(item, '}')
		if len(hold.Elements(c.data, content.Value.Start)) > 0 {
			item = append([]byte{','}, item...)
		}
		c.edits.Insert(content.Value.End-1, item)
	case len(v) > 0:
		c.edits.Set(content.Value, hold.Quote(text))
	default:
		member := append([]byte(`"content":`), hold.Quote(text)...)
		for i := range members {
			if remove[i] {
				remove[i] = false
				c.edits.Set(members[i].Span, member)
				return
			}
		}
		c.edits.Insert(members[0].Span.Start, append(member, ','))
	}
}

// element edits one part of a call, and tells whether it stays. The text of a
// refused call is added to says.
func (c *cut) element(at llm.Span, says *string) (stays bool) {
	if len(c.parts) == 0 {
		return true
	}
	p := c.parts[0]
	c.parts = c.parts[1:]
	if p.Refused && !p.Shown {
		p.Shown = true
		if *says != "" && p.Text != "" {
			*says += "\n\n"
		}
		*says += p.Text
	}
	if p.Gone() {
		c.gone, c.taken = true, true
		return false
	}
	k := c.byNumber[p.N]
	if p.Arguments != nil {
		if p.Shown {
			c.gone, c.taken = true, true
			return false
		}
		p.Shown = true
		c.rewrite(k, at)
		return true
	}
	members := hold.Members(c.data, at.Start)
	if index := hold.Find(members, "index"); index.Value.End > 0 && k.index != unknown {
		if n := c.place(k); n != k.index {
			c.edits.Set(index.Value, strconv.AppendInt(nil, int64(n), 10))
		}
	}
	return true
}

// rewrite puts a call with other arguments in the place of its first part.
func (c *cut) rewrite(k *gated, at llm.Span) {
	call := &k.choice.calls[k.place]
	args := hold.Quote(string(k.Arguments))
	inner, arguments := "function", "arguments"
	if call.kind == kindCustom {
		inner, arguments = "custom", "input"
		if k.Arguments[0] == '"' {
			args = k.Arguments
		}
	}
	function := append([]byte(`{"name":`), hold.Quote(call.name)...)
	function = append(append(append(function, `,"`+arguments+`":`...), args...), '}')
	if call.kind == kindLegacy {
		c.edits.Set(at, function)
		return
	}
	b := []byte{'{'}
	if k.index != unknown {
		b = append(strconv.AppendInt(append(b, `"index":`...), int64(c.place(k)), 10), ',')
	}
	b = append(append(b, `"id":`...), hold.Quote(call.id)...)
	b = append(append(b, `,"type":"`+inner+`","`+inner+`":`...), function...)
	c.edits.Set(at, append(b, '}'))
}

// place returns a call's index, closed up once an earlier call of its choice is
// gone. Indexes that are given anew grow, so that no two calls become one.
func (gt *gate) place(k *gated) int {
	if k.fixed {
		return k.out
	}
	next, closed := 0, false
	for _, e := range gt.calls[k.choice][:k.place] {
		if e.Refused {
			closed = true
		} else if e.index != unknown {
			next = max(next, gt.place(e)+1)
		}
	}
	k.out = k.index
	if closed {
		k.out = next
	}
	k.fixed = true
	return k.out
}
