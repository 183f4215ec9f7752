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
	size    int    // about how many bytes it takes
}

type chainKey struct {
	owner any
	name  string
	tip   uint64 // hash of everything up to the last message
}

// maxChains bounds how many conversations are kept; the one used longest ago goes.
// What they take together is bounded, too: chainMemory times the analyzer's memory.
// A byte of text takes about chainCost of them, by measurement of texts that are full
// of addresses.
const (
	maxChains   = 128
	chainMemory = 4
	chainCost   = 10
)

// sizeOf is how much text messages hold.
func sizeOf(messages []llm.Message) (n int) {
	for i := range messages {
		for k := range messages[i].Parts {
			p := &messages[i].Parts[k]
			n += len(p.Text) + len(p.Arguments)
		}
	}
	return n
}

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
	grown := chainCost * sizeOf(c.Messages[from:])
	a.putChain(chainKey{scope.Owner, scope.Name, tips[len(tips)-1]}, ch, grown)
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
			a.dropChain(key)
		}
		return ch, i
	}
	return nil, 0
}

func (a *Analyzer) putChain(key chainKey, ch *chain, grown int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	ch.used = a.requests
	ch.size += grown
	a.dropChain(key)
	a.chains[key], a.sizes[key] = ch, ch.size
	a.chained += ch.size
	for len(a.chains) > maxChains || a.chained > chainMemory*a.max && len(a.chains) > 1 {
		var oldest chainKey
		least := a.requests + 1
		for k, c := range a.chains {
			if c.used < least {
				oldest, least = k, c.used
			}
		}
		a.dropChain(oldest)
	}
}

// dropChain forgets a chain, if it is there. The lock is held.
func (a *Analyzer) dropChain(key chainKey) {
	a.chained -= a.sizes[key]
	delete(a.chains, key)
	delete(a.sizes, key)
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
