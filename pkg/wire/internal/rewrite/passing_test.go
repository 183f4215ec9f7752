package rewrite

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// hoarder holds back some bytes more or less each time, and changes nothing but
// what with says.
type hoarder struct {
	rand *rand.Rand
	with *strings.Replacer
	held string
}

func (h *hoarder) Write(text string) string {
	h.held += text
	n := h.rand.IntN(len(h.held) + 1)
	for n < len(h.held) && !utf8.RuneStart(h.held[n]) {
		n++
	}
	out := h.held[:n]
	h.held = h.held[n:]
	return h.with.Replace(out)
}

func (h *hoarder) Flush() string {
	out := h.held
	h.held = ""
	return h.with.Replace(out)
}

// streamOf returns a stream of the texts a, b and some that begin anew.
func streamOf(r *rand.Rand) string {
	words := []string{"c", "a", "t", "cat", "x", "\\n", "é", "ca", "tca", "\\u0063", "o"}
	piece := func() (s string) {
		for range r.IntN(4) {
			s += words[r.IntN(len(words))]
		}
		return s
	}
	var b strings.Builder
	for range 2 + r.IntN(30) {
		switch r.IntN(9) {
		case 0:
			b.WriteString(": still there\n\n")
		case 1:
			fmt.Fprintf(&b, "event: e\ndata: {\"in\":{\"a\":%q, \"b\":%q}}\n\n", "", "x")
		case 2:
			fmt.Fprintf(&b, "data: {\"end\":%q}\n\n", string("ab"[r.IntN(2)]))
		case 3:
			fmt.Fprintf(&b, "data: {\"a\":\"%s\",\"n\":1,\"b\":\"%s\"}\n\n", piece(), piece())
		case 4:
			fmt.Fprintf(&b, "id: 3\ndata: {\"b\":\"%s\",\ndata: \"end\":\"b\"}\n\n", piece())
		case 5:
			fmt.Fprintf(&b, "data: {\"b\": \"%s\"}\n\n", piece())
		default:
			fmt.Fprintf(&b, "data: {\"a\":\"%s\"}\n\n", piece())
		}
	}
	return b.String()
}

// textsOf returns the texts of a stream in the order in which they end.
func textsOf(t *testing.T, stream string) (out []string) {
	framer := sse.NewEvents(0)
	framer.Write([]byte(stream))
	framer.Close()
	open := map[string]string{}
	end := func(name string) {
		if open[name] != "" {
			out = append(out, name+" "+open[name])
		}
		delete(open, name)
	}
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		if len(f.Data) == 0 {
			continue
		}
		var d struct {
			A, B, End string
			In        struct{ A, B string }
		}
		if err := json.Unmarshal(f.Data, &d); err != nil {
			t.Fatalf("%v: %s", err, f.Raw)
		}
		open["a"] += d.A + d.In.A
		open["b"] += d.B + d.In.B
		end(d.End)
	}
	end("a")
	end("b")
	return out
}

// Whatever is held back, and however long: what comes out as it went in leaves byte
// for byte as it came, and other texts are what their editors made of them.
func TestWhatIsHeld(t *testing.T) {
	same, changed := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		in := streamOf(r)
		for name, editor := range map[string]func() wire.TextEditor{
			"words":    func() wire.TextEditor { return &star{} },
			"as it is": func() wire.TextEditor { return &hoarder{rand: r, with: strings.NewReplacer()} },
			"letters":  func() wire.TextEditor { return &hoarder{rand: r, with: strings.NewReplacer("o", "u\"")} },
		} {
			var want []string
			for _, text := range textsOf(t, in) {
				e := editor()
				want = append(want, text[:2]+e.Write(text[2:])+e.Flush())
			}
			w := New(plain{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return editor() }})
			framer := sse.NewEvents(0)
			framer.Write([]byte(in))
			framer.Close()
			var b strings.Builder
			came := 0
			for f, ok := framer.Next(); ok; f, ok = framer.Next() {
				came += len(f.Raw)
				b.Write(w.Frame(f))
				if name == "as it is" && b.Len()+w.Held() != came {
					t.Fatalf("%d bytes came, %d left, and %d are held", came, b.Len(), w.Held())
				}
			}
			b.Write(w.Close())
			out := b.String()
			if w.Held() != 0 || len(w.queue) != 0 {
				t.Fatalf("%d bytes are left", w.Held())
			}
			if diff := cmp.Diff(want, textsOf(t, out)); diff != "" {
				t.Fatalf("seed %d, %s:\n%s\n%s\n%s", seed, name, diff, in, out)
			}
			if cmp.Equal(want, textsOf(t, in)) {
				same++
				if out != in {
					t.Fatalf("seed %d, %s: the same texts, other bytes:\n%s", seed, name, cmp.Diff(in, out))
				}
			} else if changed++; out == in {
				t.Fatalf("seed %d, %s: not changed", seed, name)
			}
		}
	}
	if same < 1000 || changed < 1000 {
		t.Errorf("%d streams stayed, %d changed", same, changed)
	}
}

// Where an editor holds back for long, frames wait no longer than they may.
func TestHeldIsBounded(t *testing.T) {
	w := New(plain{}, hold.Events, wire.RewriteOptions{Editor: func(wire.TextKind) wire.TextEditor { return &whole{} }})
	framer := sse.NewEvents(0)
	var out strings.Builder
	most := 0
	for range 3000 {
		framer.Write([]byte("data: {\"n\":\"" + strings.Repeat("n", 200) + "\",\"a\":\"word\"}\n\n"))
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			out.Write(w.Frame(f))
		}
		if most = max(most, w.Held()); most > maxHeld {
			t.Fatalf("%d bytes are held", most)
		}
	}
	out.Write(w.Close())
	if most < maxHeld/2 {
		t.Errorf("only %d bytes were held", most)
	}
	if diff := cmp.Diff([]string{"a " + strings.Repeat("word", 3000)}, textsOf(t, out.String())); diff != "" {
		t.Error(diff)
	}
}

// whole holds everything to its end.
type whole struct{ held strings.Builder }

func (h *whole) Write(text string) string {
	h.held.WriteString(text)
	return ""
}

func (h *whole) Flush() string { return h.held.String() }
