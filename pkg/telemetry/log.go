// Package telemetry makes the logger and counts what happens. Nothing leaves
// the machine: the log goes to a writer of the caller's, and the counters are
// read over the control socket.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// The formats of the log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// redacted stands in the place of a value that is not for the log.
const redacted = "[redacted]"

// NewLogger returns a logger that writes one line a record to w, from level up,
// as FormatText or FormatJSON. Whatever the attributes hold, no control
// character of theirs reaches w, and values of attributes that are named like
// credentials are replaced.
func NewLogger(w io.Writer, level slog.Leveler, format string) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	switch format {
	case FormatText:
		return slog.New(slog.NewTextHandler(w, o)), nil
	case FormatJSON:
		return slog.New(slog.NewJSONHandler(escaper{w}, o)), nil
	}
	return nil, fmt.Errorf("log format %q: want %s or %s", format, FormatText, FormatJSON)
}

// escaper escapes what encoding/json leaves as it is and a terminal obeys.
type escaper struct{ w io.Writer }

func (e escaper) Write(p []byte) (int, error) {
	if _, err := e.w.Write(printable.EscapeJSON(make([]byte, 0, len(p)), p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// redact is the last line of defence: code that logs a credential is wrong, and
// its value still does not reach the log. Headers are never logged whole, and
// URLs lose what can hold a key.
func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindGroup && credentialName(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch v := a.Value.Any().(type) {
	case http.Header:
		return slog.String(a.Key, redacted)
	case *url.URL:
		return slog.String(a.Key, bareURL(v))
	case url.URL:
		return slog.String(a.Key, bareURL(&v))
	}
	return a
}

func bareURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}

// credentialName reports whether an attribute of that name holds a credential.
// Spelling does not matter: X-Api-Key, x_api_key and xApiKey are one.
func credentialName(name string) bool {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	switch n := b.String(); n {
	case "key", "token", "cookie", "setcookie", "authorization", "proxyauthorization", "credential", "credentials", "bearer":
		return true
	default:
		for _, suffix := range []string{"apikey", "apitoken", "accesstoken", "authtoken", "refreshtoken", "idtoken", "sessiontoken",
			"secret", "secretkey", "privatekey", "password", "passphrase", "authkey"} {
			if strings.HasSuffix(n, suffix) {
				return true
			}
		}
	}
	return false
}
