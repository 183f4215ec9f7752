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
	for _, f := range fences {
		if i := indexFold(d.Text, f); i >= 0 {
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

// indexFold returns where a fence stands first, in whatever case its ASCII letters
// are, or -1. It looks for the fence's own mark, which texts seldom hold.
func indexFold(s, fence string) int {
	mark := strings.IndexAny(fence, "<[#_")
	for at := mark; at < len(s); at++ {
		i := strings.IndexByte(s[at:], fence[mark])
		if i < 0 {
			return -1
		}
		at += i
		if beginsFold(s[at-mark:], fence) {
			return at - mark
		}
	}
	return -1
}

func beginsFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
