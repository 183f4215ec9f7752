package policy

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Verdict is what was decided of one call, and why.
type Verdict struct {
	// Action is what is to be done. In report mode it is ActionAllow, and Would is
	// what enforce mode had done.
	Action llm.Action `json:"action"`
	Would  llm.Action `json:"would,omitempty"`
	Rule   string     `json:"rule"`             // the id of the deciding rule
	File   string     `json:"file,omitempty"`   // where the rule stands; "" is built in
	Line   int        `json:"line,omitempty"`   // of the rule
	Reason string     `json:"reason,omitempty"` // a sentence for people; it quotes arguments, so it is shown sanitised
	Accept string     `json:"accept,omitempty"` // what would be accepted
	Path   string     `json:"path,omitempty"`   // the argument that decided
	Value  string     `json:"value,omitempty"`  // its value
	// Source is the place that the value came from, or the sentence that asked for
	// the effect: message, part and bytes in the part's text.
	Source *fact.Seen `json:"source,omitempty"`
	// Sink names what an answer is remembered for: the tool and where its effect goes.
	Sink  string      `json:"sink"`
	Facts *fact.Facts `json:"facts,omitempty"`
}

// Mode says whether verdicts are acted upon.
type Mode string

// The modes.
const (
	Enforce Mode = "enforce"
	Report  Mode = "report" // everything passes; Verdict.Would tells what had happened
)
