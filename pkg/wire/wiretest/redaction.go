package wiretest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Said are the pieces of one text as a stream brings them.
type Said struct {
	Channel string // content, thinking, refusal or tool_args
	Pieces  []string
}

// redactions are cases of our own: a placeholder at the beginning, at the end,
// next to another one, and what only begins as one.
var redactions = []redaction{
	{Template: "{P1}", Channel: "content"}, {Template: "Send it to {P1}, then charge {P2}.", Channel: "content"},
	{Template: "{P1}{P1}{P2}", Channel: "thinking"}, {Template: "a {P1_FIRST_HALF}", Channel: "content"},
	{Template: "I may not tell {P2}", Channel: "refusal"}, {Template: `{"to":"{P1}","deep":["{P2}"]}`, Channel: "tool_args"},
}

type redaction struct {
	Name, Template, Channel, Cuts string
	Values                        map[string]string
	Extra                         map[string]string `json:"extra_values"`
}

// Redaction sends placeholders through a rewriter that restores them, in the
// channels for which stream makes a response (nil where the format has no such
// channel): cases of our own, and those of the security data if it is there. Each
// is cut at every rune of the text and as the case says.
func Redaction(t *testing.T, format wire.Rewriting, contentType string, stream func(Said) []byte) {
	n := 0
	for _, c := range append(redactions, capturedRedactions(t)...) {
		if c.Values == nil {
			c.Values = map[string]string{"P1": `a "quoted" name\`, "P2": "4111 1111 1111 1111"}
		}
		text, want, editor := c.texts()
		for _, cuts := range []string{c.Cuts, "none", "every_rune", "mid_placeholder"} {
			body := stream(Said{c.Channel, pieces(text, cuts)})
			if body == nil {
				continue
			}
			n++
			for _, size := range []int{len(body), 1} {
				out := Edit(format, contentType, body, func() int { return size }, editor)
				a, _ := Decode(format, contentType, out, func() int { return len(out) })
				if got := said(a, c.Channel); got != want {
					t.Errorf("%s %q cut %s: %q, want %q\n%s", c.Name, c.Template, cuts, got, want, out)
				}
				if !a.Complete {
					t.Errorf("%s: not complete:\n%s", c.Name, out)
				}
			}
		}
	}
	if n < 4*len(redactions)/2 {
		t.Errorf("only %d streams", n)
	}
	t.Logf("%d streams", n)
}

func said(a llm.Answer, channel string) string {
	switch channel {
	case "thinking":
		return a.Reasoning
	case "refusal":
		return a.Refusal
	case "tool_args":
		if len(a.ToolCalls) == 1 {
			return string(a.ToolCalls[0].Arguments)
		}
		return ""
	}
	return a.Text()
}

const (
	placeholderHead = "REDACTED_"
	placeholderTail = "_0123456789abcdef"
)

// texts returns what the upstream says, what the client is to read, and the
// editors that make the one of the other.
func (c redaction) texts() (text, want string, editor func(wire.TextKind) wire.TextEditor) {
	text, want = c.Template, c.Template
	with := map[string]string{}
	p1 := placeholderHead + "P1" + placeholderTail
	for name, as := range map[string]string{
		"P1_WITHOUT_LAST_RUNE": p1[:len(p1)-1], "P1_UPPER": strings.ToUpper(p1), "P1_FIRST_HALF": p1[:len(p1)/2],
		"OTHER_SESSION_P1": placeholderHead + "P1_fedcba9876543210",
	} {
		text, want = strings.ReplaceAll(text, "{"+name+"}", as), strings.ReplaceAll(want, "{"+name+"}", as)
	}
	for _, values := range []map[string]string{c.Values, c.Extra} {
		for name, value := range values {
			value = strings.ReplaceAll(value, "{P1_LITERAL}", p1)
			if c.Channel == "tool_args" {
				b, _ := json.Marshal(value)
				value = string(b[1 : len(b)-1])
			}
			placeholder := placeholderHead + name + placeholderTail
			with[placeholder] = value
			text, want = strings.ReplaceAll(text, "{"+name+"}", placeholder), strings.ReplaceAll(want, "{"+name+"}", value)
		}
	}
	return text, want, func(wire.TextKind) wire.TextEditor { return &Replacer{With: with} }
}

// pieces cuts a text.
func pieces(text, cuts string) (out []string) {
	at := func(n int) {
		out = append(out, text[:n])
		text = text[n:]
	}
	switch cuts {
	case "every_rune":
		for text != "" {
			_, n := utf8.DecodeRuneInString(text)
			at(n)
		}
		return out
	case "first_rune_of_placeholder", "last_rune_of_placeholder", "mid_placeholder":
		for {
			i := strings.Index(text, placeholderHead)
			if i < 0 {
				break
			}
			end := i + len(placeholderHead+"P1"+placeholderTail)
			switch {
			case cuts[0] == 'f':
				end = i + 1
			case cuts[0] == 'l':
				end--
			default:
				end = i + len(placeholderHead) + 4
			}
			at(min(end, len(text)))
		}
	}
	return append(out, text)
}

func capturedRedactions(t *testing.T) (out []redaction) {
	f, err := os.Open(filepath.Join(Root(t), "..", "shared", "security", "redaction-stream.jsonl.gz"))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var c redaction
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}
