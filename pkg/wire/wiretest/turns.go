package wiretest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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
// calls; and those of logged agent runs, where there are any. What write makes of
// a turn is the body of a response.
func Turns(t *testing.T, format wire.Gated, contentType string, write func(*rand.Rand, Turn) string) {
	t.Helper()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		turn := NewTurn(r)
		pass(t, format, GateCase{fmt.Sprint("seed ", seed), contentType, []byte(write(r, turn))}, r, turn)
	}
	for i, turn := range logged(t) {
		r := rand.New(rand.NewPCG(uint64(i), 2))
		pass(t, format, GateCase{fmt.Sprint("logged ", i), contentType, []byte(write(r, turn))}, r, turn)
	}
}

// pass sends one turn through a gate.
func pass(t *testing.T, format wire.Gated, c GateCase, r *rand.Rand, turn Turn) {
	t.Helper()
	allowed, _, err := through(t, format, c, Allow)
	if err != nil || string(allowed) != string(c.Body) {
		t.Fatalf("%s, all are allowed: %v\n%s\n%s", c.Name, err, c.Body, allowed)
	}
	mask := 1 + r.IntN(1<<len(turn.Calls)-1)
	out, _, err := through(t, format, c, func(c wire.Call) wire.Decision {
		for i, k := range turn.Calls {
			if k.Name == c.Name && mask>>i&1 == 1 {
				return wire.Decision{Text: Refusal}
			}
		}
		return wire.Decision{Allow: true}
	})
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
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
			t.Fatalf("%s: a letter of the refused call %d is left:\n%s\n%s", c.Name, i, c.Body, out)
		}
	}
	a := gateAnswer(format, c, out)
	if diff := cmp.Diff(want, a.ToolCalls); diff != "" && len(want)+len(a.ToolCalls) > 0 {
		t.Fatalf("%s, the calls (-want +got):\n%s\n%s\n%s", c.Name, diff, c.Body, out)
	}
	if !strings.HasPrefix(a.Text(), turn.Text) || strings.Count(a.Text(), Refusal) != refused || !a.Complete {
		t.Fatalf("%s: %d refusals in %q\n%s", c.Name, refused, a.Text(), out)
	}
}

// AllVariable names the environment variable that takes every logged run, not
// only some.
const AllVariable = "ARCHESTRA_TEST_ALL"

// logged returns turns with calls of logged agent runs (AgentDojo's), where they
// stand beside the repository. The letters of each call are changed to its own.
func logged(t *testing.T) (turns []Turn) {
	t.Helper()
	f, err := os.Open(filepath.Join(Root(t), "..", "shared", "security", "agentdojo", "runs.jsonl.gz"))
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	step := 200
	if os.Getenv(AllVariable) != "" {
		step = 1
	}
	lines := bufio.NewReaderSize(z, 1<<20)
	for n := 0; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return turns
		}
		if n%step != 0 {
			continue
		}
		var run struct {
			Messages []struct {
				Content   any
				ToolCalls []struct {
					Function struct{ Name, Arguments string }
				} `json:"tool_calls"`
			}
		}
		if err := json.Unmarshal(line, &run); err != nil {
			t.Fatal(err)
		}
		for _, m := range run.Messages {
			var turn Turn
			turn.Text, _ = m.Content.(string)
			for i, c := range m.ToolCalls {
				args := own(i, c.Function.Arguments)
				if i < maxCalls && json.Valid([]byte(args)) {
					turn.Calls = append(turn.Calls, llm.ToolCall{ID: "id_" + own(i, "call"), Name: own(i, c.Function.Name+strconv.Itoa(i)), Arguments: json.RawMessage(args)})
				}
			}
			if len(turn.Calls) > 0 && len(turn.Calls) == min(len(m.ToolCalls), maxCalls) {
				turns = append(turns, turn)
			}
		}
	}
}

// own writes the strings of a JSON text, or a text that is none, with the letters of a call.
func own(call int, text string) string {
	var b strings.Builder
	inside, escaped := !strings.HasPrefix(text, "{"), 0
	for _, c := range text {
		switch {
		case escaped > 0:
			if escaped--; c == 'u' && escaped == 0 {
				escaped = 4
			}
		case c == '\\':
			escaped = 1
		case c == '"':
			inside = !inside
		case inside && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'):
			c = rune(alphabet+call*letters) + c - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
