package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// frame is a sse.Frame that stays. Data is "-" where it was nil.
type frame struct{ Raw, Event, Data, Err string }

func keep(f sse.Frame) frame {
	k := frame{Raw: string(f.Raw), Event: string(f.Event), Data: string(f.Data)}
	if f.Data == nil {
		k.Data = "-"
	}
	if f.Err != nil {
		k.Err = f.Err.Error()
	}
	return k
}

// cut writes stream in pieces whose lengths size tells, and returns the frames.
// Each piece is overwritten once its frames are read, as a real buffer would be.
func cut(f sse.Framer, stream []byte, size func() int) []frame {
	var out []frame
	drain := func() {
		var frames []sse.Frame // all are valid until the next write
		for fr, ok := f.Next(); ok; fr, ok = f.Next() {
			frames = append(frames, fr)
		}
		for _, fr := range frames {
			out = append(out, keep(fr))
		}
	}
	for len(stream) > 0 {
		n := min(size(), len(stream))
		p := bytes.Clone(stream[:n])
		f.Write(p)
		drain()
		for i := range p {
			p[i] = '#'
		}
		stream = stream[n:]
	}
	f.Close()
	drain()
	return out
}

// extended is cut, by who has all that no frame has taken yet.
func extended(f sse.Framer, stream []byte, size func() int) (out []frame) {
	drain := func() {
		for fr, ok := f.Next(); ok; fr, ok = f.Next() {
			out = append(out, keep(fr))
		}
	}
	for came := 0; came < len(stream); {
		n := min(size(), len(stream)-came)
		f.Extend(stream[came-f.Rest() : came+n])
		drain()
		came += n
	}
	f.Close()
	drain()
	return out
}

func whole() int { return 1 << 30 }

func every(n int) func() int { return func() int { return n } }

func anySize(seed uint64) func() int {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() int { return 1 + r.IntN(1<<r.IntN(12)) }
}

var eventCases = []struct {
	name, stream string
	want         []frame
}{
	{"LF", "data: a\n\ndata: b\n\n", []frame{{Raw: "data: a\n\n", Data: "a"}, {Raw: "data: b\n\n", Data: "b"}}},
	{"CRLF", "event: e\r\ndata: a\r\n\r\ndata:b\r\n\r\n", []frame{{Raw: "event: e\r\ndata: a\r\n\r\n", Event: "e", Data: "a"}, {Raw: "data:b\r\n\r\n", Data: "b"}}},
	{"CR", "data: a\r\rdata: b\r\r", []frame{{Raw: "data: a\r\r", Data: "a"}, {Raw: "data: b\r\r", Data: "b"}}},
	{"mixed", "data: a\r\ndata: b\rdata: c\n\r\n", []frame{{Raw: "data: a\r\ndata: b\rdata: c\n\r\n", Data: "a\nb\nc"}}},
	{"CR and then CRLF", "data: a\r\r\ndata: b\n\n", []frame{{Raw: "data: a\r\r", Data: "a"}, {Raw: "\ndata: b\n\n", Data: "b"}}},
	{"no space, two spaces", "data:a\ndata:  b\n\n", []frame{{Raw: "data:a\ndata:  b\n\n", Data: "a\n b"}}},
	{"empty data", "data\n\ndata:\n\ndata: \ndata\n\n", []frame{{Raw: "data\n\n"}, {Raw: "data:\n\n"}, {Raw: "data: \ndata\n\n", Data: "\n"}}},
	{"comments and blanks", ": ping\n\n\n:\ndata: a\n\n", []frame{{Raw: ": ping\n\n", Data: "-"}, {Raw: "\n", Data: "-"}, {Raw: ":\ndata: a\n\n", Data: "a"}}},
	{"no last blank line", "data: a\n\ndata: b\n", []frame{{Raw: "data: a\n\n", Data: "a"}, {Raw: "data: b\n", Data: "b"}}},
	{"no last newline", "data: a\n\nevent: x\ndata: [DONE]", []frame{{Raw: "data: a\n\n", Data: "a"}, {Raw: "event: x\ndata: [DONE]", Event: "x", Data: "[DONE]"}}},
	{"ends in half a CRLF", "data: a\r\n\r", []frame{{Raw: "data: a\r\n\r", Data: "a"}}},
	{"BOM", "\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", []frame{{Raw: "\xef\xbb\xbfdata: a\n\n", Data: "a"}, {Raw: "\xef\xbb\xbfdata: b\n\n", Data: "-"}}},
	{"other fields", "id: 7\nretry: 9\ndatum: x\ndata2\nevents: y\nfoo\ndata: a\n\n", []frame{{Raw: "id: 7\nretry: 9\ndatum: x\ndata2\nevents: y\nfoo\ndata: a\n\n", Data: "a"}}},
	{"the last event name counts", "event: a\nevent: b\ndata: x\n\n", []frame{{Raw: "event: a\nevent: b\ndata: x\n\n", Event: "b", Data: "x"}}},
	{"UTF-8", "data: \"héß😀\"\n\n", []frame{{Raw: "data: \"héß😀\"\n\n", Data: "\"héß😀\""}}},
	{"empty", "", nil},
}

