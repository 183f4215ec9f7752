package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Exchange is the record of one exchange while it runs. Its methods are called
// in the order of the exchange's life; they are safe for concurrent use.
type Exchange struct {
	rec    *Recorder
	start  time.Time
	format wire.Format
	secret []string // credentials and secrets of the request, to be kept out of the record
	hidden []string // secrets that the request's body held, in their spellings
	repeat bool     // the answer repeats one of them
	kept   bool     // the answer is one that the provider keeps and was asked for by its id
	tap    Tap
	judge  Judge
	calls  func(plain []byte) []llm.ToolCall // in an answer that is not observed; nil looks for none

	mu        sync.Mutex
	i         llm.Interaction
	reqHdr    Header
	respHdr   Header
	request   Body
	plain     []byte // the request without its content encoding; nil where it is not held
	resp      []byte
	encoding  string
	media     string // the response's media type, or what its first bytes say it is
	wanted    bool   // the request asked for a stream
	unsure    bool   // too little has come to say whether it is one
	truncated bool
	arrivals  arrivals

	framer sse.Framer // nil unless frames are decoded as they pass
	stream wire.Stream
	alike  *sse.Alike      // of a WebSocket's messages, else nil
	frame  func(sse.Frame) // whom to show each frame; nil is nobody
	broken bool            // the decoder panicked: no more decoding

	terminal  bool
	overlong  bool // an event outgrew its limit
	finished  int  // tool calls that are whole
	sentText  int  // bytes of text and reasoning already published
	sentThink int
	lastEvent time.Time
	decoded   []byte     // the response without its content encoding, where it had one
	earlier   llm.Answer // what came before on a connection that carries several answers
	committed int64      // response bytes at the last commit, -1 before any
	ended     bool
	conv      uint64
	search    string
	announced bool
	told      bool // the finished event is out
	counted   bool // the usage is this record's
	asked     int  // calls that wait for a person
}

// ID returns the interaction's id.
func (x *Exchange) ID() string { return x.i.ID }

// Since returns how long ago the exchange began.
func (x *Exchange) Since() time.Duration { return time.Since(x.start) }

// Request tells that the client's body is whole, and returns its surface. The
// body must not change until the exchange is committed. Where the API is
// observed, look is shown the body without its content encoding, or the error
// that stood in the way, and what was read of it. It returns what is to be kept in
// the body's place: the same bytes, or others that hold no secrets.
func (x *Exchange) Request(b Body, look func(plain []byte, r *wire.Reading, err error) (keep []byte)) wire.Request {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.request = b
	x.i.RequestBytes = b.Size
	x.i.Timing.RequestReadMS = llm.MillisOf(x.Since())
	x.conv = conversationKey(&x.i, x.request.Data)
	read := new(wire.Reading)
	if x.format != nil {
		x.view(b, func(plain []byte, err error) {
			if err != nil {
				x.i.Notes = append(x.i.Notes, "the request body could not be read: "+err.Error())
				read.Request.Err = err
			} else {
				x.guard("the request", func() { read = x.rec.history.Read(x.format, plain) })
				x.surface(&read.Request)
			}
			keep := x.aside(look, plain, read, err)
			if err != nil {
				return
			}
			kept := read // who looked goes on with what was read first
			if !same(keep, plain) {
				x.request = Body{Data: keep, Size: b.Size}
				x.plain = keep
				x.guard("the request", func() { kept = x.rec.history.Read(x.format, keep) })
			}
			x.guard("the request", func() { x.search = scrubText(newestText(kept), x.secret) })
		})
	}
	x.announce()
	return read.Request
}

// aside has a body looked at without the lock: who looks may have something to tell. It
// has the lock again also where that panics.
func (x *Exchange) aside(look func([]byte, *wire.Reading, error) []byte, plain []byte, r *wire.Reading, err error) []byte {
	x.mu.Unlock()
	defer x.mu.Lock()
	return look(plain, r, err)
}

// same tells whether two slices are the same bytes in the same place.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// view shows a decoded body to use. A body in memory stays at hand; one in a
// file is loaded for the call only, and no two at a time.
func (x *Exchange) view(b Body, use func(plain []byte, err error)) {
	data := b.Data
	if b.File != nil {
		x.rec.large.Lock()
		defer x.rec.large.Unlock()
		data = make([]byte, b.Size)
		if _, err := io.ReadFull(io.NewSectionReader(b.File, 0, b.Size), data); err != nil {
			use(nil, fmt.Errorf("read the spooled body: %w", err))
			return
		}
	}
	plain, err := Decode(data, b.Encoding, x.rec.opts.MaxDecoded)
	if err == nil && b.File == nil {
		x.plain = plain
	}
	use(plain, err)
}

