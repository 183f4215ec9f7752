package tui

import (
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// curl writes the request as a command for a shell. The key is a variable, not
// a value; the body is what was sent, decoded.
func curl(i *llm.Interaction, body []byte, base string) string {
	var b strings.Builder
	b.WriteString("curl -N ")
	if i.Method != "POST" {
		b.WriteString("-X " + quote(i.Method) + " ")
	}
	b.WriteString(quote(address(base, i.Path)))
	key := "$" + variable(i.Provider)
	switch i.API {
	case llm.APIMessages:
		b.WriteString(" \\\n  -H \"x-api-key: " + key + "\" \\\n  -H 'anthropic-version: 2023-06-01'")
	case llm.APIGenerateContent:
		b.WriteString(" \\\n  -H \"x-goog-api-key: " + key + "\"")
	default:
		b.WriteString(" \\\n  -H \"Authorization: Bearer " + key + "\"")
	}
	if len(body) > 0 {
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  --data-binary " + quote(string(body)))
	}
	b.WriteByte('\n')
	return b.String()
}

// variable names the environment variable of a provider's key.
func variable(provider string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(provider)) + "_API_KEY"
}

// quote makes one word of s for a POSIX shell. Control characters, which the
// shell's line editor would obey when they are pasted, are left out.
func quote(s string) string { return "'" + strings.ReplaceAll(harmless(s), "'", `'\''`) + "'" }

// address is where the proxy takes a path as the client called it.
func address(base, path string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return path
	}
	return u.Scheme + "://" + u.Host + "/" + strings.TrimLeft(path, "/")
}
