package wiretest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// GateCase is one response that is sent through a gate.
type GateCase struct {
	Name, ContentType string
	Body              []byte
}

// GateCases returns the responses of testdata/wire/<dir>, and those of the
// corpus if there is one.
func GateCases(t testing.TB, dir string, format wire.Format) (cases []GateCase) {
	names, err := filepath.Glob(filepath.Join(Root(t), "testdata", "wire", dir, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in testdata/wire/%s (%v)", dir, err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if contentType, ok := streams[f.Name]; ok {
				cases = append(cases, GateCase{filepath.Base(name), contentType, f.Data})
			}
			if f.Name == "response.json" {
				cases = append(cases, GateCase{filepath.Base(name), "", f.Data})
			}
		}
	}
	return cases
}

// CorpusCases returns the responses of the corpus, of which format tells one's
// format or nil.
func CorpusCases(t testing.TB, kind string) (cases []GateCase) {
	for _, x := range Corpus(t, kind) {
		if x.Status < 400 {
			cases = append(cases, GateCase{x.Name, x.ContentType, x.Body})
		}
	}
	return cases
}

// Gate checks what holds for every response and every gate: with all calls
// allowed it leaves as it came; the cutting and the time of the decision do not
// matter; each call refused alone, and all together, leave a sound answer
// without any trace of them.
func Gate(t *testing.T, format wire.Gated, cases []GateCase) {
	calls, held := 0, 0
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			n, h := gateCase(t, format, c)
			calls, held = calls+n, held+h
		})
	}
	if calls == 0 {
		t.Error("no response held a call")
	}
	t.Logf("%d responses, %d calls, %d refused by the gate itself", len(cases), calls, held)
}

// through sends a response through the gate or the screen.
func through(t *testing.T, format wire.Gated, c GateCase, judge func(wire.Call) wire.Decision) (out []byte, calls []wire.Call, err error) {
	t.Helper()
	if c.ContentType != "" && format.NewFramer(c.ContentType, Limit) != nil {
		out, calls = Pass(format, c.ContentType, c.Body, func() int { return len(c.Body) }, false, judge)
		for name, size := range cuttings() {
			got, _ := Pass(format, c.ContentType, c.Body, size, false, judge)
			if diff := cmp.Diff(string(out), string(got)); diff != "" {
				t.Errorf("cut %s the output differs:\n%s", name, diff)
			}
		}
		return out, calls, nil
	}
	out, err = format.Screen(c.Body, gateOptions(), func(x wire.Call) wire.Decision {
		calls = append(calls, x)
		return judge(x)
	})
	return out, calls, err
}

func gateAnswer(format wire.Format, c GateCase, body []byte) llm.Answer {
	if c.ContentType != "" && format.NewFramer(c.ContentType, Limit) != nil {
		a, _ := Decode(format, c.ContentType, body, func() int { return len(body) })
		return a
	}
	return format.Answer(200, body)
}

func gateCase(t *testing.T, format wire.Gated, c GateCase) (calls, byGate int) {
	want := gateAnswer(format, c, c.Body)
	out, told, err := through(t, format, c, Allow)
	if err != nil {
		t.Logf("screened: %v", err)
		return 0, 1
	}
	for _, k := range told {
		if k.Refused != nil {
			byGate++
			t.Logf("the gate refuses %q: %v", k.Name, k.Refused)
		}
	}
	if byGate == 0 {
		if diff := cmp.Diff(string(c.Body), string(out)); diff != "" {
			t.Errorf("all is allowed, the bytes differ (-came +left):\n%s", diff)
		}
		if len(told) != len(want.ToolCalls) {
			t.Errorf("the gate told %d calls, the answer has %d", len(told), len(want.ToolCalls))
		}
	}
	var asked []int
	for _, k := range told {
		if k.Refused == nil {
			asked = append(asked, k.N)
		}
	}
	for i := range asked {
		refuse(t, format, c, want, asked[i:i+1])
	}
	if len(asked) > 1 {
		refuse(t, format, c, want, asked)
	}
	if len(asked) > 0 && c.ContentType != "" && format.NewFramer(c.ContentType, Limit) != nil {
		fails(t, format, c, want, told)
	}
	return len(told), byGate
}

