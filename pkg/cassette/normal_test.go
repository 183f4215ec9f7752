package cassette

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

func rules(t testing.TB, text string) *Rules {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, rulesName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := ReadRules(dir, Surroundings{Home: "/home/alice", Work: "/home/alice/src/shop"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEqualBodies(t *testing.T) {
	r := rules(t, "ignore: [trace.id]\nmask: ['/tmp/[a-z0-9]+']\n")
	long := strings.Repeat("iVBORw0KGgo", 500)
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[2,3]}`, ` { "b" : [2, 3.0] , "a" : 1e0 } `, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"b":[2,3]}`, `{"b":[3,2]}`, false},
		{`{"a":0.1}`, `{"a":0.10}`, false}, // as they are written
		{`{"a":"é/"}`, `{"a":"\u00e9\/"}`, true},
		{`{"a":1,"user":"x","metadata":{"user_id":"y"},"prompt_cache_key":"z"}`, `{"a":1}`, true},
		{`{"a":{"user":"x"}}`, `{"a":{}}`, false}, // the body's own members only
		{`{"messages":[{"role":"user"}]}`, `{"messages":[{}]}`, false},
		{`{"trace":{"id":1,"x":2},"input":[{"id":"a","t":1}]}`, `{"trace":{"x":2},"input":[{"t":1}]}`, true},
		{`{"c":"wrote /tmp/a81 and /tmp/b"}`, `{"c":"wrote /tmp/zz9 and /tmp/c"}`, true},
		{`{"c":"Today's date: 2026-11-25"}`, `{"c":"Today's date: 2027-01-02"}`, true},
		{`{"c":"You are kind.\n - Current date is Wednesday, November 25, 2026.\nBye 2026-01-01"}`, `{"c":"You are kind.\n - Current date is Friday, March 5, 2027.\nBye 2026-01-01"}`, true},
		{`{"c":"<current_date>2026-11-25</current_date>"}`, `{"c":"<current_date>2026-11-26</current_date>"}`, true},
		{`{"c":"Current time: 10:11:12 UTC"}`, `{"c":"Current time: 9:01:00 UTC"}`, true},
		{`{"c":"Chunk ID: 9a2ab2\nWall time: 0.1 seconds\nx"}`, `{"c":"Chunk ID: 4ad684\nWall time: 12.0 seconds\nx"}`, true},
		{`{"c":"Chunk ID: 9a2ab2\nWall time: 0.1 seconds\nx"}`, `{"c":"Chunk ID: 9a2ab2\nWall time: 0.1 seconds\ny"}`, false},
		{`{"c":"Meet on 2026-11-25"}`, `{"c":"Meet on 2026-11-26"}`, false},
		{`{"c":"Today is my birthday."}`, `{"c":"Today is my wedding."}`, false},
		{`{"c":"Current date 2026-11-25, in Rome"}`, `{"c":"Current date 2026-11-25, in Oslo"}`, false},
		{`{"i":"` + long + `"}`, `{"i":"` + long + `"}`, true},
		{`{"i":"` + long + `"}`, `{"i":"` + long + `A"}`, false},
		{`{"k":"ghp_0123456789abcdefghijABCDEFGHIJ012345"}`, `{"k":"ghp_9876543210abcdefghijABCDEFGHIJ098765"}`, true},
		{`{"k":"REDACTED_SECRET_0a1b2c3d4e5f6071"}`, `{"k":"ghp_9876543210abcdefghijABCDEFGHIJ098765"}`, true},
		{`{"k":["REDACTED_EMAIL_0a1b2c3d4e5f6071","REDACTED_EMAIL_0a1b2c3d4e5f6072"]}`, `{"k":["REDACTED_EMAIL_0a1b2c3d4e5f6071","REDACTED_EMAIL_0a1b2c3d4e5f6071"]}`, false},
		{`{"input":[{"type":"message","id":"msg_1"}]}`, `{"input":[{"type":"message","id":"msg_2"}]}`, true},
		{`{"input":[{"type":"item_reference","id":"msg_1"}]}`, `{"input":[{"type":"item_reference","id":"msg_2"}]}`, false},
		{`{"c":"in /home/alice/src/shop/a and /home/alice."}`, `{"c":"in REDACTED_PATH_0000000000000001/a and REDACTED_PATH_0000000000000002."}`, true},
		{`{"c":"/home/alicex and /mnt/home/alice"}`, `{"c":"/home/alicex and /mnt/home/alice"}`, true},
		{`{"c":"/home/alicex"}`, `{"c":"REDACTED_PATH_0000000000000001x"}`, false},
		{`{"a":1}x`, `{"a":1} x`, false}, // no JSON: a text
		{"", "", true},
	} {
		a, b := r.normalise([]byte(test.a), ""), r.normalise([]byte(test.b), "")
		if (a.Text == b.Text) != test.same {
			t.Errorf("%s and %s are\n%s\n%s", test.a, test.b, a.Text, b.Text)
		}
		if len(a.Text) > 2<<10 {
			t.Errorf("%d bytes of %s", len(a.Text), a.Text[:40])
		}
	}
	form := func(boundary string) string {
		return r.normalise([]byte("--"+boundary+"\r\nx"), "multipart/form-data; boundary="+boundary).Text
	}
	if form("----a0123456789") != form("----b9876543210") {
		t.Error("a boundary counts")
	}
}

