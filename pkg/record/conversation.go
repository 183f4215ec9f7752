package record

import (
	"hash/maphash"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// keySeed makes conversation keys differ from one process to the next; they
// only ever meet keys of the same process.
var keySeed = maphash.MakeSeed()

// conversationKey keys what the requests of one conversation have in common:
// who calls whom, the client's own session, and how the body begins.
func conversationKey(i *llm.Interaction, body []byte) uint64 {
	const head = 1024
	var h maphash.Hash
	h.SetSeed(keySeed)
	for _, s := range []string{i.Provider, i.Profile, string(i.API), i.Client.Session} {
		_, _ = h.WriteString(s) // a hash never fails to take bytes
		_ = h.WriteByte(0)
	}
	_, _ = h.Write(body[:min(len(body), head)])
	return h.Sum64()
}

// searchLimit bounds the text of a request that is indexed for search.
const searchLimit = 64 << 10

// newestText is what is new in a conversation and written by somebody else than
// the model: the messages after its last answer.
func newestText(r *wire.Reading) string {
	newest, c := r.Request.Newest, &r.Conversation
	messages := c.Messages
	if newest.End > newest.Start {
		first := len(messages)
		for first > 0 && messages[first-1].Span.Start >= newest.Start {
			first--
		}
		messages = messages[first:]
	}
	var texts []string
	size := 0
	for _, m := range messages {
		if m.Role == llm.RoleAssistant {
			continue
		}
		for _, p := range m.Parts {
			if p.Text == "" || size >= searchLimit || p.Kind != llm.PartText && p.Kind != llm.PartToolResult {
				continue
			}
			text := p.Text
			if room := searchLimit - size; len(text) > room {
				text = strings.ToValidUTF8(text[:room], "")
			}
			texts = append(texts, text)
			size += len(text) + 1
		}
	}
	return strings.Join(texts, "\n")
}
