package cassette

import (
	"bytes"
	"regexp"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// forms are how a secret may stand in a body: as it is, and with JSON's escapes.
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
func withNumbers(body []byte, q Request) []byte {
	for i, value := range q.secrets {
		label := "SECRET"
		if m := placeholder.FindStringSubmatch(value); m != nil && m[0] == value {
			label = m[1]
		}
		for _, f := range forms(value) {
			body = bytes.ReplaceAll(body, f, []byte(numbered(label, i+1)))
		}
	}
	return body
}

// conceal puts numbers in the place of all secrets of a response: of those that
// its request had, and of those that a rule for one kind of secret finds.
func (r *Rules) conceal(body []byte, q Request) []byte {
	body = withNumbers(body, q)
	found := numbers{values: make([]string, len(q.secrets))} // those of the request have their numbers
	var spans []span
	text := string(body)
	for _, f := range r.detector.Scan(text) {
		// Answers are full of ids and signatures: only what looks like one kind of
		// secret counts.
		if f.Rule != "generic-api-key" && !placeholder.MatchString(text[f.Start:f.End]) {
			spans = append(spans, span{f.Start, f.End, "SECRET"})
		}
	}
	if len(spans) == 0 {
		return body
	}
	return []byte(found.replace(text, spans))
}

var numberedForm = regexp.MustCompile(`REDACTED_[A-Z]+_([0-9]{16})`)

// reveal puts the secrets of the request that is answered in the place of the
// numbers.
func reveal(body []byte, q Request) []byte {
	if len(q.secrets) == 0 || !numberedForm.Match(body) {
		return body
	}
	return numberedForm.ReplaceAllFunc(body, func(p []byte) []byte {
		n, err := strconv.Atoi(string(p[len(p)-16:]))
		if err != nil || n < 1 || n > len(q.secrets) {
			return p
		}
		return forms(q.secrets[n-1])[0]
	})
}
