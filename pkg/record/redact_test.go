package record

import (
	"net/http"
	"net/http/httptest"
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
	got := strings.Join(secrets(r), " ")
	for _, want := range []string{"query-canary-key", "header-canary", "goog-canary-key"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among %q", want, got)
		}
	}
	if path := redactPath(r); strings.Contains(path, "canary") {
		t.Error(path)
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
