package payload

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

func TestScrub(t *testing.T) {
	values := []string{github, pem, odd, "short", github[:20], "https://u:päss😀word@host/a"}
	s := NewScrubber(values)
	python := `"https://u:p\u00e4ss\ud83d\ude00word@host/a"`
	for name, raw := range map[string]string{
		"plain":          "it is " + github + " " + pem + " " + odd + ".",
		"JSON":           quote(map[string]any{"a": "x " + github, "b": []string{pem, odd + "!"}}),
		"arguments":      quote(map[string]any{"arguments": quote(map[string]any{"a": pem, "b": odd, "c": github})}),
		"least escapes":  string(jsonscan.AppendString(nil, odd+odd)),
		"ASCII":          `{"a":` + python + `,"b":` + quote(python) + `}`,
		"slashes":        `{"a":"https:\/\/u:päss😀word@host\/a","b":"https:\/\/u:p\u00e4ss\ud83d\ude00word@host\/a"}`,
		"stream":         "event: x\ndata: {\"text\":\"a " + github + "\"}\n\ndata: {\"text\":\"" + github + github + "\"}\n\ndata: [DONE]\n\n",
		"one in another": github[:20] + " " + github,
	} {
		before := strings.Clone(raw)
		got := string(s.Bytes([]byte(raw)))
		if raw != before {
			t.Errorf("%s: the bytes that were given are changed", name)
		}
		if len(got) != len(raw) || !strings.Contains(got, "********") {
			t.Errorf("%s: %q", name, got)
		}
		if text := s.Text(raw); text != got {
			t.Errorf("%s: as text %q", name, text)
		}
		if s.Holds(got) || !s.Holds(raw) {
			t.Errorf("%s: %q holds a value", name, got)
		}
		if json.Valid([]byte(raw)) {
			var v any
			if err := json.Unmarshal([]byte(got), &v); err != nil {
				t.Errorf("%s: %v in %s", name, err, got)
			}
			for _, v := range values[:3] {
				if strings.Contains(got, v) || strings.Contains(got, strings.Trim(quote(v), `"`)) {
					t.Errorf("%s: %q is left in %s", name, v, got)
				}
			}
		}
		if d := strings.Count(got, "\n"); d != strings.Count(raw, "\n") && name == "stream" {
			t.Errorf("%q has other frames", got)
		}
	}
	for _, s := range []*Scrubber{s, NewScrubber(nil), NewScrubber([]string{"", "short"})} {
		for _, raw := range [][]byte{nil, {}, []byte("this is short"), []byte("data: {}\n\n")} {
			if got := s.Bytes(raw); !bytes.Equal(got, raw) || len(raw) > 0 && &got[0] != &raw[0] || s.Text(string(raw)) != string(raw) {
				t.Errorf("%q becomes %q", raw, got)
			}
		}
	}
}

// The way to find what frames have cut, as Scrubber's comment says.
func TestScrubSplit(t *testing.T) {
	s := NewScrubber([]string{github})
	decode := func(raw []byte) (text string) {
		for line := range strings.Lines(string(raw)) {
			var delta struct{ Text string }
			if payload, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(payload), &delta) == nil {
				text += delta.Text
			}
		}
		return text
	}
	for cut, want := range map[int]bool{0: false, 10: true} {
		raw := []byte("data: " + quote(map[string]string{"text": "it is " + github[:cut]}) + "\n\ndata: " + quote(map[string]string{"text": github[cut:]}) + "\n\n")
		if text := decode(raw); !s.Holds(text) {
			t.Fatal(text)
		}
		if got := s.Holds(decode(s.Bytes(raw))); got != want {
			t.Errorf("cut at %d: %v", cut, got)
		}
	}
}

// What was found in a body is concealed in an answer that repeats it, in its
// spelling too, down to JSON inside of JSON.
func TestScrubValues(t *testing.T) {
	for _, shape := range shapes[:3] {
		body := []byte(shape.put("it is " + pem + " and " + odd))
		hits := scan(t, scanner(t), string(body))
		s := NewScrubber(Values(body, hits))
		if len(hits) != 2 {
			t.Fatalf("%s: %v", shape.name, hits)
		}
		got := string(s.Bytes(body))
		if want := bytes.Count([]byte(got), []byte("*")); want != hits[0].End-hits[0].Start+hits[1].End-hits[1].Start {
			t.Errorf("%s: %s", shape.name, got)
		}
	}
}
