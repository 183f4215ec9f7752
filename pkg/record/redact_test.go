package record

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRedactHeader(t *testing.T) {
	h := http.Header{
		"Authorization":                    {"Bearer sk-canary-1234567890"},
		"X-Api-Key":                        {"canary"},
		"X_Goog_Api_Key":                   {"canary"},
		"Api-Key":                          {"canary"},
		"Cookie":                           {"canary"},
		"Set-Cookie":                       {"canary"},
		"X-Auth-Token":                     {"canary"},
		"Proxy-Authorization":              {"canary"},
		"X-Odd":                            {"ok", "prefix sk-canary-1234567890"},
		"X-Jwt":                            {"eyJcanary.canary.canary"},
		"Content-Type":                     {"application/json"},
		"User-Agent":                       {"openai/1.0"},
		"X-Ratelimit-Remaining-Tokens":     {"12"},
		"Anthropic-Ratelimit-Tokens-Limit": {"5"},
		"Openai-Beta":                      {"task-sk-lists"},
	}
	got := RedactHeader(h)
	for name, values := range got {
		if strings.Contains(strings.Join(values, " "), "canary") {
			t.Errorf("%s: %q", name, values)
		}
	}
	for _, name := range []string{"Content-Type", "User-Agent", "X-Ratelimit-Remaining-Tokens", "Anthropic-Ratelimit-Tokens-Limit", "Openai-Beta"} {
		if got[name][0] != h[name][0] {
			t.Errorf("%s was redacted: %q", name, got[name])
		}
	}
	if h["X-Odd"][1] != "prefix sk-canary-1234567890" || got["X-Odd"][0] != "ok" {
		t.Error("the header itself was changed, or too much of the copy")
	}
}

func TestRedactQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"alt=sse":                       "alt=sse",
		"alt=sse&key=canary":            "alt=sse&key=" + Redacted,
		"KEY=canary;b=2&&":              "KEY=" + Redacted + ";b=2&&",
		"%6bey=canary":                  "%6bey=" + Redacted,
		"q=AIzaSyCanary123456":          "q=" + Redacted,
		"sk-canary-1234567890":          Redacted,
		"pageToken=abc&max_tokens=5":    "pageToken=abc&max_tokens=5",
		"access_token=canary&a=%2F&b=+": "access_token=" + Redacted + "&a=%2F&b=+",
	} {
		if got := RedactQuery(raw); got != want {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
	}
}

func TestSecretsOfARequest(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/v1/gemini/p/models/m:generateContent?key=query-canary-key", nil)
	r.Header.Set("Authorization", "Bearer header-canary")
	r.Header.Set("X-Goog-Api-Key", "goog-canary-key")
	kept, atBegin := readHeader(r.Header)
	for _, got := range [][]string{querySecrets(atBegin, r.URL), querySecrets(namedSecrets(nil, r.Header), r.URL)} {
		slices.Sort(got)
		if want := []string{"goog-canary-key", "header-canary", "query-canary-key"}; !slices.Equal(got, want) {
			t.Errorf("%q are %q", want, got)
		}
	}
	if want := (Header{{"Authorization", []string{Redacted}}, {"X-Goog-Api-Key", []string{Redacted}}}); !reflect.DeepEqual(kept, want) {
		t.Errorf("%q is kept of the header", kept)
	}
	if path := redactPath(r); strings.Contains(path, "canary") {
		t.Error(path)
	}
}

// The known names are a shortcut, and no exception.
func TestKnownNames(t *testing.T) {
	for name, secret := range known {
		if named(name) != secret || http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s is not as it is known", name)
		}
	}
}

// searchedValue tells whether a value has a key in it, by looking for each prefix.
func searchedValue(v string) bool {
	for _, p := range keyPrefixes {
		for rest := v; ; {
			i := strings.Index(rest, p)
			if i < 0 {
				break
			}
			if (i == 0 || !wordByte(rest[i-1])) && len(rest)-i >= len(p)+shortestKey {
				return true
			}
			rest = rest[i+len(p):]
		}
	}
	return false
}

// TestSecretValue: a walk over the value finds what a search for each prefix does.
func TestSecretValue(t *testing.T) {
	pieces := append([]string{"a", "_", "-", " ", ".", "1234567", "12345678", "s", "x", "é", "bearer ", "Basic x"}, keyPrefixes...)
	found := 0
	for seed := range uint64(50_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var v string
		for range r.IntN(6) {
			v += pieces[r.IntN(len(pieces))]
		}
		low := strings.ToLower(v)
		want := searchedValue(v) || strings.HasPrefix(low, "bearer ") && len(v) > 7 || strings.HasPrefix(low, "basic ") && len(v) > 6
		if want {
			found++
		}
		if got := secretValue(v); got != want {
			t.Fatalf("%q is a secret: %t", v, got)
		}
	}
	if found < 1000 {
		t.Errorf("only %d values were secrets", found)
	}
}

func FuzzRedactQuery(f *testing.F) {
	f.Add("key", "a")
	f.Add("api%5Fkey", "b=c&d")
	f.Fuzz(func(t *testing.T, name, value string) {
		const canary = "sk-0123456789canary"
		for _, raw := range []string{name + "=" + canary, "key=" + canary + "&" + name + "=" + value, name + "=" + value + "&x=" + canary} {
			if got := RedactQuery(raw); strings.Contains(got, canary) && !strings.Contains(name+value, "canary") && !wordy(name+value) {
				t.Errorf("%q became %q", raw, got)
			}
		}
	})
}

// wordy tells that text before the canary could make it a part of a longer word,
// which no longer has a key's shape.
func wordy(s string) bool {
	return strings.ContainsAny(s, "%+") || strings.ContainsFunc(s, func(r rune) bool { return r == '_' || r > 0x7f || r < 0x20 })
}
