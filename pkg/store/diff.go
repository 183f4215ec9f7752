package store

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// span is a range of bytes of an earlier body, or of new bytes.
type span struct {
	old      bool
	off, len int
}

const (
	probeLen   = 32      // bytes that must agree to find the way back
	searchLen  = 4 << 10 // how far ahead in the old body they are looked for
	skipLimit  = 8 << 10 // how far ahead in the new body they are taken from
	maxResyncs = 32
	minShared  = 64 // shorter agreements are not worth their reference
)

// ends tells how many bytes two bodies begin with in common, and how many of the
// others they end with.
type ends struct{ head, tail int }

func endsOf(old, body []byte) ends {
	head := commonPrefix(old, body)
	return ends{head, commonSuffix(old[head:], body[head:])}
}

// diff says how body is made of ranges of old and of new bytes. It finds what
// agents do from one turn to the next: a long common beginning, a common end,
// and between the two small edits, such as cache markers that move on.
func diff(old, body []byte, common ends) []span {
	head, tail := common.head, common.tail
	if tail < minShared {
		tail = 0
	}
	var spans []span
	add := func(isOld bool, off, n int) {
		if n == 0 {
			return
		}
		if k := len(spans) - 1; k >= 0 && spans[k].old == isOld && spans[k].off+spans[k].len == off {
			spans[k].len += n
			return
		}
		spans = append(spans, span{isOld, off, n})
	}
	if head < minShared {
		head = 0
	}
	add(true, 0, head)
	i, j := head, head // where body and old stand
	iEnd, jEnd := len(body)-tail, len(old)-tail
	for range maxResyncs {
		skip, at, ok := resync(old[j:jEnd], body[i:iEnd])
		if !ok {
			break
		}
		add(false, i, skip)
		i, j = i+skip, j+at
		n := commonPrefix(old[j:jEnd], body[i:iEnd])
		add(true, j, n)
		i, j = i+n, j+n
	}
	add(false, i, iEnd-i)
	add(true, jEnd, tail)
	return spans
}

// resync finds the next place where body goes on as old does: after skip bytes
// of body and at bytes of old.
func resync(old, body []byte) (skip, at int, ok bool) {
	window := old[:min(len(old), searchLen)]
	for probe := 0; probe+probeLen <= len(body) && probe < skipLimit; probe += stride(probe) {
		at := bytes.Index(window, body[probe:probe+probeLen])
		if at < 0 {
			continue
		}
		skip := probe
		for skip > 0 && at > 0 && body[skip-1] == old[at-1] {
			skip, at = skip-1, at-1
		}
		if commonPrefix(old[at:], body[skip:]) >= minShared {
			return skip, at, true
		}
	}
	return 0, 0, false
}

// stride looks closely at first, and then less so.
func stride(probe int) int { return 8 + probe/4 }

// commonPrefix returns how many bytes a and b begin with in common.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+4096 <= n && bytes.Equal(a[i:i+4096], b[i:i+4096]); i += 4096 {
	}
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for ; i < n && a[i] == b[i]; i++ {
	}
	return i
}

// commonSuffix returns how many bytes a and b end with in common.
func commonSuffix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	i := n
	for ; i >= 4096 && bytes.Equal(a[i-4096:i], b[i-4096:i]); i -= 4096 {
	}
	for ; i >= 8; i -= 8 {
		if x := binary.LittleEndian.Uint64(a[i-8:]) ^ binary.LittleEndian.Uint64(b[i-8:]); x != 0 {
			return n - i + bits.LeadingZeros64(x)/8
		}
	}
	for ; i > 0 && a[i-1] == b[i-1]; i-- {
	}
	return n - i
}
