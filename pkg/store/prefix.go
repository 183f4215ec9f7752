package store

import (
	"container/list"
	"slices"
	"sync"
)

// maxTalks is how many talks of one conversation key are told apart. Several
// agents of one client have the same tools and instructions, so that their
// requests begin alike for longer than the key looks.
const maxTalks = 32

// base is the last request of a talk: what the next one most likely begins with.
type base struct {
	conversation uint64
	id           string
	data         []byte
}

// bases remembers the last request of each talk, the least recently used ones
// forgotten first. It also counts, for each request, the records on their way to
// the database that refer to it, so that retention leaves it until then.
type bases struct {
	limit int // bytes

	mu    sync.Mutex
	size  int
	order list.List                  // of *base, the newest in front
	byKey map[uint64][]*list.Element // the newest behind
	byID  map[string]*list.Element
	refs  map[string]int
}

func newBases(limit int) *bases {
	return &bases{limit: limit, byKey: map[uint64][]*list.Element{}, byID: map[string]*list.Element{}, refs: map[string]int{}}
}

// likeness is an earlier request, or nil, and what a new one has in common with it.
type likeness struct {
	*base
	common ends
}

// continues reports whether the new request takes the place of the earlier one:
// the two have more in common than not.
func (l likeness) continues() bool {
	return l.base != nil && l.common.head+l.common.tail > len(l.data)/2
}

// get returns the request of a conversation that has most in common with data at
// its ends, and counts a record that refers to it.
func (b *bases) get(conversation uint64, data []byte) (best likeness) {
	var room [maxTalks]*base
	talks := room[:0]
	b.mu.Lock()
	for _, at := range slices.Backward(b.byKey[conversation]) {
		talks = append(talks, at.Value.(*base))
	}
	b.mu.Unlock()
	most := -1
	for _, x := range talks {
		common := endsOf(x.data, data)
		size := common.head + common.tail
		if size > most {
			best, most = likeness{x, common}, size
		}
		if size >= len(x.data)-len(x.data)/16 {
			break // it is this one
		}
	}
	if best.base == nil {
		return likeness{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.byID[best.id]
	if !ok {
		return likeness{} // forgotten since
	}
	b.order.MoveToFront(at)
	b.refs[best.id]++
	return best
}

// put remembers a request, in the place of the one that it continues if that is
// not nil.
func (b *bases) put(x, continued *base) {
	if len(x.data) > b.limit/4 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if continued != nil {
		b.remove(continued.id)
	}
	b.remove(x.id)
	if talks := b.byKey[x.conversation]; len(talks) >= maxTalks {
		b.remove(talks[0].Value.(*base).id)
	}
	at := b.order.PushFront(x)
	b.byKey[x.conversation] = append(b.byKey[x.conversation], at)
	b.byID[x.id] = at
	for b.size += len(x.data); b.size > b.limit; {
		b.remove(b.order.Back().Value.(*base).id)
	}
}

func (b *bases) remove(id string) {
	at, ok := b.byID[id]
	if !ok {
		return
	}
	x := b.order.Remove(at).(*base)
	b.size -= len(x.data)
	delete(b.byID, id)
	talks := b.byKey[x.conversation]
	if len(talks) == 1 {
		delete(b.byKey, x.conversation)
		return
	}
	i := slices.Index(talks, at)
	b.byKey[x.conversation] = slices.Delete(talks, i, i+1)
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
	b.remove(id)
	return b.refs[id] == 0
}
