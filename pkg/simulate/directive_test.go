package simulate

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseScript(t *testing.T) {
	tests := []struct {
		in   string
		want []Script
	}{
		{``, []Script{{}}},
		{`text "Hello | [[x]]"`, []Script{Say(Text("Hello | [[x]]"))}},
		{`text Hello there`, []Script{Say(Text("Hello there"))}},
		{`text "a" | text "b"`, []Script{Say(Text("a"), Text("b"))}},
		{`tokens 3`, []Script{Say(Text("the proxy reads"))}},
		{`reason "hm" | refuse "no"`, []Script{Say(Reason("hm"), Refuse("no"))}},
		{`call now`, []Script{Say(Call("now", ""))}},
		{`call get {"q":"a|b ]] c","n":[1, 2]} | call put {}`, []Script{Say(Call("get", `{"q":"a|b ]] c","n":[1, 2]}`), Call("put", "{}"))}},
		{`call get "{\"broken"`, []Script{Say(Call("get", `{"broken`))}},
		{`custom apply_patch "*** Begin"`, []Script{Say(Part{Kind: PartCall, Call: ToolCall{Name: "apply_patch", Arguments: "*** Begin", Custom: true}})}},
		{`call a {} | then | text "done" | then | error 500`, []Script{
			Say(Call("a", "{}")), Say(Text("done")), {Error: &Failure{Status: 500}},
		}},
		{`usage 100 20 cached 40 write 5 reasoning 7`, []Script{{Usage: &Usage{100, 20, 40, 5, 7}}}},
		{`error 429 "slow down"`, []Script{{Error: &Failure{Status: 429, Message: "slow down"}}}},
		{`error 404 no such thing`, []Script{{Error: &Failure{Status: 404, Message: "no such thing"}}}},
		{`finish length | model m-1 | n 2 | events 200`, []Script{{Finish: "length", Model: "m-1", Choices: 2, Events: 200}}},
		{`hold 1s|ttft 100ms|delay 5ms|pause 3 1m|chunk 7`, []Script{{Delivery: Delivery{
			Hold: time.Second, TTFT: 100 * time.Millisecond, Delay: 5 * time.Millisecond, PauseAfter: 3, Pause: time.Minute, Chunk: 7,
		}}}},
		{`slow`, []Script{{Delivery: Delivery{Delay: 50 * time.Millisecond}}}},
		{`gzip | crlf | comments | nospace | nolastblank`, []Script{{Delivery: Delivery{
			Encoding: "gzip", CRLF: true, Comments: true, NoSpace: true, NoLastBlank: true,
		}}}},
		{`cut 3 | noterminal | garbage | close | drop | early | abort | lf`, []Script{{Delivery: Delivery{
			Cut: 3, NoTerminal: true, Garbage: true, Close: true, Drop: true, Early: true, Abort: true, LF: true,
		}}}},
		{`error-midstream`, []Script{{Delivery: Delivery{MidError: &Failure{Status: 500}}}}},
		{`error-midstream 529 "Overloaded"`, []Script{{Delivery: Delivery{MidError: &Failure{Status: 529, Message: "Overloaded"}}}}},
		{`header Retry-After: 7 | header X-A: b: c`, []Script{{Delivery: Delivery{Header: http.Header{"Retry-After": {"7"}, "X-A": {"b: c"}}}}}},
		{`redirect http://127.0.0.1:1/x`, []Script{{Delivery: Delivery{Redirect: "http://127.0.0.1:1/x"}}}},
	}
	for _, tt := range tests {
		got, err := ParseScript(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.in, d)
		}
		// The same between brackets, with words around it.
		got, found, err := scriptIn("Please. [[sim: " + tt.in + " ]] Thank you.")
		if d := cmp.Diff(tt.want, got); err != nil || !found || d != "" {
			t.Errorf("[[sim: %s]]: found %v, %v\n%s", tt.in, found, err, d)
		}
	}
}

