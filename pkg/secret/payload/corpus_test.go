package payload

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// lines reads a file of JSON lines of the measured data, if it is there.
func lines[T any](t testing.TB, name string) (out []T) {
	t.Helper()
	f, err := os.Open("../../../../shared/security/" + name)
	if err != nil {
		t.Skip("no measured data")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func secretsOnly(t testing.TB) *Scanner {
	t.Helper()
	d, err := secret.New(secret.Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	return New(d, 1<<20)
}

// A shape puts a text into a body, and takes it out of one.
var shapes = []struct {
	name string
	put  func(text string) string
	take []string // the path in the body; a string on it is JSON
}{
	{"content", func(text string) string { return `{"messages":[{"role":"user","content":` + quote(text) + `}]}` }, []string{"messages", "content"}},
	{"arguments", func(text string) string {
		return `{"messages":[{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":` + quote(quote(map[string]any{"n": 1, "text": text})) + `}}]}]}`
	}, []string{"messages", "tool_calls", "function", "arguments", "text"}},
	{"tool_use", func(text string) string {
		return `{"messages":[{"content":[{"type":"tool_use","input":{"deep":{"text":` + quote(text) + `}}}]}]}`
	}, []string{"messages", "content", "input", "deep", "text"}},
	{"two levels down", func(text string) string {
		return `{"messages":[{"tool_calls":[{"function":{"arguments":` + quote(quote(map[string]any{"body": quote([]string{text})})) + `}}]}]}`
	}, []string{"messages", "tool_calls", "function", "arguments", "body", ""}},
}

// take returns the text at a path; of an array, that of its last element.
func take(t testing.TB, v any, path []string) string {
	t.Helper()
	for {
		switch x := v.(type) {
		case []any:
			if len(path) > 0 && path[0] == "" {
				path = path[1:]
			}
			v = x[len(x)-1]
			continue
		case string:
			if len(path) == 0 {
				return x
			}
			if err := json.Unmarshal([]byte(x), &v); err != nil {
				t.Fatalf("%v in %q", err, x)
			}
			continue
		case map[string]any:
			v, path = x[path[0]], path[1:]
			continue
		}
		t.Fatalf("%v at %v", v, path)
	}
}

func TestMeasuredSecrets(t *testing.T) {
	cases := lines[struct {
		Rule, Label, Text string
		Secrets           []string
	}](t, "secrets-gitleaks.jsonl.gz")
	s := secretsOnly(t)
	plain, err := secret.New(secret.Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range shapes {
		secrets, missed, clean, hit, more := 0, 0, 0, 0, 0
		for _, c := range cases {
			body := shape.put(c.Text)
			hits := scan(t, s, body)
			if c.Label == "clean" {
				if clean++; len(hits) > 0 {
					hit++
					if len(plain.Scan(c.Text)) == 0 {
						more++
						t.Logf("%s: clean %s: %s", shape.name, c.Rule, body)
					}
				}
				continue
			}
			secrets++
			var v any
			if err := json.Unmarshal(Redact([]byte(body), hits, secret.NewSession()), &v); err != nil {
				t.Fatalf("%v after %s", err, body)
			}
			left := take(t, v, shape.take)
			for _, want := range c.Secrets {
				if strings.Contains(left, want) {
					missed++
					t.Errorf("%s: %s is missed in %s", shape.name, c.Rule, body)
					break
				}
			}
		}
		t.Logf("%s: %d of %d missed, %d of %d clean ones hit, %d of them not as texts alone", shape.name, missed, secrets, hit, clean, more)
	}
}

func TestMeasuredBenign(t *testing.T) {
	s := secretsOnly(t)
	for _, shape := range shapes {
		n := 0
		for _, c := range lines[struct{ Text string }](t, "benign-text.jsonl.gz") {
			n++
			body := shape.put(c.Text)
			if hits := scan(t, s, body); len(hits) > 0 {
				t.Errorf("%s: %v in %.300q", shape.name, hits, body[hits[0].Start:])
			}
		}
		t.Logf("%s: none of %d benign texts hit", shape.name, n)
	}
}
