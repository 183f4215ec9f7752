package lex

import (
	"strings"
	"unicode/utf8"
)

// IdentKind says what an identifier names.
type IdentKind uint8

// The kinds of identifiers.
const (
	NoIdent IdentKind = iota
	Host              // a URL, a host or an IP address
	Email
	Account // an account number, a card, any long word of letters and digits
	Path    // a file or a folder
	Slug    // owner/name
	Handle  // @name or #channel
	Phone
)

func (k IdentKind) String() string {
	return [...]string{"", "host", "email", "account", "path", "slug", "handle", "phone"}[k&7]
}

// Strong reports whether such an identifier says by itself where an effect goes.
func (k IdentKind) Strong() bool { return k == Host || k == Email || k == Account || k == Phone }

// Ident is an identifier in a text.
type Ident struct {
	Kind       IdentKind
	Key        string // comparable: a host without www. and port, an address in lower case, an account without spaces
	Start, End uint32 // bytes of the source
	Cell       uint32
	Form       Form
}

// idents finds the identifiers of cell i.
func (d *Doc) idents(i int) {
	c := d.Cells[i]
	if c.Tokens == 0 {
		return
	}
	EachIdent(d.Text[c.Start:c.End], c.escaped, func(id Ident) {
		id.Start += c.Start
		id.End += c.Start
		id.Cell = uint32(i)
		d.Idents = append(d.Idents, id)
	})
}

// EachIdent calls f for every identifier in s, in order.
func EachIdent(s string, escaped bool, f func(Ident)) {
	for at := 0; at < len(s); {
		if breaks(s[at]) {
			at++
			continue
		}
		if escaped && s[at] == '\\' {
			at = min(at+2, len(s))
			continue
		}
		end, tells := at, false
		for end < len(s) && !breaks(s[end]) && !(escaped && s[end] == '\\') {
			tells = tells || telling[s[end]]
			end++
		}
		if tells {
			if id, n := identify(s, at, end); id.Kind != NoIdent {
				f(id)
				at = max(n, end)
				continue
			}
		}
		at = end
	}
}

func breaks(c byte) bool { return breaking[c] }

// breaking holds the bytes between which identifiers stand, telling those of which an
// identifier has one at least.
var breaking, telling = func() (breaks, tells [256]bool) {
	for _, c := range []byte(" \t\n\r\"'<>()[]{},;`|*") {
		breaks[c] = true
	}
	for c := range tells {
		tells[c] = c >= utf8.RuneSelf
	}
	for _, c := range []byte("0123456789.@/#+\\~") {
		tells[c] = true
	}
	return breaks, tells
}()

