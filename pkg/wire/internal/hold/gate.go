// Package hold is what the gates of the wire formats share: the queue of frames
// that wait for a decision, the calls that are decided, and edits by offsets.
// What a frame means, and how a call is taken out of it, is the formats' part.
package hold

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Plain tells at little cost that data holds surely no part of a call of a format. It
// need not notice every frame that is plain.
type Plain func(data []byte) bool

// Editor knows the frames of one format.
type Editor interface {
	// Look reads a frame when it comes, in the order of the stream: it fills
	// Frame.Parts, begins calls, and tells which have become whole.
	Look(g *Gate, f *Frame)
	// Edit writes what is left of a frame, all of whose calls are settled. It is
	// not called before something of the stream has been refused or edited.
	Edit(g *Gate, f *Frame, out *Out)
	// Tool says what is known of a call that is not whole.
	Tool(c *Call) llm.ToolCall
}

// Frame is a frame on its way.
type Frame struct {
	Raw, Event, Data []byte
	Parts            []Part // in the order in which they stand
	Known            int    // how many calls had begun with it: what came later is not its business
	Body             bool   // a whole body, which must not be dropped
	Broken           bool   // a call is in it that cannot be cut out: nothing of it leaves
}

// settled tells that nothing in the frame waits.
func (f *Frame) settled() bool {
	for _, p := range f.Parts {
		if !p.Settled {
			return false
		}
	}
	return true
}

// Gate implements wire.Gate.
type Gate struct {
	// TextName is the member whose text is the answer's, where a refusal is added
	// to the same text; Spoken tells that some of it has left.
	TextName string
	Spoken   bool
	// NoComments tells that the format's clients do not know comments in
	// server-sent events: an empty event keeps the connection alive.
	NoComments bool

	crlf    bool // the stream's lines end so
	isPlain Plain
	begin   func() Editor
	editor  Editor // nil before the first frame that may hold a call: most streams have none
	framing Framing
	options wire.GateOptions
	calls   []*Call
	first   int // the first call that may not be settled
	gone    int // the calls before it are all refused
	queue   []*Frame
	kept    kept // what the queue holds
	held    int
	touched bool // something was refused or edited: every frame is looked at
	unread  bool // the frame before could not be read
	plain   int  // the class of the last frame that is surely plain
	bare    bool // JSON stands where events were due
	cut     bool // and a part of it did not leave, nor does the rest
	told    []wire.Call
	out     Out
	frame   Frame // reused for frames that do not wait
}

// New returns a gate. The editor begins with the first frame that is not plain.
func New(plain Plain, begin func() Editor, framing Framing, o wire.GateOptions) *Gate {
	return &Gate{isPlain: plain, begin: begin, framing: framing, options: o, out: Out{framing: framing}}
}

func (g *Gate) edit() Editor {
	if g.editor == nil {
		g.editor = g.begin()
	}
	return g.editor
}

// Break marks a frame that cannot be edited with certainty. It does not leave,
// and whatever is open may lack a piece now.
func (g *Gate) Break(f *Frame) {
	f.Broken, g.touched = true, true
	g.refuseAll(wire.ErrAmbiguous)
	g.told = append(g.told, wire.Call{N: -1, Refused: wire.ErrAmbiguous})
}

// Frame implements wire.Gate.
func (g *Gate) Frame(in sse.Frame) (release []byte, calls []wire.Call) {
	g.told = g.told[:0]
	idle := len(g.queue) == 0
	if in.Class != 0 && in.Class == g.plain && idle && !g.touched {
		return in.Raw, nil // it is the one before with another text, in which no call can be
	}
	if in.Err != nil || len(in.Data) == 0 && g.framing == Events && g.stray(in.Raw) {
		return g.fail()
	}
	g.unread = false
	g.crlf = bytes.HasSuffix(in.Raw, crlf)
	if idle && !g.touched && (len(in.Data) == 0 || g.isPlain(in.Data)) {
		g.note(in.Data)
		g.plain = in.Class
		return in.Raw, nil
	}
	f := &g.frame
	*f = Frame{Raw: in.Raw, Event: in.Event, Data: in.Data, Parts: f.Parts[:0]}
	if len(in.Data) > 0 {
		g.look(f)
	}
	g.out.b = g.out.b[:0]
	if idle && f.settled() {
		if !g.touched {
			g.note(in.Data)
			return in.Raw, g.told
		}
		g.write(f)
		return g.out.b, g.told
	}
	g.keep(f)
	if g.options.MaxHeld > 0 && g.held > g.options.MaxHeld {
		g.refuseAll(wire.ErrTooMuch)
	}
	g.drain()
	return g.out.b, g.told
}

// stray tells that an event without data may hold a call all the same: JSON that
// came under the name of events is ignored by those who read events, and read by a
// client that asked for no stream.
func (g *Gate) stray(raw []byte) bool {
	text := bytes.TrimLeft(raw, "\ufeff \t\r\n")
	if len(text) == 0 || text[0] == ':' {
		return false
	}
	g.bare = g.bare || text[0] == '{' || text[0] == '['
	g.cut = g.cut || g.bare && !g.isPlain(text)
	return g.cut
}

// look reads a frame. One that holds a call must be strict JSON, since it is
// edited, and read, by its names. One in which no call was found must not have one
// for a client that takes another of two members of one name.
func (g *Gate) look(f *Frame) {
	g.edit().Look(g, f)
	f.Known = len(g.calls)
	switch {
	case f.Broken:
	case len(f.Parts) > 0:
		if jsonscan.Check(f.Data) != nil && jsonscan.Check(f.around()) != nil {
			g.Break(f)
		}
	case !g.isPlain(f.Data) && twice(f.Data):
		g.Break(f)
	}
}

