package payload

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// FuzzScan: whatever the body, Scan does not panic, says the same twice, finds
// whole pieces of strings, and Redact changes nothing else.
func FuzzScan(f *testing.F) {
	for _, text := range []string{"", "a\n" + github, pem, odd, iban + " " + iban, `\u0067hp_`, `{"client_secret":"` + generic + `"}`, `[["` + github + `\\n"]]`, "é" + iban + "é", `"\"` + github + `\""`} {
		f.Add([]byte(`{"a":["`+github+`"],"b":{"args":{"x":"y"}}}`), text)
		f.Add([]byte(`{"a":`+quote(quote(map[string]string{text: text}))+`}`), text)
		for _, shape := range shapes {
			f.Add([]byte(shape.put(text)), text)
		}
	}
	f.Add([]byte(`{"a":"\ud83d`+github+`\ud83d\ude00`+iban+`\ud83d\u0041","a\\\"":["\\"]}`), "x")
	f.Fuzz(func(t *testing.T, body []byte, text string) {
		check(t, string(body))
		for _, shape := range shapes {
			clean := check(t, shape.put(text))
			var v any
			if err := json.Unmarshal([]byte(clean), &v); err != nil {
				t.Fatal(err)
			}
			take(t, v, shape.take) // the JSON in its strings is JSON too
		}
	})
}

func check(t *testing.T, body string) string {
	s := scanner(t)
	hits, err := s.Scan([]byte(body), nil)
	if err != nil {
		if hits != nil {
			t.Errorf("%v with %v", hits, err)
		}
		return body
	}
	at := 0
	for _, h := range hits {
		if h.Start < at || h.End <= h.Start || h.End > len(body) || h.Finding.Start != h.Start || h.Finding.End != h.End {
			t.Fatalf("%+v after %d in %q", h, at, body)
		}
		at = h.End
		v := value([]byte(body)[h.Start:h.End], h.depth)
		if strings.Contains(h.Where, v) {
			t.Errorf("%q tells %q", h.Where, v)
		}
		if backslashes([]byte(body), 0, h.Start)%2 == 1 {
			t.Errorf("%q begins inside of an escape", v)
		}
	}
	known := []llm.Message(nil)
	if jsonscan.Check([]byte(body)) == nil {
		known = messages([]byte(body))
	}
	again, err := s.Scan([]byte(body), known)
	for i := range again {
		hits[i].New = again[i].New // a unit may stand twice in one body
	}
	if d := cmp.Diff(hits, again, cmp.AllowUnexported(Hit{})); err != nil || d != "" {
		t.Error(err, d)
	}
	if jsonscan.Check([]byte(body)) != nil {
		return body // scanned, but never sent
	}
	return checkRedact(t, s, body, hits)
}
