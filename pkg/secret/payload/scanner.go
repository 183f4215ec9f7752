package payload

import (
	"errors"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// Hit is a finding in a body. It never holds the value.
type Hit struct {
	secret.Finding
	// Where is the path of the string, such as messages[3].content[0].text. A
	// name in it that is long, odd, or a finding itself, is a star.
	Where string
	// Start and End are the bytes [Start, End) of the body: the found text as it
	// is spelled there, with whole escapes, inside of its string. They hide those
	// of the Finding, which are the same.
	Start, End int
	// New tells that the unit which holds it was not in the scanner's memory.
	New bool

	depth uint8 // how often the text must be unescaped to be the value
}

// ErrNotObject tells that a body is JSON, or begins so, but no object or array.
var ErrNotObject = errors.New("the body is no JSON object or array")

// Scanner finds secrets in the bodies of requests. A unit is an element of an
// array at the top of a body (a message, a tool) or any other member there; a
// unit whose very bytes were seen before is not looked at again. It is safe for
// concurrent use.
type Scanner struct {
	detector *secret.Detector
	seen     *cache
}

// New returns a Scanner whose memory of what it has seen takes about maxBytes at
// most. The memory holds hashes and places, no text.
func New(d *secret.Detector, maxBytes int) *Scanner {
	return &Scanner{detector: d, seen: newCache(maxBytes)}
}

// Scan returns what is found in a body, in its order; hits do not overlap. A body
// that is no JSON object or array is an error, and then nothing is found. Names that stand
// twice and broken UTF-8 are not looked for: [jsonscan.Check] does that.
//
// known are messages that were read in that body, or nil: where a unit is one of them
// and has its Raw, its bytes are neither walked nor hashed once more.
func (s *Scanner) Scan(body []byte, known []llm.Message) ([]Hit, error) {
	js := jsonscan.New(body)
	p := pass{Scanner: s, body: body, js: js, known: known, prev: &s.seen.root}
	switch js.Kind() {
	case jsonscan.Object:
	case jsonscan.Array:
		for i := range js.Array() {
			p.index = i
			p.value(false)
		}
		if err := js.End(); err != nil {
			return nil, err
		}
		return p.hits, nil
	default:
		if err := js.End(); err != nil {
			return nil, err
		}
		return nil, ErrNotObject
	}
	for name := range js.Object() {
		p.name, p.index = name, noIndex
		if len(name) >= longName {
			end := nameEnd(body, js.Pos())
			p.raw(nameStart(body, end), end, false)
		}
		switch kind := js.Kind(); {
		case kind == jsonscan.Array:
			for i := range js.Array() {
				p.index = i
				p.value(false)
			}
		case kind == jsonscan.String && isKept(name), kind == jsonscan.Object && isGiven(name):
		default:
			p.value(kind == jsonscan.Object && isData(name))
		}
	}
	if err := js.End(); err != nil {
		return nil, err
	}
	return p.hits, nil
}

// pass is one scan of one body.
type pass struct {
	*Scanner
	body  []byte
	js    *jsonscan.Scanner
	name  []byte // of the member at the top
	index int    // of the element, or noIndex
	known []llm.Message
	prev  *entry // of the last unit
	hits  []Hit
}

const noIndex = -1

// value reads the next value as a unit.
func (p *pass) value(data bool) {
	switch p.js.Kind() {
	case jsonscan.String, jsonscan.Object, jsonscan.Array:
	default:
		return
	}
	start := p.js.Pos()
	if m := p.knownAt(start); m != nil {
		p.js.Jump(m.Span.End)
		p.unit(start, key{m.Raw, m.Span.End - start, data})
		return
	}
	// Where a unit ends need not be searched if it is the one that came next the
	// last time: a whole value with the same bytes ends at the same place.
	if next := p.prev.next.Load(); next != nil && closes(p.body, start, start+next.size) {
		k := keyOf(p.body[start:start+next.size], data)
		if e := p.seen.find(p.prev, k); e != nil {
			p.js.Jump(start + next.size)
			p.add(e, start, false)
			return
		}
	}
	p.js.Skip()
	if p.js.Err() == nil {
		p.raw(start, p.js.Offset(), data)
	}
}

// knownAt returns the message whose very bytes begin at a place, or nil. Places come
// in the order of the body, and so do messages.
func (p *pass) knownAt(start int) *llm.Message {
	for len(p.known) > 0 && p.known[0].Span.Start < start {
		p.known = p.known[1:]
	}
	if len(p.known) == 0 || p.known[0].Span.Start != start || p.known[0].Raw == 0 {
		return nil
	}
	return &p.known[0]
}

// closes tells whether the bytes from start to end may be a whole string, object
// or array.
func closes(body []byte, start, end int) bool {
	if end > len(body) {
		return false
	}
	switch body[start] {
	case '"':
		return body[end-1] == '"'
	case '{':
		return body[end-1] == '}'
	case '[':
		return body[end-1] == ']'
	}
	return false
}

// raw looks at a whole value, if it is new.
func (p *pass) raw(start, end int, data bool) { p.unit(start, keyOf(p.body[start:end], data)) }

// unit looks at the whole value that begins at a place, if it is new.
func (p *pass) unit(start int, k key) {
	if k.size < shortest+2 {
		return
	}
	e := p.seen.find(p.prev, k)
	isNew := e == nil
	if isNew {
		e = p.seen.put(p.prev, k, p.look(p.body[start:start+k.size], k.data))
	}
	p.add(e, start, isNew)
}

// add takes over what is known of a unit.
func (p *pass) add(e *entry, start int, isNew bool) {
	p.prev = e
	if len(e.hits) == 0 {
		return
	}
	where := label(p.detector, p.name)
	if p.index != noIndex {
		where += "[" + strconv.Itoa(p.index) + "]"
	}
	for _, h := range e.hits {
		h.Where = where + h.Where
		h.Start += start
		h.End += start
		h.Finding.Start, h.Finding.End = h.Start, h.End
		h.New = isNew
		p.hits = append(p.hits, h)
	}
}

// nameEnd returns the place behind the name whose value begins at a place.
func nameEnd(body []byte, value int) int {
	for value > 0 && body[value-1] != '"' {
		value--
	}
	return value
}

// nameStart returns the place where a name begins that ends at a place: that of
// its quote, before which there is no backslash, nor an odd number of them.
func nameStart(body []byte, end int) int {
	for i := end - 2; i >= 0; i-- {
		if body[i] == '"' && backslashes(body, 0, i)%2 == 0 {
			return i
		}
	}
	return 0
}
