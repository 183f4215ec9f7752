package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Where every call of a turn was refused, archestra can answer the model itself (the
// setting on-block: retry): the refusals are the results of the calls, and what the
// model says then goes on where the client has stopped reading. Each attempt is an
// exchange of its own in the record.

// second is the answer to a second attempt.
type second struct {
	exchange *exchange
	response *http.Response
	err      error
}

// again sends a turn that was refused back to the model. sent is the request that
// went before the response res; answer is all of that response.
func (p *Proxy) again(x *exchange, res *http.Response, media string, answer []byte, refusals []string) (s second) {
	defer func() {
		if v := recover(); v != nil { // in a goroutine of its own it would end the process
			p.log.Error("a second attempt panicked", "interaction", x.record.ID(), "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			s.err = errors.New("archestra failed")
		}
	}()
	f, ok := x.target.Format.(wire.Continuing)
	if !ok {
		s.err = wire.ErrNotContinued
		return s
	}
	data, err := f.Continue(x.judge.Sent(), answer, media, refusals)
	if err != nil {
		s.err = err
		return s
	}
	y := &exchange{
		target: x.target, upstream: x.upstream, ctx: x.ctx, cancel: x.cancel, client: x.client, in: x.in, attempt: x.attempt + 1,
		body: &body{data: data, size: int64(len(data)), length: int64(len(data))}, record: p.opts.Recorder.Begin(x.in, recorded(x.target)),
	}
	s.exchange = y
	y.judge = p.begin(y)
	y.record.Note(fmt.Sprintf("archestra asked the model again, since every call of %s was refused (attempt %d)", x.record.ID(), y.attempt+1))
	in := x.in.Clone(x.in.Context())
	in.Header.Del("Content-Encoding")
	if s.err = p.look(y, in); s.err != nil {
		return s
	}
	out := res.Request.Clone(y.traced(x.ctx, nil))
	out.Header.Del("Content-Encoding")
	out.Header.Set("Accept-Encoding", "identity") // it is joined with what the client has
	out.Header["Idempotency-Key"] = nil           // it is another request, and not to be answered as the one before
	undigest(out.Header)
	undigest(out.Trailer)
	y.body.attach(out)
	y.record.Sent()
	s.response, s.err = p.roundTrip(y, out)
	if s.err == nil && !fits(s.response, media) {
		s.err = fmt.Errorf("the second answer is of another kind: status %d, %q", s.response.StatusCode, s.response.Header.Get("Content-Type"))
	}
	return s
}

// fits tells whether a response can go on where one of that media type has stopped.
func fits(res *http.Response, media string) bool {
	a, _, errA := mime.ParseMediaType(res.Header.Get("Content-Type"))
	b, _, errB := mime.ParseMediaType(media)
	return res.StatusCode == http.StatusOK && record.Identity(res.Header.Get("Content-Encoding")) && errA == nil && errB == nil && a == b
}

// failed ends the record of an attempt that came to nothing, and lets go of it.
func (p *Proxy) failedAgain(x *exchange, s second) {
	x.record.Note("every call was refused, and the model could not be asked again: " + s.err.Error())
	if s.exchange == nil {
		return
	}
	y := s.exchange
	if s.response != nil {
		y.record.Response(s.response.StatusCode, s.response.Header, -1)
		head, _ := io.ReadAll(io.LimitReader(s.response.Body, 1<<20)) // what there is of it
		y.record.Write(head)
		_ = s.response.Body.Close()
	}
	if err := y.record.Commit(record.End{Err: s.err, Cancelled: x.client.Err() != nil}); err != nil {
		p.log.Error("a second attempt could not be recorded", "interaction", y.record.ID(), "error", err)
	}
}

// sequel is the answer to a second attempt on its way into the first one's stream.
type sequel struct {
	body   io.ReadCloser
	framer sse.Framer
	joint  wire.Sequel
	passed bool // something of it has reached the client
}

// askAgain sends the refused turn back, beside the client's reading.
func (g *guarded) askAgain(refusals []string) {
	g.watch.pause()
	answer, whole := g.record.Kept()
	if !whole {
		g.again = make(chan second, 1)
		g.again <- second{err: errors.New("the answer is too long")}
		return
	}
	g.again = make(chan second, 1)
	go func(to chan<- second) { to <- g.proxy.again(g.exchange, g.response, g.media, answer, refusals) }(g.again)
}

// await waits for the second answer to begin.
func (g *guarded) await() error {
	t := time.NewTimer(keepAlive)
	defer t.Stop()
	select {
	case s := <-g.again:
		g.again = nil
		if s.err != nil {
			g.proxy.failedAgain(g.exchange, s)
			g.stream.GiveUp()
			return g.advance()
		}
		return g.join(s)
	case <-t.C:
		g.out = g.stream.KeepAlive()
		return nil
	}
}

// join lets the second answer go on with the first. What is recorded of the first
// is all that there is of it.
func (g *guarded) join(s second) error {
	g.record.Note("every call was refused: the model was told, and answered once more (" + s.exchange.record.ID() + ")")
	if failed := g.record.Commit(record.End{}); failed != nil {
		_ = s.response.Body.Close()
		return failed
	}
	g.settled = true
	next := g.proxy.newRelay(s.exchange, s.response, s.response.ContentLength)
	next.watch.start()
	body, err := g.proxy.guarded(s.exchange, s.response, next)
	if err != nil {
		s.err = err
		g.proxy.failedAgain(g.exchange, s)
		return err
	}
	if body == nil {
		body = next
	}
	g.sequel = &sequel{body: body, framer: g.target.Format.NewFramer(g.media, g.proxy.opts.MaxFrame), joint: g.target.Format.(wire.Continuing).NewSequel(g.media, g.sent)}
	return nil
}

// goOn passes the next chunk of the second answer.
func (g *guarded) goOn(buf []byte) error {
	n, err := g.sequel.body.Read(buf)
	g.sequel.framer.Write(buf[:n])
	if err != nil {
		g.sequel.framer.Close()
	}
	g.out = g.out[:0:0]
	for f, ok := g.sequel.framer.Next(); ok; f, ok = g.sequel.framer.Next() {
		g.out = append(g.out, g.sequel.joint.Frame(f)...)
	}
	if g.sequel.passed = g.sequel.passed || len(g.out) > 0; errors.Is(err, io.EOF) && !g.sequel.passed {
		// An empty answer is worth less to the client than the refusals.
		err = g.sequel.body.Close()
		g.sequel = nil
		g.stream.GiveUp()
		return errors.Join(err, g.advance())
	}
	return err
}

// leave lets go of a second attempt.
func (g *guarded) leave() {
	if g.sequel != nil {
		_ = g.sequel.body.Close() // it has recorded itself
		return
	}
	if g.again == nil {
		return
	}
	g.cancel(context.Canceled) // so that the attempt ends at once
	s := <-g.again
	if s.err == nil {
		s.err = context.Canceled
	}
	g.proxy.failedAgain(g.exchange, s)
}

// goOnWhole does the same for an answer that is no stream. It returns nil where the
// model could not be asked again.
func (p *Proxy) goOnWhole(x *exchange, res *http.Response, w guard.Whole) io.ReadCloser {
	answer, whole := x.record.Kept()
	media := res.Header.Get("Content-Type")
	s := second{err: errors.New("the answer is too long")}
	if whole {
		if plain, err := record.Decode(answer, res.Header.Get("Content-Encoding"), p.maxJudged()); err == nil {
			s = p.again(x, res, media, plain, w.Refusals)
		}
	}
	var body io.ReadCloser
	if s.err == nil {
		next := p.newRelay(s.exchange, s.response, s.response.ContentLength)
		body, s.err = p.guarded(s.exchange, s.response, next)
	}
	j, ok := body.(*judged)
	if s.err != nil || !ok {
		if s.err == nil {
			s.err = errors.New("the second answer is a stream")
		}
		p.failedAgain(x, s)
		return nil
	}
	merged, err := x.target.Format.(wire.Continuing).Merge(w.Unchanged, j.out)
	if err != nil {
		s.err = err
		p.failedAgain(x, s)
		return nil
	}
	x.record.Note("every call was refused: the model was told, and answered once more (" + s.exchange.record.ID() + ")")
	if err := x.record.Commit(record.End{}); err != nil {
		p.log.Error("an exchange could not be recorded", "interaction", x.record.ID(), "error", err)
	}
	j.out = merged
	resize(res, merged)
	return j
}
