package fact

import (
	"container/list"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// stretch is messages of a conversation that a provider keeps, and what stood before
// them. Conversations that begin alike share their beginning.
type stretch struct {
	before   *stretch
	messages []llm.Message
	torn     bool   // it goes on from what nobody knows
	tip      uint64 // of a request's messages: see Analyzer.heldAt
	bytes    int
	owners   int // ids and stretches that have it
}

// held is what a provider keeps under an id of its own (previous_response_id,
// conversations): what requests under that id leave out.
type held struct {
	id    string
	all   *stretch
	place *list.Element
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
	path := a.path(&Scope{}, &llm.Conversation{PreviousID: c.PreviousID, Messages: c.Messages})
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.askedFor(id, c)
	if asked == nil {
		asked = a.stretchOf(c, path)
	}
	whole := &stretch{before: asked, torn: asked.torn}
	whole.add(&answer)
	asked.owners++
	whole.owners++
	a.count(whole.bytes + 128 + 2*len(id))

	if old := a.held[id]; old != nil {
		a.release(old)
	}
	h := &held{id: id, all: whole}
	a.held[id] = h
	h.place = a.holding.PushFront(h)
	for a.heldBytes > a.max/4 && a.holding.Len() > 0 {
		a.release(a.holding.Back().Value.(*held))
	}
	a.shrink()
}

// askedFor returns what an answer came after that is held already and has come once
// more: the same, or more of it, takes its place.
func (a *Analyzer) askedFor(id string, c *llm.Conversation) *stretch {
	if old := a.held[id]; old != nil && c.PreviousID == id && len(c.Messages) == 0 {
		return old.all.before
	}
	return nil
}

// stretchOf returns the messages of a request, after what is held of them already.
func (a *Analyzer) stretchOf(c *llm.Conversation, path []uint64) *stretch {
	s := &stretch{tip: path[len(path)-1]}
	n := 0
	if h := a.held[c.PreviousID]; h != nil {
		s.before = h.all
	}
	for i := len(path) - 1; i > 0; i-- {
		if known := a.heldAt[path[i]]; known != nil {
			if i == len(path)-1 {
				return known
			}
			s.before, n = known, i
			break
		}
	}
	s.torn = s.before == nil && c.PreviousID != ""
	if s.before != nil {
		s.torn = s.before.torn
		s.before.owners++
	}
	s.messages = make([]llm.Message, 0, len(c.Messages)-n)
	for i := n; i < len(c.Messages); i++ {
		s.add(&c.Messages[i])
	}
	s.bytes += 128
	a.heldAt[s.tip] = s
	a.count(s.bytes)
	return s
}

func (a *Analyzer) count(bytes int) {
	a.heldBytes += bytes
	a.used += bytes
}

// add takes a message in. Texts that no rule looks at are left out.
func (s *stretch) add(m *llm.Message) {
	out := *m
	out.Hash = m.Sum()
	out.Parts = slices.Clone(m.Parts)
	s.bytes += 80
	for i := range out.Parts {
		p := &out.Parts[i]
		if p.Kind == llm.PartText && m.Role == llm.RoleAssistant || p.Kind != llm.PartText && p.Kind != llm.PartFile && p.Kind != llm.PartToolCall && p.Kind != llm.PartToolResult {
			*p = llm.Part{Kind: p.Kind}
		}
		s.bytes += 192 + len(p.Text) + len(p.Name) + len(p.CallID) + cap(p.Arguments)
	}
	s.messages = append(s.messages, out)
}

// release lets an id go, and of its history what nothing else has.
func (a *Analyzer) release(h *held) {
	delete(a.held, h.id)
	a.holding.Remove(h.place)
	a.count(-128 - 2*len(h.id))
	for s := h.all; s != nil; s = s.before {
		if s.owners--; s.owners > 0 {
			return
		}
		a.count(-s.bytes)
		if a.heldAt[s.tip] == s {
			delete(a.heldAt, s.tip)
		}
	}
}

// whole returns the conversation with the history that the provider keeps before
// it. It is not known whole where an id was never seen, or was let go: then nobody
// can say what the history holds, and it is not trusted.
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
	a.holding.MoveToFront(h.place)
	n := len(c.Messages)
	for s := h.all; s != nil; s = s.before {
		n += len(s.messages)
	}
	out := *c
	out.PreviousID = ""
	out.Messages = make([]llm.Message, n)
	n -= copy(out.Messages[n-len(c.Messages):], c.Messages)
	for s := h.all; s != nil; s = s.before {
		n -= copy(out.Messages[n-len(s.messages):n], s.messages)
	}
	return &out, !h.all.torn
}
