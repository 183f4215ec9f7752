package proxy

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

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

// roundTripper is the last step out. It picks the provider's own transport and
// attaches the credential, after everything else has been settled.
type roundTripper struct{ p *Proxy }

// RoundTrip sends the request. It never follows a redirect: a credential does
// not travel to where an answer points.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.p.opts.Tape == nil {
		return t.send(req)
	}
	x := exchangeOf(req.Context())
	x.record.Credentials(req) // the tape may answer, and nothing else looks
	return t.p.opts.Tape(Outgoing{Request: req, Target: x.target, Note: x.record.Note}, t.send)
}

func (t roundTripper) send(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if err := x.upstream.Authorize(req.Context(), req); err != nil {
		return nil, err
	}
	x.record.Credentials(req)
	// The newest trace hears first: what an interim response must not tell is gone
	// before ReverseProxy passes it on.
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { x.record.Connected(c.Reused) },
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			for name := range h {
				if leaks(name) {
					h.Del(name)
				}
			}
			return nil
		},
	}))
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
	t.p.refused.Store(x.upstream.Base(), true)
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	_ = res.Body.Close()
	x.body.data, x.body.size = x.usage.original, int64(len(x.usage.original))
	x.usage = nil
	again := req.Clone(req.Context())
	x.body.attach(again)
	return x.upstream.Transport().RoundTrip(again)
}