func TestQueries(t *testing.T) {
	r := rules(t, "")
	path := func(query string) string {
		return r.Normalise(Sent{Provider: "gemini", Method: "POST", Path: "/x", Query: query}).Path
	}
	if got := path("key=AIzaSyA0123456789abcdefghijklmnopqrstu&b=2&alt=sse"); got != "/x?alt=sse&b=2" {
		t.Error(got)
	}
	if got := path("key=secret"); got != "/x" {
		t.Error(got)
	}
}

func TestRulesFile(t *testing.T) {
	for text, want := range map[string]string{
		"mask: ['(']":  "missing closing",
		"ignored: [a]": "field ignored not found",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, rulesName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRules(dir, Surroundings{Home: "/home/alice", Work: "/home/alice/src/shop"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A normal form is its own, since files hold it.
func FuzzNormalForm(f *testing.F) {
	r := rules(f, "mask: ['[0-9]+ms']")
	for _, s := range []string{`{"a":[1.0,"x\u0000"],"user":1}`, `{"c":"Today's date: 2026-11-25 key ghp_0123456789abcdefghijABCDEFGHIJ012345 REDACTED_CARD_0a1b2c3d4e5f6071"}`, "\xff", `"a"`, `{"a":1,"a":2}`, "current time 12:00 [3ms]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		first := r.normalise(body, "")
		again := r.normalise([]byte(first.Text), "")
		if again.Text != first.Text && !masksItself(first.Text) {
			t.Errorf("%q\nbecomes %q\nthen %q", body, first.Text, again.Text)
		}
	})
}

// masksItself excuses texts in which what is left beside a mask looks like a date
// or a secret again.
func masksItself(text string) bool {
	return strings.Contains(text, "<date>") || strings.Contains(text, "REDACTED_") || strings.Contains(text, masked)
}

// What is written is read again as it was, whatever a provider sends.
func FuzzFile(f *testing.F) {
	r := rules(f, "")
	for _, s := range []string{"", "data: {\"a\":1}\n\ndata: [DONE]\n\n", "a\r\nb\r\n", "a\r\nb\n", " \n", "\t\n x", "x \n\ny", "\x00\xff", "# no\n---\n...\n", "\u2028\u0085\ufeff", "{\"choices\":[]}", "\n\n", "'\"\\"} {
		f.Add([]byte(s), `{"a":"b\nc"}`)
	}
	formats := []wire.Format{nil, openaichat.New(), anthropic.New(), gemini.New()}
	f.Fuzz(func(t *testing.T, body []byte, request string) {
		for i, format := range formats {
			e := &Episode{
				Request:  r.Normalise(Sent{Provider: "p", API: llm.APIMessages, Method: "POST", Path: "/x", Query: "a=%20b", Body: []byte(request)}),
				Response: Response{Status: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body, Timing: Timing{Header: 5 * time.Millisecond, Body: []Mark{{int64(len(body)), 7 * time.Millisecond}}}},
			}
			b, err := encode(e, format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.decode(b)
			if err != nil {
				t.Fatalf("%v in\n%s", err, b)
			}
			if !bytes.Equal(got.Response.Body, body) || got.Response.Status != 200 || got.Response.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("%d: %q became %q in\n%s", i, body, got.Response.Body, b)
			}
			if got.Request.Key() != e.Request.Key() && !masksItself(e.Request.Body) {
				t.Errorf("%d: %q became %q in\n%s", i, e.Request.Body, got.Request.Body, b)
			}
		}
	})
}

func TestFile(t *testing.T) {
	r := rules(t, "")
	e := &Episode{
		Request: r.Normalise(Sent{Provider: "gemini", API: llm.APIGenerateContent, Method: "POST", Path: "/v1beta/models/m:streamGenerateContent", Query: "alt=sse", Body: []byte(`{"contents":[{"parts":[{"text":"hi\nthere"}]}],"labels":{"a":"b"}}`)}),
		Response: Response{
			Status: 200, Header: http.Header{"Content-Type": {"text/event-stream"}},
			Body:   []byte("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n"),
			Timing: Timing{Header: 120 * time.Millisecond, Body: []Mark{{20, 130 * time.Millisecond}, {70, 150 * time.Millisecond}, {500, 190 * time.Millisecond}}},
		},
	}
	b, err := encode(e, gemini.New())
	if err != nil {
		t.Fatal(err)
	}
	want := preamble + `cassette: 1
request:
  provider: gemini
  api: generate_content
  method: POST
  path: /v1beta/models/m:streamGenerateContent?alt=sse
  body: |
    {
      "contents": [
        {
          "parts": [
            {
              "text": "hi\nthere"
            }
          ]
        }
      ]
    }
answer:
  text: |-
    Hello
  finish_reasons: [STOP]
response:
  status: 200
  header: {Content-Type: [text/event-stream]}
  header_ms: 120
  event_ms: [150, 190]
  line_ends: crlf
  body: |+
    data: {"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}

    data: {"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}]}

`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		strings.Replace(want, "cassette: 1", "cassette: 2", 1):         "newer version of archestra",
		strings.Replace(want, "  body: |\n    {", "  body:\n    {", 1): "request.body is to be a text",
		"a: b\n": "no cassette",
		"[":      "did not find",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFolder(dir, r); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