// twice tells whether data is JSON that holds a name twice in one object.
func twice(data []byte) bool {
	s := jsonscan.New(data)
	if s.Skip(); s.End() != nil {
		return false
	}
	s.Reset(data)
	s.SkipUnique()
	return s.End() != nil
}

// around returns the data without the pieces of calls.
func (f *Frame) around() []byte {
	var edits Edits
	for _, p := range f.Parts {
		if p.At.End > 0 {
			edits.Set(p.At, []byte("null"))
		}
	}
	return edits.Apply(f.Data)
}

// fail handles a frame, or a piece of one, that cannot be read.
func (g *Gate) fail() ([]byte, []wire.Call) {
	g.refuseAll(wire.ErrUnread)
	if !g.unread {
		g.told = append(g.told, wire.Call{N: -1, Refused: wire.ErrUnread})
	}
	g.unread, g.touched = true, true
	g.out.b = g.out.b[:0]
	g.drain()
	return g.out.b, g.told
}

// keep puts a copy of the frame into the queue.
func (g *Gate) keep(f *Frame) {
	k := Frame{Raw: take(&g.kept.raw, f.Raw, 1<<10, 64<<10), Known: f.Known, Broken: f.Broken, Parts: take(&g.kept.parts, f.Parts, 8, 256)}
	k.Event, k.Data = within(k.Raw, f.Event), within(k.Raw, f.Data)
	g.queue = append(g.queue, &take(&g.kept.frames, []Frame{k}, 8, 256)[0])
	g.held += len(k.Raw)
}

// kept is where the copies of frames stand, several in one piece of memory: a call
// comes in many small frames.
type kept struct {
	raw    []byte
	parts  []Part
	frames []Frame
}

// take copies values to where there is room for more of them, in pieces that begin
// with least and double up to most.
func take[T any](room *[]T, values []T, least, most int) []T {
	if len(values) > cap(*room)-len(*room) {
		*room = make([]T, 0, max(len(values), least, min(2*cap(*room), most)))
	}
	at := len(*room)
	*room = append(*room, values...)
	return (*room)[at:len(*room):len(*room)]
}

// within returns a field of a frame as a part of the frame's own copy, where its
// bytes stand there as they are.
func within(raw, field []byte) []byte {
	if i := bytes.Index(raw, field); i >= 0 {
		return raw[i : i+len(field) : i+len(field)]
	}
	return bytes.Clone(field)
}

// drain writes what does not wait any more.
func (g *Gate) drain() {
	n := 0
	for ; n < len(g.queue) && g.queue[n].settled(); n++ {
		g.held -= len(g.queue[n].Raw)
		g.write(g.queue[n])
	}
	clear(g.queue[:n])
	if g.queue = g.queue[n:]; len(g.queue) == 0 {
		g.queue, g.kept = nil, kept{}
	}
}

func (g *Gate) write(f *Frame) {
	switch {
	case f.Broken:
	case !g.touched, len(f.Data) == 0:
		g.out.Keep(f)
	default:
		g.edit().Edit(g, f, &g.out)
	}
	g.note(f.Data)
}

// note looks for text that has left.
func (g *Gate) note(data []byte) {
	if g.TextName != "" && !g.Spoken {
		g.Spoken = says(data, g.TextName)
	}
}

// says tells whether there is a string of that name that is not empty.
func says(data []byte, name string) bool {
	for {
		i := bytes.Index(data, []byte(name))
		if i < 1 {
			return false
		}
		v := bytes.TrimLeft(data[i+len(name):], "\": \t")
		if quoted := data[i-1] == '"' && bytes.HasPrefix(data[i+len(name):], []byte{'"'}); quoted {
			head := data[i+len(name)+1 : len(data)-len(v)]
			if bytes.Count(head, []byte{'"'}) == 1 {
				return true
			}
		}
		data = data[i+len(name):]
	}
}

// Separated returns a refusal's text, parted from the text before it.
func (g *Gate) Separated(text string) string {
	if g.Spoken {
		text = "\n\n" + text
	}
	g.Spoken = true
	return text
}

// Decide implements wire.Gate.
func (g *Gate) Decide(n int, d wire.Decision) []byte {
	g.out.b = g.out.b[:0]
	if n >= 0 && n < len(g.calls) && g.calls[n].Whole && !g.calls[n].Settled {
		g.settle(g.calls[n], d)
		g.drain()
	}
	return g.out.b
}

// Close implements wire.Gate.
func (g *Gate) Close() ([]byte, []wire.Call) {
	g.told = g.told[:0]
	g.refuseAll(wire.ErrUnfinished)
	g.out.b = g.out.b[:0]
	g.drain()
	return g.out.b, g.told
}

// Held implements wire.Gate.
func (g *Gate) Held() int { return g.held }

var crlf = []byte("\r\n")

// KeepAlive implements wire.Gate: a comment (WHATWG HTML section 9.2.6) between
// events, and white space between JSON values, which belongs to none of them.
func (g *Gate) KeepAlive() []byte {
	end := "\n"
	if g.crlf {
		end = "\r\n"
	}
	switch {
	case g.framing == Messages:
		return []byte{0x89, 0} // a ping (RFC 6455 section 5.5.2)
	case g.framing != Events:
		return []byte(" ")
	case g.NoComments:
		return []byte(end + end)
	}
	return []byte(": archestra waits for a decision" + end + end)
}
