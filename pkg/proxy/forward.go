package proxy

import (
	"errors"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// forward sends the request of an exchange, and gives the client what comes back.
func (p *Proxy) forward(w http.ResponseWriter, x *exchange) {
	early := &interim{w: w}
	res, err := p.roundTrip(x, p.outgoing(x, early))
	early.end()
	if err != nil {
		p.failed(w, x, err)
		return
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		p.switched(w, x, res)
		return
	}
	strip(res.Header)
	body := res.Body
	if err := p.response(x, res); err != nil {
		_ = body.Close() // the provider has nothing to say any more
		p.failed(w, x, err)
		return
	}
	p.deliver(w, x, res)
}

// outgoing turns the client's request into the provider's.
func (p *Proxy) outgoing(x *exchange, early *interim) *http.Request {
	out := x.in.WithContext(x.traced(x.ctx, early))
	out.Header = x.in.Header.Clone()
	provider.FilterRequestHeader(out.Header)
	out.URL = x.upstream.URL(x.target.Rest, x.in.URL.RawQuery)
	out.Host, out.RequestURI, out.Close = "", "", false
	delete(out.Header, "Expect") // the body is at hand: there is nothing to wait for
	if out.Header.Get("Upgrade") != "" {
		// Messages in an extension's own form could not be read.
		out.Header.Del("Sec-Websocket-Extensions")
	}
	x.body.attach(out)
	for _, name := range [...]string{
		"User-Agent", // net/http's own where there is none
		// An empty value is honoured by net/http and not sent: a request on a reused
		// connection that was closed before anything was answered is sent again.
		"Idempotency-Key",
	} {
		if _, ok := out.Header[name]; !ok {
			out.Header[name] = nil
		}
	}
	return out
}

// deliver gives the client a response. It panics with http.ErrAbortHandler where the
// answer breaks off: net/http's own way to keep a part from being taken for the whole.
func (p *Proxy) deliver(w http.ResponseWriter, x *exchange, res *http.Response) {
	defer res.Body.Close() // again, where it came to its end
	announced := len(res.Trailer)
	o := &outlet{w: w, control: http.NewResponseController(w), res: res}
	defer o.end()
	if late, ok := res.Body.(interface{ late(o *outlet) }); ok {
		late.late(o)
	}
	if err := o.copyBody(res.Body, res.ContentLength); err != nil {
		if u := (unsent{}); errors.As(err, &u) {
			p.failed(w, x, u.error)
			return
		}
		p.log.Debug("an answer broke off", "interaction", x.record.ID(), "error", err)
		panic(http.ErrAbortHandler)
	}
	if len(res.Trailer) == 0 {
		return
	}
	_ = o.control.Flush() // trailers follow a body in chunks, however short it is
	h := w.Header()
	for name, values := range res.Trailer {
		if len(res.Trailer) != announced {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], values...)
	}
}

// strip takes out of a response's header what is of one connection only (RFC 9110
// section 7.6.1), and what must not reach a client.
func strip(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for name := range h {
		if leaks(name) || hopByHop(name) {
			delete(h, name)
		}
	}
}

// hopByHop tells that a header is of one connection, whether or not it is named in
// Connection.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authenticate", "Proxy-Authorization":
		return true
	}
	return false
}

// leaks tells that a response's header must not reach a client: a credential
// that an upstream sends back, and what would open a provider's answer to a web page.
func leaks(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key":
		return true
	}
	return strings.HasPrefix(name, "Access-Control-")
}
