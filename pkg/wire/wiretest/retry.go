package wiretest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Retrying is a format that goes on with refused turns.
type Retrying interface {
	wire.Gated
	wire.Continuing
}

// Retry checks how a format goes on with refused turns.
type Retry struct {
	Format Retrying
	Dir    string // of testdata/wire
	// Requests are those that are gone on with, beside those of the directory.
	// Their lists of messages are arrays.
	Requests []string
	// Parting stands between the texts of two attempts.
	Parting string
	// Unlike names the cases whose answer says more than the response's own last
	// word, which goes back to the model.
	Unlike []string
	// Sound says what is wrong with a stream, as an SDK would find, or "".
	Sound func(stream []byte) string
}

// Run goes on with every response that has calls, by every other response.
func (r Retry) Run(t *testing.T, cases []GateCase) {
	t.Helper()
	requests := r.requests(t)
	turns, pairs := 0, 0
	all := cases
	for i, c := range all {
		cases := some(all, i)
		t.Run(c.Name, func(t *testing.T) {
			first := gateAnswer(r.Format, c, c.Body)
			if len(first.ToolCalls) == 0 {
				return
			}
			if !r.turn(t, requests, c, first) {
				return
			}
			turns++
			if r.streamed(c) {
				pairs += r.sequels(t, c, cases)
			} else {
				pairs += r.merges(t, c, first, cases)
			}
		})
	}
	if turns == 0 || pairs == 0 {
		t.Errorf("%d turns were gone on with, by %d responses", turns, pairs)
	}
	t.Logf("%d responses, %d turns, %d sequels", len(cases), turns, pairs)
}

// some returns the cases, or every so many of them where there are many: all
// pairs would take long.
func some(cases []GateCase, from int) (picked []GateCase) {
	step := 1 + len(cases)/30
	for i := from % step; i < len(cases); i += step {
		picked = append(picked, cases[i])
	}
	return picked
}

func (r Retry) streamed(c GateCase) bool {
	return c.ContentType != "" && r.Format.NewFramer(c.ContentType, Limit) != nil
}

func (r Retry) requests(t *testing.T) (requests [][]byte) {
	for _, text := range r.Requests {
		requests = append(requests, []byte(text))
	}
	names, err := filepath.Glob(filepath.Join(Root(t), "testdata", "wire", r.Dir, "request.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name == "request.json" {
				requests = append(requests, f.Data)
			}
		}
	}
	return requests
}

// Texts returns a text for each of so many refused calls.
func Texts(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("%s\n%d", Refusal, i))
	}
	return texts
}

// turn goes on with one turn from every request. It is false if it cannot be.
func (r Retry) turn(t *testing.T, requests [][]byte, c GateCase, first llm.Answer) bool {
	refusals := Texts(len(first.ToolCalls))
	for _, request := range requests {
		out, err := r.Format.Continue(request, c.Body, c.ContentType, refusals)
		if err != nil {
			if !errors.Is(err, wire.ErrNotContinued) || out != nil {
				t.Errorf("%v, with %d bytes", err, len(out))
			}
			if first.Complete && first.Error == nil && len(first.Choices) == 1 {
				t.Logf("not gone on with: %v", err)
			}
			return false
		}
		if _, err := r.Format.Continue(request, c.Body, c.ContentType, refusals[1:]); err == nil {
			t.Error("a refusal too few is taken")
		}
		if !slices.Contains(r.Unlike, c.Name) {
			Continued(t, r.Format, request, out, first, refusals)
		}
		if n := common(request, out); n < len(request) {
			t.Errorf("only %d of the request's %d bytes are left:\n%s", n, len(request), out)
		}
	}
	return true
}

// common counts the bytes that stand at the begin and the end of both.
func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	m := 0
	for m < min(len(a), len(b))-n && a[len(a)-1-m] == b[len(b)-1-m] {
		m++
	}
	return n + m
}

