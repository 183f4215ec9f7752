package provider

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzURL: whatever the client's path and query, the request leaves for the
// provider's own host, without another provider's credential in its query, and
// every parameter that stays is as the client wrote it.
func FuzzURL(f *testing.F) {
	for _, s := range [][2]string{
		{"/chat/completions", "a=b;c&x=%2F"}, {"/v1/models", "key=secret"}, {"/v1beta/models/m:generateContent", "alt=sse&key=AIza"}, {"/", "%6bey=1&KEY=2"},
		{"//evil.test/x", ""}, {"/%2e%2e/x", "?"}, {"/a%zz", "%zz=1&=&&"}, {"/@evil.test", "api_key=1&access_token=2"},
	} {
		f.Add(s[0], s[1])
	}
	set, err := Prepare(load(f, map[string]string{"ARCHESTRA_OLLAMA_BASE_URL": "http://localhost:11434", "ARCHESTRA_VLLM_BASE_URL": "http://gpu.test:8000/v1"}))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(set.Close)
	f.Fuzz(func(t *testing.T, rest, query string) {
		if !strings.HasPrefix(rest, "/") {
			t.Skip() // Resolve gives none
		}
		for _, p := range All() {
			u, err := set.Get(p)
			if err != nil {
				continue
			}
			got := u.URL(rest, query)
			if got.Host != u.base.Host || got.Scheme != u.base.Scheme || got.User != nil {
				t.Fatalf("%s: %q leaves for %s", p.Name, rest, got)
			}
			have := map[string]bool{}
			for _, part := range strings.Split(query, "&") {
				have[part] = true
			}
			for _, part := range strings.Split(got.RawQuery, "&") {
				name, _, _ := strings.Cut(part, "=")
				if got.RawQuery != "" && !have[part] {
					t.Fatalf("%s: %q was not in %q", p.Name, part, query)
				}
				if plain, err := url.QueryUnescape(name); err == nil {
					if plain = strings.ToLower(plain); queryCredentials[plain] && !contains(p.Auth.Query, plain) {
						t.Fatalf("%s: %q is another provider's credential", p.Name, part)
					}
				}
			}
		}
	})
}
