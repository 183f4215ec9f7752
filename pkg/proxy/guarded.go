package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// verdicts puts what was judged into the record.
func (x *exchange) verdicts(a *llm.Answer) ([]llm.Finding, []string) { return verdicts(x.judge, a) }

func verdicts(judge *guard.Exchange, a *llm.Answer) ([]llm.Finding, []string) {
	judge.Answer(a)
	return judge.Findings(), judge.Notes()
}

// keepAlive spaces the bytes that keep a held stream from looking dead: shorter
// than the shortest idle timeouts that clients and proxies are known to have.
const keepAlive = 5 * time.Second

// guarded is the body of a response that the guard may hold back or change. What
// the provider sent goes into the record; what the guard lets out is read by the
// client.
type guarded struct {
	*relay
	proxy  *Proxy
	stream *guard.Stream // nil while it is not known that the answer is one

	head     []byte        // what came before it was known whether it is a stream
	out      []byte        // what may be read by the client
	terminal bool          // the protocol's last event is in
	ended    bool          // nothing more comes from the provider
	failed   error         // what its answer broke off with
	settled  bool          // the record of what came so far is safe
	heard    time.Duration // when something came last, since the watch began
	quiet    time.Duration // when the client got something last, 0 before it waits

	response *http.Response
	media    string
	ahead    chan piece // what was read while a person is asked
	retries  bool       // the model may be asked again
	sent     []byte     // what the client got, where it may
	again    chan second
	sequel   *sequel // what the client reads once it was
}

// tap is told that the answer is a stream.
func (g *guarded) tap(media string) func(sse.Frame) {
	g.media = media
	if g.stream = g.judge.Stream(media, g.proxy.opts.MaxFrame); g.stream == nil {
		return nil
	}
	g.retries = g.judge.Retries()
	if g.usage == nil {
		return g.stream.Frame
	}
	decoder := g.target.Format.NewStream(0)
	return func(f sse.Frame) {
		if f.Err == nil && decoder.Frame(f).UsageOnly {
			return // what was asked for on the client's behalf
		}
		f.Raw = withoutUsage(f)
		g.stream.Frame(f)
	}
}

// Read passes what may leave.
func (g *guarded) Read(p []byte) (int, error) {
	for len(g.out) == 0 {
		if g.over != nil {
			return 0, g.over
		}
		if err := g.step(p); err != nil {
			g.over = err
		}
	}
	n := copy(p, g.out)
	g.out = g.out[n:]
	if len(g.out) == 0 && g.ended && g.settled && g.again == nil && g.sequel == nil {
		g.over = io.EOF
	}
	if len(g.out) > 0 {
		return n, nil
	}
	return n, g.over // an end leaves with the last bytes
}

// step goes on by one answer of a person or one chunk of the provider's, which is
// read into buf: thousands of streams that wait need no more memory than that of
// who reads them.
func (g *guarded) step(buf []byte) error {
	switch {
	case g.sequel != nil:
		return g.goOn(buf)
	case g.again != nil:
		return g.await()
	}
	if g.stream != nil {
		// The record has its own copy of a chunk before anything of it is let out.
		g.stream.Into(buf)
		if g.stream.Waiting() {
			return g.wait()
		}
	}
	if g.ended {
		return io.EOF
	}
	if g.failed != nil {
		return g.broken(g.failed)
	}
	if g.ahead != nil {
		p := <-g.ahead
		g.ahead = nil
		return g.take(p.data, p.err)
	}
	n, err := g.body.Read(buf)
	return g.take(buf[:n], err)
}

