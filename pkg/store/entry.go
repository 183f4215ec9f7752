package store

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// maxText bounds what full-text search knows of one interaction.
const maxText = 64 << 10

// frames holds the memory of frames that were written.
var frames = sync.Pool{New: func() any { return new([]byte) }}

const maxRecycled = 64 << 10

func newFrame(kind byte) []byte {
	return beginFrame((*frames.Get().(*[]byte))[:0], kind)
}

func recycle(frame []byte) {
	if cap(frame) > 0 && cap(frame) <= maxRecycled {
		frames.Put(&frame)
	}
}

// encoders holds encoders for their memory.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) recycle() {
	parts := e.parts
	if cap(parts) > maxRecycled {
		parts = nil
	}
	*e = encoder{parts: parts}
	encoders.Put(e)
}

// appendEntry writes an entry for the journal:
//
//	row
//	sized  the interaction as JSON
//	sized  request header
//	sized  response header
//	body   of the request, then of the response
//	bytes  the text for full-text search
//
// where sized is a uint32 length and that many bytes.
func appendEntry(dst []byte, e *record.Entry, old likeness, enc *encoder) []byte {
	dst = appendRow(dst, rowOf(e.Interaction))
	dst = appendSized(dst, func(dst []byte) []byte { return appendJSON(dst, e.Interaction) })
	dst = appendSized(dst, func(dst []byte) []byte { return appendHeader(dst, e.RequestHeader) })
	dst = appendSized(dst, func(dst []byte) []byte { return appendHeader(dst, e.ResponseHeader) })
	dst = enc.appendBody(dst, &e.Request, old)
	dst = enc.appendBody(dst, &e.Response, likeness{})
	return appendSized(dst, func(dst []byte) []byte {
		from := len(dst)
		dst = append(filter.AppendText(dst, e.Interaction), e.SearchText...)
		return dst[:min(len(dst), from+maxText)]
	})
}

func appendSized(dst []byte, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = fill(append(dst, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func (r *reader) sized() []byte {
	b := r.take(4)
	if b == nil {
		return nil
	}
	return r.take(int(binary.LittleEndian.Uint32(b)))
}

// appendJSON writes the interaction. Raw JSON in it comes from the wire: where
// it is none, it is kept as text or left out, so that nothing is lost for it.
func appendJSON(dst []byte, i *llm.Interaction) []byte {
	out, err := i.AppendJSON(dst)
	if err != nil {
		out, _ = sound(i).AppendJSON(dst) // it holds nothing that could fail
	}
	return out
}

// sound returns a copy of i without raw JSON that is not JSON.
func sound(i *llm.Interaction) *llm.Interaction {
	c := *i
	if c.Usage != nil && !json.Valid(c.Usage.Raw) {
		u := *c.Usage
		u.Raw = nil
		c.Usage = &u
	}
	c.ToolCalls = append([]llm.ToolCall(nil), i.ToolCalls...)
	for k := range c.ToolCalls {
		t := &c.ToolCalls[k]
		if t.Arguments != nil && !json.Valid(t.Arguments) {
			t.ArgumentsText, t.Arguments = strings.ToValidUTF8(string(t.Arguments), "\ufffd"), nil
		}
		if !json.Valid(t.Facts) {
			t.Facts = nil
		}
	}
	return &c
}
