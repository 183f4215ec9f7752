package secret

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// How much a link to a host that nobody named may carry.
const (
	linkTail, imageTail   = 256, 96 // bytes behind the host
	linkPiece, imagePiece = 24, 16  // bytes that look random
	linkValue, imageValue = 64, 12  // bytes of one value of the query
	linkSlug, imageSlug   = 120, 64 // bytes of words with hyphens
	hostData              = 40      // bytes of a host below its last two parts
)

// judge tells why a URL is a leak, or "".
func (l *Leaks) judge(link string) string {
	rest := afterScheme(link)
	host := hostOf(rest)
	if rest == "" || named(l.o.Hosts, host) || l.o.Seen != nil && l.o.Seen(link) {
		return ""
	}
	if l.o.Session != nil && carries(l.o.Session, rest) {
		return "carries a value that was redacted"
	}
	tail, piece, value, slug := linkTail, linkPiece, linkValue, linkSlug
	if l.image {
		tail, piece, value, slug = imageTail, imagePiece, imageValue, imageSlug
	}
	if below := len(host) - len(shortHost(host)); below > hostData {
		return "carries data in its host's name"
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, shortHost(host)), ".") {
		if random(label, piece, slug) {
			return "carries data in its host's name"
		}
	}
	path := rest
	if i := strings.Index(lowered(path), host); i == 0 && host != "" {
		path = path[len(host):]
	}
	if len(path) > tail {
		return "carries much data"
	}
	if _, query, ok := strings.Cut(path, "?"); ok {
		for pair := range strings.SplitSeq(query, "&") {
			_, v, named := strings.Cut(pair, "=")
			if !named {
				v = pair
			}
			if len(v) >= value {
				return "carries data in its query"
			}
		}
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		decoded = path
	}
	for part := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return strings.ContainsRune("/\\?&=#,;:@!$'()*", r) }) {
		if random(part, piece, slug) {
			return "carries what looks like data"
		}
	}
	return ""
}

// carries tells whether a value of the session is in a link, as it is, percent-
// encoded or in base64.
func carries(s *Session, rest string) bool {
	decoded, err := url.PathUnescape(rest)
	if err != nil {
		decoded = rest
	}
	if s.holds(rest) || s.holds(decoded) || s.holds(strings.ReplaceAll(decoded, "+", " ")) {
		return true
	}
	for part := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return strings.ContainsRune("/?&#,;:@.", r) }) {
		if i := strings.IndexByte(strings.TrimRight(part, "="), '='); i >= 0 {
			part = part[i+1:]
		}
		part = strings.TrimRight(part, "=")
		for _, enc := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if raw, err := enc.DecodeString(part); err == nil && s.holds(string(raw)) {
				return true
			}
		}
	}
	return false
}

// random tells whether a part of a link looks like data, and not like words: at
// least least bytes of letters and digits mixed, or of both cases, or very many
// words.
func random(part string, least, slug int) bool {
	if len(part) < least {
		return false
	}
	if words(part) {
		return len(part) > slug
	}
	digits, lowers, uppers, turns := 0, 0, 0, 0
	for i := range len(part) {
		switch c := part[i]; {
		case isDigit(c):
			digits++
		case c >= 'a' && c <= 'z':
			lowers++
		case c >= 'A' && c <= 'Z':
			uppers++
			if i > 0 && part[i-1] >= 'a' && part[i-1] <= 'z' {
				turns++
			}
		}
	}
	switch {
	case digits == len(part):
		return true
	case digits > 1 && lowers+uppers > 1:
		return entropy(part) >= 3
	case turns >= 4:
		return true
	}
	return entropy(part) >= 4
}

// words tells whether a part is made of words and numbers of a usual length,
// apart by hyphens, points and the like.
func words(part string) bool {
	for w := range strings.FieldsFuncSeq(part, func(r rune) bool { return strings.ContainsRune("-_.+~ %", r) }) {
		letters, digits, uppers := 0, 0, 0
		for i := range len(w) {
			switch c := w[i]; {
			case isDigit(c):
				digits++
			case isLetter(c) || c >= 0x80:
				letters++
				if c >= 'A' && c <= 'Z' && i > 0 {
					uppers++
				}
			default:
				return false
			}
		}
		if letters > 0 && digits > 0 && len(w) > 4 || digits > 8 || letters > 24 || uppers > 0 && uppers < letters-1 && uppers > 2 {
			return false
		}
	}
	return true
}
