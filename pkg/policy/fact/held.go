package fact

import (
	"container/list"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// history is a conversation that a provider keeps under an id of its own
// (previous_response_id, conversations): what requests under that id leave out. It
// has what was new in it and goes on from another, as the requests did.
type history struct {
	id       string
	before   *history
	messages []llm.Message
	bytes    int
	owners   int           // the table of ids, and the histories that go on from it
	held     *list.Element // nil where its id was let go
}

// Hold remembers that the provider answers to id with a conversation and its
// answer, so that a later request that only names the id is judged on all of it.
// What was held longest ago without use goes where all histories together are more
// than a quarter of what the analyzer keeps; requests that name it then count as
// untrusted.
func (a *Analyzer) Hold(id string, c *llm.Conversation, answer llm.Message) {
	if id == "" {
		return
	}
	h := &history{id: id, messages: make([]llm.Message, 0, len(c.Messages)+1), bytes: 256 + 2*len(id), owners: 1}
	for i := range c.Messages {
		h.add(&c.Messages[i])
	}
	h.add(&answer)
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.before = a.held[c.PreviousID]; h.before != nil {
		h.before.owners++
	}
	if old := a.held[id]; old != nil {
		a.release(old)
	}
	a.held[id] = h
	h.held = a.holding.PushFront(h)
	a.heldBytes += h.bytes
	a.used += h.bytes
	for a.heldBytes > a.max/4 && a.holding.Len() > 0 {
		a.release(a.holding.Back().Value.(*history))
	}
	a.shrink()
}

// add takes a message in. Texts that no rule looks at are left out.
func (h *history) add(m *llm.Message) {
	out := *m
	out.Hash = m.Sum()
	out.Parts = slices.Clone(m.Parts)
	h.bytes += 64
	for i := range out.Parts {
		p := &out.Parts[i]
		if p.Kind == llm.PartText && m.Role == llm.RoleAssistant || p.Kind != llm.PartText && p.Kind != llm.PartFile && p.Kind != llm.PartToolCall && p.Kind != llm.PartToolResult {
			*p = llm.Part{Kind: p.Kind}
		}
		h.bytes += 176 + len(p.Text) + len(p.Name) + len(p.CallID) + cap(p.Arguments)
	}
	h.messages = append(h.messages, out)
}

// release lets an id go, and its history where no other goes on from it.
func (a *Analyzer) release(h *history) {
	delete(a.held, h.id)
	a.holding.Remove(h.held)
	h.held = nil
	for ; h != nil; h = h.before {
		if h.owners--; h.owners > 0 {
			return
		}
		a.heldBytes -= h.bytes
		a.used -= h.bytes
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
	a.holding.MoveToFront(h.held)
	n := len(c.Messages)
	for b := h; b != nil; b = b.before {
		n += len(b.messages)
	}
	out := *c
	out.PreviousID = ""
	out.Messages = make([]llm.Message, n)
	n -= copy(out.Messages[n-len(c.Messages):], c.Messages)
	for b := h; b != nil; b = b.before {
		n -= copy(out.Messages[n-len(b.messages):], b.messages)
	}
	return &out, true
}
