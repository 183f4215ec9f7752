package record

import "time"

// arrivals remember when the bytes of a stream came: all of the first few hundred
// chunks, and ever fewer of a longer stream, evenly, since thousands of streams are
// open at once.
type arrivals struct {
	list []arrival
	each int // how many chunks an entry stands for, but for the last one
	last int // how many the last one does
}

// arrival says that the response had grown to offset bytes by the time after since
// the exchange began.
type arrival struct {
	offset int64
	after  time.Duration
}

const (
	// markLimit bounds the arrivals that stand in the record.
	markLimit = 128
	// arrivalLimit bounds those that are remembered. It is even.
	arrivalLimit = 2 * markLimit
	// arrivalGap is how close together two arrivals are one.
	arrivalGap = time.Millisecond
)

// add tells that a chunk has come.
func (a *arrivals) add(offset int64, after time.Duration) {
	n := len(a.list)
	switch {
	case n > 0 && after-a.list[n-1].after < arrivalGap:
		a.list[n-1].offset = offset
		return
	case a.last < a.each:
		a.list[n-1] = arrival{offset, after}
		a.last++
		return
	case n == arrivalLimit:
		for i := range arrivalLimit / 2 {
			a.list[i] = a.list[2*i+1]
		}
		a.list = a.list[:arrivalLimit/2]
		a.each *= 2
	}
	a.list, a.last, a.each = append(a.list, arrival{offset, after}), 1, max(a.each, 1)
}

// marks are what the record keeps of them: pairs of bytes and microseconds. The last
// one stays. A body that came at once has none.
func (a *arrivals) marks() [][2]int64 {
	n := len(a.list)
	if n < 2 {
		return nil
	}
	step := (n + markLimit - 1) / markLimit
	out := make([][2]int64, 0, markLimit)
	for i, m := range a.list {
		if (i+1)%step == 0 || i == n-1 {
			out = append(out, [2]int64{m.offset, m.after.Microseconds()})
		}
	}
	return out
}