// Continued checks that a request holds the messages of the one that it goes on
// with, the turn, and the results.
func Continued(t *testing.T, format wire.Format, request, out []byte, first llm.Answer, refusals []string) {
	t.Helper()
	if err := jsonscan.Check(out); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	before, err := format.Conversation(request)
	if err != nil {
		t.Fatal(err)
	}
	after, err := format.Conversation(out)
	if err != nil {
		t.Fatal(err)
	}
	n := len(before.Messages)
	if len(after.Messages) <= n {
		t.Fatalf("%d messages became %d", n, len(after.Messages))
	}
	if diff := cmp.Diff(plain(before.Messages), plain(after.Messages[:n])); diff != "" {
		t.Errorf("the old messages (-want +got):\n%s", diff)
	}
	var text, reasoning string
	var calls []llm.ToolCall
	var results []string
	for _, m := range after.Messages[n:] {
		for _, p := range m.Parts {
			switch {
			case m.Role == llm.RoleTool && !slices.ContainsFunc(first.ToolCalls, func(c llm.ToolCall) bool { return c.ID == p.CallID }):
				// of a tool that ran at the provider's
			case m.Role == llm.RoleTool:
				if p.Kind != llm.PartToolResult {
					t.Errorf("a result is a %s", p.Kind)
				}
				k := len(results)
				results = append(results, p.Text)
				if k < len(first.ToolCalls) && p.CallID != first.ToolCalls[k].ID {
					t.Errorf("result %d is that of %q, want %q", k, p.CallID, first.ToolCalls[k].ID)
				}
			case m.Role != llm.RoleAssistant:
				t.Errorf("a message of %s was added", m.Role)
			case p.Kind == llm.PartText:
				text += p.Text
			case p.Kind == llm.PartReasoning:
				reasoning += p.Text
			case p.Kind == llm.PartToolCall:
				calls = append(calls, llm.ToolCall{ID: p.CallID, Name: p.Name, Arguments: p.Arguments, ArgumentsText: p.Text})
			}
		}
	}
	if diff := cmp.Diff(refusals, results); diff != "" {
		t.Errorf("the results (-want +got):\n%s", diff)
	}
	if want := first.Text() + first.Refusal; text != want && strings.TrimSpace(want) != strings.TrimSpace(text) {
		t.Errorf("the turn says %q, want %q", text, want)
	}
	if !strings.Contains(reasoning, first.Reasoning) {
		t.Errorf("the turn's reasoning is %q, want %q", reasoning, first.Reasoning)
	}
	// Calls that the provider ran itself may be among them.
	for _, want := range first.ToolCalls {
		if i := slices.IndexFunc(calls, func(c llm.ToolCall) bool { return sameCall(c, want) }); i >= 0 {
			calls = slices.Delete(calls, i, i+1)
			continue
		}
		t.Errorf("the call %+v is not in the turn: %+v\n%s", want, calls, out)
	}
}

func sameCall(got, want llm.ToolCall) bool {
	if got.ID != want.ID || got.Name != want.Name {
		return false
	}
	if want.ArgumentsText != "" { // a format may wrap it
		return got.ArgumentsText == want.ArgumentsText || bytes.Contains(got.Arguments, []byte(JSON(want.ArgumentsText)))
	}
	return bytes.Equal(compacted(got.Arguments), compacted(want.Arguments))
}

// compacted returns JSON without white space; no arguments are as good as {}.
func compacted(raw []byte) []byte {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return []byte("{}")
	}
	return b.Bytes()
}

// plain returns messages without their places.
func plain(messages []llm.Message) (out []llm.Message) {
	for _, m := range messages {
		m.Span = llm.Span{}
		m.Parts = slices.Clone(m.Parts)
		for i := range m.Parts {
			m.Parts[i].Span = llm.Span{}
		}
		out = append(out, m)
	}
	return out
}

// Undecided returns what leaves a gate that decides nothing. It does not hold if
// the gate refused something itself: then a refusal has left, and nothing can be
// gone on with.
func Undecided(format wire.Gated, contentType string, body []byte) (sent []byte, held bool) {
	held = true
	framer := format.NewFramer(contentType, Limit)
	gate := format.NewGate(contentType, wire.GateOptions{})
	framer.Write(body)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		release, calls := gate.Frame(f)
		sent = append(sent, release...)
		held = held && !slices.ContainsFunc(calls, func(c wire.Call) bool { return c.Refused != nil })
	}
	return sent, held && gate.Held() > 0
}

// Sequel returns what the frames of a body become behind what was sent.
func Sequel(format wire.Continuing, contentType string, sent, body []byte, size func() int) (out []byte) {
	framer := format.NewFramer(contentType, Limit)
	q := format.NewSequel(contentType, sent)
	var buf []byte
	drain := func() {
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			out = append(out, q.Frame(f)...)
		}
	}
	for len(body) > 0 {
		n := min(max(1, size()), len(body))
		buf = append(buf[:0], body[:n]...)
		framer.Write(buf)
		drain()
		body = body[n:]
	}
	framer.Close()
	drain()
	return out
}

// sequels goes on with what was sent of a stream by each other stream.
func (r Retry) sequels(t *testing.T, first GateCase, cases []GateCase) (n int) {
	sent, held := Undecided(r.Format, first.ContentType, first.Body)
	if !held {
		return 0
	}
	for _, second := range cases {
		if second.ContentType != first.ContentType || !r.streamed(second) {
			continue
		}
		if a := gateAnswer(r.Format, second, second.Body); len(a.Choices) > 1 {
			continue // the first one had none but one
		}
		n++
		r.sequel(t, first.ContentType, sent, second)
		// A third attempt goes on with what was sent of the second one.
		if part, held := Undecided(r.Format, first.ContentType, second.Body); held && r.Sound(second.Body) == "" {
			more := append(bytes.Clone(sent), Sequel(r.Format, first.ContentType, sent, part, func() int { return len(part) })...)
			r.sequel(t, first.ContentType, more, first)
		}
		if t.Failed() {
			t.Fatalf("gone on with by %s", second.Name)
		}
	}
	return n
}

