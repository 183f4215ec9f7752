package secret

import (
	"html"
	"strings"
)

// Leak is a link in an answer that was made harmless.
type Leak struct {
	Host  string // without the parts below the last two, which can be data
	Image bool   // fetched without anybody's click
	Why   string
}

// LeakOptions say what is no leak.
type LeakOptions struct {
	// Hosts are those that the user or the system prompt named.
	Hosts Named
	// Session holds values that must not be in a link. It may be nil.
	Session *Session
	// Seen tells whether a URL stood in the request as it is: then it carries
	// nothing that its author did not know. It may be nil.
	Seen func(url string) bool
}

// Leaks reads a stream of answer text and takes the teeth out of links that
// carry data to hosts that nobody named (hxxps://…), before a screen can follow
// them. Images are judged more strictly than links: they are fetched unasked.
//
// Text goes on at once. A URL is held back to its end, at most maxURL bytes; a
// longer one is made harmless. It is for one goroutine, and one block of text.
type Leaks struct {
	o     LeakOptions
	leaks []Leak

	mode   leakMode
	held   []byte
	prev   byte   // the byte before
	open   []bool // brackets: of an image or not
	closed bool   // prev closed a bracket
	image  bool   // the bracket that was closed last, or the URL that is held, is an image's
	tag    int    // bytes since a tag of HTML began, 0 outside of one
	angle  bool   // the destination stands between < and >
	parens int    // open parentheses in a destination
	// definition tells that the destination is that of a definition ([name]: url),
	// which may begin on the next line, and which images can use.
	definition bool
}

type leakMode byte

const (
	inText  leakMode = iota
	inURL            // held is a URL
	inDest           // held is the destination of a Markdown link
	skipURL          // the rest of a URL that was too long
)

// maxURL is how much of a URL is held back.
const maxURL = 2 << 10

const maxBrackets = 32

// NewLeaks returns a filter for one stream.
func NewLeaks(o LeakOptions) *Leaks { return &Leaks{o: o} }

// Found returns the links that were made harmless so far.
func (l *Leaks) Found() []Leak { return l.leaks }

// Held returns how many bytes are held back.
func (l *Leaks) Held() int { return len(l.held) }

// Write takes the next piece of the stream and returns what can go on.
func (l *Leaks) Write(text string) string {
	out := make([]byte, 0, len(l.held)+len(text)+8)
	for i := range len(text) {
		out = l.byte(out, text[i])
	}
	return string(out)
}

// Flush tells that the stream is over, and returns what was held back.
func (l *Leaks) Flush() string {
	out := l.settle(nil)
	l.mode = inText
	return string(out)
}

func (l *Leaks) byte(out []byte, c byte) []byte {
	switch l.mode {
	case inURL:
		if !endsURL(c) && !(c == ')' && l.count('(') <= l.count(')')) && !(c == ']' && l.count('[') <= l.count(']')) {
			return l.hold(out, c)
		}
		out = l.settle(out)
	case inDest:
		if done := l.endsDest(c); !done {
			return l.hold(out, c)
		}
		out = l.settle(out)
	case skipURL:
		if !endsURL(c) {
			l.prev = c
			return append(out, c)
		}
		l.mode = inText
	}
	return l.text(out, c)
}

// text takes a byte of ordinary text.
func (l *Leaks) text(out []byte, c byte) []byte {
	l.marks(c)
	if l.mode == inDest {
		// The parenthesis, or the colon, goes on; what follows is held.
		out = append(out, l.held...)
		l.held = l.held[:0]
		l.prev = c
		return append(out, c)
	}
	l.held = append(l.held, c)
	for len(l.held) > 0 {
		full, part := l.scheme(string(l.held))
		if full {
			l.mode = inURL
			break
		}
		if part {
			break
		}
		l.prev = l.held[0]
		out = append(out, l.held[0])
		l.held = append(l.held[:0], l.held[1:]...)
	}
	return out
}

