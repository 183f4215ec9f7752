package rewrite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// clocked is plain with a member that says nothing, and that a made frame keeps.
type clocked struct{ plain }

func (c clocked) Keep(name string, outer bool) bool { return name == "at" || c.plain.Keep(name, outer) }
func (c clocked) Idle(name []byte) bool             { return string(name) == "at" || c.plain.Idle(name) }

// idle are members in which the frames of a class may differ.
var idle = []sse.Member{{Start: `"n":`, Number: true}, {Start: `"at":"`}}

// numbered returns a stream in which most frames are alike, but for idle members.
func numbered(r *rand.Rand) string {
	words := []string{"catca", "a", "t", "cat", "x", "é", "ca", "tca", "o", "xc", "\\n"}
	var b strings.Builder
	same := r.IntN(2) == 0
	for i := range 2 + r.IntN(40) {
		n := i
		if same {
			n = 7
		}
		word := words[r.IntN(len(words))]
		switch r.IntN(12) {
		case 0:
			fmt.Fprintf(&b, "data: {\"end\":\"a\",\"n\":%d}\n\n", n)
		case 1:
			fmt.Fprintf(&b, "data: {\"b\":\"%s\"}\n\n", word)
		case 2:
			b.WriteString(": still there\n\n")
		default:
			fmt.Fprintf(&b, "data: {\"n\":%d,\"a\":\"%s\",\"at\":\"%s\"}\n\n", n, word, strings.Repeat("p", n%5))
		}
	}
	return b.String()
}

// What is known of a frame by its class is what would have been read in it.
func TestClassesAreRead(t *testing.T) {
	known, free := 0, 0
	for seed := range uint64(2000) {
		in := numbered(rand.New(rand.NewPCG(seed, 3)))
		w := New(clocked{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &star{} }})
		untaught := New(clocked{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &star{} }})
		framer := sse.NewEvents(0)
		framer.Write([]byte(in))
		framer.Close()
		var got, want strings.Builder
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			got.Write(w.Frame(f))
			want.Write(untaught.Frame(sse.Frame{Raw: f.Raw, Event: f.Event, Data: f.Data}))
			if f.Class != 0 {
				if known++; f.Free {
					free++
				}
				continue
			}
			read := Frame{Event: f.Event, Data: f.Data}
			if len(f.Data) == 0 || !(plain{}).Read(&read) {
				continue
			}
			if o := read.lone(); o != nil {
				framer.Learn(f, f.Data[o.at.Start:o.at.End], idle)
			}
		}
		got.Write(w.Close())
		want.Write(untaught.Close())
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Fatalf("seed %d: %s\n%s", seed, diff, in)
		}
	}
	if known < 10000 || free < 10000 {
		t.Errorf("%d frames had a class, %d of them one with free members", known, free)
	}
}
