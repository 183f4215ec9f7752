package hold

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Whatever is cut out of a list, the rest is the list without it.
func TestCut(t *testing.T) {
	for _, text := range []string{`[0]`, `[ 0 , 1 ]`, "[0,\n1,2 ,3 ]"} {
		items := Elements([]byte(text), 0)
		for mask := range 1 << len(items) {
			var e Edits
			left := e.Cut(items, func(i int) bool { return mask>>i&1 == 1 })
			var got, want []int
			if err := json.Unmarshal(e.Apply([]byte(text)), &got); err != nil {
				t.Fatalf("%s without %b: %s", text, mask, e.Apply([]byte(text)))
			}
			for i := range items {
				if mask>>i&1 == 0 {
					want = append(want, i)
				}
			}
			if len(got) != left || len(got)+len(want) > 0 && !cmp.Equal(got, want) {
				t.Errorf("%s without %b: %v", text, mask, got)
			}
		}
	}
}

func TestMembers(t *testing.T) {
	const text = ` {"a" : 1 , "b\u0062":{"c":[2]},"":"x" } `
	var got []string
	for _, m := range Members([]byte(text), 1) {
		got = append(got, m.Name, text[m.Span.Start:m.Span.End], text[m.Value.Start:m.Value.End])
	}
	want := []string{"a", `"a" : 1`, `1`, "bb", `"b\u0062":{"c":[2]}`, `{"c":[2]}`, "", `"":"x"`, `"x"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, broken := range []string{``, `{"a"`, `{"a":1`, `7`, `{"a":1,}`} {
		if m := Members([]byte(broken), 0); len(m) > 0 {
			t.Errorf("%s: %v", broken, m)
		}
	}
}

// A frame with other data has that data to a framer, and its other fields.
func TestReplaceEvent(t *testing.T) {
	for _, raw := range []string{
		"data: OLD\n\n", "event: x\ndata:OLD\r\n\r\n", "\xef\xbb\xbfdata: OLD\n\n", ": OLD\ndata: OLD\nid: 7\r\r",
		"data: OLD\ndata: OLD\nevent:x\n\n", "data: OLD", "data: OLD\n", "event: x\r\ndata: OLD\r\n", ":OLD\n:OLD\nOLD\ndata\ndata:OLD\n\n",
	} {
		for _, data := range []string{`{"a":1}`, "{\n\"a\":1}"} {
			o := Out{framing: Events}
			o.Replace(&Frame{Raw: []byte(raw)}, []byte(data))
			o.Event("next", []byte(`{}`))
			if bytes.Contains(o.b, []byte("OLD")) {
				t.Errorf("%q: %q", raw, o.b)
			}
			framer := sse.NewEvents(0)
			framer.Write(o.b)
			framer.Close()
			var got []string
			for f, ok := framer.Next(); ok; f, ok = framer.Next() {
				if f.Data != nil {
					got = append(got, string(f.Event), string(f.Data))
				}
			}
			name := ""
			if strings.Contains(raw, "event") {
				name = "x"
			}
			if diff := cmp.Diff([]string{name, data, "next", `{}`}, got); diff != "" {
				t.Errorf("%q with %q: %q\n%s", raw, data, o.b, diff)
			}
		}
	}
}

func TestSays(t *testing.T) {
	for data, want := range map[string]bool{
		`{"content":"x"}`: true, `{"content" : "x"}`: true, `{"content":""}`: false, `{"content":null}`: false,
		`{"content":"","content":"x"}`: true, `{"x":"\"content\":\"y\""}`: false, `{"content"`: false, `content":"x"`: false,
	} {
		if got := says([]byte(data), "content"); got != want {
			t.Errorf("%s: %v", data, got)
		}
	}
}
