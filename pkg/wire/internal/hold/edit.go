package hold

import (
	"bytes"
	"slices"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Edits are changes to a text by offsets.
type Edits []edit

type edit struct {
	start, end int
	text       []byte
}

// Set puts text in the place of a span.
func (e *Edits) Set(at llm.Span, text []byte) { *e = append(*e, edit{at.Start, at.End, text}) }

// Insert puts text before an offset.
func (e *Edits) Insert(at int, text []byte) { *e = append(*e, edit{at, at, text}) }

// Cut takes the items of a list out that remove tells, and the commas that go
// with them.
func (e *Edits) Cut(items []llm.Span, remove func(int) bool) (left int) {
	for i, it := range items {
		switch {
		case !remove(i):
			left++
		case left > 0:
			e.Set(llm.Span{Start: items[i-1].End, End: it.End}, nil)
		case i+1 < len(items):
			e.Set(llm.Span{Start: it.Start, End: items[i+1].Start}, nil)
		default:
			e.Set(it, nil)
		}
	}
	return left
}

// Apply returns data with the edits. An edit within another one is void: a value
// that goes takes what was to be changed in it along.
func (e Edits) Apply(data []byte) []byte {
	if len(e) == 0 {
		return data
	}
	slices.SortStableFunc(e, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		if insertA, insertB := a.start == a.end, b.start == b.end; insertA != insertB {
			if insertA {
				return -1
			}
			return 1
		}
		return b.end - a.end
	})
	out := make([]byte, 0, len(data)+64)
	at := 0
	for _, x := range e {
		if x.start < at {
			continue
		}
		out = append(append(out, data[at:x.start]...), x.text...)
		at = x.end
	}
	return append(out, data[at:]...)
}

// Member is a member of an object.
type Member struct {
	Name  string
	Span  llm.Span // from its name to the end of its value
	Value llm.Span
}

// Members lists the members of the object at an offset of data.
func Members(data []byte, at int) (out []Member) {
	s := jsonscan.At(data, at)
	from := at + 1
	for key := range s.Object() {
		m := Member{Name: string(key), Value: Value(data, s)}
		for from < len(data) && data[from] != '"' { // white space and a comma
			from++
		}
		m.Span = llm.Span{Start: from, End: m.Value.End}
		from = m.Value.End
		out = append(out, m)
	}
	if s.Err() != nil {
		return nil
	}
	return out
}

// Find returns the member of a name; its spans are zero if there is none.
func Find(members []Member, name string) Member {
	for _, m := range members {
		if m.Name == name {
			return m
		}
	}
	return Member{}
}

// Spans returns the members' own spans.
func Spans(members []Member) []llm.Span {
	out := make([]llm.Span, len(members))
	for i, m := range members {
		out[i] = m.Span
	}
	return out
}

// Elements lists the elements of the array at an offset of data.
func Elements(data []byte, at int) (out []llm.Span) {
	s := jsonscan.At(data, at)
	if s.Kind() != jsonscan.Array {
		return nil
	}
	for range s.Array() {
		out = append(out, Value(data, s))
	}
	if s.Err() != nil {
		return nil
	}
	return out
}

// Value reads the next value of s, a scanner of data, and returns its place.
func Value(data []byte, s *jsonscan.Scanner) llm.Span {
	start := s.Pos()
	return llm.Span{Start: start, End: start + len(s.Raw())}
}

// In returns the bytes of a span.
func In(data []byte, at llm.Span) []byte { return data[at.Start:at.End] }

// Quote returns text as a JSON string.
func Quote(text string) []byte { return jsonscan.AppendString(nil, text) }

// Spelt tells that data may spell a name by escapes, so that looking for its
// bytes would miss it.
func Spelt(data []byte) bool { return bytes.Contains(data, []byte(`\u`)) }
