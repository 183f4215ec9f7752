package payload

import (
	"hash/maphash"
	"sync"
)

// cache remembers what was found in units. It forgets in halves: what was not
// asked for while half of it was filled anew is dropped.
type cache struct {
	seed maphash.Seed
	most int // bytes of one half

	mu         sync.Mutex
	young, old map[key]*entry
	bytes      int // of young
	root       entry
}

// key tells units apart: a hash that nobody outside can foresee, with the length.
type key struct {
	hash uint64
	size int
	data bool // the unit is data and none of the protocol's
}

type entry struct {
	hits []Hit // with places and paths inside of the unit; never changed
	next int   // the size of the unit that followed last; under the cache's lock
}

// What an entry takes, and each of its hits, about.
const entrySize, hitSize = 160, 128

func newCache(maxBytes int) *cache {
	return &cache{seed: maphash.MakeSeed(), most: maxBytes / 2, young: map[key]*entry{}}
}

func (c *cache) key(raw []byte, data bool) key {
	return key{maphash.Bytes(c.seed, raw), len(raw), data}
}

// first returns what stands before the first unit of a body.
func (c *cache) first() (before *entry, next int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &c.root, c.root.next
}

// visit returns the entry of a unit, or nil, and the size of the unit that
// followed it the last time. It notes that the unit follows another one.
func (c *cache) visit(prev *entry, k key) (e *entry, next int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e = c.young[k]
	if e == nil {
		if e = c.old[k]; e == nil {
			return nil, 0
		}
		c.keep(k, e)
	}
	prev.next = k.size
	return e, e.next
}

// put remembers a unit.
func (c *cache) put(prev *entry, k key, hits []Hit) *entry {
	e := &entry{hits: hits}
	c.mu.Lock()
	defer c.mu.Unlock()
	prev.next = k.size
	c.keep(k, e)
	return e
}

func (c *cache) keep(k key, e *entry) {
	size := entrySize
	for i := range e.hits {
		size += hitSize + len(e.hits[i].Where)
	}
	if c.bytes+size > c.most {
		c.old, c.young, c.bytes = c.young, map[key]*entry{}, 0
	}
	if size <= c.most {
		c.young[k] = e
		c.bytes += size
	}
}
