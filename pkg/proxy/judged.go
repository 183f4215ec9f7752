package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// guarded takes the way back under the guard's eyes. It returns nil where bytes
// pass as they are, and the answer is judged for the record alone.
func (p *Proxy) guarded(x *exchange, res *http.Response, r *relay) (io.ReadCloser, error) {
	open := func() { x.record.Response(res.StatusCode, res.Header, r.left) }
	if x.judge == nil {
		open()
		return nil, nil
	}
	if !x.target.Observed() {
		x.unobserved()
		open()
		return p.holdUnobserved(x, res, r)
	}
	if res.StatusCode >= http.StatusMultipleChoices || res.StatusCode == http.StatusNoContent || res.Request.Method == http.MethodHead || !x.judge.Edits() {
		x.record.Judged(nil, x.verdicts)
		open()
		return nil, nil
	}
	if err := p.decompress(x, res, r); err != nil {
		return nil, err
	}
	g := &guarded{relay: r, proxy: p, response: res}
	x.record.Judged(g.tap, x.verdicts)
	open()
	following, sure := x.record.Following()
	if !following && !record.Identity(res.Header.Get("Content-Encoding")) && x.record.Streams(res.Header) {
		return nil, nil // a compressed stream that has no call in it
	}
	if sure && !following {
		return p.judgeWhole(x, res, r)
	}
	if following && g.stream == nil {
		return nil, nil // there is nothing to hold or to edit in it
	}
	// It may come out longer, or shorter.
	res.Header.Del("Content-Length")
	undigest(res.Header)
	res.ContentLength = -1
	return g, nil
}

// decompress takes the content encoding off a stream: what is compressed cannot be
// held in part. Whole answers keep theirs unless they are changed.
func (p *Proxy) decompress(x *exchange, res *http.Response, r *relay) error {
	encoding := res.Header.Get("Content-Encoding")
	if record.Identity(encoding) || !x.record.Streams(res.Header) || !x.judge.MayCall() {
		return nil
	}
	plain, err := record.Decoder(res.Body, encoding)
	if err != nil {
		return p.unjudged(x, err)
	}
	r.body = &decompressed{plain: plain, body: res.Body}
	r.left = -1
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.ContentLength = -1
	x.record.Note("the stream came in " + encoding + " and was passed on without, since its tool calls are judged")
	return nil
}

// maxJudged bounds a whole answer that is judged.
func (p *Proxy) maxJudged() int64 {
	if p.opts.MaxDecoded > 0 {
		return p.opts.MaxDecoded
	}
	return record.DefaultMaxDecoded
}

// judgeWhole reads an answer that is no stream, and judges it.
func (p *Proxy) judgeWhole(x *exchange, res *http.Response, r *relay) (io.ReadCloser, error) {
	r.watch.start()
	raw, err := p.readWhole(x, r)
	r.watch.stop()
	if err != nil {
		return nil, err
	}
	encoding := res.Header.Get("Content-Encoding")
	plain, err := record.Decode(raw, encoding, p.maxJudged())
	if err != nil {
		return nil, p.unjudged(x, err)
	}
	w, err := x.judge.Body(x.client, plain)
	if err != nil {
		return nil, p.unjudged(x, err)
	}
	if err := x.client.Err(); err != nil {
		return nil, err // it went while a person was asked
	}
	if w.Refusals != nil {
		if j := p.goOnWhole(x, res, w); j != nil {
			return j, nil
		}
	}
	out := w.Out
	if len(out) == len(plain) && (len(out) == 0 || &out[0] == &plain[0]) {
		return &judged{relay: r, out: raw}, nil
	}
	resize(res, out)
	return &judged{relay: r, out: out}, nil
}

// resize makes a response's header that of another, unencoded body.
func resize(res *http.Response, body []byte) {
	res.Header.Del("Content-Encoding")
	undigest(res.Header)
	res.Header.Set("Content-Length", strconv.Itoa(len(body)))
	res.ContentLength = int64(len(body))
}

// readWhole reads what the provider sends to its end, and tells the record of it.
func (p *Proxy) readWhole(x *exchange, r *relay) ([]byte, error) {
	size := int64(4 << 10)
	if r.left > 0 {
		size = min(r.left, 1<<20) + 1 // and one byte to see the end
	}
	raw := make([]byte, 0, size)
	for {
		if len(raw) == cap(raw) {
			raw = slices.Grow(raw, len(raw))
		}
		n, err := r.body.Read(raw[len(raw):cap(raw)])
		r.watch.come()
		if n > 0 {
			x.record.Write(raw[len(raw) : len(raw)+n])
			raw = raw[:len(raw)+n]
			if int64(len(raw)) > p.maxJudged() {
				return nil, p.unjudged(x, errUnjudged)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return raw, nil
		case err != nil:
			return nil, err
		}
	}
}

// unjudged refuses an answer that cannot be read with certainty.
func (p *Proxy) unjudged(x *exchange, why error) error {
	return provider.Wrap(why, http.StatusBadGateway, "unreadable_answer", x.target.Format,
		"The answer of "+x.target.Provider.Name+" cannot be judged by the rules, so it was not let through: "+why.Error()+".")
}

// decompressed is a body without its content encoding. It may be closed while it is
// read.
type decompressed struct {
	body io.Closer // as it comes

	mu     sync.Mutex // the decoders are nobody's but one goroutine's at a time
	plain  io.ReadCloser
	closed bool
}

// Read reads what the encoding holds. A decoder that panics has met what it cannot
// read.
func (d *decompressed) Read(p []byte) (n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, io.ErrClosedPipe
	}
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("a decoder of content encodings panicked: %T", v)
		}
	}()
	return d.plain.Read(p)
}

// Close lets go of both. A read that runs ends with its source.
func (d *decompressed) Close() error {
	err := d.body.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return err
	}
	d.closed = true
	return errors.Join(d.plain.Close(), err)
}
