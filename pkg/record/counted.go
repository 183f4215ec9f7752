package record

import "sync"

// counted remembers which answers of providers were recorded with their usage, so
// that one that is fetched once more, by its id, is not counted once more. It keeps
// the newest.
type counted struct {
	mu   sync.Mutex
	have map[string]bool
	ring [4096]string
	next int
}

// first tells whether an answer is counted for the first time.
func (c *counted) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have[key] {
		return false
	}
	if c.have == nil {
		c.have = map[string]bool{}
	}
	delete(c.have, c.ring[c.next])
	c.ring[c.next] = key
	c.have[key] = true
	c.next = (c.next + 1) % len(c.ring)
	return true
}

// countOnce leaves the usage, and with it the cost, out of the record of an answer
// that was fetched after it had been recorded with both.
func (x *Exchange) countOnce() {
	if x.i.Usage == nil || x.i.ResponseID == "" || x.counted {
		return
	}
	x.counted = x.rec.counted.first(x.i.Provider + "\x00" + x.i.ResponseID)
	if !x.counted && x.kept {
		x.i.Usage = nil
		if x.committed < 0 {
			x.i.Notes = append(x.i.Notes, "the answer was fetched once more: its usage stands in the record of the first time")
		}
	}
}