func TestEvents(t *testing.T) {
	for _, c := range eventCases {
		t.Run(c.name, func(t *testing.T) { checkCuttings(t, sse.NewEvents, 0, c.stream, c.want) })
	}
}

func checkCuttings(t *testing.T, newFramer func(int) sse.Framer, limit int, stream string, want []frame) {
	t.Helper()
	for n := 1; n <= len(stream)+1; n++ {
		got := cut(newFramer(limit), []byte(stream), every(n))
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("in pieces of %d (-want +got):\n%s", n, d)
		}
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		want         []frame
	}{
		{"two", "{\"a\":1}\n{\"b\":2}\n", []frame{{Raw: "{\"a\":1}\n", Data: `{"a":1}`}, {Raw: "{\"b\":2}\n", Data: `{"b":2}`}}},
		{"CRLF, blanks, no last newline", "{}\r\n\r\n {\"b\":2} \r\n3", []frame{{Raw: "{}\r\n", Data: "{}"}, {Raw: "\r\n", Data: "-"}, {Raw: " {\"b\":2} \r\n", Data: `{"b":2}`}, {Raw: "3", Data: "3"}}},
	} {
		t.Run(c.name, func(t *testing.T) { checkCuttings(t, sse.NewLines, 0, c.stream, c.want) })
	}
}

func TestArray(t *testing.T) {
	syntax := sse.ErrSyntax.Error()
	for _, c := range []struct {
		name, stream string
		want         []frame
	}{
		{"as Gemini sends it", "[{\n  \"a\": \"]}\\\"\"\n}\n,\r\n{\"b\":[[1],{}]}\n]\n", []frame{
			{Raw: "[{\n  \"a\": \"]}\\\"\"\n}", Data: "{\n  \"a\": \"]}\\\"\"\n}"},
			{Raw: "\n,\r\n{\"b\":[[1],{}]}", Data: `{"b":[[1],{}]}`}, {Raw: "\n]", Data: "-"}, {Raw: "\n", Data: "-"}}},
		{"one object", " {\"error\":{\"code\":400}}\n", []frame{{Raw: " {\"error\":{\"code\":400}}", Data: `{"error":{"code":400}}`}, {Raw: "\n", Data: "-"}}},
		{"empty", "[]", []frame{{Raw: "[]", Data: "-"}}},
		{"scalars", `[1,"x\\",null , [2]]`, []frame{{Raw: "[1", Data: "1"}, {Raw: `,"x\\"`, Data: `"x\\"`}, {Raw: ",null", Data: "null"}, {Raw: " , [2]", Data: "[2]"}, {Raw: "]", Data: "-"}}},
		{"cut", `[{"a":1},{"b":`, []frame{{Raw: `[{"a":1}`, Data: `{"a":1}`}, {Raw: `,{"b":`, Data: `{"b":`, Err: syntax}}},
		{"no JSON", "oops }", []frame{{Raw: "oops", Data: "oops", Err: syntax}, {Raw: " }", Data: "}", Err: syntax}}},
	} {
		t.Run(c.name, func(t *testing.T) { checkCuttings(t, sse.NewArray, 0, c.stream, c.want) })
	}
}

