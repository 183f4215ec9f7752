package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// Options configures a Proxy. Upstreams and Recorder are required.
type Options struct {
	Upstreams *provider.Upstreams
	Recorder  *record.Recorder
	Log       *slog.Logger
	Origin    string // archestra's own address as clients know it
	// Guard judges what passes; nil lets everything pass unjudged.
	Guard *guard.Guard
	// Profiles decides on a profile at its first use; nil allows every one.
	Profiles func(ctx context.Context, provider, profile string) error

	SpoolDir string // where large bodies wait; "" is the system's folder for temporary files
	MaxBody  int64  // bytes of a request body
	MaxFrame int    // bytes of one streamed event
	// MaxDecoded bounds a whole answer that is judged; 0 is the recorder's default.
	MaxDecoded int64
	// ResponseIdle bounds the silence inside a response; 0 waits for ever.
	ResponseIdle time.Duration
	// IncludeUsage asks chat completions streams for their usage where the client
	// did not, and takes it out of what the client gets (PROVIDERS.md W1).
	IncludeUsage bool
	// Tape answers in the place of the providers, or hears them; nil is no tape.
	Tape Tape
}

// Proxy is the handler behind the door. It is safe for concurrent use.
type Proxy struct {
	opts    Options
	log     *slog.Logger
	refused sync.Map // upstream base URLs that reject stream_options
}

// New returns a proxy.
func New(o Options) *Proxy {
	p := &Proxy{opts: o, log: o.Log}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p
}

// exchange is the state of one request on its way.
type exchange struct {
	target   provider.Target
	upstream *provider.Upstream
	record   *record.Exchange
	body     *body
	ctx      context.Context // of the way to the provider
	cancel   context.CancelCauseFunc
	judge    *guard.Exchange // nil where nothing is judged
	usage    *usageEdit      // nil unless usage was asked for on the client's behalf
	attempt  int             // how often the model was asked before about the same turn
	in       *http.Request   // as the client sent it
	client   context.Context // ends when the client goes away

	upgrade bool // it asks for a WebSocket

	outlet *outlet // the way of the answer; nil before there is one

	connected atomic.Bool // a connection to the provider was had
}

// ServeHTTP relays one exchange. Its steps stand side by side, and not one within the
// other: a stream that waits holds the stack of all that it is within, and what the
// steps before it needed can be given back.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.enter(w, r)
	if x == nil {
		return
	}
	defer x.leave()
	defer p.survive(w, x)
	if !p.read(w, x) {
		return
	}
	if x.outlet = p.ask(w, x); x.outlet == nil {
		return
	}
	x.outlet.finish(p, x, x.outlet.copyBody())
}

// enter resolves where a request goes, and begins its record. It returns nil where the
// request goes nowhere, which the client has been told.
func (p *Proxy) enter(w http.ResponseWriter, r *http.Request) *exchange {
	method, upgrade := r.Method, provider.WebSocket(r)
	if upgrade {
		method = http.MethodPost // what is asked over a socket is what is posted otherwise
	} else {
		r.Header.Del("Upgrade") // a request that is judged does not become something else
	}
	target, err := provider.Resolve(method, r.URL.EscapedPath())
	if err != nil {
		p.answer(w, p.withAvailable(err), nil)
		return nil
	}
	upstream, err := p.opts.Upstreams.Get(target.Provider)
	if err != nil {
		p.answer(w, err, nil)
		return nil
	}
	if p.opts.Profiles != nil {
		if err := p.opts.Profiles(r.Context(), target.Provider.Name, target.Profile); err != nil {
			p.answer(w, err, nil)
			return nil
		}
	}
	target.Stream = target.Stream || target.Kept != "" && r.URL.Query().Get("stream") != ""
	joinEncodings(r.Header)
	ctx, cancel := context.WithCancelCause(r.Context())
	return &exchange{
		target: target, upstream: upstream, ctx: ctx, cancel: cancel, client: r.Context(), in: r, upgrade: upgrade,
		record: p.opts.Recorder.Begin(r, recorded(target)),
	}
}

