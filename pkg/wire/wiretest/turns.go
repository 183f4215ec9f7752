package wiretest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Turn is an answer made up for a test. All of a call's id, name and arguments
// is written with letters of its own, so that a single one tells on a gate.
type Turn struct {
	Text  string
	Calls []llm.ToolCall
}

const (
	alphabet = 0x3400 // CJK letters, which stand for themselves in JSON
	letters  = 64     // of a call's own
	maxCalls = 6
)

// NewTurn makes up a turn.
func NewTurn(r *rand.Rand) (turn Turn) {
	turn.Text = strings.Repeat("word \"quoted\"\n", r.IntN(4))
	word := func(call int) string {
		b := make([]rune, 1+r.IntN(12))
		for i := range b {
			b[i] = rune(alphabet + call*letters + r.IntN(letters))
		}
		return string(b)
	}
	for i := range 1 + r.IntN(maxCalls) {
		args := map[string]any{word(i): word(i) + "\"\\\n</" + word(i)}
		if r.IntN(2) == 0 {
			args["content"] = []any{word(i), map[string]any{"tool_calls": word(i)}}
		}
		raw, err := json.Marshal(args)
		if err != nil {
			panic(err)
		}
		// encoding/json escapes what HTML could read; the providers do not.
		raw = []byte(strings.ReplaceAll(string(raw), `\u003c`, "<"))
		turn.Calls = append(turn.Calls, llm.ToolCall{ID: "id_" + word(i), Name: word(i), Arguments: raw})
	}
	return turn
}

// Cut cuts text into pieces between its letters.
func Cut(r *rand.Rand, text string) (pieces []string) {
	rest := []rune(text)
	for len(rest) > 0 {
		n := min(1+r.IntN(9), len(rest))
		pieces = append(pieces, string(rest[:n]))
		rest = rest[n:]
	}
	return pieces
}

// JSON writes a value as a provider does.
func JSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Turns sends turns that are made up through a gate, and refuses some of their
// calls. What write makes of a turn is the body of a response.
func Turns(t *testing.T, format wire.Gated, contentType string, write func(*rand.Rand, Turn) string) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		turn := NewTurn(r)
		c := GateCase{fmt.Sprint("seed ", seed), contentType, []byte(write(r, turn))}
		allowed, _, err := through(t, format, c, Allow)
		if err != nil || string(allowed) != string(c.Body) {
			t.Fatalf("seed %d, all are allowed: %v\n%s\n%s", seed, err, c.Body, allowed)
		}
		mask := 1 + r.IntN(1<<len(turn.Calls)-1)
		byName := func(c wire.Call) wire.Decision {
			for i, k := range turn.Calls {
				if k.Name == c.Name && mask>>i&1 == 1 {
					return wire.Decision{Text: Refusal}
				}
			}
			return wire.Decision{Allow: true}
		}
		out, _, err := through(t, format, c, byName)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var want []llm.ToolCall
		refused := 0
		for i, k := range turn.Calls {
			if mask>>i&1 == 0 {
				want = append(want, k)
				continue
			}
			refused++
			from := rune(alphabet + i*letters)
			if strings.ContainsFunc(string(out), func(c rune) bool { return c >= from && c < from+letters }) {
				t.Fatalf("seed %d: a letter of the refused call %d is left:\n%s\n%s", seed, i, c.Body, out)
			}
		}
		a := gateAnswer(format, c, out)
		for i := range a.ToolCalls {
			if !strings.HasPrefix(a.ToolCalls[i].ID, "id_") && i < len(want) { // the format has no ids
				want[i].ID = a.ToolCalls[i].ID
			}
		}
		if diff := cmp.Diff(want, a.ToolCalls); diff != "" && len(want)+len(a.ToolCalls) > 0 {
			t.Fatalf("seed %d, the calls (-want +got):\n%s\n%s\n%s", seed, diff, c.Body, out)
		}
		if !strings.HasPrefix(a.Text(), turn.Text) || strings.Count(a.Text(), Refusal) != refused || !a.Complete {
			t.Fatalf("seed %d: %d refusals in %q\n%s", seed, refused, a.Text(), out)
		}
	}
}
