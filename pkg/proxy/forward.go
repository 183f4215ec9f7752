package proxy

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// ask sends the request of an exchange, and returns the way of the answer to the
// client. It returns nil where there is none any more: the client has been told, or the
// exchange was a connection of another protocol.
func (p *Proxy) ask(w http.ResponseWriter, x *exchange) *outlet {
	early := &interim{}
	if x.in.ProtoAtLeast(1, 1) {
		early.w = w // HTTP/1.0 has none
	}
	res, err := p.roundTrip(x, p.outgoing(x, early))
	early.end()
	if err != nil {
		p.failed(w, x, err)
		return nil
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		p.switched(w, x, res)
		return nil
	}
	strip(res.Header)
	stripTrailer(res.Trailer)
	body := res.Body
	if err := p.response(x, res); err != nil {
		_ = body.Close() // the provider has nothing to say any more
		p.failed(w, x, err)
		return nil
	}
	return newOutlet(w, res)
}

// outgoing turns the client's request into the provider's.
func (p *Proxy) outgoing(x *exchange, early *interim) *http.Request {
	out := x.in.WithContext(x.traced(x.ctx, early))
	out.Header = x.in.Header.Clone()
	provider.FilterRequestHeader(out.Header)
	if len(x.in.Trailer) > 0 {
		out.Trailer = x.in.Trailer.Clone()
		provider.FilterRequestTrailer(out.Trailer)
	}
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

// stripTrailer does the same for a response's trailers, which also tell nothing of the
// framing that is over (RFC 9110 section 6.5.1).
func stripTrailer(h http.Header) {
	for name := range h {
		if leaks(name) || hopByHop(name) || name == "Content-Length" || name == "Content-Encoding" {
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
