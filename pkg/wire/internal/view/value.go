// Package view reads values of a request body together with the place where
// they stand, for the neutral view of a conversation.
package view

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// ErrNotObject tells that a body is JSON but no object.
var ErrNotObject = errors.New("the body is not a JSON object")

// Value is a JSON value and its place. The zero Value is one that is absent.
type Value struct {
	Raw   []byte
	start int
}

// Read reads the next value of s. It is absent if it breaks the grammar.
func Read(s *jsonscan.Scanner) Value {
	start := s.Pos()
	return Value{Raw: s.Raw(), start: start}
}

// Kind tells the kind of the value, Invalid if it is absent.
func (v Value) Kind() jsonscan.Kind {
	if len(v.Raw) == 0 {
		return jsonscan.Invalid
	}
	switch v.Raw[0] {
	case '"':
		return jsonscan.String
	case '{':
		return jsonscan.Object
	case '[':
		return jsonscan.Array
	case 't', 'f':
		return jsonscan.Bool
	case 'n':
		return jsonscan.Null
	}
	return jsonscan.Number
}

// Text returns the value's text if it is a string, else "".
func (v Value) Text() string {
	if v.Kind() != jsonscan.String {
		return ""
	}
	return jsonscan.Unescape(v.Raw[1 : len(v.Raw)-1])
}

// Size returns the length of a string as it is written, without its quotes.
func (v Value) Size() int {
	if v.Kind() != jsonscan.String {
		return 0
	}
	return len(v.Raw) - 2
}

// True tells that the value is true.
func (v Value) True() bool { return len(v.Raw) == 4 && v.Raw[0] == 't' }

// JSON returns a copy of the value, nil if it is absent or null.
func (v Value) JSON() json.RawMessage {
	if k := v.Kind(); k == jsonscan.Invalid || k == jsonscan.Null {
		return nil
	}
	return json.RawMessage(bytes.Clone(v.Raw))
}

// Span returns where the value stands; the zero Span if it is absent.
func (v Value) Span() llm.Span {
	if len(v.Raw) == 0 {
		return llm.Span{}
	}
	return llm.Span{Start: v.start, End: v.start + len(v.Raw)}
}

// Scan returns a scanner before the value within body.
func (v Value) Scan(body []byte) *jsonscan.Scanner {
	return jsonscan.Again(body[:v.start+len(v.Raw)], v.start)
}

// Part returns a part of that kind which holds the value's text, if it is a
// string, and its place.
func (v Value) Part(kind llm.PartKind) llm.Part {
	return llm.Part{Kind: kind, Text: v.Text(), Span: v.Span()}
}

// Append appends that part. It is a call of its own, since many callers with room for a
// part each make a deep stack, and the stack of each connection is kept.
//
//go:noinline
func (v Value) Append(parts []llm.Part, kind llm.PartKind) []llm.Part {
	return append(parts, v.Part(kind))
}

// Other returns the part for a value that is not understood.
func (v Value) Other() llm.Part {
	return llm.Part{Kind: llm.PartOther, Text: string(v.Raw), Span: v.Span()}
}

// Since returns the span from start to the end of the value that s has just read.
func Since(s *jsonscan.Scanner, body []byte, start int) llm.Span {
	end := s.Pos()
	for end > start && isSpace(body[end-1]) {
		end--
	}
	return llm.Span{Start: start, End: end}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// Data reads a URL that may be a data URL: its media type, and the size of what
// it holds. For another URL, media is "" and size 0.
func Data(url Value) (media string, size int) {
	const scheme = `"data:`
	if !bytes.HasPrefix(url.Raw, []byte(scheme)) {
		return "", 0
	}
	head, data, ok := bytes.Cut(url.Raw[len(scheme):len(url.Raw)-1], []byte(","))
	if !ok {
		return "", 0
	}
	kind, _, _ := bytes.Cut(head, []byte(";"))
	return string(bytes.ReplaceAll(kind, []byte(`\/`), []byte("/"))), len(data)
}

// End returns the error of a scan of a whole body that began with an object.
func End(s *jsonscan.Scanner, kind jsonscan.Kind) error {
	if err := s.End(); err != nil {
		return err
	}
	if kind != jsonscan.Object {
		return ErrNotObject
	}
	return nil
}
