package hold

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Screen implements the method of wire.Gated. End is called after the body was
// looked at, to tell the calls whole that the body's end makes so.
func Screen(plain Plain, e Editor, body []byte, o wire.GateOptions, end func(*Gate), judge func(wire.Call) wire.Decision) ([]byte, error) {
	if plain(body) {
		return body, nil
	}
	s := jsonscan.New(body)
	s.Skip()
	if err := s.End(); err != nil {
		return nil, err
	}
	g := New(plain, func() Editor { return e }, Bare, o)
	f := &Frame{Raw: body, Data: body, Body: true}
	g.look(f)
	if f.Broken {
		return nil, wire.ErrAmbiguous
	}
	end(g)
	for _, t := range g.told {
		if d := judge(t); t.Refused == nil {
			g.settle(g.calls[t.N], d)
		}
	}
	g.told = nil
	for _, c := range g.calls[g.first:] {
		g.Refuse(c, wire.ErrUnfinished)
		judge(g.told[len(g.told)-1])
	}
	if !g.touched {
		return body, nil
	}
	g.write(f)
	if bytes.Equal(g.out.b, body) {
		return body, nil
	}
	return g.out.b, nil
}
