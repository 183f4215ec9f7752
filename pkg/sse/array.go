package sse

// NewArray returns a framer of a JSON array that grows, as Gemini's
// streamGenerateContent sends it without alt=sse. Each element is the Data of
// one frame, whose Raw begins with the bracket, comma and white space before it
// and ends with the element, so that it is given out as soon as it is whole. The
// closing bracket is a frame without Data.
//
// A body that is one value and no array, such as an error, is one frame. The
// elements are told apart by brackets and quotes; only who reads one finds out
// whether it is JSON. An element that cannot be, or
// that the stream's end cut, has Err set.
//
// A limit of zero or less is none; a longer frame comes in pieces of limit bytes
// with Err set.
func NewArray(limit int) Framer { return newFramer(&array{start: unknown}, limit) }

type array struct {
	pos      int
	start    int // of the element, or unknown
	end      int // of the element
	depth    int // within the element
	inString bool
	escaped  bool // a backslash came last
	scalar   bool // the element is a number or a word
	inside   bool // the outer bracket is open
}

func (a *array) scan(b []byte, last bool) int {
	for ; a.pos < len(b); a.pos++ {
		c := b[a.pos]
		switch {
		case a.inString:
			switch {
			case a.escaped:
				a.escaped = false
			case c == '\\':
				a.escaped = true
			case c == '"':
				a.inString = false
				if a.depth == 0 {
					return a.found(a.pos + 1)
				}
			}
		case a.scalar:
			if isSpace(c) || c == ',' || c == ']' || c == '}' || c == '[' || c == '{' || c == '"' {
				return a.found(a.pos)
			}
		case c == '"':
			a.begin()
			a.inString = true
		case c == '{', c == '[' && (a.inside || a.depth > 0):
			a.begin()
			a.depth++
		case c == '[':
			a.inside = true
		case a.depth > 0:
			if c == '}' || c == ']' {
				if a.depth--; a.depth == 0 {
					return a.found(a.pos + 1)
				}
			}
		case c == ']' && a.inside:
			a.inside = false
			a.pos++
			return a.pos
		case isSpace(c), c == ',':
		case c == ']', c == '}':
			a.begin()
			return a.found(a.pos + 1)
		default:
			a.begin()
			a.scalar = true
		}
	}
	if last {
		a.end = len(b)
		return len(b)
	}
	return -1
}

func (a *array) begin() {
	if a.start == unknown {
		a.start = a.pos
	}
}

func (a *array) found(end int) int {
	a.end = end
	return end
}

func (a *array) frame(raw []byte) Frame {
	f := Frame{Raw: raw}
	if a.start == unknown {
		return f
	}
	f.Data = raw[a.start:a.end:a.end]
	if !beginsValue(f.Data[0]) || a.inString || a.depth > 0 {
		f.Err = ErrSyntax
	}
	return f
}

func (a *array) next(int) {
	*a = array{start: unknown, inside: a.inside}
}

// alone holds for objects, which end with their brace.
func (a *array) alone(raw []byte) bool { return raw[len(raw)-1] == '}' }

func (a *array) skip() { a.next(0) }

func (a *array) drop(n int) { a.pos -= n }

func (a *array) grow() {}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func beginsValue(c byte) bool {
	switch c {
	case '{', '[', '"', '-', 't', 'f', 'n':
		return true
	}
	return c >= '0' && c <= '9'
}
