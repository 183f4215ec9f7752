package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `# a comment
title = "x"
[allowlist]
regexes = ['''^a''', # why
  "b\n",
]
[[rules]]
id = "r"
description = "d"
regex = '''\bx'''
entropy = 3.5
keywords = ["x"]
    [[rules.allowlists]]
    condition = "AND"
    paths = ['''\.bb$''']
    regexes = ['''no''']
    [[rules.allowlists]]
    regexTarget = "match"
    stopwords = ["w"]
[[rules]]
id = "files only"
path = '''\.p12$'''
`

func TestParse(t *testing.T) {
	tables, err := parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range tables {
		names = append(names, x.name)
	}
	if d := cmp.Diff([]string{"", "allowlist", "rules", "rules.allowlists", "rules.allowlists", "rules"}, names); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"^a", "b\n"}, tables[1].list("regexes")); d != "" {
		t.Error(d)
	}
	if r := tables[2]; r.text("regex") != `\bx` || r.text("entropy") != "3.5" {
		t.Errorf("%v", r)
	}
	// A list that holds for some files only is left out, a rule that knows no text too.
	if _, ok := allowOf(tables[3]); ok {
		t.Error("a list for some files")
	}
	a, ok := allowOf(tables[4])
	if d := cmp.Diff(allow{Target: "match", Words: []string{"w"}}, a); d != "" || !ok {
		t.Error(d)
	}
	if _, _, err := convert(tables); err == nil {
		t.Error("a file with so few rules passes")
	}
	for _, bad := range []string{"[x", "a", "a = ", "a = '''x", "a = [[]]", `a = ["x" "y"]`, "a = \"x"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}