func TestFrameTooLong(t *testing.T) {
	long := sse.ErrTooLong.Error()
	checkCuttings(t, sse.NewEvents, 8, "data: a\ndata: b\ndata: c\n\nevent:e\n\ndata:d\n\n", []frame{
		{Raw: "data: a\n", Err: long, Data: "-"}, {Raw: "data: b\n", Err: long, Data: "-"}, {Raw: "data: c\n", Err: long, Data: "-"}, {Raw: "\n", Err: long, Data: "-"},
		{Raw: "event:e\n", Err: long, Data: "-"}, {Raw: "\n", Err: long, Data: "-"},
		{Raw: "data:d\n\n", Data: "d"},
	})
	checkCuttings(t, sse.NewLines, 4, "123456789\n12\n", []frame{
		{Raw: "1234", Err: long, Data: "-"}, {Raw: "5678", Err: long, Data: "-"}, {Raw: "9\n", Err: long, Data: "-"}, {Raw: "12\n", Data: "12"},
	})
	checkCuttings(t, sse.NewArray, 6, `[{"a":"]}{"},{"b"}]`, []frame{
		{Raw: `[{"a":`, Err: long, Data: "-"}, {Raw: `"]}{"}`, Err: long, Data: "-"}, {Raw: `,{"b"}`, Data: `{"b"}`}, {Raw: "]", Data: "-"},
	})
}

// A frame without end must not be gathered beyond the limit.
func TestMemoryIsBounded(t *testing.T) {
	const limit, piece = 64 << 10, 4 << 10
	for name, f := range map[string]sse.Framer{"events": sse.NewEvents(limit), "lines": sse.NewLines(limit), "array": sse.NewArray(limit)} {
		line := []byte("data: " + strings.Repeat("x", 58) + "\r")
		if name != "events" {
			line = []byte(strings.Repeat("x", 64))
		}
		p := bytes.Repeat(line, piece/len(line))
		allocs := testing.AllocsPerRun(1, func() {
			var total, given int
			for range 4096 {
				f.Write(p)
				total += len(p)
				for fr, ok := f.Next(); ok; fr, ok = f.Next() {
					if given += len(fr.Raw); len(fr.Raw) > limit || !errors.Is(fr.Err, sse.ErrTooLong) {
						t.Fatalf("%s: a piece of %d bytes, error %v", name, len(fr.Raw), fr.Err)
					}
				}
				if total-given > limit {
					t.Fatalf("%s: %d bytes are held", name, total-given)
				}
			}
		})
		if allocs > 64 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// A 16 MB line in small pieces takes time in proportion to its length: were it
// read anew at each write, this would look at 32 GB.
func TestLongLineIsReadOnce(t *testing.T) {
	data := `{"x":"` + strings.Repeat("y", 16<<20) + `"}`
	for name, c := range map[string]struct {
		f              sse.Framer
		before, behind string
	}{
		"events": {sse.NewEvents(32 << 20), "data: ", "\n\n"},
		"lines":  {sse.NewLines(32 << 20), "", "\n"},
		"array":  {sse.NewArray(32 << 20), "[", ""},
	} {
		stream := []byte(c.before + data + c.behind)
		var got int
		for len(stream) > 0 {
			n := min(4<<10, len(stream))
			c.f.Write(stream[:n])
			stream = stream[n:]
			for fr, ok := c.f.Next(); ok; fr, ok = c.f.Next() {
				got++
				if string(fr.Data) != data || fr.Err != nil {
					t.Errorf("%s: data of %d bytes, error %v", name, len(fr.Data), fr.Err)
				}
			}
		}
		if got != 1 {
			t.Errorf("%s: %d frames", name, got)
		}
	}
}

const chunk = `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_abc","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}` + "\n\n"

func steady(f sse.Framer, pieces [][]byte) int {
	n := 0
	for _, p := range pieces {
		f.Write(p)
		for _, ok := f.Next(); ok; _, ok = f.Next() {
			n++
		}
	}
	return n
}

func TestNoAllocations(t *testing.T) {
	one := []byte(chunk)
	for _, c := range []struct {
		name   string
		f      sse.Framer
		pieces [][]byte
		frames int
	}{
		{"whole events", sse.NewEvents(1 << 20), [][]byte{one}, 1},
		{"many events in a write", sse.NewEvents(1 << 20), [][]byte{bytes.Repeat(one, 40)}, 40},
		{"events cut in three", sse.NewEvents(1 << 20), [][]byte{one[:3], one[3:100], one[100:]}, 1},
		{"several data lines", sse.NewEvents(1 << 20), [][]byte{[]byte("data: {\ndata: \"a\":1}\r\n\r\ndata: x\nda"), []byte("ta: y\n\n")}, 2},
		{"lines", sse.NewLines(1 << 20), [][]byte{[]byte("{\"a\":1}\n{\"a\""), []byte(":1}\n")}, 2},
		{"array", sse.NewArray(1 << 20), [][]byte{[]byte(`[{"a":1},{"a`), []byte(`":1}]`)}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n := steady(c.f, c.pieces); n != c.frames {
				t.Fatalf("%d frames, want %d", n, c.frames)
			}
			if n := testing.AllocsPerRun(100, func() { steady(c.f, c.pieces) }); n > 0 {
				t.Fatalf("%v allocations", n)
			}
		})
	}
}

// go-sse reads the same events.
func TestAgainstGoSSE(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lines := []string{"data: a", "data:b", "data:  c", "data", "event: e", "event:", ": comment", "id: 1", "x", "", "", "data: é😀"}
	ends := []string{"\n", "\r\n", "\r"}
	for range 3000 {
		end := ends[r.IntN(len(ends))]
		var sb strings.Builder
		for range r.IntN(20) {
			sb.WriteString(lines[r.IntN(len(lines))] + end)
		}
		sb.WriteString(end + end)
		stream := sb.String()
		var want, got [][2]string
		for ev, err := range gosse.Read(strings.NewReader(stream), nil) {
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			want = append(want, [2]string{ev.Type, ev.Data})
		}
		for _, f := range cut(sse.NewEvents(0), []byte(stream), anySize(r.Uint64())) {
			if f.Data != "-" {
				got = append(got, [2]string{f.Event, f.Data})
			}
		}
		// go-sse also gives events that have a name and no data line.
		want = withData(want)
		if d := cmp.Diff(want, withData(got)); d != "" {
			t.Fatalf("%q (-go-sse +ours):\n%s", stream, d)
		}
	}
}

func withData(events [][2]string) (out [][2]string) {
	for _, e := range events {
		if e[1] != "" {
			out = append(out, e)
		}
	}
	return out
}

func fuzz(f *testing.F, newFramer func(int) sse.Framer) {
	f.Fuzz(func(t *testing.T, stream []byte, limit uint8, seed uint64) {
		want := cut(newFramer(int(limit)), stream, whole)
		var raw strings.Builder
		for _, w := range want {
			raw.WriteString(w.Raw)
			if w.Raw == "" {
				t.Fatal("an empty frame")
			}
			if limit > 0 && len(w.Raw) > int(limit) {
				t.Fatalf("a frame of %d bytes", len(w.Raw))
			}
		}
		if raw.String() != string(stream) {
			t.Fatalf("frames join to %q", raw.String())
		}
		for _, size := range []func() int{every(1), every(3), anySize(seed)} {
			if d := cmp.Diff(want, cut(newFramer(int(limit)), stream, size)); d != "" {
				t.Fatalf("the cutting matters (-whole +cut):\n%s", d)
			}
			if d := cmp.Diff(want, extended(newFramer(int(limit)), stream, size)); d != "" {
				t.Fatalf("what is at hand matters (-whole +extended):\n%s", d)
			}
		}
	})
}

func FuzzEvents(f *testing.F) {
	for i, c := range eventCases {
		f.Add([]byte(c.stream), uint8(i*3), uint64(i))
	}
	fuzz(f, sse.NewEvents)
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("{}\r\n\n 1 \n2"), uint8(0), uint64(1))
	fuzz(f, sse.NewLines)
}