// read reads the request, and has it looked at. It reports whether the request may
// leave; where it may not, the client has been told.
func (p *Proxy) read(w http.ResponseWriter, x *exchange) bool {
	var err error
	if x.body, err = p.intake(w, x.in); err != nil {
		p.unreadable(w, x, err)
		return false
	}
	if p.opts.Guard != nil {
		x.judge = p.begin(x)
	}
	if !x.upgrade {
		if err := p.look(x, x.in); err != nil {
			p.answer(w, err, x)
			return false
		}
	}
	x.record.Sent()
	return true
}

// leave lets go of what an exchange holds.
func (x *exchange) leave() {
	if x.outlet != nil {
		x.outlet.close()
	}
	if x.body != nil {
		x.body.close()
	}
	x.cancel(nil)
}

// recorded says where an exchange goes, for its record.
func recorded(t provider.Target) record.Target {
	r := record.Target{Provider: t.Provider.Name, Profile: t.Profile, API: t.API, Model: t.Model, Stream: t.Stream, Kept: t.Kept != ""}
	if t.Observed() {
		r.Format = t.Format
	}
	return r
}

// begin starts to judge an exchange.
func (p *Proxy) begin(x *exchange) *guard.Exchange {
	t := guard.Target{
		Interaction: x.record.ID(), Provider: x.target.Provider.Name, Profile: x.target.Profile, Agent: x.record.Client().Agent,
		Kept: x.target.Kept, Attempt: x.attempt, Held: x.record.Held, Settled: x.record.Settled, Judged: x.record.Verdict, Hide: x.record.Hide,
	}
	if x.target.Observed() {
		t.Format = x.target.Format
	}
	return p.opts.Guard.Begin(t)
}

// withAvailable tells who can be called, where an error is about that.
func (p *Proxy) withAvailable(err error) error {
	var e *provider.Error
	if errors.As(err, &e) && e.Code == "unknown_provider" {
		e.Message += " Available now: " + p.opts.Upstreams.Available() + "."
	}
	return err
}

// response takes over the way back.
func (p *Proxy) response(x *exchange, res *http.Response) error {
	joinEncodings(res.Header)
	length := res.ContentLength
	if res.Request.Method == http.MethodHead {
		length = -1
	}
	r := p.newRelay(x, res, length)
	g, err := p.guarded(x, res, r)
	if err != nil {
		return err
	}
	if g != nil {
		res.Body = g
		return nil
	}
	if x.usage != nil && record.Identity(res.Header.Get("Content-Encoding")) {
		if framer := x.target.Format.NewFramer(r.contentType, p.opts.MaxFrame); framer != nil && res.StatusCode == http.StatusOK {
			r.edit = &frameEdit{framer: framer, stream: x.target.Format.NewStream(0)}
			res.Header.Del("Content-Length")
			res.ContentLength = -1
		}
	}
	res.Body = r
	return nil
}

// joinEncodings makes one line of the content encodings of a message that names
// them in several (RFC 9110 section 5.3): whoever reads them reads all of them.
func joinEncodings(h http.Header) {
	if lines := h["Content-Encoding"]; len(lines) > 1 {
		h.Set("Content-Encoding", strings.Join(lines, ", "))
	}
}

// survive ends the record of a request that panicked, so that the panic costs
// one request and is seen.
func (p *Proxy) survive(w http.ResponseWriter, x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // the client is gone, or the response was cut: net/http's own way to say so
	}
	p.log.Error("a request panicked", "interaction", x.record.ID(), "provider", x.target.Provider.Name, "panic", v)
	if x.outlet != nil && !x.outlet.keep() {
		// The client has a part of the answer: it must not take it for whole.
		func() {
			defer func() { _ = recover() }() // what failed may fail again: it has been told
			if err := x.record.Commit(record.End{Err: errors.New("archestra failed")}); err != nil {
				p.log.Error("a failed exchange could not be recorded", "interaction", x.record.ID(), "error", err)
			}
		}()
		panic(http.ErrAbortHandler)
	}
	p.answer(w, &provider.Error{
		Status: http.StatusInternalServerError, Code: "internal_error", Format: x.target.Format,
		Message: "archestra failed on this request; it is a defect of archestra, and other requests are not affected.",
	}, x)
}

var _ io.ReadCloser = (*relay)(nil)