// scheme tells whether text begins a URL, or may once there is more of it.
func (l *Leaks) scheme(text string) (full, part bool) {
	word := isAlnum(l.prev)
	low := lowered(text)
	for _, s := range [...]string{"https://", "http://"} {
		if len(low) >= len(s) && low[:len(s)] == s {
			l.image = l.tag > 0 && l.prev != '<'
			if l.prev == '<' {
				l.tag = 0
			}
			return true, false
		}
		part = part || strings.HasPrefix(s, low)
	}
	if !word {
		if strings.HasPrefix(low, "www.") {
			l.image = false
			return true, false
		}
		part = part || strings.HasPrefix("www.", low)
	}
	if l.tag > 0 && isOneOf(l.prev, "\"'=(") {
		if low == "//" {
			l.image = true
			return true, false
		}
		part = part || low == "/"
	}
	return false, part
}

// marks follows brackets and tags.
func (l *Leaks) marks(c byte) {
	prev := l.prev
	if n := len(l.held); n > 0 {
		prev = l.held[n-1]
	}
	closed := l.closed
	l.closed = false
	if l.tag > 0 {
		if l.tag++; c == '>' || l.tag > maxURL {
			l.tag = 0
		}
	} else if prev == '<' && (isLetter(c) || c == '/') {
		l.tag = 1
	}
	switch c {
	case '[':
		if len(l.open) < maxBrackets {
			l.open = append(l.open, prev == '!')
		}
	case ']':
		l.image = true // a bracket that nobody opened: no chance is given
		if n := len(l.open); n > 0 {
			l.image = l.open[n-1]
			l.open = l.open[:n-1]
		}
		l.closed = true
	case '(':
		if closed {
			l.mode, l.angle, l.parens, l.definition = inDest, false, 0, false
		}
	case ':':
		if closed {
			l.mode, l.angle, l.parens, l.definition, l.image = inDest, false, 0, true, true
		}
	case '\n':
		l.open = l.open[:0]
	}
}

// endsDest tells whether a byte ends the destination that is held.
func (l *Leaks) endsDest(c byte) bool {
	blank := len(l.held) == 0 || l.held[len(l.held)-1] <= ' ' && len(strings.TrimSpace(string(l.held))) == 0
	if blank && c == '<' {
		l.angle = true
		return false
	}
	switch {
	case c == '\n':
		return !blank || !l.definition || l.count('\n') > 0
	case l.angle:
		return c == '>'
	case c <= ' ':
		return !blank
	case l.prev == '\\':
		return false
	case c == '(':
		l.parens++
	case c == ')':
		l.parens--
		return l.parens < 0
	}
	return false
}

// count returns how often a byte is in what is held.
func (l *Leaks) count(c byte) (n int) {
	for _, h := range l.held {
		if h == c {
			n++
		}
	}
	return n
}

func endsURL(c byte) bool {
	return c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '`'
}

func (l *Leaks) hold(out []byte, c byte) []byte {
	l.held = append(l.held, c)
	l.prev = c
	if len(l.held) < maxURL {
		return out
	}
	if l.mode == inDest && strings.TrimSpace(string(l.held)) == "" {
		out = append(out, l.held...)
		l.held = l.held[:0]
		return out
	}
	if url, is := l.url(); is {
		out = append(out, l.defang(url, "too long to be held")...)
	} else {
		out = append(out, l.held...)
	}
	l.held = l.held[:0]
	l.mode = skipURL
	return out
}

// settle judges what is held, and lets it go.
func (l *Leaks) settle(out []byte) []byte {
	if l.mode == inURL || l.mode == inDest {
		if url, is := l.url(); is {
			if why := l.judge(url); why != "" {
				out = append(out, l.defang(url, why)...)
				l.held = l.held[:0]
			}
		}
		l.mode = inText
	}
	out = append(out, l.held...)
	l.held = l.held[:0]
	return out
}

// url returns what is held as the one who follows the link reads it: a Markdown
// destination may be written with entities and backslashes. is tells whether it
// leads to a host at all.
func (l *Leaks) url() (url string, is bool) {
	url = string(l.held)
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