// identify reads the chunk s[at:end]; next tells where to go on where the
// identifier is longer than the chunk.
func identify(s string, at, end int) (id Ident, next int) {
	for end > at && strings.IndexByte(".:!?=", s[end-1]) >= 0 {
		end--
	}
	for at < end && s[at] == ':' {
		at++
	}
	chunk := s[at:end]
	if len(chunk) < 3 || len(chunk) > 2048 {
		return id, end
	}
	if i := strings.LastIndexByte(chunk, '='); i > 0 && !strings.Contains(chunk, "://") && !strings.Contains(chunk, "?") && i+1 < len(chunk) {
		at += i + 1 // --url=…, KEY=…
		chunk = s[at:end]
	}
	id = Ident{Start: uint32(at), End: uint32(end)}
	if !ascii(chunk) {
		f := Fold(chunk)
		if !ascii(f) {
			return Ident{}, end
		}
		chunk, id.Form = f, Normalised
	}
	id.Kind, id.Key = classify(chunk)
	if id.Kind == NoIdent {
		if n, key := grouped(s, at, end); n > end {
			id.Kind, id.Key, id.End, id.Form = Account, key, uint32(n), Split
			return id, n
		}
		return Ident{}, end
	}
	return id, end
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// IdentOf reads the whole of s as one identifier.
func IdentOf(s string) (IdentKind, string) {
	s = strings.Trim(strings.TrimSpace(s), ".:")
	if len(s) < 3 || len(s) > 2048 {
		return NoIdent, ""
	}
	if i, key := grouped(s, 0, strings.IndexAny(s+" ", " ")); i == len(s) {
		return Account, key
	}
	for i := 0; i < len(s); i++ {
		if breaks(s[i]) {
			return NoIdent, ""
		}
	}
	return classify(Fold(s))
}

func classify(chunk string) (IdentKind, string) {
	low := strings.ToLower(chunk)
	if i := strings.Index(low, "://"); i > 0 {
		if h := hostOf(low[i+3:]); h != "" {
			return Host, h
		}
		return NoIdent, ""
	}
	low = strings.TrimPrefix(low, "mailto:")
	if low == "" { // hidden characters alone, or a scheme without an address
		return NoIdent, ""
	}
	if i := strings.LastIndexByte(low, '@'); i > 0 {
		if h := low[i+1:]; strings.Contains(h, ".") && hostChars(h) {
			return Email, low
		}
		return NoIdent, ""
	}
	switch low[0] {
	case '@', '#':
		if len(low) > 2 && word(low[1:]) && !digits(low[1:]) {
			return Handle, low[1:]
		}
		return NoIdent, ""
	case '/', '~', '.':
		if len(low) > 2 && (low[0] == '/' || strings.HasPrefix(low, "~/") || strings.HasPrefix(low, "./") || strings.HasPrefix(low, "../") || dotFile(low)) {
			return Path, low
		}
		return NoIdent, ""
	case '+':
		if n := countDigits(low); n >= 8 && n <= 15 && strings.Trim(low[1:], "0123456789-.()/") == "" {
			return Phone, onlyDigits(low)
		}
	}
	if len(low) > 2 && low[1] == ':' && (low[2] == '\\' || low[2] == '/') {
		return Path, low
	}
	first, rest, slash := strings.Cut(low, "/")
	if strings.Contains(first, ".") {
		if strings.HasPrefix(first, "www.") && len(first) > 4 && hostChars(first) || hostLike(first, slash) {
			return Host, hostOf(low)
		}
	}
	if slash {
		switch {
		case strings.Contains(rest, "/") || strings.Contains(rest, "."):
			if word(first) {
				return Path, low
			}
		case word(first) && word(rest) && !digits(first) && !digits(rest) && len(first) > 1 && len(rest) > 1:
			return Slug, low
		}
		return NoIdent, ""
	}
	if i := strings.LastIndexByte(low, '.'); i > 0 && i < len(low)-1 && fileExt[low[i+1:]] && strings.Trim(low[:i], "0123456789.") != "" {
		return Path, low
	}
	if account(low) {
		return Account, strings.ReplaceAll(low, "-", "")
	}
	return NoIdent, ""
}

func dotFile(s string) bool {
	return len(s) > 3 && s[0] == '.' && strings.Trim(s[1:], "abcdefghijklmnopqrstuvwxyz_-/.") == "" && s[1] != '.'
}

// hostOf cuts the host out of what follows "://", or of a URL without scheme.
func hostOf(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '\\'); i >= 0 {
		if strings.IndexByte(s[i:], '@') >= 0 {
			// "a.test\@b.test" is a.test to a browser (https://url.spec.whatwg.org) and
			// b.test by RFC 3986: it is neither of them here, and no rule knows it.
			return s
		}
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimSuffix(s, ".")
	if rest := strings.TrimPrefix(s, "www."); rest != "" {
		s = rest
	}
	if s == "" || !hostChars(s) {
		return ""
	}
	return s
}

func hostChars(s string) bool {
	for i := 0; i < len(s); i++ {
		if _, ok := alnum(s[i]); !ok && s[i] != '.' && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

// hostLike tells of a name without scheme and without www. whether it is a host:
// its last label must be a domain of the top level that is no file extension,
// unless a path follows.
func hostLike(s string, path bool) bool {
	if i := strings.IndexByte(s, ':'); i > 0 {
		s = s[:i]
	}
	if !hostChars(s) {
		return false
	}
	if ipv4(s) {
		return true
	}
	i := strings.LastIndexByte(s, '.')
	tld := s[i+1:]
	if i <= 0 || len(tld) < 2 || digits(tld) {
		return false
	}
	if topLevel[tld] {
		return true
	}
	return len(tld) == 2 && !fileExt[tld] && (path || strings.Count(s, ".") > 1) && strings.Trim(tld, "abcdefghijklmnopqrstuvwxyz") == ""
}

func ipv4(s string) bool {
	n := 0
	for more := true; more; n++ {
		var p string
		p, s, more = strings.Cut(s, ".")
		if len(p) > 3 || !digits(p) {
			return false
		}
	}
	return n == 4
}

// account tells whether a word reads as a number that names something: ten
// letters and digits or more with at least six digits, or a long opaque key.
func account(s string) bool {
	n, letters := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			n++
		case 'a' <= c && c <= 'z':
			letters++
		case c == '-' || c == '_' || c == '+' || c == '=':
		default:
			return false
		}
	}
	if n+letters < 8 || date(s) {
		return false
	}
	if n >= 8 || n >= 4 && n+letters >= 20 {
		return true
	}
	return n >= 6 && letters >= 1 && letters <= 4 // IBAN-like: a short prefix, then digits
}

func date(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' || len(s) == 8 && digits(s) && (s[:2] == "19" || s[:2] == "20")
}

// grouped reads an account number that is written in groups: GB29 NWBK 6016 …
func grouped(s string, at, end int) (int, string) {
	if n := end - at; n < 2 || n > 4 {
		return 0, ""
	}
	groups, digitsSeen := 0, 0
	last := at
	for p := at; p < len(s) && groups < 12; groups++ {
		e := p
		for e < len(s) {
			if _, ok := alnum(s[e]); !ok {
				break
			}
			e++
		}
		n := countDigits(s[p:e])
		if e == p || e-p > 4 || n == 0 && strings.ToUpper(s[p:e]) != s[p:e] {
			break
		}
		digitsSeen += n
		last = e
		if e >= len(s) || s[e] != ' ' && s[e] != '-' {
			groups++
			break
		}
		p = e + 1
	}
	if groups < 3 || digitsSeen < 8 || last-at < 12 {
		return 0, ""
	}
	return last, strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(s[at:last]))
}