// fails lets a gate meet a frame that cannot be read, at each place of the
// stream, and then its end, without any decision; and has one hold next to
// nothing. No call may leave.
func fails(t *testing.T, format wire.Gated, c GateCase, want llm.Answer, told []wire.Call) {
	t.Helper()
	const unread = "UNREAD"
	run := func(at int, o wire.GateOptions) (out []byte, frames int) {
		framer := format.NewFramer(c.ContentType, Limit)
		gate := format.NewGate(c.ContentType, o)
		framer.Write(c.Body)
		framer.Close()
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			if frames == at {
				release, _ := gate.Frame(sse.Frame{Raw: []byte(unread), Err: sse.ErrTooLong})
				out = append(out, release...)
			}
			release, _ := gate.Frame(f)
			out = append(out, release...)
			if o.MaxHeld > 0 && gate.Held() > o.MaxHeld {
				t.Errorf("%d bytes are held, the limit is %d", gate.Held(), o.MaxHeld)
			}
			frames++
		}
		release, _ := gate.Close()
		return append(out, release...), frames
	}
	check := func(how string, out []byte) {
		a := gateAnswer(format, c, out)
		if len(a.ToolCalls) > 0 || bytes.Contains(out, []byte(unread)) {
			t.Errorf("%s: a call is left: %+v\n%s", how, a.ToolCalls, out)
		}
		want := want
		want.ToolCalls = nil
		for _, k := range told {
			traces(t, format, c, want, k, out)
		}
	}
	tight := gateOptions()
	tight.MaxHeld = 1
	out, frames := run(-1, tight)
	check("held too much", out)
	for at := 0; at < frames; at += 1 + frames/20 {
		out, _ := run(at, gateOptions())
		check("unread frame", out)
	}
}

// refuse refuses some calls of a response and checks what is left.
func refuse(t *testing.T, format wire.Gated, c GateCase, want llm.Answer, numbers []int) {
	t.Helper()
	out, told, err := through(t, format, c, RefuseOnly(numbers...))
	if err != nil {
		t.Error(err)
		return
	}
	byGate := slices.ContainsFunc(told, func(c wire.Call) bool { return c.Refused != nil }) // what comes in the meantime may be why
	if c.ContentType != "" && format.NewFramer(c.ContentType, Limit) != nil && !byGate {
		late, _ := Pass(format, c.ContentType, c.Body, func() int { return 100 }, true, RefuseOnly(numbers...))
		if diff := cmp.Diff(string(out), string(late)); diff != "" {
			t.Errorf("refusing %v: a late decision matters (-at once +late):\n%s", numbers, diff)
		}
	}
	got := gateAnswer(format, c, out)
	if n := strings.Count(got.Text()+choices(got), Refusal); n < len(numbers) {
		t.Errorf("refusing %v: the answer has %d of the refusals; text %q", numbers, n, got.Text())
	}
	refused := func(n int) bool { return !RefuseOnly(numbers...)(wire.Call{N: n}).Allow }
	var left []llm.ToolCall
	for _, k := range told {
		if k.Refused == nil && !refused(k.N) {
			left = append(left, k.ToolCall)
		}
	}
	sortCalls(left, want.ToolCalls)
	if diff := cmp.Diff(left, got.ToolCalls); diff != "" && len(left)+len(got.ToolCalls) > 0 {
		t.Errorf("refusing %v: the calls that are left (-want +got):\n%s\n%s", numbers, diff, out)
	}
	for _, k := range told {
		if k.Refused == nil && refused(k.N) {
			traces(t, format, c, want, k, out)
		}
	}
	if diff := cmp.Diff(want.Usage, got.Usage); diff != "" {
		t.Errorf("refusing %v changes the usage:\n%s", numbers, diff)
	}
	if want.Complete != got.Complete || (want.Error == nil) != (got.Error == nil) || want.ID != got.ID || want.Model != got.Model {
		t.Errorf("refusing %v changes the answer: %+v\nwant %+v", numbers, got, want)
	}
	for i, r := range got.FinishReasons {
		if i < len(want.FinishReasons) && len(got.ToolCalls) > 0 && len(want.FinishReasons) == 1 && r != want.FinishReasons[i] {
			t.Errorf("refusing %v: finish reason %q became %q", numbers, want.FinishReasons[i], r)
		}
		if len(got.ToolCalls) == 0 && (r == "tool_calls" || r == "tool_use" || r == "function_call") {
			t.Errorf("refusing %v: no call is left, and the finish reason is %q", numbers, r)
		}
	}
}

