package wiretest

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// FuzzStream fuzzes the decoding of streams: the cutting must not matter, and
// what comes out must be sound. The cases of Golden are its seeds.
func FuzzStream(f *testing.F, dir string, format wire.Format) {
	for _, file := range caseFiles(f, dir) {
		if contentType, ok := streams[file.Name]; ok {
			f.Add(contentType, file.Data, uint8(5))
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte, size uint8) {
		if format.NewFramer(contentType, Limit) == nil {
			t.Skip()
		}
		want, deltas := Decode(format, contentType, body, func() int { return len(body) })
		sound(t, want)
		got, d := Decode(format, contentType, body, func() int { return int(size) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the cutting matters (-whole +cut):\n%s", diff)
		}
		if diff := cmp.Diff(deltas, d); diff != "" {
			t.Fatalf("the cutting matters to the deltas (-whole +cut):\n%s", diff)
		}
	})
}

// FuzzBody fuzzes what reads whole bodies, of requests and of responses.
func FuzzBody(f *testing.F, dir string, format wire.Format) {
	for _, file := range caseFiles(f, dir) {
		if file.Name == "request.json" || file.Name == "response.json" {
			f.Add(200, file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		sound(t, format.Answer(status, body))
		r := format.Scan(body)
		c, err := format.Conversation(body)
		if (r.Err == nil) != (err == nil) {
			t.Fatalf("Scan says %v, Conversation %v", r.Err, err)
		}
		if _, err := json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(body) {
			return // encoding/json reads such text otherwise
		}
		for _, m := range c.Messages {
			checkSpans(t, body, "a message", m.Parts)
		}
		checkSpans(t, body, "system", c.System)
	})
}

func caseFiles(f *testing.F, dir string) (files []txtar.File) {
	names, err := filepath.Glob(filepath.Join(Root(f), "testdata", "wire", dir, "*.txtar"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no cases in testdata/wire/%s (%v)", dir, err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, ar.Files...)
	}
	return files
}

// sound asserts what holds for every answer.
func sound(t *testing.T, a llm.Answer) {
	t.Helper()
	if _, err := json.Marshal(a); err != nil {
		t.Fatal(err)
	}
	if len(a.FinishReasons) != len(a.Choices) {
		t.Fatalf("%d finish reasons for %d choices", len(a.FinishReasons), len(a.Choices))
	}
	for i, c := range a.Choices {
		if i > 0 && c.Index <= a.Choices[i-1].Index {
			t.Fatalf("choice %d behind %d", c.Index, a.Choices[i-1].Index)
		}
	}
	for _, c := range a.ToolCalls {
		if c.Arguments != nil && c.ArgumentsText != "" {
			t.Fatalf("arguments twice: %+v", c)
		}
	}
	if u := a.Usage; u != nil {
		for _, n := range []*int64{u.InputTokens, u.OutputTokens, u.CacheReadTokens, u.CacheWriteTokens, u.ReasoningTokens} {
			if n != nil && *n < 0 {
				t.Fatalf("a negative count: %d", *n)
			}
		}
	}
	if a.Error != nil && a.Error.Source != llm.SourceUpstream {
		t.Fatalf("an error of %q", a.Error.Source)
	}
}
