package config

import (
	"strings"
	"testing"
)

// FuzzSettings gives any text to every setting: it is taken or refused, and the
// error of one that is secret does not repeat it.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"", "30d", "1d12h", "-1s", "64MiB", "5GB", "1e999", "on", "http://localhost:9000/v1?x=1#y", "https://user:pw@host", "[::1]", "a,b,,c", "*.example.com", "127.0.0.1:99999", "report", "card,iban", "\x00", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range Settings() {
			if err := s.bind(new(Config))(text); err != nil && s.Secret && len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Fatalf("%s: the error repeats the secret", s.Name)
			}
		}
		_, _ = parseDuration(text)
		if n, err := parseSize(text); err == nil && n < 0 {
			t.Fatalf("%q is a size of %d", text, n)
		}
		_ = CheckBaseURL(text)
		_ = checkHost(text)
		_ = checkOrigin(text)
	})
}
