package cassette

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// A stream cuts a text, and a secret in it, into the pieces of its events. A piece
// of the nth secret is its number and which bytes of it the piece has; the last
// piece has the rest, and names no end:
//
//	REDACTED_SECRET_0000000000000002[0:5] … REDACTED_SECRET_0000000000000002[5:]
var numberedForm = regexp.MustCompile(`REDACTED_[A-Z]+_([0-9]{16})(?:\[([0-9]+):([0-9]*)\])?`)

// forms are how a secret may stand in a body: with JSON's escapes, and as it is.
func forms(value string) [][]byte {
	plain := []byte(value)
	escaped := jsonscan.AppendString(nil, value)
	escaped = escaped[1 : len(escaped)-1]
	if bytes.Equal(plain, escaped) {
		return [][]byte{plain}
	}
	return [][]byte{escaped, plain}
}

// withNumbers puts numbers in the place of the secrets that a response's request had.
func withNumbers(f wire.Format, contentType string, body []byte, q Request) []byte {
	if len(q.hidden) == 0 {
		return body
	}
	// The longer ones first: one path may begin another.
	order := make([]int, len(q.hidden))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(q.hidden[b].value) - len(q.hidden[a].value) })
	// Texts before bytes: a piece of one value may look like another.
	var edits []edit
	for _, t := range textsOf(f, contentType, body) {
		for _, i := range order {
			value := q.hidden[i].value
			for at := 0; ; {
				k := strings.Index(t.text[at:], value)
				if k < 0 {
					break
				}
				edits = append(edits, t.pieces(at+k, at+k+len(value), numbered(q.hidden[i].label, i+1))...)
				at += k + len(value)
			}
		}
	}
	body = apply(body, edits)
	for _, i := range order {
		for _, f := range forms(q.hidden[i].value) {
			body = bytes.ReplaceAll(body, f, []byte(numbered(q.hidden[i].label, i+1)))
		}
	}
	return body
}

// conceal puts numbers in the place of all secrets of a response: of those that
// its request had, and of those that a rule for one kind of secret finds.
func (r *Rules) conceal(f wire.Format, contentType string, body []byte, q Request) []byte {
	body = withNumbers(f, contentType, body, q)
	found := numbers{values: make([]hidden, len(q.hidden))} // those of the request have their numbers
	var edits []edit
	for _, t := range textsOf(f, contentType, body) {
		for _, s := range r.specific(t.text) {
			edits = append(edits, t.pieces(s.start, s.end, found.of(t.text[s.start:s.end], s.label))...)
		}
	}
	body = apply(body, edits)
	edits = nil
	text := string(body)
	for _, s := range r.specific(text) {
		edits = append(edits, edit{s.start, s.end, found.of(text[s.start:s.end], s.label)})
	}
	return apply(body, edits)
}

// specific finds what looks like one kind of secret. Answers are full of ids and
// signatures, which look like some secret or other.
func (r *Rules) specific(text string) []span {
	var spans []span
	for _, f := range r.detector.Scan(text) {
		if f.Rule != "generic-api-key" && !placeholder.MatchString(text[f.Start:f.End]) {
			spans = append(spans, span{f.Start, f.End, "SECRET"})
		}
	}
	return spans
}

// reveal puts the secrets of the request that is answered in the place of the
// numbers.
func reveal(body []byte, q Request) []byte {
	if len(q.hidden) == 0 || !numberedForm.Match(body) {
		return body
	}
	return numberedForm.ReplaceAllFunc(body, func(p []byte) []byte {
		m := numberedForm.FindSubmatch(p)
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n < 1 || n > len(q.hidden) {
			return p
		}
		value := q.hidden[n-1].value
		if m[2] != nil {
			from, _ := strconv.Atoi(string(m[2])) // digits
			to := len(value)
			if len(m[3]) > 0 {
				to, _ = strconv.Atoi(string(m[3]))
			}
			to = min(to, len(value))
			value = value[min(from, to):to]
		}
		return forms(value)[0]
	})
}

