package simulate

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// bearerToken reads Authorization: Bearer.
func bearerToken(h http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// keyOf reads the credential where a provider looks for it.
func keyOf(provider string, r *http.Request) string {
	switch provider {
	case Anthropic:
		if key := r.Header.Get("X-Api-Key"); key != "" {
			return key
		}
	case Gemini:
		if key := r.Header.Get("X-Goog-Api-Key"); key != "" {
			return key
		}
		query, _ := url.ParseQuery(r.URL.RawQuery) // what can be read of it
		if key := query.Get("key"); key != "" {
			return key
		}
	}
	token, _ := bearerToken(r.Header)
	return token
}

// unauthorized checks the credential; ok tells that it is refused, and how.
func (x *exchange) unauthorized() (p problem, ok bool) {
	key := keyOf(x.t.provider, x.r)
	if x.t.provider == Vertex {
		if x.s.google.valid(key, x.s.now()) {
			return p, false
		}
		return problem{Failure: Failure{Status: http.StatusUnauthorized, Code: "ACCESS_TOKEN_EXPIRED"}}, true
	}
	want := x.s.o.Keys[x.t.provider]
	if want == "" || subtle.ConstantTimeCompare([]byte(key), []byte(want)) == 1 {
		return p, false
	}
	p = problem{Failure: Failure{Status: http.StatusUnauthorized}, key: key, missingKey: key == ""}
	switch {
	case x.t.provider == Gemini && key == "":
		p.Status = http.StatusForbidden
	case x.t.provider == Gemini:
		p.Failure = Failure{Status: http.StatusBadRequest, Code: "API_KEY_INVALID", Message: "API key not valid. Please pass a valid API key."}
	case x.t.provider == XAI && key != "":
		p.Failure = Failure{Status: http.StatusBadRequest, Message: "Incorrect API key provided: " + masked(key) + ". You can obtain an API key from https://console.x.ai."}
	}
	return p, true
}
