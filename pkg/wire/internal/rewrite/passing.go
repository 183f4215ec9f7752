package rewrite

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// passing is a frame on its way through. It waits while an editor holds back a
// part of what it says, for if that comes out as it went in, the frame leaves as it
// came; and it waits behind others that wait.
type passing struct {
	raw, data []byte // of the frame at hand they are the framer's
	buf       []byte // where they stand when it waits
	changes   []change
	tokens    []op
	open      int // literals of which is not known what they become
}

// change is another literal, or value, in the place of one.
type change struct {
	at   llm.Span
	text []byte
}

func (f *passing) change(at llm.Span, text []byte) {
	for i := range f.changes {
		if f.changes[i].at == at {
			f.changes[i].text = text
			return
		}
	}
	f.changes = append(f.changes, change{at, text})
}

// keep makes the frame's bytes its own.
func (f *passing) keep() {
	f.buf = append(append(f.buf[:0], f.raw...), f.data...)
	f.raw, f.data = f.buf[:len(f.raw)], f.buf[len(f.raw):]
}

// maxHeld bounds the bytes of frames that wait. A URL of two thousand bytes in
// pieces of three, each in a frame of 350, stays below it.
const maxHeld = 256 << 10

// Held implements wire.Rewriter.
func (r *Rewriter) Held() int { return r.held }

// empty returns a frame to be filled.
func (r *Rewriter) empty() *passing {
	n := len(r.spare) - 1
	if n < 0 {
		return new(passing)
	}
	f := r.spare[n]
	r.spare = r.spare[:n]
	return f
}

func (r *Rewriter) push(f *passing) {
	r.queue = append(r.queue, f)
	r.held += len(f.raw)
}

// pass lets the frame at hand go, behind those before it.
func (r *Rewriter) pass() {
	now := r.now
	r.push(now)
	r.drain()
	if r.held > maxHeld {
		for _, t := range r.texts {
			t.settle("")
		}
		r.drain()
	}
	if len(r.queue) > 0 {
		now.keep()
	}
	r.now = r.empty()
}

// drain writes the frames that wait for nothing.
func (r *Rewriter) drain() {
	n := 0
	for ; n < len(r.queue) && r.queue[n].open == 0; n++ {
		f := r.queue[n]
		r.splice(f)
		r.held -= len(f.raw)
		f.raw, f.data, f.changes, f.tokens = nil, nil, f.changes[:0], f.tokens[:0]
		r.spare = append(r.spare, f)
	}
	r.queue = append(r.queue[:0], r.queue[n:]...)
}

// splice writes a frame with its changes.
func (r *Rewriter) splice(f *passing) {
	if len(f.changes) == 0 {
		r.out = append(r.out, f.raw...)
		return
	}
	f.untoken()
	var edits hold.Edits
	if from, ok := r.place(f); ok {
		for _, c := range f.changes {
			edits.Set(llm.Span{Start: from + c.at.Start, End: from + c.at.End}, c.text)
		}
		r.out = append(r.out, edits.Apply(f.raw)...)
		return
	}
	for _, c := range f.changes {
		edits.Set(c.at, c.text)
	}
	if data := edits.Apply(f.data); r.framing == hold.Messages {
		r.out = hold.AppendMessage(r.out, data)
	} else {
		r.out = hold.AppendEvent(r.out, f.raw, data)
	}
}

// untoken takes the tokens of changed texts out.
func (f *passing) untoken() {
	changed := f.changes
	for _, o := range f.tokens {
		for _, c := range changed {
			if o.within.Start <= c.at.Start && c.at.End <= o.within.End {
				f.changes = append(f.changes, change{o.at, []byte(o.with)})
				break
			}
		}
	}
}

// place returns where a frame's data begins among its bytes, if it stands there
// in one piece. A comment may hold the same bytes, so the line must be the data's.
func (r *Rewriter) place(f *passing) (at int, ok bool) {
	switch r.framing {
	case hold.Bare:
		return 0, true
	case hold.Messages: // their frames state their length
		return 0, false
	case hold.Array:
		return len(f.raw) - len(f.data), true
	case hold.Lines:
		at = bytes.Index(f.raw, f.data)
		return at, at >= 0
	}
	if bytes.IndexByte(f.data, '\n') >= 0 {
		return 0, false
	}
	for from := 0; ; from = at + 1 {
		i := bytes.Index(f.raw[from:], f.data)
		if i < 0 {
			return 0, false
		}
		at = from + i
		line := f.raw[bytes.LastIndexAny(f.raw[:at], "\r\n")+1 : at]
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		if string(line) == "data: " || string(line) == "data:" {
			return at, true
		}
	}
}