// together puts the pieces of a text that is whole together again, for a reader.
func together(text string) string {
	return numberedForm.ReplaceAllStringFunc(text, func(p string) string {
		whole, piece, cut := strings.Cut(p, "[")
		if cut && !strings.HasPrefix(piece, "0:") {
			return ""
		}
		return whole
	})
}

// edit replaces a range of a body.
type edit struct {
	start, end int
	with       string
}

func apply(body []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return body
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue // it overlaps with the one before
		}
		out = append(append(out, body[at:e.start]...), e.with...)
		at = e.end
	}
	return append(out, body[at:]...)
}

// spread is a text that lies in several string literals of a body: what events
// say at the same place, one after the other.
type spread struct {
	text  string
	parts []part
	grown []byte // the text while it is gathered
}

// part is a literal of a spread text.
type part struct {
	from     int // in the text
	at       int // of the literal in the body, behind its quote
	literal  []byte
	unquoted string
}

// pieces puts a number in the place of a range of the text, in each literal that
// has some of it. Where it lies in one literal alone it is no piece.
func (s *spread) pieces(start, end int, number string) []edit {
	var out []edit
	for _, p := range s.parts {
		from, to := max(start, p.from), min(end, p.from+len(p.unquoted))
		if from >= to {
			continue
		}
		with := number
		switch {
		case from == start && to == end:
		case to == end:
			with += fmt.Sprintf("[%d:]", from-start)
		default:
			with += fmt.Sprintf("[%d:%d]", from-start, to-start)
		}
		out = append(out, edit{p.at + p.raw(from-p.from), p.at + p.raw(to-p.from), with})
	}
	return out
}

// raw is where a byte of the text stands in the literal.
func (p *part) raw(offset int) int {
	if len(p.literal) == len(p.unquoted) {
		return offset
	}
	text, i := 0, 0
	for i < len(p.literal) && text < offset {
		n := 1
		if p.literal[i] == '\\' && i+1 < len(p.literal) {
			if n = 2; p.literal[i+1] == 'u' {
				n = 6
				if rest := p.literal[i:]; len(rest) >= 12 && rest[6] == '\\' && rest[7] == 'u' && len(jsonscan.AppendUnescaped(nil, rest[:12])) == 4 {
					n = 12 // a pair of surrogates
				}
			}
			n = min(n, len(p.literal)-i)
			text += len(jsonscan.AppendUnescaped(nil, p.literal[i:i+n]))
		} else {
			text++
		}
		i += n
	}
	return i
}

// textsOf are the texts of a body: the strings at each place, of all its events.
func textsOf(f wire.Format, contentType string, body []byte) []*spread {
	byPath := map[string]*spread{}
	var order []*spread
	add := func(path string, p part) {
		s := byPath[path]
		if s == nil {
			s = &spread{}
			byPath[path] = s
			order = append(order, s)
		}
		p.from = len(s.grown)
		s.grown = append(s.grown, p.unquoted...)
		s.parts = append(s.parts, p)
	}
	end := 0
	for _, m := range events(f, contentType, body, Timing{}) {
		start := end
		end = int(m.End)
		if at := bytes.IndexAny(body[start:end], "{["); at >= 0 {
			literals(jsonscan.At(body[:end], start+at), "", add)
		}
	}
	for _, s := range order {
		s.text, s.grown = string(s.grown), nil
	}
	return order
}

// literals walks the strings of a value. What is not JSON has none.
func literals(s *jsonscan.Scanner, path string, add func(string, part)) {
	switch s.Kind() {
	case jsonscan.Object:
		for name := range s.Object() {
			literals(s, path+"."+string(name), add)
		}
	case jsonscan.Array:
		for i := range s.Array() {
			literals(s, path+"["+strconv.Itoa(i), add)
		}
	case jsonscan.String:
		at := s.Pos()
		raw := s.Raw()
		if s.Err() != nil || len(raw) < 2 {
			return
		}
		literal := raw[1 : len(raw)-1]
		add(path, part{at: at + 1, literal: literal, unquoted: string(jsonscan.AppendUnescaped(nil, literal))})
	default:
		s.Skip()
	}
}
