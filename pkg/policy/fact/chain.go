package fact

import (
	"encoding/binary"
	"hash/maphash"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Scope is what a session depends on beside its messages: whose rules say how far
// results are believed. Conversations are shared within one scope only.
type Scope struct {
	Owner     any    // compared by identity: the set of rules
	Name      string // the profile
	Untrusted bool   // sessions start untrusted
	TrustOf   TrustFunc
}

// View is a conversation as far as one request goes. It is safe for concurrent use.
type View struct {
	mu      *sync.Mutex
	session *Session
}

// chain is a session that later requests of the same conversation go on with.
type chain struct {
	mu      sync.Mutex
	session *Session
	used    uint64 // when, by the analyzer's count of requests
}

type chainKey struct {
	owner any
	name  string
	tip   uint64 // hash of everything up to the last message
}

// maxChains bounds how many conversations are kept; the one used longest ago goes.
const maxChains = 128

// View takes a conversation in. A history whose beginning was seen is not read
// again: the session of that beginning goes on with what is new.
func (a *Analyzer) View(scope Scope, c *llm.Conversation) *View {
	c, known := a.whole(c)
	scope.Untrusted = scope.Untrusted || !known
	tips := a.tips(scope, c)
	ch, from := a.takeChain(scope, tips)
	if ch == nil {
		ch = &chain{session: a.NewSession(scope.TrustOf)}
		if scope.Untrusted {
			ch.session.StartUntrusted()
		}
		ch.session.Declare(c.Tools)
		ch.session.System(c.System)
	}
	ch.mu.Lock()
	for i := from; i < len(c.Messages); i++ {
		ch.session.Append(c.Messages[i])
	}
	ch.mu.Unlock()
	a.putChain(chainKey{scope.Owner, scope.Name, tips[len(tips)-1]}, ch)
	return &View{mu: &ch.mu, session: ch.session}
}

// tips hashes the conversation: tips[i] stands for its first i messages. It costs
// a step for each message whose sum is known.
func (a *Analyzer) tips(scope Scope, c *llm.Conversation) []uint64 {
	tip := maphash.String(a.seed, c.PreviousID)
	if scope.Untrusted {
		tip = a.step(tip, 1)
	}
	for i := range c.Tools {
		tip = a.step(tip, c.Tools[i].Sum())
	}
	tip = a.step(tip, uint64(len(c.Tools)))
	tip = a.step(tip, llm.SumParts(c.System))
	out := make([]uint64, 0, len(c.Messages)+1)
	out = append(out, tip)
	for i := range c.Messages {
		tip = a.step(tip, c.Messages[i].Sum())
		out = append(out, tip)
	}
	return out
}

func (a *Analyzer) step(tip, next uint64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], tip)
	binary.LittleEndian.PutUint64(b[8:], next)
	return maphash.Bytes(a.seed, b[:])
}

// takeChain finds the chain of the longest beginning that was seen, and takes it
// away, so that no two requests go on with one session.
func (a *Analyzer) takeChain(scope Scope, tips []uint64) (*chain, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(tips) - 1; i >= 0; i-- {
		key := chainKey{scope.Owner, scope.Name, tips[i]}
		ch, ok := a.chains[key]
		if !ok {
			continue
		}
		if i < len(tips)-1 {
			delete(a.chains, key)
		}
		return ch, i
	}
	return nil, 0
}

func (a *Analyzer) putChain(key chainKey, ch *chain) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	ch.used = a.requests
	a.chains[key] = ch
	if len(a.chains) <= maxChains {
		return
	}
	var oldest chainKey
	least := a.requests + 1
	for k, c := range a.chains {
		if c.used < least {
			oldest, least = k, c.used
		}
	}
	delete(a.chains, oldest)
}

// Facts gathers what is known of a call that the model proposes next.
func (v *View) Facts(c llm.ToolCall) *Facts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.session.Facts(c)
}

// Labels tells what the conversation has seen.
func (v *View) Labels() Labels {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.session.labels
}
