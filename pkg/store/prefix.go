package store

import (
	"container/list"
	"sync"
)

// base is the last request of a conversation: what the next one most likely
// begins with.
type base struct {
	conversation uint64
	id           string
	data         []byte
}

// bases remembers the last request of each conversation, the least recently used
// ones forgotten first. It also counts, for each request, the records on their
// way to the database that refer to it, so that retention leaves it until then.
type bases struct {
	limit int // bytes

	mu    sync.Mutex
	size  int
	order list.List // of *base, the newest in front
	byKey map[uint64]*list.Element
	ids   map[string]uint64 // of those in order, to their conversation
	refs  map[string]int
}

func newBases(limit int) *bases {
	return &bases{limit: limit, byKey: map[uint64]*list.Element{}, ids: map[string]uint64{}, refs: map[string]int{}}
}

// get returns the last request of a conversation, or nil, and counts a record
// that refers to it.
func (b *bases) get(conversation uint64) *base {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.byKey[conversation]
	if !ok {
		return nil
	}
	b.order.MoveToFront(at)
	x := at.Value.(*base)
	b.refs[x.id]++
	return x
}

// put makes a request the last one of its conversation.
func (b *bases) put(x *base) {
	if len(x.data) > b.limit/4 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, ok := b.byKey[x.conversation]; ok {
		b.remove(at)
	}
	at := b.order.PushFront(x)
	b.byKey[x.conversation] = at
	b.ids[x.id] = x.conversation
	for b.size += len(x.data); b.size > b.limit; {
		b.remove(b.order.Back())
	}
}

func (b *bases) remove(at *list.Element) {
	x := b.order.Remove(at).(*base)
	b.size -= len(x.data)
	delete(b.byKey, x.conversation)
	delete(b.ids, x.id)
}

// unref takes back what get counted.
func (b *bases) unref(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refs[id]--; b.refs[id] <= 0 {
		delete(b.refs, id)
	}
}

// forget makes sure that no later record refers to id, and reports whether none
// on its way does.
func (b *bases) forget(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if conversation, ok := b.ids[id]; ok {
		b.remove(b.byKey[conversation])
	}
	return b.refs[id] == 0
}
