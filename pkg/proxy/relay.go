package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
)

// errIdle ends a response whose provider has been silent for too long.
var errIdle = errors.New("the provider sent nothing for too long")

// errOverlong ends a stream with an event that outgrew its limit.
var errOverlong = errors.New("an event of the stream is larger than the limit")

// relay is the body of a response on its way to the client. Each Read passes
// what the provider sent, unchanged, and tells the record of it; the read that
// ends the answer waits until the record is safe.
type relay struct {
	*exchange
	body        io.ReadCloser
	left        int64 // bytes still due, -1 where the length is not known
	watch       watch
	contentType string
	log         *slog.Logger
	edit        *frameEdit // nil where bytes pass as they are
	tail        []byte     // our own last words, still to be read
	over        error      // what Read returns from now on
	came        bool       // the provider has sent something of the body
	// outlet has the header until it leaves, so that another answer can take this one's
	// place. Nil where none can: the provider's own error stays, whatever becomes of
	// its body.
	outlet *outlet
}

// newRelay returns the reader of a response. Whoever reads it starts its watch.
func (p *Proxy) newRelay(x *exchange, res *http.Response, length int64) *relay {
	r := &relay{exchange: x, body: res.Body, left: length, contentType: res.Header.Get("Content-Type"), log: p.log}
	r.watch.idle, r.watch.silent = p.opts.ResponseIdle, x.silent
	return r
}

// silent ends a response that does not go on.
func (x *exchange) silent() { x.cancel(errIdle) }

// late starts the watch, which lets the header leave if nothing comes soon. That of a
// JSON text that comes whole is worth nothing without it, and waits.
func (r *relay) late(o *outlet) {
	if o.res.StatusCode < http.StatusMultipleChoices {
		r.outlet = o
	}
	if streams, _ := r.record.Following(); !streams && strings.HasPrefix(r.contentType, "application/json") {
		r.watch.start()
		return
	}
	r.watch.late(o.header)
}

// refused returns an error that has the client answered with err, if nothing of the
// response has reached it.
func (r *relay) refused(err error) (_ error, ok bool) {
	if r.outlet == nil || !r.outlet.keep() {
		return nil, false
	}
	r.cancel(err)
	return r.stop(unsent{err}), true
}

// unrecorded ends a response that could not be recorded, where that must be.
func (r *relay) unrecorded(failed error) error {
	err, ok := r.refused(provider.Wrap(failed, http.StatusInsufficientStorage, "not_recorded", r.target.Format,
		"The answer could not be recorded, so it was not let through (setting record-failure); see archestra's log."))
	if ok {
		return err
	}
	return r.stop(failed)
}

// Read passes the next chunk.
func (r *relay) Read(p []byte) (int, error) {
	if len(r.tail) > 0 {
		n := copy(p, r.tail)
		r.tail = r.tail[n:]
		return n, nil
	}
	if r.over != nil {
		return 0, r.over
	}
	if r.edit != nil {
		return r.readEdited(p)
	}
	n, err := r.next(p)
	return n, err
}

// next reads from the provider, and records before it returns the last bytes.
func (r *relay) next(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.watch.come()
	last := false
	if n > 0 {
		r.came = true
		last = r.record.Write(p[:n])
		if r.left > 0 {
			r.left -= int64(n)
			last = last || r.left == 0
		}
		if r.record.Overlong() {
			return n, r.cut(errOverlong)
		}
	}
	switch {
	case err == nil && !last:
		return n, nil
	case err == nil:
		if failed := r.record.Commit(record.End{}); failed != nil {
			return 0, r.unrecorded(failed)
		}
		return n, nil
	case errors.Is(err, io.EOF):
		if failed := r.record.Commit(record.End{}); failed != nil {
			return 0, r.unrecorded(failed)
		}
		r.over = io.EOF
		return n, io.EOF
	}
	return n, r.broken(err)
}

// broken ends a response that did not come to its end.
func (r *relay) broken(err error) error {
	if !r.came && r.client.Err() == nil {
		if err, ok := r.refused(err); ok {
			return err
		}
	}
	end := record.End{Err: err, Cancelled: r.client.Err() != nil}
	if errors.Is(context.Cause(r.ctx), errIdle) {
		end = record.End{Err: errIdle, Error: &llm.Error{Source: llm.SourceArchestra, Type: "timeout_error", Code: "response_idle_timeout", Message: errIdle.Error()}}
	}
	if failed := r.record.Commit(end); failed != nil {
		err = failed
	}
	return r.stop(err)
}

// cut ends a stream by our own decision, with an error event in its format.
func (r *relay) cut(why error) error {
	e := llm.Error{Source: llm.SourceArchestra, Type: "api_error", Code: "event_too_large", Message: why.Error()}
	r.tail = append([]byte("\n\n"), r.target.Format.StreamError(r.contentType, e)...)
	failed := r.record.Commit(record.End{Err: why, Error: &e})
	r.cancel(why)
	r.over = io.EOF
	return failed
}

func (r *relay) stop(err error) error {
	r.over = err
	return err
}

// Close ends the exchange, whatever came before.
func (r *relay) Close() error {
	r.watch.stop()
	if r.over == nil {
		// The client went away, or its connection broke, while bytes were due.
		if err := r.record.Commit(record.End{Cancelled: true, Err: r.client.Err()}); err != nil {
			r.log.Error("a cancelled exchange could not be recorded", "interaction", r.record.ID(), "error", err)
		}
		r.over = io.ErrClosedPipe
	}
	return r.body.Close()
}
