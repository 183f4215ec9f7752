package sse_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

var free = []sse.Member{{Start: `"obfuscation":"`}, {Start: `"sequence_number":`, Number: true}}

// event makes a frame of data, and its text from the part of data that is given.
func event(name, data, text string) (f sse.Frame, str []byte) {
	head := "data: "
	if name != "" {
		head = "event: " + name + "\ndata: "
	}
	raw := []byte(head + data + "\n\n")
	f = sse.Frame{Raw: raw, Data: raw[len(head) : len(raw)-2]}
	if name != "" {
		f.Event = raw[len("event: ") : len("event: ")+len(name)]
	}
	at := strings.Index(data, text) + strings.Index(text, `:`) + 1
	return f, f.Data[at : at+len(text)-strings.Index(text, `:`)-1]
}

func TestAlike(t *testing.T) {
	first := `{"id":"a","sequence_number":12,"pad":"one","delta":"one","obfuscation":"xy","n":1}`
	f, text := event("e", first, `"delta":"one"`) // and not the "one" before it
	var a sse.Alike
	a.Learn(f, text, free)
	for data, want := range map[string]string{
		first: `"one"`,
		`{"id":"a","sequence_number":13,"pad":"one","delta":" two","obfuscation":"","n":1}`:                `" two"`,
		`{"id":"a","sequence_number":9,"pad":"one","delta":"ü]}","obfuscation":"qqqq","n":1}`:              `"ü]}"`,
		`{"id":"a","sequence_number":13,"pad":"one","delta":"","obfuscation":"","n":1}`:                    "",
		`{"id":"b","sequence_number":13,"pad":"one","delta":"two","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":13,"pad":"two","delta":"two","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":013,"pad":"one","delta":"two","obfuscation":"","n":1}`:                "",
		`{"id":"a","sequence_number":-1,"pad":"one","delta":"two","obfuscation":"","n":1}`:                 "",
		`{"id":"a","sequence_number":,"pad":"one","delta":"two","obfuscation":"","n":1}`:                   "",
		`{"id":"a","sequence_number":13,"pad":"one","delta":"t\"wo","obfuscation":"","n":1}`:               "",
		`{"id":"a","sequence_number":13,"pad":"one","delta":"t` + "\n" + `","obfuscation":"","n":1}`:       "",
		`{"id":"a","sequence_number":13,"pad":"one","delta":"two","obfuscation":"\"","n":1}`:               "",
		`{"id":"a","sequence_number":13,"pad":"one","delta":"two","obfuscation":"","n":1}}`:                "",
		`{"id":"a","sequence_number":13,"pad":"one","delta":"two","obfuscation":"","n":1`:                  "",
		`{"id":"a","sequence_number":13,"tool_calls":[],"pad":"one","delta":"two","obfuscation":"","n":1}`: "",
		"": "",
	} {
		in, _ := event("e", data, "")
		got, ok := a.Match(append(bytes.Clone(in.Raw), "data: more"...))
		if ok != (want != "") || ok && string(got.Data[got.TextStart:got.TextEnd]) != want {
			t.Errorf("%s: %q, %t", data, got.Data, ok)
		}
		if ok && (string(got.Raw) != string(in.Raw) || string(got.Data) != data || string(got.Event) != "e" || got.Class == 0) {
			t.Errorf("%s: %q, event %q, data %q, class %d", data, got.Raw, got.Event, got.Data, got.Class)
		}
	}
	other, _ := event("f", first, "")
	if _, ok := a.Match(other.Raw); ok {
		t.Error("an event of another name is alike")
	}
	before, _ := a.Match(f.Raw)
	a.Learn(f, text, free)
	if after, _ := a.Match(f.Raw); after.Class == before.Class {
		t.Error("what is learnt anew has the class of before")
	}
	for name, text := range map[string][]byte{
		"of somewhere else": []byte(`"one"`), "that is none": nil, "before the data": f.Event, "beyond the data": f.Raw[len(f.Raw)-4:],
	} {
		a.Learn(f, text, free)
		if _, ok := a.Match(f.Raw); ok {
			t.Errorf("a text %s was learnt", name)
		}
	}
	a.Learn(f, text, free)
	a.Forget()
	if _, ok := a.Match(f.Raw); ok {
		t.Error("a frame is alike to none")
	}
}

// taught cuts a stream as cut does, and learns each frame that has a text.
func taught(f sse.Framer, stream []byte, size func() int) (out []frame, alike int) {
	take := func() {
		for fr, ok := f.Next(); ok; fr, ok = f.Next() {
			out = append(out, keep(fr))
			if fr.Class != 0 {
				alike++
				if s := string(fr.Data[fr.TextStart:fr.TextEnd]); len(s) < 3 || s[0] != '"' || s[len(s)-1] != '"' || strings.ContainsAny(s[1:len(s)-1], "\"\\\n\r") {
					panic("a text that is no plain string: " + s)
				}
				continue
			}
			if i := bytes.Index(fr.Data, []byte(`"t":"`)); i >= 0 {
				str := fr.Data[i+len(`"t":`):]
				if j := bytes.IndexByte(str[1:], '"'); j > 0 {
					f.Learn(fr, str[:j+2], free)
				}
			}
		}
	}
	var buf []byte
	for len(stream) > 0 {
		n := min(max(1, size()), len(stream))
		buf = append(buf[:0], stream[:n]...)
		f.Write(buf)
		take()
		for i := range buf {
			buf[i] = '#'
		}
		stream = stream[n:]
	}
	f.Close()
	take()
	return out, alike
}

