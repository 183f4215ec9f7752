package gemini

import (
	"bytes"
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// counts are the counters of a usageMetadata.
type counts struct {
	prompt, candidates, thoughts, toolUse, cached, total fold.Count
}

// usage is what the chunks of a stream say of usage. Each states the totals so
// far, and the last one counts. Chunks of Vertex AI before the last may have
// nothing but their traffic type.
type usage struct {
	raw  []byte
	last counts // of raw
	seen counts // the last statement of each counter
}

func readCounts(s *jsonscan.Scanner) (c counts) {
	for key := range s.Object() {
		switch string(key) {
		case "promptTokenCount":
			c.prompt.Read(s)
		case "candidatesTokenCount":
			c.candidates.Read(s)
		case "thoughtsTokenCount":
			c.thoughts.Read(s)
		case "toolUsePromptTokenCount":
			c.toolUse.Read(s)
		case "cachedContentTokenCount":
			c.cached.Read(s)
		case "totalTokenCount":
			c.total.Read(s)
		}
	}
	return c
}

// take takes the usageMetadata raw, which states c.
func (u *usage) take(raw []byte, c counts) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	if c != (counts{}) || len(u.raw) == 0 {
		u.raw, u.last = append(u.raw[:0], raw...), c
	}
	u.seen.prompt.Set(c.prompt)
	u.seen.candidates.Set(c.candidates)
	u.seen.thoughts.Set(c.thoughts)
	u.seen.toolUse.Set(c.toolUse)
	u.seen.cached.Set(c.cached)
}

// settle returns the counters of the last statement. One that it lacks is taken
// from an earlier one, unless the last total has no room for it: a zero is left
// out as well.
func (u *usage) settle() counts {
	c := u.last
	rest := c.total.N - c.prompt.N - c.candidates.N - c.thoughts.N - c.toolUse.N
	fill := func(to *fold.Count, seen fold.Count) {
		if to.OK || !seen.OK || c.total.OK && seen.N > rest {
			return
		}
		*to = seen
		rest -= seen.N
	}
	fill(&c.prompt, u.seen.prompt)
	fill(&c.candidates, u.seen.candidates)
	fill(&c.thoughts, u.seen.thoughts)
	fill(&c.toolUse, u.seen.toolUse)
	if !c.cached.OK {
		c.cached = u.seen.cached
	}
	return c
}

// normal returns the usage in the normal form: thoughts stand outside
// candidatesTokenCount, and what tools brought into the prompt outside
// promptTokenCount, so both are added.
func (u *usage) normal() *llm.Usage {
	if len(u.raw) == 0 || u.raw[0] != '{' {
		return nil
	}
	c := u.settle()
	n := &llm.Usage{
		InputTokens:     c.prompt.Sum(c.toolUse).Ptr(),
		OutputTokens:    c.candidates.Sum(c.thoughts).Ptr(),
		CacheReadTokens: c.cached.Ptr(),
		ReasoningTokens: c.thoughts.Ptr(),
		Raw:             json.RawMessage(bytes.Clone(u.raw)),
	}
	if !c.candidates.OK { // a response that ended while the model thought
		n.OutputTokens = c.thoughts.Ptr()
	}
	s := jsonscan.New(n.Raw)
	for key := range s.Object() {
		switch string(key) {
		case "serviceTier": // AI Studio
			n.ServiceTier = fold.Word(s.Raw())
		case "trafficType": // Vertex AI
			if word := fold.Word(s.Raw()); n.ServiceTier == "" {
				n.ServiceTier = word
			}
		}
	}
	return n
}
