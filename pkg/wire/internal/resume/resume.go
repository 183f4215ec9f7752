// Package resume is what going on with a refused turn needs in every format: items
// appended to a request, the frames of a response that is at hand, and text that
// is put before other text.
package resume

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
)

// Not returns an error that says why a turn cannot be gone on with.
func Not(why string) error { return fmt.Errorf("%w: %s", wire.ErrNotContinued, why) }

// Count checks that there is a refusal for each call.
func Count(calls, refusals int) error {
	if calls != refusals || calls == 0 {
		return Not(fmt.Sprintf("%d calls are whole, and %d were refused", calls, refusals))
	}
	return nil
}

// Append returns the request with items at the end of a list, a member of it. Of a
// value that is no array wrap tells what makes it the first element of one, if
// that can be; Invalid stands for a list that is not there. The request must be
// strict JSON, and what comes out is so.
func Append(request []byte, list string, items [][]byte, wrap func(jsonscan.Kind) (before, after string, ok bool)) ([]byte, error) {
	s := jsonscan.New(request)
	if s.Kind() != jsonscan.Object {
		return nil, Not("the request is no JSON object")
	}
	added := bytes.Join(items, []byte{','})
	var edits hold.Edits
	members := hold.Members(request, s.Pos())
	at := hold.Find(members, list).Value
	kind := jsonscan.New(hold.In(request, at)).Kind()
	if kind == jsonscan.Array {
		if len(hold.Elements(request, at.Start)) > 0 {
			added = append([]byte{','}, added...)
		}
		edits.Insert(at.End-1, added)
		return Strict(edits.Apply(request))
	}
	before, after, ok := wrap(kind)
	switch {
	case !ok:
		return nil, Not("the request has no list " + list)
	case kind == jsonscan.Invalid:
		member := append(hold.Quote(list), ':', '[')
		member = append(append(member, added...), ']')
		edits.Insert(s.Pos()+1, joined(member, len(members) > 0))
	default:
		edits.Insert(at.Start, []byte("["+before))
		edits.Insert(at.End, append(append([]byte(after+","), added...), ']'))
	}
	return Strict(edits.Apply(request))
}

// joined returns a member that is put before others, if there are any.
func joined(member []byte, others bool) []byte {
	if others {
		return append(member, ',')
	}
	return member
}

// Never is the wrap of a list that is always an array.
func Never(jsonscan.Kind) (before, after string, ok bool) { return "", "", false }

// Strict returns data, or an error if it is not strict JSON.
func Strict(data []byte) ([]byte, error) {
	if err := jsonscan.Check(data); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrNotContinued, err)
	}
	return data, nil
}

// Frames cuts a stream that is at hand into its frames. A nil framer has none.
func Frames(framer sse.Framer, stream []byte) iter.Seq[sse.Frame] {
	return func(yield func(sse.Frame) bool) {
		if framer == nil {
			return
		}
		framer.Write(stream)
		framer.Close()
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			if !yield(f) {
				return
			}
		}
	}
}

// Object returns the members of an object with nothing around it but white space,
// and its offset; it is not ok if data is something else.
func Object(data []byte) (members []hold.Member, at int, ok bool) {
	s := jsonscan.New(data)
	if s.Kind() != jsonscan.Object {
		return nil, 0, false
	}
	at = s.Pos()
	s.Skip()
	if s.End() != nil {
		return nil, 0, false
	}
	return hold.Members(data, at), at, true
}

// parting stands between the texts of two attempts where clients read them as one.
const parting = `\n\n`

// Part edits the JSON string at a place of data, which goes on with a text that
// was sent. It reports whether there is any text.
func Part(edits *hold.Edits, data []byte, at llm.Span) bool {
	if !Says(hold.In(data, at)) {
		return false
	}
	edits.Insert(at.Start+1, []byte(parting))
	return true
}

// Says tells that a value is a string which is not empty.
func Says(value []byte) bool { return len(value) > len(`""`) && value[0] == '"' }

// Join returns the text of two JSON strings as one. What is no string, or empty,
// adds nothing.
func Join(first, second []byte) []byte {
	switch {
	case !Says(first):
		return second
	case !Says(second):
		return first
	}
	out := append(bytes.Clone(first[:len(first)-1]), parting...)
	return append(out, second[1:]...)
}

// List returns a JSON array of elements.
func List(elements [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(elements, []byte{','})...), ']')
}

// Put makes an edit of a member's value, or adds the member to the object at an
// offset, of which these are the members.
func Put(edits *hold.Edits, members []hold.Member, object int, name string, value []byte) {
	if at := hold.Find(members, name).Value; at.End > 0 {
		edits.Set(at, value)
		return
	}
	member := append(append(hold.Quote(name), ':'), value...)
	edits.Insert(object+1, joined(member, len(members) > 0))
}
