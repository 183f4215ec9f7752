package resume_test

import (
	"errors"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/resume"
)

func TestAppend(t *testing.T) {
	wrap := func(k jsonscan.Kind) (before, after string, ok bool) {
		return "<", ">", k == jsonscan.Invalid
	}
	for request, want := range map[string]string{
		`{"list":[]}`:              `{"list":[1,2]}`,
		` {"a":{}, "list":[ 0 ]} `: ` {"a":{}, "list":[ 0 ,1,2]} `,
		`{"l\u0069st":[0]}`:        `{"l\u0069st":[0,1,2]}`,
		`{}`:                       `{"list":[1,2]}`,
		`{"a":1}`:                  `{"list":[1,2],"a":1}`,
		`{"list":"a"}`:             ``, // wrap does not take it
		`{"list":[],"list":[]}`:    ``,
		`{"list":[0}`:              ``,
		`[]`:                       ``,
		``:                         ``,
	} {
		got, err := resume.Append([]byte(request), "list", [][]byte{[]byte("1"), []byte("2")}, wrap)
		if string(got) != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, wire.ErrNotContinued) {
			t.Errorf("%s: %v\n%s\nwant\n%s", request, err, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range [][3]string{
		{`"a\""`, `"\u0062"`, `"a\"\n\n\u0062"`}, {`""`, `"b"`, `"b"`}, {`"a"`, `null`, `"a"`}, {`"a"`, ``, `"a"`}, {``, `null`, `null`},
	} {
		if got := resume.Join([]byte(c[0]), []byte(c[1])); string(got) != c[2] {
			t.Errorf("%s and %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
