package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLiteral(t *testing.T) {
	l := literal{text: "{id:\"a\",'b-c':[.5,2e5,-1,],on:!0,off:!1,no:null,v:void 0,t:`two\nlines \\u0041\\x42 \\`q\\` $5`,}"}
	got, err := l.value()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": "a", "b-c": []any{number(".5"), number("2e5"), number("-1")}, "on": true, "off": false, "no": nil, "v": nil,
		"t": "two\nlines AB `q` $5",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "{", "[1", "[1 2]", "{a 1}", "{1+1:2}", `"a`, "`${x}`", `"\u00`, "x()", "1..2", "{a:1"} {
		l := literal{text: bad}
		if v, err := l.value(); err == nil && l.pos == len(bad) {
			t.Errorf("%q is %v", bad, v)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[number]json.Number{".8": "0.8", "2e5": "200000", "12.50": "12.5", "0.0375": "0.0375", "10": "10"} {
		if got := plain(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func FuzzLiteral(f *testing.F) {
	f.Add("{id:\"a\",b:[.5,!0]}")
	f.Fuzz(func(t *testing.T, text string) {
		l := literal{text: text}
		_, _ = l.value()
		if l.pos > len(text)+1 {
			t.Fatal("past the end")
		}
	})
}

func TestReadModel(t *testing.T) {
	read := func(text string) (*model, error) {
		l := literal{text: text}
		v, err := l.value()
		if err != nil {
			t.Fatal(err)
		}
		return readModel("openai", v.(map[string]any))
	}
	m, err := read(`{id:"m",match:{or:[{equals:"m"},{regex:"^m-\\d{8}$"},{starts_with:"m-x"}]},prices:[{prices:{input_mtok:{base:1,tiers:[{start:9,price:2}]}}},{constraint:{type:"start_date",start_date:"2026-01-02"},prices:{input_mtok:.5}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	m.tidy()
	want := &model{Provider: "openai", Model: "m", Names: []string{"m"}, Prefixes: []string{"m-x"}, Prices: []price{
		{Rates: map[string]json.Number{"input": "1"}, Above: 9, Long: map[string]json.Number{"input": "2"}},
		{From: "2026-01-02", Rates: map[string]json.Number{"input": "0.5"}},
	}}
	if d := cmp.Diff(want, m); d != "" {
		t.Error(d)
	}
	// What the reader does not understand stops it: the set has changed.
	for text, want := range map[string]string{
		`{id:"m",match:{regex:"^m(a|b)$"},prices:{input_mtok:1}}`:                                       "rule",
		`{id:"m",match:{sounds_like:"m"},prices:{input_mtok:1}}`:                                        "rule",
		`{id:"m",match:{equals:"m"},prices:{moon_mtok:1}}`:                                              "unit",
		`{id:"m",match:{equals:"m"},prices:[{constraint:{type:"time_of_date"},prices:{input_mtok:1}}]}`: "price by",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{`{id:"m",match:{equals:"m"},prices:{}}`, `{id:"m",match:{equals:"m"},price_comments:"Imported from OpenRouter",prices:{input_mtok:1}}`} {
		if m, err := read(text); err != nil || m != nil {
			t.Errorf("%s: %v %v", text, m, err)
		}
	}
}
