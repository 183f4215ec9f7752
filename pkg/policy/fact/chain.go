package fact

import (
	"container/list"
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

// chain is a session that requests of one conversation share: each takes it back to
// what they have in common and goes on from there. Between two uses it may go
// elsewhere or be let go, which costs time and changes no facts.
type chain struct {
	scope Scope

	mu      sync.Mutex
	session *Session
	broken  bool     // something failed in the middle of it
	words   []uint32 // words[i]: how many words its first i messages have, and the system's
	left    [8]end   // where it was when it was taken elsewhere
	lefts   int

	// Written under mu and Analyzer.mu, read under either.
	path []uint64 // path[i] stands for its first i messages
	pins []*reading

	// Under Analyzer.mu.
	bytes int
	used  uint64
	kept  *list.Element
}

// end is the end of a conversation.
type end struct {
	n   int
	tip uint64
}

// common returns how many messages the chain has in common with a conversation, or
// -1 where not even what stands before them is the same.
func (ch *chain) common(path []uint64) int {
	low, high := -1, min(len(path), len(ch.path))-1
	for low < high { // a tip stands for all before it, so one step decides for many
		mid := (low + high + 1) / 2
		if ch.path[mid] == path[mid] {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// preamble is how many messages conversations have in common that are not the same:
// programs begin them alike, with what they tell of themselves and their machine.
const preamble = 2

// fits tells whether the chain is to be taken to a conversation with which it has n
// messages in common, or be left where it is and another one begun. It is left where
// much would have to be read again when its own conversation comes back, and where
// the other was on it before: two that take turns get a chain each.
func (ch *chain) fits(path []uint64, n int) bool {
	if n < 0 || ch.broken {
		return false
	}
	if len(ch.path)-1 == n {
		return true
	}
	off, stays := ch.words[len(ch.words)-1]-ch.words[n], ch.words[n]
	if n <= preamble && 4*off > stays || off > 4*stays {
		return false
	}
	for _, l := range ch.left {
		if l.n > n && l.n < len(path) && path[l.n] == l.tip {
			return false
		}
	}
	return true
}

// goTo takes the chain to a conversation with which it has n messages in common. It
// returns how many of its sources stayed.
func (ch *chain) goTo(c *llm.Conversation, n int) (stayed int) {
	if last := len(ch.path) - 1; last > n {
		ch.left[ch.lefts%len(ch.left)] = end{last, ch.path[last]}
		ch.lefts++
		ch.session.back(n)
	}
	stayed = len(ch.session.sources)
	ch.words = ch.words[:n+1]
	for i := n; i < len(c.Messages); i++ {
		ch.session.Append(c.Messages[i])
		ch.words = append(ch.words, uint32(len(ch.session.index.prev)))
	}
	return stayed
}

// newChain begins a chain with what stands before the messages.
func (a *Analyzer) newChain(scope Scope, c *llm.Conversation, path []uint64) *chain {
	s := a.NewSession(scope.TrustOf)
	if scope.Untrusted {
		s.StartUntrusted()
	}
	s.Declare(c.Tools)
	s.System(c.System)
	return &chain{scope: scope, session: s, path: path[:1:1], words: []uint32{uint32(len(s.index.prev))}}
}

// find returns the chain of the longest beginning that was seen.
func (a *Analyzer) find(scope *Scope, path []uint64) *chain {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(path) - 1; i >= 0; i-- {
		if ch := a.at[path[i]]; ch != nil && ch.scope.Owner == scope.Owner && ch.scope.Name == scope.Name {
			return ch
		}
	}
	return nil
}

// settle notes where a chain went: the first n messages and the first stayed sources
// are what they were. It is called with the chain locked.
func (a *Analyzer) settle(ch *chain, path []uint64, n, stayed int) {
	size := ch.session.size() + 512 + 20*cap(ch.words) + mapEntry(16)*len(path)
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch.kept == nil { // it is new, or was let go meanwhile
		n, stayed, ch.pins = -1, 0, nil
		ch.kept = a.chains.PushFront(ch)
	} else {
		for _, tip := range ch.path[n+1:] {
			if a.at[tip] == ch {
				delete(a.at, tip)
			}
		}
	}
	ch.path = append(ch.path[:n+1], path[n+1:]...)
	for _, tip := range ch.path[n+1:] {
		a.at[tip] = ch
	}
	off := append([]*reading(nil), ch.pins[stayed:]...)
	ch.pins = ch.pins[:stayed]
	for _, src := range ch.session.sources[stayed:] {
		ch.pins = append(ch.pins, src.read)
		a.pin(src.read)
	}
	for _, r := range off {
		a.unpin(r, true)
	}
	a.used += size - ch.bytes
	ch.bytes = size
	ch.used = a.tick()
	a.chains.MoveToFront(ch.kept)
	a.shrink()
}

func (a *Analyzer) forgetChain(ch *chain) {
	for _, tip := range ch.path {
		if a.at[tip] == ch {
			delete(a.at, tip)
		}
	}
	for _, r := range ch.pins {
		a.unpin(r, false)
	}
	a.chains.Remove(ch.kept)
	ch.kept = nil
	a.used -= ch.bytes
	ch.bytes = 0
}

// drop lets a chain go in the middle of which something failed.
func (a *Analyzer) drop(ch *chain) {
	ch.broken = true
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch.kept != nil {
		a.forgetChain(ch)
	}
}

// path hashes the conversation: path[i] stands for its first i messages, and path[0]
// for what stands before them. It costs a step for each message whose sum is known.
func (a *Analyzer) path(scope *Scope, c *llm.Conversation) []uint64 {
	tip := a.step(maphash.String(a.seed, c.PreviousID), maphash.Comparable(a.seed, scope.Owner))
	tip = a.step(tip, maphash.String(a.seed, scope.Name))
	if scope.Untrusted {
		tip = a.step(tip, 1)
	}
	tip = a.step(tip, a.kitKey(c.Tools))
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
