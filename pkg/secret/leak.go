package secret

import (
	"encoding/binary"
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
// Text goes on at once. A URL is held back from its authority to its end, at most
// maxURL bytes; a longer one is made harmless. So its scheme may have left before
// it is known to be one: then the colon gets brackets (https[:]//…), and the point
// of a www that has left (www[.]…). The destination of a Markdown link and what
// stands in a tag of HTML are held from their beginning. It is for one goroutine,
// and one block of text.
type Leaks struct {
	o     LeakOptions
	leaks []Leak

	mode   leakMode
	held   []byte
	gone   string // what has left of the URL that is held
	last   uint64 // the last eight bytes that came before what is held, the newest lowest
	buf    []byte // reused
	open   []bool // brackets: of an image or not
	closed bool   // the last byte closed a bracket
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
	n := l.plain(text)
	if n == len(text) {
		return text
	}
	out := append(l.buf[:0], text[:n]...)
	for n < len(text) {
		out = l.byte(out, text[n])
		n++
		more := l.plain(text[n:])
		out = append(out, text[n:n+more]...)
		n += more
	}
	l.buf = out
	if string(out) == text {
		return text
	}
	return string(out)
}

// plain tells how many bytes text begins with that mean nothing here, and lets
// them pass.
func (l *Leaks) plain(text string) int {
	if l.mode != inText || len(l.held) > 0 || l.tag > 0 || l.closed || l.prev() == '<' {
		return 0
	}
	n, prev := 0, l.prev()
	for n < len(text) {
		c := text[n]
		if special[c] && (c == '[' || c == ']' || c == '<' ||
			c == ':' && (lower(prev) == 's' || lower(prev) == 'p') || c == '.' && lower(prev) == 'w' || c == '\n' && len(l.open) > 0) {
			break
		}
		prev = c
		n++
	}
	for i := max(0, n-8); i < n; i++ {
		l.pass(text[i])
	}
	return n
}

// special are the bytes at which a link, a tag or a line may begin.
var special = [256]bool{'[': true, ']': true, '<': true, ':': true, '.': true, '\n': true}

// pass notes a byte that is behind what may be held.
func (l *Leaks) pass(c byte) { l.last = l.last<<8 | uint64(c) }

// prev returns the byte before what is held.
func (l *Leaks) prev() byte { return byte(l.last) }

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
			l.pass(c)
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
		l.pass(c)
		return append(out, c)
	}
	l.held = append(l.held, c)
	for len(l.held) > 0 {
		begins, may := l.tagged(string(l.held))
		if !begins && !may {
			begins, may = l.bare(string(l.held))
			if begins { // what of it has not left stays
				kept := min(len(l.gone), len(out))
				if kept == len(l.gone) {
					l.held = append([]byte(l.gone), l.held...)
					out, l.gone = out[:len(out)-kept], ""
				}
			}
		}
		if begins {
			l.mode = inURL
			break
		}
		if may {
			break
		}
		l.pass(l.held[0])
		out = append(out, l.held[0])
		l.held = append(l.held[:0], l.held[1:]...)
	}
	return out
}

// tagged tells whether text begins a URL in a tag of HTML, or may once there is
// more of it.
func (l *Leaks) tagged(text string) (begins, may bool) {
	if l.tag == 0 {
		return false, false
	}
	low := lowered(text)
	for _, s := range [...]string{"https://", "http://"} {
		if low == s {
			l.image = l.prev() != '<'
			if !l.image {
				l.tag = 0
			}
			return true, false
		}
		may = may || strings.HasPrefix(s, low)
	}
	if !isAlnum(l.prev()) {
		if low == "www." {
			l.image = false
			return true, false
		}
		may = may || strings.HasPrefix("www.", low)
	}
	if isOneOf(l.prev(), "\"'=(") {
		if low == "//" {
			l.image = true
			return true, false
		}
		may = may || low == "/"
	}
	return false, may
}

// bare tells whether text goes on with a URL whose beginning is behind it, or may
// once there is more of it. Then that beginning is in gone.
func (l *Leaks) bare(text string) (begins, may bool) {
	if text == "." && l.behind("www") && !isAlnum(byte(l.last>>24)) {
		l.gone, l.image = l.before(len("www")), false
		return true, false
	}
	if !strings.HasPrefix("://", text) {
		return false, false
	}
	for _, s := range [...]string{"https", "http"} {
		if !l.behind(s) {
			continue
		}
		if text != "://" {
			return false, true
		}
		l.gone, l.image = l.before(len(s)), l.tag > 0
		return true, false
	}
	return false, false
}

// behind tells whether a word is before what is held.
func (l *Leaks) behind(word string) bool { return lowered(l.before(len(word))) == word }

// before returns the last n bytes before what is held, n being eight at most.
func (l *Leaks) before(n int) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], l.last)
	return string(b[len(b)-n:])
}

// marks follows brackets and tags.
func (l *Leaks) marks(c byte) {
	prev := l.prev()
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
	case l.prev() == '\\':
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
	l.pass(c)
	if len(l.gone)+len(l.held) < maxURL {
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
	l.held, l.gone = l.held[:0], ""
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
	l.held, l.gone = l.held[:0], ""
	return out
}
