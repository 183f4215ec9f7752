package policy

import (
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Session is a conversation that calls are judged in.
type Session struct {
	policy  *Policy
	profile string
	view    *fact.View
	memory  *Memory

	analyzer     *fact.Analyzer
	conversation *llm.Conversation
}

// Session takes in a conversation. What the analyzer saw of it before, by the hash
// of each message, is not read again. memory holds the answers given in the
// client's session; nil is none.
func (p *Policy) Session(a *fact.Analyzer, profile string, c *llm.Conversation, memory *Memory) *Session {
	scope := fact.Scope{Owner: p, Name: profile, Untrusted: p.StartsUntrusted(profile)}
	if p.HasResultRules() {
		scope.TrustOf = func(tool string, args []fact.Leaf, text string) fact.Trust {
			return p.Result(profile, tool, args, text).Trust
		}
	}
	return &Session{policy: p, profile: profile, view: a.View(scope, c), memory: memory, analyzer: a, conversation: c}
}

// Judge decides on a call that the model proposes next in the conversation.
func (s *Session) Judge(c llm.ToolCall) Verdict {
	return s.policy.Judge(s.profile, s.view.Facts(c), s.memory)
}

// Labels tells what the conversation has seen.
func (s *Session) Labels() fact.Labels { return s.view.Labels() }

// Hold remembers the conversation and the answer to it under the id by which the
// provider keeps them, for requests that name only the id.
func (s *Session) Hold(id string, answer llm.Message) { s.analyzer.Hold(id, s.conversation, answer) }
