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

// newestLimit bounds the part of a body that is decoded for it.
const newestLimit = 1 << 20

// newestText is what is new in a conversation and written by somebody else than
// the model: the messages after its last answer. The history before them is not
// decoded again.
func newestText(f wire.Format, body []byte, r wire.Request) string {
	newest := body
	switch {
	case r.Newest.End > r.Newest.Start:
		part := body[r.Newest.Start:min(r.Newest.End, r.Newest.Start+newestLimit)]
		newest = make([]byte, 0, len(part)+len(r.Messages)+8)
		newest = append(append(append(newest, `{"`...), r.Messages...), `":[`...)
		newest = append(append(newest, part...), `]}`...)
	case len(body) > newestLimit:
		return ""
	}
	// An error means that the range was cut; what was read before it counts.
	c, _ := f.Conversation(newest)
	var b strings.Builder
	b.Grow(min(len(newest), searchLimit+1))
	add := func(s string) {
		if s == "" || b.Len() >= searchLimit {
			return
		}
		if room := searchLimit - b.Len(); len(s) > room {
			s = strings.ToValidUTF8(s[:room], "")
		}
		b.WriteString(s)
		b.WriteByte('\n')
	}
	for _, m := range c.Messages {
		if m.Role == llm.RoleAssistant {
			continue
		}
		for _, p := range m.Parts {
			if p.Kind == llm.PartText || p.Kind == llm.PartToolResult {
				add(p.Text)
			}
		}
	}
	return b.String()
}
