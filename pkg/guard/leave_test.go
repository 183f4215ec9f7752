package guard

import (
	"bytes"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// TestAClosedStreamWritesNowhere: whoever stops reading while a person is asked gives
// its buffer to another stream.
func TestAClosedStreamWritesNowhere(t *testing.T) {
	rules, err := policy.Load(policy.File{Name: "policy.yaml", Data: []byte("version: 1\nask: [{id: wipes, tool: wipe, match: [{}], not_match: [{tool: fine}]}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	desk := ask.New(ask.Options{Default: ask.Queue})
	defer desk.Close()
	g := New(Options{Act: true, Policy: func() *policy.Policy { return rules }, Asks: desk, MaxHeld: 1 << 20})
	x := g.Begin(Target{Provider: "openai", Profile: "p", Format: openaichat.New()})
	if l := x.Request([]byte(asked), nil, "", ""); l.Refusal != nil {
		t.Fatal(l.Refusal)
	}
	s := x.Stream("text/event-stream", 1<<20)
	framer := openaichat.New().NewFramer("text/event-stream", 1<<20)
	framer.Write([]byte(proposed))
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		s.Frame(f)
		s.Decide()
	}
	if !s.Waiting() {
		t.Fatal("nobody is asked")
	}
	buf := make([]byte, 32<<10)
	s.Into(buf)
	s.Close()
	if at := bytes.IndexFunc(buf, func(r rune) bool { return r != 0 }); at >= 0 {
		t.Errorf("wrote %q", bytes.TrimRight(buf, "\x00"))
	}
}
