package fact

import (
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// history is a conversation that a provider keeps under an id of its own
// (previous_response_id, conversations): what requests under that id leave out.
type history struct {
	messages []llm.Message
	used     uint64
	size     int // bytes of the messages that no history before it has
}

// maxHeld bounds how many such histories are kept, and the analyzer's memory what
// they take; the one used longest ago goes.
const maxHeld = 256

// Hold remembers that the provider answers to id with a conversation and its
// answer, so that a later request that only names the id is judged on all of it.
func (a *Analyzer) Hold(id string, c *llm.Conversation, answer llm.Message) {
	if id == "" {
		return
	}
	whole, _ := a.whole(c)
	answer.Hash = answer.Sum()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	if h := a.held[id]; h != nil {
		a.kept -= h.size
	}
	h := &history{messages: append(slices.Clone(whole.Messages), answer), used: a.requests, size: sizeOf(c.Messages) + sizeOf([]llm.Message{answer})}
	a.held[id] = h
	a.kept += h.size
	for len(a.held) > maxHeld || a.kept > a.max && len(a.held) > 1 {
		oldest, least := "", a.requests+1
		for k, h := range a.held {
			if h.used < least {
				oldest, least = k, h.used
			}
		}
		a.kept -= a.held[oldest].size
		delete(a.held, oldest)
	}
}

// whole returns the conversation with the history that the provider keeps before
// it. It is not known whole where the id was never seen: then nobody can say what
// the history holds, and it is not trusted.
func (a *Analyzer) whole(c *llm.Conversation) (all *llm.Conversation, known bool) {
	if c.PreviousID == "" {
		return c, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h, ok := a.held[c.PreviousID]
	if !ok {
		return c, false
	}
	a.requests++
	h.used = a.requests
	out := *c
	out.PreviousID = ""
	out.Messages = append(slices.Clone(h.messages), c.Messages...)
	return &out, true
}
