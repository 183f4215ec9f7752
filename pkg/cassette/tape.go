package cassette

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Options configure a Tape.
type Options struct {
	// Replay is what answers; nil answers nothing.
	Replay *Library
	// Forward lets a request that nothing answers go to the provider; without it
	// such a request is an error.
	Forward bool
	// Recorded answers with the recorded timing, not at once.
	Recorded bool
	// Record is the folder to record in what the providers answer, or "".
	Record string
	Rules  *Rules // for recording
	// MaxDecoded bounds a decompressed body.
	MaxDecoded int64
	Log        *slog.Logger
}

// Tape answers from recorded exchanges and records new ones. It is safe for
// concurrent use.
type Tape struct {
	opts     Options
	recorder *recorder
}

// New returns a tape.
func New(o Options) (*Tape, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxDecoded <= 0 {
		o.MaxDecoded = record.DefaultMaxDecoded
	}
	if o.Rules == nil && o.Replay != nil {
		o.Rules = o.Replay.Rules
	}
	t := &Tape{opts: o}
	if o.Record != "" {
		var err error
		if t.recorder, err = newRecorder(o.Record, o.Rules, o.Log); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Call is a request on its way to a provider.
type Call struct {
	Request  *http.Request // GetBody gives its body once more
	Provider string
	API      llm.API
	Format   wire.Format
	Path     string            // the provider's own, escaped
	Note     func(text string) // adds a remark to the exchange's record
}

// AnsweredFrom begins the note of an exchange that a tape has answered.
const AnsweredFrom = "answered from the "

// ErrNotRecorded is what errors.Is finds in the error of a request that nothing
// answers.
var ErrNotRecorded = errors.New("not recorded")

// MissError tells that nothing answers a request, and what differs.
type MissError struct{ Message string }

func (e *MissError) Error() string { return e.Message }

// Is makes errors.Is(err, ErrNotRecorded) true.
func (e *MissError) Is(target error) bool { return target == ErrNotRecorded }

// RoundTrip answers a request, or has send ask the provider. The error is a
// *MissError, or send's.
func (t *Tape) RoundTrip(c Call, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if c.Request.Header.Get("Upgrade") != "" {
		if t.opts.Replay != nil && !t.opts.Forward {
			return nil, &MissError{"A WebSocket cannot be answered from recorded traffic; send the request over HTTP."}
		}
		return send(c.Request)
	}
	rules := t.opts.Rules
	if t.opts.Replay != nil {
		rules = t.opts.Replay.Rules
	}
	q, err := t.request(rules, c)
	if err != nil {
		return nil, err
	}
	if t.opts.Replay != nil {
		if e := t.opts.Replay.find(q); e != nil {
			return t.replay(c, q, e)
		}
		if !t.opts.Forward {
			return nil, &MissError{t.opts.Replay.explain(c.Request.Context(), q)}
		}
		c.Note("not recorded in the " + t.opts.Replay.Title + ": the provider was asked")
	}
	if t.recorder == nil {
		return send(c.Request)
	}
	// What comes compressed cannot be reviewed.
	c.Request.Header.Set("Accept-Encoding", "identity")
	sent := time.Now()
	res, err := send(c.Request)
	if err == nil {
		t.recorder.listen(q, c.Format, sent, res)
	}
	return res, err
}

// request brings the request of a call into its normal form.
func (t *Tape) request(rules *Rules, c Call) (Request, error) {
	s := Sent{Provider: c.Provider, API: c.API, Method: c.Request.Method, Path: c.Path, Query: c.Request.URL.RawQuery, ContentType: c.Request.Header.Get("Content-Type")}
	if c.Request.GetBody != nil {
		b, err := c.Request.GetBody()
		if err == nil {
			s.Body, err = io.ReadAll(b)
			err = errors.Join(err, b.Close())
		}
		if err != nil {
			return Request{}, fmt.Errorf("read the request's body once more: %w", err)
		}
		if plain, err := record.Decode(s.Body, c.Request.Header.Get("Content-Encoding"), t.opts.MaxDecoded); err == nil {
			s.Body = plain
		}
	}
	return rules.Normalise(s), nil
}

// replay answers with a recorded exchange.
func (t *Tape) replay(c Call, q Request, from *entry) (*http.Response, error) {
	start := time.Now()
	ctx := c.Request.Context()
	e, err := from.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the recorded exchange %s: %w", from.name, err)
	}
	if c.Request.Body != nil {
		_ = c.Request.Body.Close() // nothing was read from it
	}
	c.Note(AnsweredFrom + t.opts.Replay.Title + ": " + from.name)
	r := e.Response
	h := r.Header.Clone()
	if encoding := h.Get("Content-Encoding"); !record.Identity(encoding) && !accepts(c.Request.Header, encoding) {
		plain, err := record.Decode(r.Body, encoding, t.opts.MaxDecoded)
		if err != nil {
			return nil, fmt.Errorf("decompress the recorded answer %s: %w", from.name, err)
		}
		r.Body, r.Timing.Body = plain, nil
		h.Del("Content-Encoding")
	}
	contentType := h.Get("Content-Type")
	p := &player{ctx: ctx}
	length := int64(-1)
	marks := events(c.Format, contentType, r.Body, r.Timing)
	if !record.Identity(h.Get("Content-Encoding")) && len(r.Timing.Body) > 0 {
		marks = slices.Clone(r.Timing.Body) // its events cannot be told apart
	}
	if p.body, p.marks = r.Body, marks; record.Identity(h.Get("Content-Encoding")) {
		p.body, p.marks = revealed(r.Body, marks, q)
	}
	if c.Format == nil || c.Format.NewFramer(contentType, maxFrame) == nil {
		length = int64(len(p.body))
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	if t.opts.Recorded {
		p.start = start
		if err := wait(ctx, start, r.Timing.Header); err != nil {
			return nil, err
		}
	}
	if c.Request.Method == http.MethodHead {
		p.marks = nil
	}
	return &http.Response{
		Status: strconv.Itoa(r.Status) + " " + http.StatusText(r.Status), StatusCode: r.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: p, ContentLength: length, Request: c.Request,
	}, nil
}

// revealed puts the request's secrets into a body, event by event, so that each
// event stays one.
func revealed(body []byte, marks []Mark, q Request) ([]byte, []Mark) {
	if len(q.hidden) == 0 || !numberedForm.Match(body) {
		return body, marks
	}
	var out []byte
	moved := make([]Mark, len(marks))
	at := int64(0)
	for i, m := range marks {
		out = append(out, reveal(body[at:m.End], q)...)
		at = m.End
		moved[i] = Mark{int64(len(out)), m.At}
	}
	return out, moved
}

// accepts tells whether a client takes a content encoding.
func accepts(h http.Header, encoding string) bool {
	for _, v := range h.Values("Accept-Encoding") {
		for name := range strings.SplitSeq(v, ",") {
			name, q, _ := strings.Cut(strings.TrimSpace(name), ";")
			if (strings.EqualFold(name, encoding) || name == "*") && strings.TrimSpace(q) != "q=0" {
				return true
			}
		}
	}
	return false
}
