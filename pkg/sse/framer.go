package sse

import "errors"

// ErrTooLong stands in the pieces of a frame that is longer than the framer's
// limit. The pieces are limit bytes each, the last one may be shorter.
var ErrTooLong = errors.New("frame longer than the limit")

// ErrSyntax stands in a frame of a JSON array that cannot be a JSON value.
var ErrSyntax = errors.New("not a JSON value")

// keep is how large a buffer may be that an idle framer holds on to.
const keep = 64 << 10

// cutter knows one framing. Its offsets count from the start of the frame that
// is being looked for.
type cutter interface {
	// scan goes on from where it stopped and returns the end of the frame that
	// b begins with, or -1. With last set nothing will follow b.
	scan(b []byte, last bool) int
	// frame says what the frame found by scan holds.
	frame(raw []byte) Frame
	// next forgets the frame, n bytes long, and begins another.
	next(n int)
	// alone tells that the frame just found begins and ends as it does whatever stands
	// around it.
	alone(raw []byte) bool
	// skip begins another frame behind one that was alone, whatever was scanned.
	skip()
	// drop tells that the first n bytes of the frame are gone; it will not be
	// asked what the frame holds.
	drop(n int)
	// grow tells that bytes have come, and that the slices given out before
	// are not used any more.
	grow()
}

// framer keeps the bytes that no frame has taken yet. As long as a write brings
// whole frames it copies nothing: the frames are parts of the written bytes.
type framer struct {
	cut      cutter
	limit    int
	rest     []byte // what follows the last frame that was given out
	own      []byte // our buffer; rest is its end unless borrowed
	borrowed bool   // rest is a part of what the caller wrote
	closed   bool
	long     bool // a piece of the present frame was given out already
	end      int  // of the present frame in rest, -1 if not found
	alone    bool // the last frame was
	alike    Alike
}

func newFramer(c cutter, limit int) *framer { return &framer{cut: c, limit: limit, end: -1} }

// Write implements Framer.
func (f *framer) Write(p []byte) {
	if len(p) == 0 {
		return
	}
	if len(f.rest) == 0 {
		f.rest, f.borrowed = p, true
	} else {
		f.hold()
		if len(f.own) > len(f.rest) {
			f.own = append(f.own[:0], f.rest...)
		}
		f.own = append(f.own, p...)
		f.rest = f.own
	}
	f.cut.grow()
}

// Rest implements Framer.
func (f *framer) Rest() int { return len(f.rest) }

// Extend implements Framer.
func (f *framer) Extend(p []byte) {
	f.rest, f.borrowed = p, true
	f.cut.grow()
}

// Close implements Framer.
func (f *framer) Close() { f.closed = true }

// Learn implements Framer.
func (f *framer) Learn(last Frame, text []byte, free []Member) {
	if f.alone && last.Class == 0 && last.Err == nil {
		f.alike.Learn(last, text, free)
	}
}

// Next implements Framer.
func (f *framer) Next() (Frame, bool) {
	if f.alike.n > 0 && f.end < 0 {
		if like, ok := f.alike.Match(f.rest); ok && (f.limit <= 0 || len(like.Raw) <= f.limit) {
			f.rest = f.rest[len(like.Raw):]
			f.cut.skip()
			return like, true
		}
	}
	if f.end < 0 && len(f.rest) > 0 {
		f.end = f.cut.scan(f.rest, f.closed)
	}
	have := f.end
	if have < 0 {
		have = len(f.rest)
	}
	if f.limit > 0 && have > f.limit {
		n := f.limit
		raw := f.take(n)
		f.alike.Forget()
		if f.end >= 0 {
			f.end -= n
		}
		f.long = true
		f.cut.drop(n)
		return Frame{Raw: raw, Err: ErrTooLong}, true
	}
	if f.end < 0 {
		f.hold()
		return Frame{}, false
	}
	raw := f.take(f.end)
	frame := Frame{Raw: raw, Err: ErrTooLong}
	if f.alike.Forget(); !f.long {
		frame = f.cut.frame(raw)
	}
	f.alone = !f.long && f.cut.alone(raw)
	f.cut.next(f.end)
	f.end, f.long = -1, false
	return frame, true
}

func (f *framer) take(n int) []byte {
	raw := f.rest[:n:n]
	f.rest = f.rest[n:]
	return raw
}

// hold puts the rest into our own buffer, for the bytes written are the
// caller's again once it writes more.
func (f *framer) hold() {
	switch {
	case len(f.rest) == 0:
		f.rest, f.borrowed = nil, false
		if cap(f.own) > keep {
			f.own = nil
		}
		f.own = f.own[:0]
	case f.borrowed:
		f.own = append(f.own[:0], f.rest...)
		f.rest, f.borrowed = f.own, false
	}
}
