package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// answer gives archestra's own answer instead of a provider's: an error in the
// provider's shape. x is nil where the request belongs to no provider.
func (p *Proxy) answer(w http.ResponseWriter, err error, x *exchange) {
	var e *provider.Error
	if !errors.As(err, &e) {
		e = &provider.Error{Status: http.StatusInternalServerError, Code: "internal_error", Message: "archestra failed on this request."}
		if x != nil {
			e.Format = x.target.Format
		}
	}
	out := e.LLM(p.opts.Origin)
	body := write(w, e.Format, e.Status, out)
	if x == nil {
		return
	}
	if err := x.record.Refuse(e.Status, &out, body); err != nil {
		p.log.Error("a refusal could not be recorded", "interaction", x.record.ID(), "error", err)
	}
}

// write sends an error in a format's shape and returns its body.
func write(w http.ResponseWriter, f wire.Format, status int, e llm.Error) []byte {
	body := f.Error(status, e)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// The SDKs retry what cannot succeed; this tells them not to.
	h.Set("X-Should-Retry", strconv.FormatBool(status >= http.StatusInternalServerError && status != http.StatusInsufficientStorage))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
	return body
}

// unreadable answers a request whose body could not be read.
func (p *Proxy) unreadable(w http.ResponseWriter, x *exchange, err error) {
	e := &provider.Error{Format: x.target.Format}
	var tooLarge *http.MaxBytesError
	var spool *spoolError
	var network net.Error
	switch {
	case errors.As(err, &tooLarge):
		e.Status, e.Code = http.StatusRequestEntityTooLarge, "request_too_large"
		e.Message = "The request body is larger than archestra's limit of " + strconv.FormatInt(tooLarge.Limit>>20, 10) + " MiB (setting max-body)."
	case errors.As(err, &spool):
		p.log.Error("a large request body could not be kept", "error", err)
		e.Status, e.Code = http.StatusInsufficientStorage, "spool_failed"
		e.Message = "archestra could not keep this large request body on disk; see its log."
	case errors.As(err, &network) && network.Timeout():
		e.Status, e.Code = http.StatusRequestTimeout, "request_timeout"
		e.Message = "The request body came too slowly."
	case x.client.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed):
		if err := x.record.Cancel(); err != nil {
			p.log.Error("a cancelled exchange could not be recorded", "interaction", x.record.ID(), "error", err)
		}
		e.Status, e.Code = http.StatusBadRequest, "client_disconnected"
		e.Message = "The client went away before its request was whole."
		write(w, e.Format, e.Status, e.LLM(p.opts.Origin))
		return
	default:
		e.Status, e.Code = http.StatusBadRequest, "unreadable_body"
		e.Message = "The request body could not be read."
	}
	w.Header().Set("Connection", "close") // what is left of the body is not read
	p.answer(w, e, x)
}

// failed answers a request for which the provider gave no response.
func (p *Proxy) failed(w http.ResponseWriter, x *exchange, err error) {
	if x.client.Err() != nil {
		if err := x.record.Cancel(); err != nil {
			p.log.Error("a cancelled exchange could not be recorded", "interaction", x.record.ID(), "error", err)
		}
		// Nobody reads it; a status of none would be sent as 200.
		w.WriteHeader(499)
		return
	}
	e := p.explain(x, err)
	out := e.LLM(p.opts.Origin)
	p.log.Warn("the provider gave no answer", "interaction", x.record.ID(),
		"provider", x.target.Provider.Name, "profile", x.target.Profile, "status", e.Status, "error", errors.Unwrap(e))
	body := e.Format.Error(e.Status, out)
	// The record first: the client has the whole answer with its last byte.
	if err := x.record.Fail(e.Status, &out, body); err != nil {
		p.log.Error("a failed exchange could not be recorded", "interaction", x.record.ID(), "error", err)
	}
	write(w, e.Format, e.Status, out)
}

// explain turns what went wrong on the way to a provider into an answer.
func (p *Proxy) explain(x *exchange, err error) *provider.Error {
	var e *provider.Error
	if errors.As(err, &e) {
		return e
	}
	name, at := x.target.Provider.Name, x.upstream.Base()
	if errors.Is(context.Cause(x.ctx), errIdle) {
		return provider.Wrap(errIdle, http.StatusGatewayTimeout, "response_idle_timeout", x.target.Format,
			name+" at "+at+" began to answer and then sent nothing for too long (setting response-idle-timeout).")
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return provider.Wrap(err, http.StatusGatewayTimeout, "upstream_timeout", x.target.Format,
			name+" at "+at+" did not answer in time.")
	}
	var broke *net.OpError // not of the dialling, but of the connection that was had
	reset := errors.As(err, &broke) && (broke.Op == "read" || broke.Op == "write") || errors.As(err, new(streamError))
	if reset || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return provider.Wrap(err, http.StatusBadGateway, "upstream_closed", x.target.Format,
			name+" at "+at+" closed the connection without an answer.")
	}
	if x.connected.Load() {
		return provider.Wrap(err, http.StatusBadGateway, "upstream_bad_response", x.target.Format,
			name+" at "+at+" sent what is no proper HTTP response. Is it the right address, and is it http or https?")
	}
	return provider.Wrap(err, http.StatusBadGateway, "upstream_unreachable", x.target.Format,
		name+" at "+at+" could not be reached. Is the address right, and does the server run?")
}

// streamError is a stream of HTTP/2 that ended before its answer did (RFC 9113 section
// 5.4.2). net/http keeps the type to itself, and sets any of the same members.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error makes it an error, as errors.As wants it.
func (streamError) Error() string { return "the stream was reset" }
