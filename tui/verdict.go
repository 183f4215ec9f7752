package tui

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// ruling is what became of a tool call.
type ruling uint8

// The rulings, the sternest last.
const (
	unjudged ruling = iota
	allowed
	wouldAsk     // the rules only report
	wouldBlock   // likewise
	askedAllowed // somebody was asked, and allowed it
	asking       // it waits
	askedDenied
	blocked
)

func rulingOf(c *llm.ToolCall) ruling {
	switch {
	case c.Answer == llm.ActionBlock:
		return askedDenied
	case c.Verdict == llm.ActionBlock:
		return blocked
	case c.Answer == llm.ActionAllow:
		return askedAllowed
	case c.Verdict == llm.ActionAsk:
		return asking
	case c.Would == llm.ActionBlock:
		return wouldBlock
	case c.Would == llm.ActionAsk:
		return wouldAsk
	case c.Verdict == llm.ActionAllow:
		return allowed
	}
	return unjudged
}

// stopped reports whether the call did not reach the client.
func (r ruling) stopped() bool { return r >= askedDenied }

// sign is the ruling as a glyph and a word, and their style.
func (r ruling) sign() (sign printable.Text, style paint.Style) {
	switch r {
	case allowed:
		return paint.Words("✓ allow"), paint.Good
	case wouldAsk:
		return paint.Words("○ WOULD ASK"), paint.Warn
	case wouldBlock:
		return paint.Words("○ WOULD BLOCK"), paint.Warn
	case askedAllowed:
		return paint.Words("✓ ASK allowed"), paint.Good
	case asking:
		return paint.Words("? ASK"), paint.Warn
	case askedDenied:
		return paint.Words("✗ ASK denied"), paint.Bad
	case blocked:
		return paint.Words("✗ BLOCK"), paint.Bad
	}
	return printable.Text{}, paint.Plain
}

// sternest returns the sternest ruling and its call; nil where nothing was
// judged.
func sternest(i *llm.Interaction) (ruling, *llm.ToolCall) {
	worst, of := unjudged, (*llm.ToolCall)(nil)
	for k := range i.ToolCalls {
		if r := rulingOf(&i.ToolCalls[k]); r > worst {
			worst, of = r, &i.ToolCalls[k]
		}
	}
	return worst, of
}
