package fact

import (
	"math/bits"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// wordingPattern is a set of words that stand near each other in the order given
// where a text tries to command the agent that reads it. Each group lists words
// that may stand in its place.
type wordingPattern struct {
	what   string
	groups []map[uint64]bool
	within uint32 // tokens between two groups
}

// The patterns catch only the plain cases: what nobody writes but to command an
// agent. They make a verdict stricter, never milder, and no verdict needs them.
var wordingPatterns = func() []wordingPattern {
	p := func(what string, within uint32, groups ...string) wordingPattern {
		w := wordingPattern{what: what, within: within}
		for _, g := range groups {
			w.groups = append(w.groups, hashes(g))
		}
		return w
	}
	const rules = "instruction instructions prompt prompts directive directives guidelines rules orders command commands context"
	const you = "you ai assistant model agent llm chatbot claude gpt gemini copilot"
	return []wordingPattern{
		p("sets aside earlier instructions", 4, "ignore disregard forget override bypass neglect", "previous prior above earlier preceding former original all your any", rules),
		p("puts its own task first", 12, "before", "you", "solve complete finish continue answer do start", "task request question work", "i gave user original"),
		p("puts its own task first", 8, "after", "you", "do", "solve continue return resume", "task request"),
		p("speaks as the user", 6, "important urgent critical special", "message instruction instructions notice note", "from for to", "me you ai assistant model agent llm"),
		p("speaks to the model", 3, "to for dear attention hey", you, "ai language model assistant agent"),
		p("names tools to call", 6, "use call invoke run execute", "the tool function following", "tool function arguments parameters"),
		p("asks for silence", 5, "not never without", "tell mention inform reveal notify show disclose alert telling mentioning informing", "user users them human anyone"),
		p("claims an approval", 4, "user owner customer admin human", "already has have previously", "approved authorised authorized consented confirmed agreed allowed permitted"),
		p("claims new instructions", 3, "new updated real actual following", "instruction instructions directive", "you must override below follow"),
		p("commands obedience", 6, "strictly immediately must", "adhere follow obey execute comply", "instruction instructions command request"),
	}
}()

// wordingBegins tells by word which patterns it begins, a bit for each.
var wordingBegins = func() map[uint64]uint16 {
	m := map[uint64]uint16{}
	for i := range wordingPatterns {
		for h := range wordingPatterns[i].groups[0] {
			m[h] |= 1 << i
		}
	}
	return m
}()

// fences are marks that chat templates and attack kits use.
var fences = []string{"<information>", "<|im_start|>", "<|system|>", "[inst]", "<<sys>>", "</system>", "### instruction", "[system]", "<system>", "begin_instruction", "###system"}

// wording finds the places of a doc that read like an attack.
func wording(d *lex.Doc) []lex.Mark {
	var out []lex.Mark
	low := ""
	for _, f := range fences {
		if !strings.ContainsAny(d.Text, "<[#|_") {
			break
		}
		if low == "" {
			low = asciiLower(d.Text)
		}
		if i := strings.Index(low, f); i >= 0 {
			out = append(out, lex.Mark{Start: uint32(i), End: uint32(i + len(f)), What: "marks of a chat template"})
		}
	}
	n := uint32(len(d.Tokens))
	for t := range d.Tokens {
		for begun := wordingBegins[d.Tokens[t].Hash]; begun != 0; begun &= begun - 1 {
			p := &wordingPatterns[bits.TrailingZeros16(begun)]
			if last, ok := p.match(d, uint32(t), n); ok {
				out = append(out, lex.Mark{Start: d.Tokens[t].Start, End: max(d.Tokens[last].End, d.Tokens[t].End), What: p.what})
				break
			}
		}
	}
	return out
}

func (p *wordingPattern) match(d *lex.Doc, t, n uint32) (uint32, bool) {
	cell := d.Tokens[t].Cell
	for _, g := range p.groups[1:] {
		found := false
		for k := t + 1; k < n && k <= t+p.within && d.Tokens[k].Cell == cell; k++ {
			if g[d.Tokens[k].Hash] {
				t, found = k, true
				break
			}
		}
		if !found {
			return 0, false
		}
	}
	return t, true
}

// asciiLower lowers ASCII only, so that offsets stay.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
