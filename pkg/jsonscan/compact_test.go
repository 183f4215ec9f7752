package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// FuzzCompact: it takes what encoding/json takes, and makes the same of it.
func FuzzCompact(f *testing.F) {
	for _, s := range []string{
		"", " ", "1", " {} ", "{ \"a b\" : [ 1 ,\t2 ],\r\n\"c\\\" \\\\ \\u0020 d\": \"\" }\n", `"a`, `{"a":1} 2`, `[1,]`, "\"\n\"", `"\\"`, "\"\xff  \u2028\"",
		`["` + strings.Repeat("long text, ", 400) + `" , 1]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var want bytes.Buffer
		want.WriteString("before ")
		wantErr := json.Compact(&want, value)
		got, err := jsonscan.AppendCompact([]byte("before "), value)
		if (err != nil) != (wantErr != nil) || string(got) != want.String() {
			t.Fatalf("%q is %q (%v), by encoding/json %q (%v)", value, got, err, want.String(), wantErr)
		}
	})
}
