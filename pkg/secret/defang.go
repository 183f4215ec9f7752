package secret

import (
	"html"
	"strings"
)

// url returns what is held as the one who follows the link reads it: a Markdown
// destination may be written with entities and backslashes. is tells whether it
// leads to a host at all.
func (l *Leaks) url() (url string, is bool) {
	url = l.gone + string(l.held)
	if l.mode == inDest {
		url = strings.TrimSpace(url)
		url = strings.TrimPrefix(url, "<")
		url = unescaped(html.UnescapeString(url))
		url = strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return -1 // a browser does not see them
			}
			return r
		}, url)
		return url, schemeAt(url, 0) > 0 || isOneOf(byteAt(url, 0), `/\`) && isOneOf(byteAt(url, 1), `/\`) || authority(url)
	}
	return url, true
}

// authority tells whether a URL of http lacks slashes that browsers do not need
// (https:example.com).
func authority(url string) bool {
	low := lowered(url)
	return strings.HasPrefix(low, "http:") || strings.HasPrefix(low, "https:")
}

// unescaped takes out the backslashes before Markdown's punctuation.
func unescaped(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && text[i+1] > ' ' && text[i+1] < 0x7f && !isAlnum(text[i+1]) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// defang writes a URL in a form that nothing follows, and notes the leak.
func (l *Leaks) defang(url, why string) string {
	rest := afterScheme(url)
	l.leaks = append(l.leaks, Leak{Host: shortHost(hostOf(rest)), Image: l.image, Why: why})
	switch {
	case strings.EqualFold(l.gone, "www"):
		return "[.]" + rest[len("www."):]
	case l.gone != "":
		return "[:]//" + rest
	}
	scheme := "hxxps://"
	if strings.HasPrefix(lowered(url), "http:") {
		scheme = "hxxp://"
	}
	blank := 0
	for blank < len(l.held) && l.held[blank] <= ' ' {
		blank++
	}
	before := string(l.held[:blank])
	if l.angle && l.mode == inDest {
		before += "<"
	}
	return before + scheme + rest
}

// afterScheme cuts the scheme and the slashes off a URL.
func afterScheme(url string) string {
	low := lowered(url)
	for _, s := range [...]string{"https:", "http:"} {
		if strings.HasPrefix(low, s) {
			url = url[len(s):]
			break
		}
	}
	return strings.TrimLeft(url, `/\`)
}

// shortHost keeps the last two parts of a name.
func shortHost(host string) string {
	i := strings.LastIndexByte(host, '.')
	if i > 0 {
		i = strings.LastIndexByte(host[:i], '.')
	}
	if host = host[i+1:]; len(host) > 64 {
		host = host[:64]
	}
	return host
}