// What is learnt changes no frame.
func checkTaught(t *testing.T, newFramer func(int) sse.Framer, limit int, stream []byte, sizes ...func() int) (alike int) {
	t.Helper()
	want := cut(newFramer(limit), stream, whole)
	for _, size := range sizes {
		got, n := taught(newFramer(limit), stream, size)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: what is learnt matters (-untaught +taught):\n%s", stream, d)
		}
		alike += n
	}
	return alike
}

func TestTaught(t *testing.T) {
	delta := func(text string) string { return `{"i":1,"t":"` + text + `","sequence_number":4}` }
	for name, c := range map[string]struct {
		framer func(int) sse.Framer
		stream string
		alike  int // of four equal frames that are whole
	}{
		"events":       {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\n\n", 4), 3},
		"CRLF":         {sse.NewEvents, strings.Repeat("event: a\r\ndata: "+delta("x")+"\r\n\r\n", 4), 3},
		"lone CR":      {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\r\r", 4), 0},
		"mixed":        {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\n\r", 4), 0},
		"a mark":       {sse.NewEvents, strings.Repeat("\ufeffdata: "+delta("x")+"\n\n", 4), 0},
		"two lines":    {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\ndata: 1\n\n", 4), 0},
		"event behind": {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\nevent: a\n\n", 4), 0},
		"comments":     {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\n\n: ping\n\n", 4), 0},
		"longer":       {sse.NewEvents, "data: " + delta("x") + "\n\ndata: " + delta("y") + "\ndata: 2\n\ndata: " + delta("z") + "\n\n\n", 0},
		"escapes":      {sse.NewEvents, "data: " + delta("x") + "\n\ndata: " + delta(`\"`) + "\n\ndata: " + delta("") + "\n\n", 0},
		"no end":       {sse.NewEvents, strings.Repeat("data: "+delta("x")+"\n\n", 4) + "data: " + delta("x"), 3},
		"lines":        {sse.NewLines, strings.Repeat(delta("x")+"\n", 4), 3},
		"array":        {sse.NewArray, "[" + delta("x") + strings.Repeat(",\n"+delta("x"), 4) + "]", 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkTaught(t, c.framer, 0, []byte(c.stream), whole); got != c.alike {
				t.Errorf("%d frames are known, want %d", got, c.alike)
			}
			checkTaught(t, c.framer, 0, []byte(c.stream), every(1), every(2), every(3), every(7), every(64), anySize(1), anySize(2))
			checkTaught(t, c.framer, 30, []byte(c.stream), whole, every(1), every(7), anySize(3))
		})
	}
}

func FuzzTaught(f *testing.F) {
	for i, s := range []string{
		strings.Repeat("data: {\"t\":\"x\"}\n\n", 3), "data: {\"t\":\"x\"}\r\n\r\ndata: {\"t\":\"y\"}\r\n\r\n\n", "data:{\"t\":\"x\"}\n\ndata:{\"t\":\"y\"}\r\n\n",
		"{\"t\":\"x\"}\n{\"t\":\"y\"}\n", "[{\"t\":\"x\"},{\"t\":\"y\"},{\"t\":\"z\"}]", "data: {\"t\":\"x\"}\n\n\rdata: {\"t\":\"x\"}\n\n",
	} {
		f.Add([]byte(s), uint8(0), uint64(i))
	}
	f.Fuzz(func(t *testing.T, stream []byte, limit uint8, seed uint64) {
		for _, newFramer := range []func(int) sse.Framer{sse.NewEvents, sse.NewLines, sse.NewArray} {
			checkTaught(t, newFramer, int(limit), stream, every(1), every(3), anySize(seed))
		}
	})
}

// A frame that is known by the ones before it takes no memory.
func TestAlikeAllocates(t *testing.T) {
	f, text := event("", `{"i":1,"t":"x"}`, `"t":"x"`)
	framer := sse.NewEvents(1 << 20)
	framer.Write(f.Raw)
	first, _ := framer.Next()
	framer.Learn(first, first.Data[len(first.Data)-len(text)-1:len(first.Data)-1], nil)
	if n := testing.AllocsPerRun(100, func() {
		framer.Write(f.Raw)
		if f, _ := framer.Next(); f.Class == 0 {
			t.Fatal("the frame is not known")
		}
		if _, ok := framer.Next(); ok {
			t.Fatal("a frame too many")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
