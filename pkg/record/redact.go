package record

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
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
		out[name], _ = redact(name, values)
	}
	return out
}

// redact returns the values of a header field without credentials, and all that it
// left out. What is kept whole is not copied.
func redact(name string, values []string) (kept, credentials []string) {
	if secretName(name) {
		return []string{Redacted}, values
	}
	for i, v := range values {
		if !secretValue(v) {
			continue
		}
		if credentials == nil {
			values = slices.Clone(values)
		}
		values[i], credentials = Redacted, append(credentials, v)
	}
	return values, credentials
}

// readHeader copies a header as it is kept, and lists the credentials in it.
func readHeader(h http.Header) (kept Header, secrets []string) {
	kept = make(Header, 0, len(h))
	for name, values := range h {
		values, credentials := redact(name, values)
		kept = append(kept, Field{name, values})
		for _, v := range credentials {
			secrets = addSecret(secrets, v)
		}
	}
	slices.SortFunc(kept, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return kept, secrets
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

// known are the headers that most requests and responses have, as net/http spells
// them, and whether they hold a credential: they need no second look.
var known = map[string]bool{
	"Authorization": true, "Proxy-Authorization": true, "X-Api-Key": true, "Api-Key": true, "X-Goog-Api-Key": true,
	"Cookie": true, "Set-Cookie": true,
	"Accept": false, "Accept-Encoding": false, "Accept-Language": false, "Connection": false, "Content-Encoding": false, "Content-Length": false,
	"Content-Type": false, "Date": false, "Host": false, "Server": false, "Transfer-Encoding": false, "User-Agent": false, "Vary": false,
	"Anthropic-Version": false, "Anthropic-Beta": false, "Openai-Organization": false, "Openai-Processing-Ms": false, "Openai-Version": false,
	"X-Request-Id": false, "Cf-Ray": false, "Cf-Cache-Status": false, "Alt-Svc": false, "Strict-Transport-Security": false,
	"X-Stainless-Arch": false, "X-Stainless-Lang": false, "X-Stainless-Os": false, "X-Stainless-Package-Version": false, "X-Stainless-Retry-Count": false,
	"X-Stainless-Runtime": false, "X-Stainless-Runtime-Version": false, "X-Stainless-Timeout": false, "X-Stainless-Async": false,
	"X-Stainless-Read-Timeout": false, "X-Stainless-Helper-Method": false, "X-App": false, "X-Content-Type-Options": false,
	"X-Ratelimit-Limit-Requests": false, "X-Ratelimit-Remaining-Requests": false, "X-Ratelimit-Reset-Requests": false,
	"X-Ratelimit-Limit-Tokens": false, "X-Ratelimit-Remaining-Tokens": false, "X-Ratelimit-Reset-Tokens": false,
	"Anthropic-Dangerous-Direct-Browser-Access": false, "Anthropic-Organization-Id": false, "Request-Id": false, "Via": false,
}

// secretName tells whether a header or a query parameter of that name holds a
// credential. Dashes and underscores, and upper and lower case, are the same.
func secretName(name string) bool {
	if secret, ok := known[name]; ok {
		return secret
	}
	return named(name)
}

// named tells it of any name.
func named(name string) bool {
	n := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if harmless[n] {
		return false
	}
	if n == "key" || n == "sig" || n == "signature" || n == "code" {
		return true
	}
	for _, part := range [...]string{"authorization", "auth-", "-auth", "api-key", "apikey", "access-key", "-key", "token", "secret", "password", "passwd", "cookie", "credential", "x-amz-signature", "session-id-token"} {
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

// shortestKey is how much must follow a prefix for a key.
const shortestKey = 8

// keysBy are the prefixes by their first byte.
var keysBy = func() (by [256][]string) {
	for _, p := range keyPrefixes {
		by[p[0]] = append(by[p[0]], p)
	}
	return by
}()

// secretValue tells whether a value has a credential in it: one of a scheme, or what
// begins like a key and does not stand inside of a word.
func secretValue(v string) bool {
	if len(v) > 7 && strings.EqualFold(v[:7], "bearer ") || len(v) > 6 && strings.EqualFold(v[:6], "basic ") {
		return true
	}
	for i := 0; i+shortestKey < len(v); i++ {
		for _, p := range keysBy[v[i]] {
			if strings.HasPrefix(v[i:], p) && holdsKey(v[i:], p, i == 0 || !wordByte(v[i-1])) {
				return true
			}
		}
	}
	return false
}

// holdsKey tells whether v, which begins with a prefix, is a key, or is taken for one
// since it repeats the prefix.
func holdsKey(v, prefix string, begins bool) bool {
	rest := v[len(prefix):]
	return len(rest) >= shortestKey && (begins || strings.HasPrefix(rest, prefix) && len(rest) >= len(prefix)+shortestKey)
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

// addSecret adds a credential, once, to those that are taken out of the record of an answer
// which repeats them.
func addSecret(list []string, v string) []string {
	for _, scheme := range [...]string{"bearer ", "basic ", "token "} {
		if len(v) > len(scheme) && strings.EqualFold(v[:len(scheme)], scheme) {
			v = v[len(scheme):]
		}
	}
	if v = strings.TrimSpace(v); len(v) >= shortestSecret && !slices.Contains(list, v) {
		list = append(list, v)
	}
	return list
}

// namedSecrets adds the credentials in the fields of a header, or of a query.
func namedSecrets(list []string, fields map[string][]string) []string {
	for name, values := range fields {
		whole := secretName(name)
		for _, v := range values {
			if whole || secretValue(v) {
				list = addSecret(list, v)
			}
		}
	}
	return list
}

// querySecrets adds the credentials in the query of a URL.
func querySecrets(list []string, u *url.URL) []string {
	if u.RawQuery == "" {
		return list
	}
	return namedSecrets(list, u.Query())
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
