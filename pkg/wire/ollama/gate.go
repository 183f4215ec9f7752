package ollama

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// NewGate implements wire.Gated. Calls come whole, several in a line.
func (format) NewGate(_ string, o wire.GateOptions) wire.Gate {
	g := hold.New(plain, func() hold.Editor { return &gate{} }, hold.Lines, o)
	g.TextName = "content"
	return g
}

// Screen implements wire.Gated. Like Answer it reads a body that is not one
// value as the lines of a stream.
func (f format) Screen(body []byte, o wire.GateOptions, judge func(wire.Call) wire.Decision) ([]byte, error) {
	s := jsonscan.New(body)
	s.Skip()
	if s.End() == nil {
		return hold.Screen(plain, &gate{}, body, o, func(*hold.Gate) {}, judge)
	}
	o.MaxHeld = 0
	g := f.NewGate("", o)
	lines := sse.NewLines(0)
	lines.Write(body)
	lines.Close()
	var out []byte
	for frame, ok := lines.Next(); ok; frame, ok = lines.Next() {
		release, calls := g.Frame(frame)
		out = append(out, release...)
		for _, c := range calls {
			if d := judge(c); c.Refused == nil {
				out = append(out, g.Decide(c.N, d)...)
			}
		}
	}
	if rest, _ := g.Close(); !bytes.Equal(out, body) {
		return append(out, rest...), nil
	}
	return body, nil
}

type gate struct {
	scan jsonscan.Scanner
}

// plain is a hold.Plain.
func plain(data []byte) bool {
	return !bytes.Contains(data, []byte(`tool_calls`)) && !hold.Spelt(data)
}

// lists returns where the tool_calls of a line are: the message's, and those
// beside the message that servers of the older API sent.
func lists(data []byte) (objects []llm.Span) {
	objects = append(objects, llm.Span{Start: jsonscan.New(data).Pos(), End: len(data)})
	for _, m := range hold.Members(data, objects[0].Start) {
		if m.Name == "message" && data[m.Value.Start] == '{' {
			objects = append(objects, m.Value)
		}
	}
	return objects
}

// Look implements hold.Editor.
func (gt *gate) Look(g *hold.Gate, f *hold.Frame) {
	gt.scan.Reset(f.Data)
	isObject := gt.scan.Kind() == jsonscan.Object
	gt.scan.Skip()
	if gt.scan.End() != nil || !isObject {
		if isObject && !plain(f.Data) {
			g.Break(f)
		}
		return
	}
	for _, object := range lists(f.Data) {
		for _, m := range hold.Members(f.Data, object.Start) {
			if m.Name != "tool_calls" {
				continue
			}
			for _, el := range hold.Elements(f.Data, m.Value.Start) {
				k := g.Begin()
				g.Add(f, hold.Part{Call: k}, el)
				g.Finish(k, toolCall(hold.In(f.Data, el)))
			}
		}
	}
}

func toolCall(raw []byte) (t llm.ToolCall) {
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "id":
			t.ID = s.Text()
		case "function":
			for key := range s.Object() {
				switch string(key) {
				case "name":
					t.Name = s.Text()
				case "arguments":
					switch args := s.Raw(); {
					case len(args) > 0 && args[0] == '"':
						fold.Arguments(&t, []byte(fold.String(args)))
					case !fold.IsNull(args):
						fold.Arguments(&t, args)
					}
				}
			}
		}
	}
	return t
}

// Tool implements hold.Editor. Calls come whole.
func (gt *gate) Tool(*hold.Call) llm.ToolCall { return llm.ToolCall{} }

// Edit implements hold.Editor. A line is never left out, since its counts and
// its end are the answer's.
func (gt *gate) Edit(g *hold.Gate, f *hold.Frame, out *hold.Out) {
	gt.scan.Reset(f.Data)
	isObject := gt.scan.Kind() == jsonscan.Object
	gt.scan.Skip()
	if gt.scan.End() != nil || !isObject {
		out.Keep(f)
		return
	}
	c := cut{g: g, data: f.Data, parts: f.Parts}
	objects := lists(f.Data)
	for _, object := range objects {
		c.object(object)
	}
	reason(&c, f, objects[0].Start)
	if len(c.edits) == 0 {
		out.Keep(f)
		return
	}
	out.Replace(f, c.edits.Apply(f.Data))
}

// reason edits done_reason where no call is left. Ollama has "stop" there.
func reason(c *cut, f *hold.Frame, at int) {
	if !c.g.NoneLeft(f.Known) {
		return
	}
	reason := hold.Find(hold.Members(c.data, at), "done_reason").Value
	if string(hold.In(c.data, reason)) == `"tool_calls"` {
		c.edits.Set(reason, []byte(`"stop"`))
	}
}

// cut is the editing of one line.
type cut struct {
	g     *hold.Gate
	data  []byte
	parts []hold.Part // that were not met yet
	edits hold.Edits
}

// object edits the tool_calls of a message.
func (c *cut) object(at llm.Span) {
	members := hold.Members(c.data, at.Start)
	calls := -1
	says, left := "", 0
	for i, m := range members {
		if m.Name != "tool_calls" {
			continue
		}
		items := hold.Elements(c.data, m.Value.Start)
		if len(items) == 0 {
			continue
		}
		calls = i
		left = c.edits.Cut(items, func(k int) bool { return !c.element(items[k], &says) })
	}
	if calls < 0 || left > 0 && says == "" {
		return
	}
	content := hold.Find(members, "content").Value
	switch v := hold.In(c.data, content); {
	case says == "":
	case len(v) > 2 && v[0] == '"':
		c.g.Spoken = true
		quoted := hold.Quote(c.g.Separated(says))
		c.edits.Insert(content.End-1, quoted[1:len(quoted)-1])
	case len(v) > 0:
		c.edits.Set(content, hold.Quote(c.g.Separated(says)))
	default:
		member := append([]byte(`"content":`), hold.Quote(c.g.Separated(says))...)
		if left == 0 {
			c.edits.Set(members[calls].Span, member)
			return
		}
		c.edits.Insert(members[0].Span.Start, append(member, ','))
	}
	if left == 0 {
		c.edits.Cut(hold.Spans(members), func(i int) bool { return i == calls })
	}
}

// element edits one call, and tells whether it stays. The text of a refused one
// is added to says.
func (c *cut) element(at llm.Span, says *string) (stays bool) {
	if len(c.parts) == 0 {
		return true
	}
	p := c.parts[0]
	c.parts = c.parts[1:]
	switch {
	case p.Refused:
		if *says != "" && p.Text != "" {
			*says += "\n\n"
		}
		*says += p.Text
		return false
	case p.Arguments == nil:
		return true
	}
	function := hold.Find(hold.Members(c.data, at.Start), "function").Value
	if function.End > 0 && c.data[function.Start] == '{' {
		if args := hold.Find(hold.Members(c.data, function.Start), "arguments").Value; args.End > 0 {
			text := []byte(p.Arguments)
			if c.data[args.Start] == '"' {
				text = hold.Quote(string(text))
			}
			c.edits.Set(args, text)
			return true
		}
	}
	return true
}
