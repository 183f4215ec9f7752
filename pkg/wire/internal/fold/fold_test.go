package fold_test

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

func TestText(t *testing.T) {
	b := fold.NewBudget(0)
	var text fold.Text
	for _, p := range []struct {
		key     uint64
		literal string
	}{{2, `"c"`}, {1, `"a"`}, {2, `"d\n"`}, {1, `"b"`}, {3, `""`}, {3, `7`}, {3, ``}} {
		if got, want := text.Append(&b, p.key, []byte(p.literal)), len(p.literal) > 2; got != want {
			t.Errorf("%s: there is text: %v", p.literal, got)
		}
	}
	if got := text.String(); got != "abcd\n" {
		t.Errorf("in order: %q", got)
	}
	if got := text.Since(1); got != "ad\nb" || text.Len() != 5 {
		t.Errorf("as it came: %q", got)
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		limit   int
		literal string
		want    string
		spent   bool
	}{
		{3, `"abc"`, "abc", false}, {3, `"abcd"`, "abc", true}, {3, `"aéé"`, "aé", true}, {2, `"aé"`, "a", true},
		{1, `"é"`, "", true}, {0, `"aé\u00e9"`, "aéé", false}, {-1, `"x"`, "x", false}, {3, `12`, "", false}, {3, `"`, "", false},
	} {
		b := fold.NewBudget(c.limit)
		if got := string(b.Append([]byte("<"), []byte(c.literal))); got != "<"+c.want || b.Spent() != c.spent {
			t.Errorf("%s within %d: %q, spent %v", c.literal, c.limit, got, b.Spent())
		}
	}
	b := fold.NewBudget(4)
	kept := b.Append(nil, []byte(`"abcdef"`))
	kept = b.Append(kept, []byte(`"x"`))
	if string(kept) != "abcd" || b.Take(0) || !b.Spent() {
		t.Errorf("a spent budget keeps more: %q", kept)
	}
	b = fold.NewBudget(4)
	if !b.Take(4) || b.Spent() {
		t.Error("a budget does not hold what it is for")
	}
	if b.Release(2); !b.Take(2) || b.Take(1) {
		t.Error("what was released is not to be had again, once")
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]fold.Count{
		`7`: {N: 7, OK: true}, `0`: {OK: true}, `2.0`: {N: 2, OK: true}, `-1`: {}, `1.5`: {}, `"7"`: {}, `null`: {}, `9223372036854775807`: {}, `1e300`: {},
	} {
		var c fold.Count
		if c.Read(jsonscan.New([]byte(text))); c != want {
			t.Errorf("%s: %+v", text, c)
		}
	}
	var none fold.Count
	one := fold.Count{N: 1, OK: true}
	if none.Ptr() != nil || none.Sum(one).OK || *one.Sum(none, one).Ptr() != 2 {
		t.Error("sums")
	}
}

func TestArguments(t *testing.T) {
	for text, json := range map[string]bool{
		`{"a":1}`: true, `[]`: true, `7`: true, `{"a":1`: false, `{"a":1,"a":2}`: false, `{"a":{"b":1,"\u0062":2}}`: false, `x`: false, `{} `: true, "\"\xff\"": false,
	} {
		var c llm.ToolCall
		fold.Arguments(&c, []byte(text))
		if string(c.Arguments)+c.ArgumentsText != text || (c.Arguments != nil) != json {
			t.Errorf("%q: %+v", text, c)
		}
	}
	var c llm.ToolCall
	if fold.Arguments(&c, nil); c.Arguments != nil || c.ArgumentsText != "" {
		t.Errorf("of nothing: %+v", c)
	}
}

func TestWords(t *testing.T) {
	for raw, want := range map[string][2]string{ // as Word and as String
		`"a\n"`: {"a\n", "a\n"}, `7`: {"7", ""}, `true`: {"true", ""}, `null`: {}, `{}`: {}, `[1]`: {}, ``: {}, `""`: {},
	} {
		if got := [2]string{fold.Word([]byte(raw)), fold.String([]byte(raw))}; got != want {
			t.Errorf("%s: %q", raw, got)
		}
	}
	if got := string(fold.Name([]byte(`"tool\u005fuse"`))); got != "tool_use" {
		t.Errorf("a name spelt with escapes: %q", got)
	}
}

func TestPlain(t *testing.T) {
	if e := fold.Plain(502, []byte(" \n")); e.Message != "Bad Gateway" || e.Source != llm.SourceUpstream {
		t.Errorf("of nothing: %+v", e)
	}
	if e := fold.Plain(502, []byte(strings.Repeat("é", 4000))); len(e.Message) > 1024 || strings.Trim(e.Message, "é") != "" {
		t.Errorf("%d bytes, …%q", len(e.Message), e.Message[len(e.Message)-4:])
	}
	if e := fold.Plain(502, []byte("a\xffb")); e.Message != "a\uFFFDb" {
		t.Errorf("%q", e.Message)
	}
}
