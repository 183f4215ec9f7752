package provider

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop are the headers of one connection (RFC 9110 §7.6.1), beside those
// that Connection names.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Proxy-Authenticate", "Proxy-Authorization",
}

// claims are headers by which a caller says who it is, where it came from or
// what it calls. They are for a proxy that is trusted; nobody is here. A method
// override would let a call that is judged pass as one that is not.
var claims = headers(`
	forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip client-ip cf-connecting-ip fastly-client-ip
	x-original-url x-original-host x-original-uri x-rewrite-url x-host x-http-host-override
	x-http-method-override x-http-method x-method-override cookie cookie2 set-cookie
`)

// credentials are headers that carry one.
var credentials = headers(`
	authorization proxy-authorization x-api-key api-key apikey x-apikey x-api-token x-goog-api-key
	x-goog-iam-authorization-token x-goog-iam-authority-selector x-auth-token x-auth-key x-access-token
	x-amz-security-token x-token token openai-api-key anthropic-api-key x-openai-api-key x-anthropic-api-key
	ocp-apim-subscription-key helicone-auth x-portkey-api-key cf-aig-authorization cf-access-client-secret
	cf-access-token x-xai-api-key x-cerebras-api-key x-gitlab-token private-token x-csrf-token x-authorization
	x-forwarded-authorization x-forwarded-access-token x-ms-token-aad-access-token x-litellm-api-key
`)

// webSocketProtocol lists subprotocols (RFC 6455 §11.3.4), of which some carry a key.
const webSocketProtocol = "Sec-Websocket-Protocol"

// queryCredentials are query parameters that carry one.
var queryCredentials = words(`key api_key api-key apikey x-api-key x-goog-api-key access_token access-token auth_token token subscription-key`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

func headers(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[http.CanonicalHeaderKey(w)] = true
	}
	return out
}

// CredentialHeader tells that a header carries a credential, in whatever case
// and with dashes or underscores. Its value must not be recorded or logged.
func CredentialHeader(name string) bool {
	name = dashed(http.CanonicalHeaderKey(name))
	switch name {
	case "Cookie", "Set-Cookie", "X-Archestra-Token", webSocketProtocol:
		return true
	}
	return credentials[name] || strings.HasSuffix(name, "-Api-Key")
}

// dashed is a canonical name as a server sees it that does not tell dash and
// underscore apart (CGI and its heirs). Most names are their own.
func dashed(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// FilterRequestHeader takes out of a client's header what no upstream may get:
// hop-by-hop headers and those that Connection names, cookies, archestra's own,
// what claims another origin, and every second spelling of a credential.
// Credentials themselves are Authorize's matter. An upgrade to a WebSocket stays.
func FilterRequestHeader(h http.Header) {
	upgrade := webSocket(h)
	trailers := false
	for _, v := range h["Te"] {
		for t := range strings.SplitSeq(v, ",") {
			trailers = trailers || strings.EqualFold(textproto.TrimString(t), "trailers")
		}
	}
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
	for name := range h {
		d := dashed(name)
		switch {
		case claims[d], strings.HasPrefix(d, "X-Forwarded-"), strings.HasPrefix(d, "X-Archestra-"):
			delete(h, name)
		case d != name && (credentials[d] || isHopByHop(d)):
			delete(h, name)
		}
	}
	if upgrade {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
	}
	if trailers {
		h.Set("Te", "trailers")
	}
}

// FilterRequestTrailer takes out of a client's trailers what no upstream may get: what
// FilterRequestHeader takes out of a header, and every credential, since none has its
// place there.
func FilterRequestTrailer(h http.Header) {
	FilterRequestHeader(h)
	for name := range h {
		if CredentialHeader(name) || isHopByHop(dashed(name)) {
			delete(h, name)
		}
	}
}

func isHopByHop(name string) bool {
	return contains(hopByHop, name) || name == "Content-Length" || name == "Host"
}

// webSocket tells that a request asks to become a WebSocket (RFC 6455 §4.1).
func webSocket(h http.Header) bool {
	for _, v := range h["Connection"] {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(textproto.TrimString(token), "upgrade") {
				return strings.EqualFold(h.Get("Upgrade"), "websocket")
			}
		}
	}
	return false
}

// WebSocket tells that a request asks for a WebSocket and is one that may: a GET
// without a body (RFC 6455 §4.1). Nothing else passes as an upgrade, whatever
// its headers say.
func WebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ContentLength == 0 && len(r.TransferEncoding) == 0 && webSocket(r.Header)
}
