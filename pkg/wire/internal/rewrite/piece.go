package rewrite

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// piece is a literal of a text.
type piece struct {
	frame *passing
	at    llm.Span
	text  string // as it came
}

// becomes makes the literal another text. What an editor made that is no piece of
// JSON does not count.
func (p *piece) becomes(out string, raw bool) {
	if out == p.text {
		return
	}
	if lit, ok := literal(out, raw); ok {
		p.frame.change(p.at, lit)
	}
}

// came takes what a text's editor let go on while pieces are open. As long as it is
// the beginning of what came in, nothing is known to differ: a piece that it
// covers stays as it came, and the first one that it does not cover waits for more.
// At the first difference all of them are settled.
func (t *text) came(out string) {
	n := 0
	for ; n < len(t.open); n++ {
		rest := t.open[n].text[t.done:]
		if len(out) < len(rest) && strings.HasPrefix(rest, out) {
			t.done += len(out)
			break
		}
		if last := n == len(t.open)-1; !strings.HasPrefix(out, rest) || last && out != rest {
			t.drop(n)
			t.settle(out)
			return
		}
		out = out[len(rest):]
		t.done = 0
		t.out = t.open[n].text
		t.open[n].frame.open--
	}
	t.drop(n)
}

// drop forgets the first open pieces.
func (t *text) drop(n int) { t.open = append(t.open[:0], t.open[n:]...) }

// settle ends the wait of the open pieces: what the editor had let go on stands in
// the first one, and out in the last one.
func (t *text) settle(out string) {
	for i := range t.open {
		p := &t.open[i]
		t.out = ""
		if i == 0 {
			t.out = p.text[:t.done]
		}
		if i == len(t.open)-1 {
			t.out += out
		}
		p.becomes(t.out, t.raw)
		p.frame.open--
	}
	t.open, t.done = t.open[:0], 0
}