func (r Retry) sequel(t *testing.T, contentType string, sent []byte, second GateCase) {
	t.Helper()
	out := Sequel(r.Format, contentType, sent, second.Body, func() int { return len(second.Body) })
	if got := Sequel(r.Format, contentType, sent, second.Body, func() int { return 97 }); !bytes.Equal(out, got) {
		t.Error("the cutting matters")
	}
	if len(sent) == 0 && !bytes.Equal(out, second.Body) {
		t.Errorf("nothing was sent, and the response changed:\n%s", out)
	}
	before, _ := Decode(r.Format, contentType, sent, func() int { return len(sent) })
	want, _ := Decode(r.Format, contentType, second.Body, func() int { return len(second.Body) })
	all := append(bytes.Clone(sent), out...)
	got, _ := Decode(r.Format, contentType, all, func() int { return len(all) })
	r.compare(t, before, want, got)
	if r.Sound(sent) == "" && r.Sound(second.Body) == "" {
		if wrong := r.Sound(all); wrong != "" {
			t.Errorf("%s:\n%s", wrong, all)
		}
	}
}

// compare checks that an answer is another one behind what was said before.
func (r Retry) compare(t *testing.T, before, want, got llm.Answer) {
	t.Helper()
	parting := r.Parting
	if before.Text() == "" || want.Text() == "" {
		parting = ""
	}
	if text := before.Text() + parting + want.Text(); got.Text() != text {
		t.Errorf("it says %q, want %q", got.Text(), text)
	}
	if diff := cmp.Diff(want.ToolCalls, got.ToolCalls); diff != "" && len(want.ToolCalls)+len(got.ToolCalls) > 0 {
		t.Errorf("the calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.FinishReasons, got.FinishReasons); diff != "" && len(want.FinishReasons) > 0 && want.FinishReasons[0] != "" {
		t.Errorf("the finish reason (-want +got):\n%s", diff)
	}
	if got.Complete != want.Complete && want.Complete || (got.Error != nil) != (want.Error != nil) {
		t.Errorf("complete %t, error %v; want %t, %v", got.Complete, got.Error, want.Complete, want.Error)
	}
}

// merges puts each other whole body behind the first one.
func (r Retry) merges(t *testing.T, c GateCase, first llm.Answer, cases []GateCase) (n int) {
	for _, second := range cases {
		if r.streamed(second) {
			continue
		}
		want := r.Format.Answer(200, second.Body)
		out, err := r.Format.Merge(c.Body, second.Body)
		if err != nil {
			if want.Error == nil && len(want.Choices) == 1 && want.Text() != "" {
				t.Errorf("%s: %v", second.Name, err)
			}
			continue
		}
		n++
		before := llm.Answer{}
		if len(first.Choices) > 0 {
			before.Choices = first.Choices[:1]
		}
		r.compare(t, before, want, r.Format.Answer(200, out))
		if err := jsonscan.Check(out); err != nil && jsonscan.Check(second.Body) == nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("merged with %s:\n%s", second.Name, out)
		}
	}
	return n
}

// FuzzRetry fuzzes the going on with turns.
func FuzzRetry(f *testing.F, dir string, format Retrying) {
	files := caseFiles(f, dir)
	for _, file := range files {
		if contentType, ok := streams[file.Name]; ok {
			f.Add([]byte(`{"messages":[],"input":"a","contents":[]}`), contentType, file.Data, file.Data, uint16(400))
		}
		if file.Name == "response.json" {
			f.Add([]byte(`{"messages":[{}]}`), "text/html", file.Data, file.Data, uint16(0))
		}
	}
	f.Fuzz(func(t *testing.T, request []byte, contentType string, first, second []byte, cut uint16) {
		framed := format.NewFramer(contentType, Limit) != nil
		a := gateAnswer(format, GateCase{"", contentType, first}, first)
		if out, err := format.Continue(request, first, contentType, Texts(len(a.ToolCalls))); err == nil {
			if err := jsonscan.Check(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		if out, err := format.Merge(first, second); err == nil && jsonscan.Check(second) == nil {
			if err := jsonscan.Check(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		if framed {
			sent := first[:min(int(cut), len(first))]
			Sequel(format, contentType, sent, second, func() int { return len(second) })
		}
	})
}
