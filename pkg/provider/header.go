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
var claims = words(`
	forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip client-ip cf-connecting-ip fastly-client-ip
	x-original-url x-original-host x-original-uri x-rewrite-url x-host x-http-host-override
	x-http-method-override x-http-method x-method-override cookie cookie2 set-cookie
`)

// credentials are headers that carry one.
var credentials = words(`
	authorization proxy-authorization x-api-key api-key apikey x-apikey x-api-token x-goog-api-key
	x-goog-iam-authorization-token x-goog-iam-authority-selector x-auth-token x-auth-key x-access-token
	x-amz-security-token x-token token openai-api-key anthropic-api-key x-openai-api-key x-anthropic-api-key
	ocp-apim-subscription-key helicone-auth x-portkey-api-key cf-aig-authorization cf-access-client-secret
	cf-access-token x-xai-api-key x-cerebras-api-key x-gitlab-token private-token x-csrf-token x-authorization
	x-forwarded-authorization x-forwarded-access-token x-ms-token-aad-access-token x-litellm-api-key
`)

// queryCredentials are query parameters that carry one.
var queryCredentials = words(`key api_key api-key apikey x-api-key x-goog-api-key access_token access-token auth_token token subscription-key`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// CredentialHeader tells that a header carries a credential, in whatever case
// and with dashes or underscores. Its value must not be recorded or logged.
func CredentialHeader(name string) bool {
	name = fold(name)
	return credentials[name] || name == "cookie" || name == "set-cookie" || name == "x-archestra-token"
}

// fold is the name as a server sees it that does not tell dash and underscore
// apart (CGI and its heirs).
func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

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
		f := fold(name)
		switch {
		case claims[f], strings.HasPrefix(f, "x-forwarded-"), strings.HasPrefix(f, "x-archestra-"):
			delete(h, name)
		case strings.Contains(name, "_") && (credentials[f] || isHopByHop(f)):
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

func isHopByHop(folded string) bool {
	for _, name := range hopByHop {
		if strings.EqualFold(name, folded) {
			return true
		}
	}
	return folded == "content-length" || folded == "host"
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

// keepOwn removes the credentials that are not this upstream's provider's, and
// tells whether the client sent one that is.
func (u *Upstream) keepOwn(out *http.Request) bool {
	auth := u.Provider.Auth
	keep := map[string]bool{}
	if u.vertex == nil {
		for _, name := range append([]string{auth.Header}, auth.Also...) {
			if given(out.Header.Get(name)) {
				keep[name] = true
			}
		}
		own := len(keep) > 0 || u.queryOwn(out.URL.RawQuery)
		for _, alt := range auth.Instead {
			if v := out.Header.Get(alt.Header); !own && given(v) && alt.Accept(v) {
				keep[alt.Header] = true
			}
		}
	}
	for name := range out.Header {
		if credentials[fold(name)] && !keep[name] {
			delete(out.Header, name)
		}
	}
	return len(keep) > 0 || u.vertex == nil && u.queryOwn(out.URL.RawQuery)
}

// given tells that a header's value is more than a scheme: some clients send
// "Bearer " and an empty key.
func given(v string) bool {
	v = strings.TrimSpace(v)
	return v != "" && !strings.EqualFold(v, "Bearer")
}

// queryOwn tells that the query carries a credential of this provider.
func (u *Upstream) queryOwn(raw string) bool {
	for part := range strings.SplitSeq(raw, "&") {
		if name, value, _ := strings.Cut(part, "="); value != "" && contains(u.Provider.Auth.Query, queryName(name)) {
			return true
		}
	}
	return false
}

// filterQuery leaves out the credentials that are not this provider's.
func (u *Upstream) filterQuery(raw string) string {
	var own []string
	if u.vertex == nil {
		own = u.Provider.Auth.Query
	}
	return cutQuery(raw, func(name string) bool { return queryCredentials[name] && !contains(own, name) })
}

// RedactQuery leaves out of a query every credential, for what is recorded.
func RedactQuery(raw string) string {
	return cutQuery(raw, func(name string) bool { return queryCredentials[name] })
}
