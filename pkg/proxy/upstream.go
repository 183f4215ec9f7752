package proxy

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// Outgoing is a request that is settled and about to leave.
type Outgoing struct {
	Request *http.Request // without the server's credential; GetBody, if any, gives its body once more
	Target  provider.Target
	Note    func(text string) // adds a remark to the record
}

// Tape stands before the upstreams: it answers in their place, or has send ask
// the provider and hears what comes back. An error that is a *provider.Error is
// given to the client as it is.
type Tape func(o Outgoing, send func(*http.Request) (*http.Response, error)) (*http.Response, error)

// traced returns the context of an exchange's request to the provider. early, if it
// is not nil, hears what comes before the answer.
func (x *exchange) traced(ctx context.Context, early *interim) context.Context {
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		x.connected.Store(true)
		x.record.Connected(c.Reused)
	}}
	if early != nil {
		trace.Got1xxResponse = early.pass
	}
	return httptrace.WithClientTrace(ctx, trace)
}

// interim passes the responses that come before the final one (RFC 9110 section
// 15.2), such as early hints.
type interim struct {
	mu sync.Mutex          // they come beside who waits for the answer
	w  http.ResponseWriter // nil where none may pass
}

func (i *interim) pass(status int, from textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.w == nil {
		return nil
	}
	h := i.w.Header()
	maps.Copy(h, from)
	strip(h)
	i.w.WriteHeader(status)
	clear(h) // net/http leaves them for the next
	return nil
}

// end tells that the final response is there, or none will be.
func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.w = nil
}

// roundTrip sends an exchange's request. It is the last step out: it picks the
// provider's own transport and attaches the credential, after everything else has
// been settled. It never follows a redirect: a credential does not travel to where an
// answer points.
func (p *Proxy) roundTrip(x *exchange, req *http.Request) (*http.Response, error) {
	if p.opts.Tape == nil {
		return p.send(x, req)
	}
	x.record.Credentials(req) // the tape may answer, and nothing else looks
	return p.opts.Tape(Outgoing{Request: req, Target: x.target, Note: x.record.Note}, func(req *http.Request) (*http.Response, error) { return p.send(x, req) })
}

func (p *Proxy) send(x *exchange, req *http.Request) (*http.Response, error) {
	if err := x.upstream.Authorize(req.Context(), req); err != nil {
		return nil, err
	}
	x.record.Credentials(req)
	res, err := x.upstream.Transport().RoundTrip(req)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		x.upstream.Refused(req) // a token that was revoked before its time is not used again
	}
	if err != nil || x.usage == nil || !x.usage.rejected(res) {
		return res, err
	}
	// The server does not know the member that was added. It has refused the
	// request, so it has not worked on it: the client's own bytes go out, and the
	// member never again.
	p.refused.Store(x.upstream.Base(), true)
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	_ = res.Body.Close()
	x.body.data, x.body.size = x.usage.original, int64(len(x.usage.original))
	x.usage = nil
	again := req.Clone(req.Context())
	x.body.attach(again)
	return x.upstream.Transport().RoundTrip(again)
}
