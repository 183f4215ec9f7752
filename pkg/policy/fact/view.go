package fact

import (
	"sync"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// View is a conversation as far as one request goes. Nothing of it is read before
// somebody asks. It is safe for concurrent use.
type View struct {
	a     *Analyzer
	scope Scope
	c     *llm.Conversation

	hashed sync.Once
	path   []uint64
	last   atomic.Pointer[chain] // in case that it is too large to be kept
}

// View looks at a conversation, which must stay as it is while the view is used. A
// history whose beginning was seen is not read again: the session of that beginning
// goes on with what is new.
func (a *Analyzer) View(scope Scope, c *llm.Conversation) *View {
	c, known := a.whole(c)
	scope.Untrusted = scope.Untrusted || !known
	return &View{a: a, scope: scope, c: c}
}

// Facts gathers what is known of a call that the model proposes next.
func (v *View) Facts(c llm.ToolCall) (f *Facts) {
	v.visit(func(s *Session) { f = s.Facts(c) })
	return f
}

// Labels tells what the conversation has seen.
func (v *View) Labels() (l Labels) {
	v.visit(func(s *Session) { l = s.now.labels })
	return l
}

// visit calls f with the session of the conversation.
func (v *View) visit(f func(*Session)) {
	v.hashed.Do(func() { v.path = v.a.path(&v.scope, v.c) })
	ch, n := v.take()
	defer ch.mu.Unlock()
	done := false
	defer func() {
		if !done {
			v.a.drop(ch)
		}
	}()
	stayed := ch.goTo(v.c, n)
	f(ch.session)
	v.a.settle(ch, v.path, n, stayed)
	done = true
}

// take returns a chain, locked, and how many messages it has in common with the
// conversation.
func (v *View) take() (*chain, int) {
	ch := v.a.find(&v.scope, v.path)
	if ch == nil {
		ch = v.last.Load()
	}
	if ch != nil {
		ch.mu.Lock()
		if n := ch.common(v.path); ch.fits(v.path, n) {
			return ch, n
		}
		ch.mu.Unlock()
	}
	ch = v.a.newChain(v.scope, v.c, v.path)
	v.last.Store(ch)
	ch.mu.Lock()
	return ch, 0
}
