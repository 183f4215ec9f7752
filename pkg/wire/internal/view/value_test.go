package view_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

func TestValue(t *testing.T) {
	body := []byte(` { "a" : "x\n" , "b": [ 1, {"c":true} ] ,"d":null}  `)
	s := jsonscan.New(body)
	got := map[string]view.Value{}
	for key := range s.Object() {
		got[string(key)] = view.Read(s)
	}
	if err := view.End(s, jsonscan.Object); err != nil {
		t.Fatal(err)
	}
	at := func(v view.Value) string { return string(body[v.Span().Start:v.Span().End]) }
	if a := got["a"]; a.Text() != "x\n" || a.Size() != 3 || at(a) != `"x\n"` || a.Part(llm.PartText).Span != a.Span() {
		t.Errorf("a: %q %d %s", a.Text(), a.Size(), at(a))
	}
	b := got["b"]
	if at(b) != `[ 1, {"c":true} ]` || b.Text() != "" || string(b.JSON()) != at(b) {
		t.Errorf("b: %s", at(b))
	}
	inner := b.Scan(body)
	for range inner.Array() {
		if v := view.Read(inner); v.Kind() == jsonscan.Object && at(v) != `{"c":true}` {
			t.Errorf("within b: %s", at(v))
		}
	}
	if d := got["d"]; d.Kind() != jsonscan.Null || d.JSON() != nil || d.True() {
		t.Errorf("d: %s", d.Raw)
	}
	var none view.Value
	if none.Kind() != jsonscan.Invalid || none.Span() != (llm.Span{}) || none.JSON() != nil || none.Scan(body).Kind() != jsonscan.Invalid {
		t.Error("an absent value is something")
	}
}

func TestSince(t *testing.T) {
	body := []byte("[ {\"a\":1 } \n, 2]")
	s := jsonscan.New(body)
	var got []string
	for range s.Array() {
		start := s.Pos()
		s.Skip()
		span := view.Since(s, body, start)
		got = append(got, string(body[span.Start:span.End]))
	}
	if len(got) != 2 || got[0] != `{"a":1 }` || got[1] != "2" {
		t.Errorf("%q", got)
	}
}

func TestData(t *testing.T) {
	for url, want := range map[string]struct {
		media string
		size  int
	}{
		`"data:image/png;base64,AAAA"`: {"image/png", 4}, `"data:image\/png,AA"`: {"image/png", 2}, `"data:,x"`: {"", 1},
		`"data:image/png"`: {}, `"https://example.com/a,b"`: {}, `7`: {}, `"`: {},
	} {
		media, size := view.Data(view.Value{Raw: []byte(url)})
		if media != want.media || size != want.size {
			t.Errorf("%s: %q, %d bytes", url, media, size)
		}
	}
}

func TestEnd(t *testing.T) {
	for text, ok := range map[string]bool{`{}`: true, `[]`: false, `{} x`: false, ``: false, `{`: false} {
		s := jsonscan.New([]byte(text))
		kind := s.Kind()
		s.Skip()
		if err := view.End(s, kind); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
