package cli

import "testing"

func TestWithModel(t *testing.T) {
	for _, test := range []struct {
		body, model, want string
		ok                bool
	}{
		{`{ "model" : "a", "x":{"model":"b"} }`, `c"d`, `{ "model" : "c\"d", "x":{"model":"b"} }`, true},
		{`{"x":1,"mo\u0064el":"a"}`, "b", `{"x":1,"mo\u0064el":"b"}`, true},
		{`{"model":"a","model":"b"}`, "c", `{"model":"a","model":"c"}`, true},
		{`{"model":1}`, "c", `{"model":1}`, false},
		{`{"x":{"model":"a"}}`, "c", `{"x":{"model":"a"}}`, false},
		{`["model"]`, "c", `["model"]`, false},
		{`{"model":"a"`, "c", `{"model":"a"`, false},
		{``, "c", ``, false},
	} {
		got, ok := withModel([]byte(test.body), test.model)
		if string(got) != test.want || ok != test.ok {
			t.Errorf("%s: %s, %v", test.body, got, ok)
		}
	}
}
