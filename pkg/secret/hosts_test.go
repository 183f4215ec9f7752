package secret

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzHosts: the host of a URL that stands in a text is learned, and it is the host
// that a client would call.
func FuzzHosts(f *testing.F) {
	for _, s := range []string{
		"see https://example.com/x", "example.com, www.example.org.", "http://user@evil.test\\@good.test/", "https://[::1]:80/", "https://a.test:443?x#y", "HTTPS://EXAMPLE.COM", "ftp://x", "://", "a.b.c.d.e", "https://ex\u00e4mple.de/", "http://1.2.3.4",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := new(Hosts)
		h.Learn(text)
		if len(h.names) > maxHosts {
			t.Fatal("more names than the bound")
		}
		// A plain URL alone, of which nobody can disagree.
		rest, ok := strings.CutPrefix(text, "https://")
		if !ok || rest == "" || strings.Trim(strings.ToLower(rest), "abcdefghijklmnopqrstuvwxyz0123456789-./") != "" || strings.HasPrefix(rest, "/") {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			return
		}
		if host := strings.ToLower(u.Hostname()); host != "www." && !h.Has(host) && strings.Trim(host, ".") == host {
			t.Fatalf("%q does not name %q: %v", text, host, h.names)
		}
	})
}

// FuzzEnvironment: what is taken for a secret of the environment is a value of it.
func FuzzEnvironment(f *testing.F) {
	for _, s := range []string{"OPENAI_API_KEY=sk-0123456789abcdef0123", "PATH=/usr/bin", "TOKEN=", "=x", "A", "SECRET_FILE=/etc/x", "DATABASE_URL=postgres://u:hunter2hunter2@h/db", "GH_TOKEN=\u00e4\u00e4\u00e4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pair string) {
		for _, k := range FromEnvironment([]string{pair}) {
			if k.Value == "" || !strings.Contains(pair, k.Value) {
				t.Fatalf("%+v of %q", k, pair)
			}
		}
	})
}