func word(s string) bool {
	for i := 0; i < len(s); i++ {
		if _, ok := alnum(s[i]); !ok && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			return false
		}
	}
	return s != ""
}

func digits(s string) bool { return s != "" && countDigits(s) == len(s) }

func countDigits(s string) (n int) {
	for i := 0; i < len(s); i++ {
		if '0' <= s[i] && s[i] <= '9' {
			n++
		}
	}
	return n
}

func onlyDigits(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if '0' <= s[i] && s[i] <= '9' {
			b = append(b, s[i])
		}
	}
	return string(b)
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// topLevel holds the domains that a name without scheme is taken for a host by.
var topLevel = set(`com org net edu gov mil int info biz io ai co app dev xyz me tv cloud online site store shop tech
	test example invalid local internal corp onion uk de fr nl it es ch at be se no dk fi pl eu us ca au nz jp cn in br mx
	ru kr za ie pt cz gr hu ro il tr sg hk tw th vn id my ph ar cl pe`)

// fileExt holds the endings that make a word a file.
var fileExt = set(`txt md rst pdf doc docx xls xlsx ppt pptx odt csv tsv json yaml yml toml xml html htm css js mjs ts tsx jsx
	go py rb rs c h cc cpp hpp java kt swift php pl sh bash zsh fish ps1 bat cmd exe dll so dylib bin zip tar gz tgz bz2 xz 7z rar
	png jpg jpeg gif svg webp bmp ico mp3 mp4 mov avi wav log lock cfg conf ini env pem key crt pub sql db sqlite ipynb tex eml ics`)

// MarshalText writes the kind's name.
func (k IdentKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