// take takes what the provider sent.
func (g *guarded) take(chunk []byte, err error) error {
	n := len(chunk)
	g.heard = g.watch.come()
	if n > 0 {
		g.settled, g.came = false, true
		if g.record.Write(chunk) {
			g.terminal = true
		}
		if g.record.Overlong() {
			return g.overlong()
		}
		if g.stream == nil {
			if failed := g.undecided(chunk); failed != nil {
				return failed
			}
		} else {
			g.stream.Decide()
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		g.ended = true
		if g.stream != nil {
			g.record.Over()
			g.stream.Decide()
		}
	case err != nil && n > 0:
		g.failed = err // what came with it goes first
	case err != nil:
		return g.broken(err)
	}
	if g.record.Broken() {
		return g.unreadable()
	}
	return g.advance()
}

// advance lets out what is settled, and records before the last of it.
func (g *guarded) advance() error {
	s := g.stream
	if s == nil {
		if g.ended {
			return g.whole()
		}
		return nil
	}
	// Nothing behind the terminal event is waited for, unless the whole answer is needed.
	over := g.ended || g.terminal && !s.Pending()
	if !s.Waiting() && over && !g.settled {
		s.Finish(g.ended)
	}
	if refusals := s.Refusals(); refusals != nil {
		g.let(s.Take())
		g.askAgain(refusals)
		return nil
	}
	if !s.Waiting() && over && !g.settled {
		if failed := g.record.Commit(record.End{}); failed != nil {
			return g.unrecorded(failed)
		}
		g.settled = true
	}
	g.let(s.Take())
	return nil
}

// let hands bytes to the client, or what keeps its connection alive.
func (g *guarded) let(out []byte) {
	switch {
	case len(out) > 0:
		g.quiet = g.heard
		if g.retries {
			g.sent = append(g.sent, out...)
		}
	case !g.stream.Holding():
		return
	case g.quiet == 0:
		g.quiet = g.heard
	case g.heard-g.quiet >= keepAlive:
		g.quiet, out = g.heard, g.stream.KeepAlive()
	}
	g.out = out
}

// piece is what one read of the provider's answer gave.
type piece struct {
	data []byte
	err  error
}

// lookAhead reads on while a person is asked, so that the turn's other calls are
// asked about beside the first. What is read is held, so it has a bound; one read
// runs at a time, and ends with the response's body at the latest.
func (g *guarded) lookAhead() {
	if g.ahead != nil || g.ended || g.failed != nil || !g.stream.Room() {
		return
	}
	g.ahead = make(chan piece, 1)
	go func(to chan<- piece) {
		p := piece{data: make([]byte, 16<<10), err: errReader}
		defer func() {
			if v := recover(); v != nil { // of a body that is none of net/http's
				g.log.Error("reading an answer panicked", "interaction", g.record.ID(), "panic", fmt.Sprintf("%T", v))
				p.data = nil
			}
			to <- p
		}()
		n, err := g.body.Read(p.data)
		p.data, p.err = p.data[:n], err
	}(g.ahead)
}

// errReader ends an answer whose reader failed.
var errReader = errors.New("archestra failed while it read the answer")

// wait waits for a person, and keeps the client's connection alive meanwhile. The
// provider's silence is not measured.
func (g *guarded) wait() error {
	g.watch.pause()
	g.lookAhead()
	t := time.NewTimer(keepAlive)
	defer t.Stop()
	select {
	case <-g.stream.Asked():
		g.stream.Answered()
	case <-g.client.Done():
		g.stream.Close()
	case p := <-g.ahead:
		g.ahead = nil
		return g.take(p.data, p.err)
	case <-t.C:
		g.out = g.stream.KeepAlive()
		return nil
	}
	if err := g.client.Err(); err != nil {
		return g.broken(err)
	}
	if !g.stream.Waiting() {
		g.heard = g.watch.come()
	}
	return g.advance()
}

// undecided keeps the first bytes of an answer of which it is not known yet
// whether it is a stream.
func (g *guarded) undecided(chunk []byte) error {
	g.head = append(g.head, chunk...)
	if int64(len(g.head)) > g.proxy.maxJudged() {
		return g.refuse(errUnjudged)
	}
	return nil
}

// whole judges an answer that turned out not to be a stream, at its end.
func (g *guarded) whole() error {
	w, err := g.judge.Body(g.client, g.head)
	if err != nil {
		return g.refuse(err)
	}
	if err := g.client.Err(); err != nil {
		return g.broken(err)
	}
	if failed := g.record.Commit(record.End{}); failed != nil {
		return g.unrecorded(failed)
	}
	g.out = w.Out
	return nil
}

// errUnjudged ends an answer that is larger than what is looked at.
var errUnjudged = errors.New("the answer is larger than what can be judged (setting max-decompressed)")

// errUnreadable ends an answer that cannot be read.
var errUnreadable = errors.New("the answer cannot be read, and may ask for a tool call")

func (g *guarded) unreadable() error { return g.refuse(errUnreadable) }

// refuse ends an answer that must not reach the client.
func (g *guarded) refuse(why error) error {
	if err, ok := g.refused(g.proxy.unjudged(g.exchange, why)); ok {
		return err
	}
	e := llm.Error{Source: llm.SourceArchestra, Type: "api_error", Code: "unreadable_answer", Message: why.Error()}
	failed := g.record.Commit(record.End{Err: why, Error: &e})
	g.cancel(why)
	return errors.Join(why, failed)
}

// overlong cuts a stream whose event outgrew its limit.
func (g *guarded) overlong() error {
	g.out = append(g.out, g.stream.Take()...)
	failed := g.cut(errOverlong)
	g.out, g.tail = append(g.out, g.tail...), nil
	if failed != nil {
		return failed
	}
	return g.over
}

// Close ends the exchange, whatever came before.
func (g *guarded) Close() error {
	if g.stream != nil {
		g.stream.Close()
	}
	g.leave()
	return g.relay.Close()
}

// judged is a whole answer that was judged.
type judged struct {
	*relay
	out []byte
}

// Read records before it returns the first bytes.
func (j *judged) Read(p []byte) (int, error) {
	if j.over != nil {
		if len(j.out) == 0 {
			return 0, j.over
		}
	} else {
		if failed := j.record.Commit(record.End{}); failed != nil {
			return 0, j.unrecorded(failed)
		}
		j.over = io.EOF
	}
	n := copy(p, j.out)
	j.out = j.out[n:]
	if len(j.out) == 0 {
		return n, j.over
	}
	return n, nil
}

// Close ends the exchange.
func (j *judged) Close() error { return j.relay.Close() }