func (x *Exchange) surface(s *wire.Request) {
	if s.Model != "" {
		x.i.RequestModel = scrubText(s.Model, x.secret)
	}
	x.i.Stream = x.i.Stream || s.Stream
	if x.i.Client.Session == "" && !secretValue(s.Session) {
		x.i.Client.Session = s.Session
	}
}

// Plain returns the request body without its content encoding, or nil where it
// is not held in memory or could not be decoded.
func (x *Exchange) Plain() []byte { return x.plain }

// announce publishes the start and writes the started row, once.
func (x *Exchange) announce() {
	if x.announced {
		return
	}
	x.announced = true
	snapshot := x.snapshot()
	x.rec.opts.Sink.Start(snapshot)
	x.publish(llm.Event{Type: llm.EventStarted, Interaction: snapshot})
}

// Credentials tells which credentials the outgoing request carries: the
// server's own may be among them, and an answer may repeat it.
func (x *Exchange) Credentials(out *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.secret = querySecrets(namedSecrets(x.secret, out.Header), out.URL)
}

// Sent tells that the guards are through and the request goes out now.
func (x *Exchange) Sent() {
	x.mu.Lock()
	defer x.mu.Unlock()
	spent := x.Since()
	x.i.Timing.GuardsMS = llm.MillisOf(spent)
	if read := x.i.Timing.RequestReadMS; read != nil {
		x.i.OverheadMS = llm.MillisOf(spent - read.Duration())
	}
}

// Connected tells that a connection to the provider was had.
func (x *Exchange) Connected(reused bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.i.Timing.ConnectedMS = llm.MillisOf(x.Since())
	x.i.Timing.ReusedConnection = reused
}

// Response tells that the provider's status and header have come.
func (x *Exchange) Response(status int, h http.Header, contentLength int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.announce()
	x.i.Status = status
	x.i.Timing.ResponseHeaderMS = llm.MillisOf(x.Since())
	x.respHdr, _ = readHeader(h)
	x.encoding = h.Get("Content-Encoding")
	if n := min(contentLength, x.rec.opts.MaxBody, 1<<20); n > 0 {
		x.resp = make([]byte, 0, n)
	}
	if x.format == nil || status >= 400 {
		x.i.Stream = x.i.Stream && status < 400 && x.format != nil
		return
	}
	if status == http.StatusSwitchingProtocols {
		x.i.Stream = true
		x.alike = new(sse.Alike)
		x.guard("the response", func() { x.stream = x.format.NewStream(x.rec.opts.MaxText) })
		return
	}
	x.wanted, x.media = x.i.Stream, h.Get("Content-Type")
	x.guard("the response", x.follow)
	x.unsure = x.wanted && !x.i.Stream && Identity(x.encoding)
}

// follow decodes the response frame by frame from here on, if it is a stream.
func (x *Exchange) follow() {
	framer := x.newFramer()
	x.i.Stream = framer != nil
	if framer != nil && Identity(x.encoding) {
		x.framer, x.stream = framer, x.format.NewStream(x.rec.opts.MaxText)
		if x.tap != nil {
			x.frame = x.tap(x.media)
		}
	}
}

// newFramer returns the framer of a response that is a stream, else nil. JSON may
// be a growing array (Gemini's), but only where a stream was asked for.
func (x *Exchange) newFramer() sse.Framer {
	if media, _, _ := strings.Cut(x.media, ";"); !x.wanted && strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil
	}
	return x.format.NewFramer(x.media, x.rec.opts.MaxFrame)
}

// sniffLen is how many bytes tell one kind of stream from another.
const sniffLen = 8

// sniff settles what a response is that was asked to be a stream and has no
// media type that says so: some servers and gateways name none, or text/plain.
func (x *Exchange) sniff(head []byte) {
	head = bytes.TrimLeft(head, "\ufeff \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("data:")), bytes.HasPrefix(head, []byte("event:")), bytes.HasPrefix(head, []byte("id:")), bytes.HasPrefix(head, []byte(":")):
		x.media = "text/event-stream"
	case bytes.HasPrefix(head, []byte("[")):
		x.media = "application/json"
	default:
		return
	}
	x.guard("the response", x.follow)
}

