package record

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// Redacted stands where a credential stood.
const Redacted = "[redacted]"

// RedactHeader copies a header without what could be a credential: values of
// headers that are known to hold one or whose name says so, and values that look
// like a key whatever their header is called.
func RedactHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if secretName(name) {
			out[name] = []string{Redacted}
			continue
		}
		kept := values
		for i, v := range values {
			if secretValue(v) {
				if &kept[0] == &values[0] {
					kept = append([]string(nil), values...)
				}
				kept[i] = Redacted
			}
		}
		out[name] = kept
	}
	return out
}

// harmless are names that only sound like a credential's.
var harmless = map[string]bool{
	"x-ratelimit-limit-tokens": true, "x-ratelimit-remaining-tokens": true, "x-ratelimit-reset-tokens": true,
	"anthropic-ratelimit-tokens-limit": true, "anthropic-ratelimit-tokens-remaining": true, "anthropic-ratelimit-tokens-reset": true,
	"anthropic-ratelimit-input-tokens-limit": true, "anthropic-ratelimit-input-tokens-remaining": true, "anthropic-ratelimit-input-tokens-reset": true,
	"anthropic-ratelimit-output-tokens-limit": true, "anthropic-ratelimit-output-tokens-remaining": true, "anthropic-ratelimit-output-tokens-reset": true,
	"idempotency-key": true, "max-tokens": true, "maxtokens": true, "pagetoken": true, "authority": true,
	"sec-websocket-key": true,
}

// ordinary are the headers that nearly every request and response has, as net/http
// spells them: they need no second look.
var ordinary = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Connection": true, "Content-Encoding": true, "Content-Length": true,
	"Content-Type": true, "Date": true, "Host": true, "Server": true, "Transfer-Encoding": true, "User-Agent": true, "Vary": true,
	"Anthropic-Version": true, "Anthropic-Beta": true, "Openai-Organization": true, "Openai-Processing-Ms": true, "Openai-Version": true,
	"X-Request-Id": true, "Cf-Ray": true, "Cf-Cache-Status": true, "Alt-Svc": true, "Strict-Transport-Security": true,
	"X-Stainless-Arch": true, "X-Stainless-Lang": true, "X-Stainless-Os": true, "X-Stainless-Package-Version": true, "X-Stainless-Retry-Count": true,
	"X-Stainless-Runtime": true, "X-Stainless-Runtime-Version": true, "X-Stainless-Timeout": true,
}

// secretName tells whether a header or a query parameter of that name holds a
// credential. Dashes and underscores, and upper and lower case, are the same.
func secretName(name string) bool {
	if ordinary[name] {
		return false
	}
	n := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if harmless[n] {
		return false
	}
	if n == "key" || n == "sig" || n == "signature" || n == "code" {
		return true
	}
	for _, part := range []string{"authorization", "auth-", "-auth", "api-key", "apikey", "access-key", "-key", "token", "secret", "password", "passwd", "cookie", "credential", "x-amz-signature", "session-id-token"} {
		if strings.Contains(n, part) {
			return true
		}
	}
	return false
}

// keyPrefixes begin the keys of the providers and of what is often found beside
// them: OpenAI and Anthropic (sk-), Google (AIza, ya29.), xAI, Cerebras, Groq,
// Hugging Face, GitHub, Slack, AWS, and JSON web tokens.
var keyPrefixes = []string{"sk-", "AIza", "ya29.", "xai-", "csk-", "gsk_", "hf_", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "AKIA", "eyJ"}

func secretValue(v string) bool {
	low := v
	if len(v) > 7 && strings.EqualFold(v[:7], "bearer ") || len(v) > 6 && strings.EqualFold(v[:6], "basic ") {
		return true
	}
	for _, p := range keyPrefixes {
		for rest := low; ; {
			i := strings.Index(rest, p)
			if i < 0 {
				break
			}
			if (i == 0 || !wordByte(rest[i-1])) && len(rest)-i >= len(p)+8 {
				return true
			}
			rest = rest[i+len(p):]
		}
	}
	return false
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// redactPath returns the path and query of a request without credentials. The
// rest stays as it was written.
func redactPath(req *http.Request) string {
	path := req.URL.EscapedPath()
	if hasSecretSegment(path) {
		parts := strings.Split(path, "/")
		for i, p := range parts {
			if secretValue(unescaped(p)) {
				parts[i] = Redacted
			}
		}
		path = strings.Join(parts, "/")
	}
	if req.URL.RawQuery == "" {
		return path
	}
	return path + "?" + RedactQuery(req.URL.RawQuery)
}

func hasSecretSegment(path string) bool { return secretValue(unescaped(path)) }

// RedactQuery returns a raw query without credentials, its other bytes untouched.
func RedactQuery(raw string) string {
	var out strings.Builder
	for rest := raw; rest != ""; {
		end := strings.IndexAny(rest, "&;")
		if end < 0 {
			end = len(rest)
		}
		pair := rest[:end]
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case ok && (secretName(unescaped(name)) || secretValue(unescaped(value))):
			out.WriteString(name + "=" + Redacted)
		case !ok && secretValue(unescaped(pair)):
			out.WriteString(Redacted)
		default:
			out.WriteString(pair)
		}
		if end < len(rest) {
			out.WriteByte(rest[end])
			end++
		}
		rest = rest[end:]
	}
	return out.String()
}

func unescaped(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// shortestSecret is the length below which a value is a word and not a key: it
// would be cut out of answers that happen to hold it.
const shortestSecret = 12

// secrets lists the credentials that a request carries, so that they can be
// taken out of the record of an answer which repeats them.
func secrets(req *http.Request) []string {
	var out []string
	add := func(v string) {
		for _, scheme := range []string{"bearer ", "basic ", "token "} {
			if len(v) > len(scheme) && strings.EqualFold(v[:len(scheme)], scheme) {
				v = v[len(scheme):]
			}
		}
		if v = strings.TrimSpace(v); len(v) >= shortestSecret {
			out = append(out, v)
		}
	}
	for name, values := range req.Header {
		for _, v := range values {
			if secretName(name) || secretValue(v) {
				add(v)
			}
		}
	}
	if req.URL.RawQuery != "" {
		for name, values := range req.URL.Query() {
			for _, v := range values {
				if secretName(name) || secretValue(v) {
					add(v)
				}
			}
		}
	}
	return out
}

// scrub replaces every occurrence of a secret in b. It returns b itself where
// there is none.
func scrub(b []byte, secrets []string) []byte {
	for _, s := range secrets {
		if bytes.Contains(b, []byte(s)) {
			b = bytes.ReplaceAll(b, []byte(s), []byte(Redacted))
		}
	}
	return b
}

func scrubText(s string, secrets []string) string {
	for _, secret := range secrets {
		if strings.Contains(s, secret) {
			s = strings.ReplaceAll(s, secret, Redacted)
		}
	}
	return s
}
