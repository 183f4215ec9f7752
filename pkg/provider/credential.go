package provider

import (
	"net/http"
	"net/textproto"
	"strings"
)

// keepOwn removes the credentials that are not this upstream's provider's, and
// tells whether the client sent one that is.
func (u *Upstream) keepOwn(out *http.Request) bool {
	auth := &u.Provider.Auth
	var keep []string
	own := false
	if u.vertex == nil {
		own = u.queryOwn(out.URL.RawQuery) || protocolOwn(out.Header, auth.Protocol)
		main := given(out.Header.Get(auth.Header))
		if main {
			keep = append(keep, auth.Header)
		}
		for _, name := range auth.Also {
			if v := out.Header.Get(name); given(v) && !(main && u.Provider.foreign(v)) {
				keep = append(keep, name)
			}
		}
		own = own || len(keep) > 0
		for _, alt := range auth.Instead {
			if v := out.Header.Get(alt.Header); !own && given(v) && alt.Accept(v) {
				keep, own = append(keep, alt.Header), true
			}
		}
	}
	for name := range out.Header {
		if credentials[dashed(name)] && !contains(keep, name) {
			delete(out.Header, name)
		}
	}
	cutProtocols(out.Header, auth.Protocol)
	return own
}

// foreign tells that a credential has the form of another provider's.
func (p *Provider) foreign(value string) bool {
	if scheme, rest, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
		value = strings.TrimSpace(rest)
	}
	longest, owner := 0, p
	for _, other := range providers {
		for _, prefix := range other.Auth.Prefixes {
			if len(prefix) > longest && strings.HasPrefix(value, prefix) {
				longest, owner = len(prefix), other
			}
		}
	}
	return owner != p
}

// notRecorded stands in a record where a credential stood. A request that is sent
// again as it was recorded has it, and no credential.
const notRecorded = "[redacted]"

// given tells that a header's value is more than a scheme: some clients send
// "Bearer " and an empty key.
func given(v string) bool {
	v = strings.TrimSpace(v)
	return v != "" && v != notRecorded && !strings.EqualFold(v, "Bearer")
}

// queryOwn tells that the query carries a credential of this provider.
func (u *Upstream) queryOwn(raw string) bool {
	for part := range strings.SplitSeq(raw, "&") {
		if name, value, _ := strings.Cut(part, "="); value != "" && unescape(value) != notRecorded && contains(u.Provider.Auth.Query, queryName(name)) {
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
	return cutQuery(raw, func(name, value string) bool {
		return queryCredentials[name] && (!contains(own, name) || unescape(value) == notRecorded)
	})
}

// protocolOwn tells that a subprotocol carries a credential of this provider.
func protocolOwn(h http.Header, prefix string) bool {
	if prefix == "" {
		return false
	}
	for _, v := range h[webSocketProtocol] {
		for p := range strings.SplitSeq(v, ",") {
			if strings.HasPrefix(textproto.TrimString(p), prefix) {
				return true
			}
		}
	}
	return false
}

// cutProtocols removes the subprotocols that carry another provider's credential.
func cutProtocols(h http.Header, own string) {
	var kept []string
	cut := false
	for _, v := range h[webSocketProtocol] {
		for p := range strings.SplitSeq(v, ",") {
			p = textproto.TrimString(p)
			if other := protocolOwner(p); other != "" && other != own {
				cut = true
				continue
			}
			kept = append(kept, p)
		}
	}
	if !cut {
		return
	}
	h.Del(webSocketProtocol)
	if len(kept) > 0 {
		h.Set(webSocketProtocol, strings.Join(kept, ", "))
	}
}

func protocolOwner(p string) string {
	for _, other := range providers {
		if prefix := other.Auth.Protocol; prefix != "" && strings.HasPrefix(p, prefix) {
			return prefix
		}
	}
	return ""
}