func TestParseScriptRefusals(t *testing.T) {
	tests := map[string]string{
		`dance`:              `unknown instruction "dance"`,
		`text "open`:         "text:",
		`tokens many`:        "not a number",
		`tokens -1`:          "not a number",
		`tokens 99999999999`: "not a number",
		`call`:               "the tool's name is missing",
		`call x {"a":`:       "arguments of x",
		`call x {} {}`:       "not understood",
		`error 200`:          "not the status of an error",
		`usage 1`:            "not a number",
		`usage 1 2 three 4`:  "none of cached",
		`delay soon`:         "not a duration",
		`delay -1s`:          "not a duration",
		`header nothing`:     "NAME: VALUE",
		`finish`:             "a word is missing",
		`gzip 9`:             "not understood",
	}
	for in, want := range tests {
		if _, err := ParseScript(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", in, err, want)
		}
	}
	if _, found, err := scriptIn("[[sim: text hello"); !found || err == nil {
		t.Errorf("an open bracket: found %v, %v", found, err)
	}
}

func TestScriptInJoinsBlocks(t *testing.T) {
	got, found, err := scriptIn(`a [[sim: text "1"]] b [[sim: call x {"a":[[1]]} | then]][[sim: text "2"]]`)
	want := []Script{Say(Text("1"), Call("x", `{"a":[[1]]}`)), Say(Text("2"))}
	if d := cmp.Diff(want, got); err != nil || !found || d != "" {
		t.Errorf("found %v, %v (-want +got)\n%s", found, err, d)
	}
	if _, found, err := scriptIn("no script here ]]"); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
}

func FuzzParseScript(f *testing.F) {
	for _, s := range []string{
		`text "Hello" | call get_weather {"city":"Paris"} | then | error 429`, `usage 1 2 cached 3`,
		`call x "\u00e9" | header a: b | pause 3 10s`, "text \xff|", `| | then | then`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		turns, err := ParseScript(s)
		if (err == nil) != (len(turns) > 0) {
			t.Fatalf("%d turns and %v", len(turns), err)
		}
		// What can be read alone can be read between brackets, unless the brackets
		// close early within it.
		if err == nil && !strings.Contains(s, directiveClose) && !strings.Contains(s, directiveOpen) {
			inText, found, err := scriptIn(directiveOpen + s + " " + directiveClose)
			if err != nil || !found || !cmp.Equal(turns, inText) {
				t.Fatalf("%q reads differently in brackets: %v\n%s", s, err, cmp.Diff(turns, inText))
			}
		}
		// Every script that can be read can be answered in every format.
		for i, script := range turns {
			size := script.Events
			for _, p := range script.Parts {
				size += len(p.Text) + len(p.Call.Arguments)
			}
			if size > 1000 || script.Choices > 10 {
				continue
			}
			for format, c := range codecs {
				a := settle(Request{Provider: OpenAI, Format: format, Choices: 1}, script, epoch, "seed")
				if b := c.whole(a); len(b) == 0 {
					t.Fatalf("%s turn %d: an empty body", format, i)
				}
				if len(c.stream(a)) == 0 {
					t.Fatalf("%s turn %d: an empty stream", format, i)
				}
			}
		}
	})
}

func TestPieces(t *testing.T) {
	for _, s := range []string{"", " ", "Hello there, you.", strings.Repeat("x", 40), "日本語のとても長い文章です", "a\n\nb  c", "{\"city\":\"Paris\"}", "\xff\xfe"} {
		p := pieces(s)
		if got := strings.Join(p, ""); got != s {
			t.Errorf("pieces(%q) lose text: %q", s, got)
		}
		if tokens(s) != len(p) {
			t.Errorf("tokens(%q) = %d, want %d", s, tokens(s), len(p))
		}
		for n := 1; n < 9; n++ {
			if c := cutInto(s, n); len(c) != n || strings.Join(c, "") != s {
				t.Errorf("cutInto(%q, %d) = %q", s, n, c)
			}
		}
	}
	if n := tokens(words(200)); n != 200 {
		t.Errorf("200 words are %d tokens", n)
	}
}