func FuzzArray(f *testing.F) {
	for i, s := range []string{`[{"a":"]\""},1 ,"x"]`, `{"error":{}}`, `[[[]]]`, `}]x[`, `"\\",nul`} {
		f.Add([]byte(s), uint8(i), uint64(i))
	}
	fuzz(f, sse.NewArray)
}

func BenchmarkEvents(b *testing.B) {
	one := []byte(chunk)
	for _, c := range []struct {
		name   string
		pieces [][]byte
		frames int
	}{
		{"one a write", [][]byte{one}, 1},
		{"16 a write", [][]byte{bytes.Repeat(one, 16)}, 16},
		{"cut in two", [][]byte{one[:100], one[100:]}, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := sse.NewEvents(16 << 20)
			b.ReportAllocs()
			b.SetBytes(int64(c.frames * len(one)))
			for b.Loop() {
				if n := steady(f, c.pieces); n != c.frames {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.frames), "ns/event")
		})
	}
}

func BenchmarkLongLine(b *testing.B) {
	stream := []byte("data: " + strings.Repeat("y", 16<<20) + "\n\n")
	for _, size := range []int{4 << 10, 32 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				f := sse.NewEvents(32 << 20)
				for p := stream; len(p) > 0; p = p[min(size, len(p)):] {
					f.Write(p[:min(size, len(p))])
					f.Next()
				}
			}
		})
	}
}