// sortCalls puts calls, which come in the order of the decisions, into the order
// of the answer.
func sortCalls(calls, order []llm.ToolCall) {
	place := func(c llm.ToolCall) int {
		for i, o := range order {
			if cmp.Equal(c, o) {
				return i
			}
		}
		return len(order)
	}
	for i := range calls {
		for j := i; j > 0 && place(calls[j]) < place(calls[j-1]); j-- {
			calls[j], calls[j-1] = calls[j-1], calls[j]
		}
	}
}

func choices(a llm.Answer) string {
	var b strings.Builder
	for i, c := range a.Choices {
		if i > 0 {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// traces looks for what a refused call leaves: its id, and the strings of its
// arguments, unless these stand elsewhere in the answer, or outside of calls, too.
func traces(t *testing.T, format wire.Gated, c GateCase, want llm.Answer, k wire.Call, out []byte) {
	t.Helper()
	rest := want.Text() + want.Reasoning + outside(format, c)
	for _, o := range want.ToolCalls {
		if !cmp.Equal(o, k.ToolCall) {
			rest += `"` + o.ID + "\n" + string(o.Arguments) + o.ArgumentsText
		}
	}
	found := append(stringsOf(k.Arguments), string(k.Arguments), k.ArgumentsText)
	if k.ID != "" {
		found = append(found, `"`+k.ID) // a provider's own tool may end so
	}
	for _, s := range found {
		if len(s) > 5 && !strings.Contains(rest, s) && bytes.Contains(out, []byte(s)) {
			t.Errorf("the output has %q of the refused call %s:\n%s", s, k.Name, out)
		}
	}
}

// outside returns the frames of a stream that belong to no call.
func outside(format wire.Gated, c GateCase) string {
	framer := format.NewFramer(c.ContentType, Limit)
	if c.ContentType == "" || framer == nil {
		return ""
	}
	var b strings.Builder
	stream := format.NewStream(Limit)
	framer.Write(c.Body)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		if !stream.Frame(f).ToolCall {
			b.Write(f.Raw)
		}
	}
	return b.String()
}

func stringsOf(raw json.RawMessage) (out []string) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

// FuzzGate fuzzes a gate: it must not panic, the cutting must not matter, and
// nothing may be lost or left when all is refused or allowed.
func FuzzGate(f *testing.F, dir string, format wire.Gated) {
	for _, c := range GateCases(f, dir, format) {
		f.Add(c.ContentType, c.Body, uint8(5), uint8(1))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte, size, refuse uint8) {
		judge := func(c wire.Call) wire.Decision {
			return wire.Decision{Allow: refuse>>(c.N&7)&1 == 0, Text: Refusal}
		}
		if format.NewFramer(contentType, Limit) == nil {
			_, _ = format.Screen(body, gateOptions(), judge)
			return
		}
		want, told := Pass(format, contentType, body, func() int { return len(body) }, false, judge)
		got, _ := Pass(format, contentType, body, func() int { return int(size) }, false, judge)
		if !bytes.Equal(want, got) {
			t.Fatalf("the cutting matters:\n%q\n%q", want, got)
		}
		if len(told) == 0 && !bytes.Equal(want, body) && len(want) > len(body) {
			t.Fatalf("nothing was told, and the output grew:\n%q\n%q", body, want)
		}
		none, _ := Pass(format, contentType, body, func() int { return len(body) }, false, func(wire.Call) wire.Decision { return wire.Decision{} })
		a, _ := Decode(format, contentType, none, func() int { return len(none) + 1 })
		if len(a.ToolCalls) > 0 {
			t.Fatalf("a call is left when all are refused: %+v\n%q\n%q", a.ToolCalls, body, none)
		}
	})
}
