// Package rewrite is what the rewriters of the wire formats share: the texts that
// are open, their editors, what an editor holds back, and the frames that are
// made or changed for it. Where a frame's texts stand, and where they end, is the
// formats' part.
package rewrite

import (
	"bytes"
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// Reader knows the frames of one format.
type Reader interface {
	// Read tells what stands in a frame. It returns false if that cannot be
	// read; then nothing that it told counts.
	Read(f *Frame) bool
	// Keep tells whether a member stays in a frame that is made from another one
	// to carry the rest of a text; outer tells that it is one of the frame's own
	// object. The members on the way to the text stay anyway.
	Keep(name string, outer bool) bool
	// Idle tells whether a member of a frame's object says nothing of its texts,
	// whatever it is, so that frames which differ there may have the same meaning.
	Idle(name []byte) bool
}

// maxTexts bounds the texts that are open at a time. OpenAI's 128 choices have a
// few each; where there are more, the oldest one ends.
const maxTexts = 1024

// Rewriter implements wire.Rewriter.
type Rewriter struct {
	reader  Reader
	framing hold.Framing
	editor  func(wire.TextKind) wire.TextEditor

	texts  []*text
	recent *text // the frame before held this text's literal and nothing else of interest
	frames uint64
	inside bool // the outer bracket of an array has come

	now   *passing   // the frame at hand
	queue []*passing // frames that wait, the oldest first
	held  int        // bytes of the queue
	spare []*passing

	frame  Frame
	slab   slab
	scan   jsonscan.Scanner
	late   []*text // reused
	out    []byte
	ending []byte // of the stream's lines
}

// New returns a rewriter.
func New(r Reader, framing hold.Framing, o wire.RewriteOptions) *Rewriter {
	return &Rewriter{reader: r, framing: framing, editor: o.Editor, ending: []byte("\n"), now: new(passing)}
}

// Body implements the method of wire.Rewriting: the whole body is one frame.
func Body(r Reader, body []byte, o wire.RewriteOptions) []byte {
	w := New(r, hold.Bare, o)
	return w.Frame(sse.Frame{Raw: body, Data: body})
}

// Frame implements wire.Rewriter.
func (r *Rewriter) Frame(in sse.Frame) []byte {
	if r.editor == nil || len(in.Raw) == 0 {
		return in.Raw
	}
	r.frames++
	r.out = r.out[:0]
	r.now.raw, r.now.data, r.now.tokens = in.Raw, in.Data, r.now.tokens[:0]
	if r.framing == hold.Array && !r.inside {
		r.inside = firstIs(in.Raw, '[')
	}
	// Nothing can follow an array's bracket, or what the end of the stream cut.
	// Behind a frame that cannot be read no text is known to go on.
	last := in.Err != nil || r.last(in)
	if len(in.Data) > 0 && in.Err == nil {
		r.data(in, last)
	} else if last {
		r.endAll()
	}
	if len(r.queue) == 0 && r.now.open == 0 && len(r.now.changes) == 0 {
		return in.Raw
	}
	r.pass()
	return r.out
}

// last tells that no frame can follow.
func (r *Rewriter) last(in sse.Frame) bool {
	switch r.framing {
	case hold.Events:
		return !ended(in.Raw)
	case hold.Lines:
		return in.Raw[len(in.Raw)-1] != '\n'
	case hold.Messages:
		return false
	case hold.Array: // without brackets the body is one value
		return !r.inside || len(in.Data) == 0
	}
	return true
}

// ended tells that an event ends in a blank line.
func ended(raw []byte) bool {
	if bytes.HasSuffix(raw, []byte("\n\n")) || bytes.HasSuffix(raw, []byte("\r\n\r\n")) {
		return true
	}
	tail := bytes.ReplaceAll(raw[max(0, len(raw)-4):], []byte("\r\n"), []byte("\n"))
	n := len(tail)
	end := func(c byte) bool { return c == '\n' || c == '\r' }
	return end(tail[n-1]) && (n == 1 || end(tail[n-2]))
}

func firstIs(raw []byte, c byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == c
}

// Close implements wire.Rewriter.
func (r *Rewriter) Close() []byte {
	r.out = r.out[:0]
	r.frames++
	r.endAll()
	r.drain()
	return r.out
}

// data handles a frame that has data.
func (r *Rewriter) data(in sse.Frame, last bool) {
	if t := r.recent; t != nil && !last {
		if at, ok := t.like(&r.scan, in); ok {
			if at.End-at.Start > len(`""`) {
				r.write(t, in.Data, at)
			}
			return
		}
	}
	r.recent = nil
	f := &r.frame
	f.Event, f.Data, f.ops, f.unlike = in.Event, in.Data, f.ops[:0], false
	if !r.reader.Read(f) {
		if last {
			r.endAll()
		}
		return
	}
	if last {
		f.FinishAll()
	}
	for i := range f.ops {
		r.do(&f.ops[i])
	}
	for i := range f.ops {
		if f.ops[i].act == doTokens {
			r.now.tokens = append(r.now.tokens, f.ops[i])
		}
	}
	if o := f.lone(); o != nil {
		if r.recent = r.find(o.key); r.recent != nil {
			r.recent.shape(&r.scan, r.reader.Idle)
		}
	}
	if r.framing == hold.Events && len(r.texts) > 0 && bytes.HasSuffix(in.Raw, []byte("\r\n")) {
		r.ending = []byte("\r\n")
	}
}

func (r *Rewriter) do(o *op) {
	switch o.act {
	case doDelta:
		t := r.text(o)
		if o.template != nil {
			t.keep([]byte(o.template.Event), o.template.Data, o.template.At)
		} else {
			t.keep(r.frame.Event, r.frame.Data, o.at)
		}
		r.write(t, r.frame.Data, o.at)
	case doWhole:
		r.whole(o)
	case doValue:
		r.value(o)
	case doEnd:
		r.end(func(t *text) bool { return t.key == o.key })
	case doFinish:
		r.end(func(t *text) bool { return t.key.Group == o.key.Group })
	case doFinishAll:
		r.endAll()
	case doTurn:
		r.end(func(t *text) bool {
			return t.key.Group == o.key.Group && t.kind != wire.TextArguments && t.frame != r.frames
		})
	}
}

func (r *Rewriter) find(key Key) *text {
	for i := len(r.texts) - 1; i >= 0; i-- {
		if r.texts[i].key == key {
			return r.texts[i]
		}
	}
	return nil
}

// text returns the text that a delta belongs to, which may begin with it.
func (r *Rewriter) text(o *op) *text {
	t := r.find(o.key)
	if t == nil {
		if len(r.texts) == maxTexts {
			oldest := r.texts[0]
			r.end(func(t *text) bool { return t == oldest })
		}
		t = &text{key: o.key, kind: o.kind, raw: o.raw, editor: r.editor(o.kind)}
		r.texts = append(r.texts, t)
	}
	return t
}

// write gives the literal at a place to the text's editor.
func (r *Rewriter) write(t *text, data []byte, at llm.Span) {
	t.frame = r.frames
	if t.editor == nil {
		return
	}
	in := r.in(data, at, t.raw)
	out := t.editor.Write(in)
	t.last = piece{frame: r.now, at: at, text: in}
	if len(t.open) == 0 && out == in {
		t.out = out
		return
	}
	r.now.open++
	t.open = append(t.open, t.last)
	t.came(out)
}

func (r *Rewriter) in(data []byte, at llm.Span, raw bool) string {
	lit := data[at.Start+1 : at.End-1]
	if raw {
		return r.slab.text(lit)
	}
	return r.slab.unescaped(lit)
}

// end ends the texts that over tells. What their editors held back stands in
// frames that wait for it, or joins their literal in the frame at hand, or leaves
// in a frame before it.
func (r *Rewriter) end(over func(*text) bool) {
	left, late := r.texts[:0], r.late[:0]
	for _, t := range r.texts {
		if !over(t) {
			left = append(left, t)
			continue
		}
		if t.editor == nil {
			continue
		}
		rest := t.editor.Flush()
		switch {
		case len(t.open) > 0:
			t.came(rest)
			t.settle("")
		case rest == "":
		case t.frame == r.frames:
			t.out += rest
			t.last.becomes(t.out, t.raw)
		default:
			t.out = rest
			late = append(late, t)
		}
	}
	for len(late) > 0 { // those of one frame leave in one: they may be one text by two names
		n := 1
		for n < len(late) && late[n].frame == late[0].frame {
			n++
		}
		r.make(late[:n])
		late = late[n:]
	}
	clear(r.texts[len(left):])
	r.texts = left
}

func (r *Rewriter) endAll() {
	r.recent = nil
	if len(r.texts) > 0 {
		r.end(func(*text) bool { return true })
	}
}

// whole edits a text that stands in a frame as a whole.
func (r *Rewriter) whole(o *op) {
	e := r.editor(o.kind)
	if e == nil {
		return
	}
	in := r.in(r.frame.Data, o.at, false)
	if out := e.Write(in) + e.Flush(); out != in {
		r.now.change(o.at, jsonscan.AppendString(nil, out))
	}
}

// value edits arguments that are a JSON value. What an editor makes of them counts
// if it is JSON again.
func (r *Rewriter) value(o *op) {
	e := r.editor(o.kind)
	if e == nil {
		return
	}
	in := r.slab.text(r.frame.Data[o.at.Start:o.at.End])
	out := e.Write(in) + e.Flush()
	if out == in || jsonscan.Check([]byte(out)) != nil {
		return
	}
	var b bytes.Buffer // a frame's data must stay on its lines
	if json.Compact(&b, []byte(out)) == nil {
		r.now.change(o.at, b.Bytes())
	}
}