// Write tells that a chunk of the response's body has come. It copies what it
// keeps. It reports whether the protocol's terminal event is in: from then on
// the client may take the answer for whole.
func (x *Exchange) Write(chunk []byte) (terminal bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	if x.i.ResponseBytes == 0 {
		x.i.Timing.FirstByteMS = llm.MillisOf(now.Sub(x.start))
	}
	x.i.ResponseBytes += int64(len(chunk))
	x.arrived(now)
	keep := chunk
	if room := x.rec.opts.MaxBody - int64(len(x.resp)); int64(len(keep)) > room {
		keep = keep[:max(room, 0)]
		x.truncated = true
	}
	x.resp = append(roomFor(x.resp, len(keep)), keep...)
	if x.unsure && len(x.resp) >= sniffLen {
		x.unsure = false
		x.sniff(x.resp)
		chunk = x.resp // what came before the answer was sure, too
	}
	if x.framer == nil || x.broken {
		return false
	}
	// Frames lie in what is kept, and not in the caller's bytes, which may be written
	// over while the frames are passed on.
	was := x.terminal
	x.guard("the stream", func() {
		if x.truncated {
			x.framer.Write(bytes.Clone(chunk))
		} else {
			x.framer.Extend(x.resp[len(x.resp)-len(chunk)-x.framer.Rest():])
		}
		x.drain(now)
	})
	x.progress(now)
	return x.terminal && !was
}

// roomFor returns b with room for n bytes more. A small one doubles, since a stream
// comes in many small chunks; what is larger grows as append has it.
func roomFor(b []byte, n int) []byte {
	const small = 64 << 10
	if n <= cap(b)-len(b) || cap(b) >= small {
		return b
	}
	return append(make([]byte, 0, max(2*cap(b), len(b)+n, 512)), b...)
}

// Over tells that nothing more of the response's body comes: its last frame may lack
// its end. It is for who is shown the frames; Commit does without.
func (x *Exchange) Over() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.framer == nil || x.broken {
		return
	}
	x.guard("the stream", func() {
		x.framer.Close()
		x.drain(time.Now())
	})
}

// Overlong tells that an event of the stream outgrew its limit.
func (x *Exchange) Overlong() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.overlong
}

// arrived takes note of when bytes came. Nobody asks how a whole answer did.
func (x *Exchange) arrived(now time.Time) {
	if x.i.Stream || x.unsure {
		x.arrivals.add(x.i.ResponseBytes, now.Sub(x.start))
	}
}

// drain folds the frames that are whole into the answer.
func (x *Exchange) drain(now time.Time) {
	for {
		f, ok := x.framer.Next()
		if !ok {
			return
		}
		x.overlong = x.overlong || errors.Is(f.Err, sse.ErrTooLong)
		if x.frame != nil {
			x.frame(f)
		}
		x.meant(x.stream.Frame(f), now)
		if f.Class == 0 {
			if text := x.stream.Adds(); text != nil {
				x.framer.Learn(f, text, wire.Idle)
			}
		}
	}
}

// meant takes note of what a frame or a message meant.
func (x *Exchange) meant(d wire.Delta, now time.Time) {
	if d.Token && x.i.FirstTokenAt == nil {
		at := now.UTC()
		x.i.FirstTokenAt = &at
		x.i.TTFTMS = llm.MillisOf(now.Sub(x.start))
		x.publish(llm.Event{Type: llm.EventFirstToken, Interaction: x.snapshot()})
		x.lastEvent = now
	}
	x.terminal = x.terminal || d.Terminal
	if d.Finished > x.finished {
		x.toolCalls()
	}
}

// Note adds a remark to the record.
func (x *Exchange) Note(text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.i.Notes = append(x.i.Notes, scrubText(text, x.secret))
}

// Finding adds a finding to the record.
func (x *Exchange) Finding(f llm.Finding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.i.Findings = append(x.i.Findings, f)
}

// guard runs a decoder. One that panics costs its own exchange's meaning and
// nothing else; the bytes pass all the same.
func (x *Exchange) guard(what string, decode func()) {
	defer func() {
		if p := recover(); p != nil {
			x.broken = true
			x.rec.Counters.Panics.Add(1)
			x.i.Notes = append(x.i.Notes, "archestra could not decode "+what+": a defect of archestra")
			x.rec.opts.Log.Error("a decoder panicked", "interaction", x.i.ID, "api", x.i.API, "panic", p)
		}
	}()
	decode()
}
