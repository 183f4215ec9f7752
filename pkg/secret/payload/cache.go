package payload

import (
	"sync"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// cache remembers what was found in units. It forgets in halves: what was not
// asked for while half of it was filled anew is dropped.
type cache struct {
	most int // bytes of one half
	root entry
	turn atomic.Uint32 // counts the times that it forgot

	mu         sync.Mutex
	young, old map[key]*entry
	bytes      int // of young
}

// key tells units apart: a hash that nobody outside can foresee, with the length.
type key struct {
	hash uint64
	size int
	data bool // the unit is data and none of the protocol's
}

func keyOf(raw []byte, data bool) key { return key{llm.SumBytes(raw), len(raw), data} }

// entry is what is known of a unit.
type entry struct {
	key
	hits []Hit                 // with places and paths inside of the unit; never changed
	next atomic.Pointer[entry] // the unit that followed last, or nil
	turn atomic.Uint32         // the cache's when the entry was among the young ones last
}

// What an entry takes, and each of its hits, about.
const entrySize, hitSize = 200, 128

func newCache(maxBytes int) *cache {
	return &cache{most: maxBytes / 2, young: map[key]*entry{}}
}

// find returns the entry of a unit, or nil, and notes that it follows another one.
// As most units follow the one that they followed before, most cost no look into the
// maps.
func (c *cache) find(prev *entry, k key) *entry {
	if e := prev.next.Load(); e != nil && e.key == k && e.turn.Load() == c.turn.Load() {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.young[k]
	if e == nil {
		if e = c.old[k]; e == nil {
			return nil
		}
		c.keep(e)
	}
	prev.next.Store(e)
	return e
}

// put remembers a unit.
func (c *cache) put(prev *entry, k key, hits []Hit) *entry {
	e := &entry{key: k, hits: hits}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keep(e) {
		prev.next.Store(e)
	}
	return e
}

// keep takes an entry in among the young ones. It fails where there is no room for
// it at all.
func (c *cache) keep(e *entry) bool {
	size := entrySize
	for i := range e.hits {
		size += hitSize + len(e.hits[i].Where)
	}
	if c.bytes+size > c.most {
		for _, e := range c.old {
			e.next.Store(nil) // one that is still followed must not keep the others
		}
		c.old, c.young, c.bytes = c.young, map[key]*entry{}, 0
		c.turn.Add(1)
	}
	if size > c.most {
		return false
	}
	e.turn.Store(c.turn.Load())
	c.young[e.key] = e
	c.bytes += size
	return true
}
