// Package wiretest is how the tests of the wire formats prove a decoder: against
// captured traffic (Suite), against cases of our own (Golden), and against every
// way to cut a stream (Decode).
package wiretest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Limit is the bound on frames and kept text that the tests use.
const Limit = 16 << 20

// Suite compares a format with the corpus of captured traffic.
type Suite struct {
	// Kind picks the exchanges: chat, responses, anthropic, gemini, ollama-native.
	Kind string
	// Format returns the format that decodes the exchange.
	Format func(Exchange) wire.Format
	// Known are the differences that are right as they are: "api/case field" to
	// the reason. One that does not occur in the default corpus fails the test.
	Known map[string]string
	// Extra compares what only this format has. It returns how many members it
	// compared and those that differ.
	Extra func(Exchange, llm.Answer) (fields int, diffs []Difference)
}

// Run decodes each exchange whole and in several cuttings, and reports each
// member that differs from its expect.json.
func (s Suite) Run(t *testing.T) {
	exchanges := Corpus(t, s.Kind)
	if len(exchanges) == 0 {
		t.Fatalf("the corpus has no exchange of kind %s", s.Kind)
	}
	var fields, wrong int
	unseen := map[string]bool{}
	for k := range s.Known {
		unseen[k] = true
	}
	for _, x := range exchanges {
		t.Run(x.Name, func(t *testing.T) {
			format := s.Format(x)
			if x.Request != nil {
				checkRequest(t, format, x.Request)
			}
			a := Answers(t, format, x.Status, x.ContentType, x.Body)
			n, diffs := Compare(x, a)
			if s.Extra != nil {
				m, more := s.Extra(x, a)
				n, diffs = n+m, append(diffs, more...)
			}
			fields += n
			for _, d := range diffs {
				wrong++
				key := x.Name + " " + d.Field
				if reason, ok := s.Known[key]; ok {
					delete(unseen, key)
					t.Logf("known: %s (%s)", d, reason)
					continue
				}
				t.Errorf("%s", d)
			}
		})
	}
	if os.Getenv(CorpusVariable) == "" {
		for k := range unseen {
			t.Errorf("the known difference %q does not occur", k)
		}
	}
	t.Logf("%d exchanges, %d of %d members as expected (%.2f%%)", len(exchanges), fields-wrong, fields, 100*float64(fields-wrong)/float64(fields))
}

func checkRequest(t *testing.T, format wire.Format, body []byte) {
	t.Helper()
	if r := format.Scan(body); r.Err != nil {
		t.Errorf("Scan: %v", r.Err)
	}
	c, err := format.Conversation(body)
	if err != nil {
		t.Errorf("Conversation: %v", err)
	}
	for i, m := range c.Messages {
		checkSpans(t, body, fmt.Sprintf("messages[%d]", i), m.Parts)
	}
	checkSpans(t, body, "system", c.System)
}

// checkSpans asserts that the span of a text is its JSON literal.
func checkSpans(t *testing.T, body []byte, where string, parts []llm.Part) {
	t.Helper()
	for i, p := range parts {
		if p.Kind != llm.PartText || p.Span == (llm.Span{}) {
			continue
		}
		if p.Span.Start < 0 || p.Span.End > len(body) || p.Span.End <= p.Span.Start {
			t.Errorf("%s.parts[%d]: the span %v is not in the body", where, i, p.Span)
			continue
		}
		if got := decoded(body[p.Span.Start:p.Span.End]); got != p.Text {
			t.Errorf("%s.parts[%d]: the span holds %s, the text is %q", where, i, body[p.Span.Start:p.Span.End], p.Text)
		}
	}
}

// Answers decodes a response and returns the answer. A streamed one is decoded
// in several cuttings, and the test fails if they do not agree.
func Answers(t testing.TB, format wire.Format, status int, contentType string, body []byte) llm.Answer {
	t.Helper()
	if status >= 400 || format.NewFramer(contentType, Limit) == nil {
		return format.Answer(status, body)
	}
	want, deltas := Decode(format, contentType, body, func() int { return len(body) + 1 })
	for name, size := range cuttings() {
		got, d := Decode(format, contentType, body, size)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut %s the answer differs (-whole +cut):\n%s", name, diff)
		}
		if diff := cmp.Diff(deltas, d); diff != "" {
			t.Errorf("cut %s the deltas differ (-whole +cut):\n%s", name, diff)
		}
	}
	return want
}

func cuttings() map[string]func() int {
	r := rand.New(rand.NewPCG(7, 7))
	return map[string]func() int{
		"in 7 bytes":   func() int { return 7 },
		"at random":    func() int { return 1 + r.IntN(1<<r.IntN(13)) },
		"in 4096":      func() int { return 4096 },
		"in 1, then 5": alternate(1, 5),
	}
}

func alternate(a, b int) func() int {
	return func() int { a, b = b, a; return b }
}

// teacher has a framer learn frames, as the record does. A body that comes in one
// piece is not learnt from, so that the two ways to read a frame are compared.
type teacher struct {
	framer sse.Framer
	stream wire.Stream
	idle   bool
}

// saw is told of a frame that was folded in.
func (t *teacher) saw(f sse.Frame) {
	if text := t.stream.Adds(); text != nil && f.Class == 0 && !t.idle {
		t.framer.Learn(f, text, wire.Idle)
	}
}

// Decode decodes a streamed response that arrives in pieces whose lengths size
// tells. The memory of each piece is overwritten after its frames are read, as
// a reader's buffer is.
func Decode(format wire.Format, contentType string, body []byte, size func() int) (llm.Answer, []wire.Delta) {
	framer := format.NewFramer(contentType, Limit)
	stream := format.NewStream(Limit)
	teacher := teacher{framer: framer, stream: stream}
	var deltas []wire.Delta
	drain := func() {
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			deltas = append(deltas, stream.Frame(f))
			teacher.saw(f)
		}
	}
	var buf []byte
	for len(body) > 0 {
		n := min(max(1, size()), len(body))
		teacher.idle = teacher.idle || buf == nil && n == len(body)
		buf = append(buf[:0], body[:n]...)
		framer.Write(buf)
		drain()
		for i := range buf {
			buf[i] = '#'
		}
		body = body[n:]
	}
	framer.Close()
	drain()
	return stream.End(), deltas
}
