package cassette

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzRules reads anything as a folder's rules, and anything as a file in it: both
// are taken or refused, and a request is put into its normal form all the same.
func FuzzRules(f *testing.F) {
	whole, err := encode(&Episode{
		Request:  rules(f, "").Normalise(Sent{Provider: "p", Method: "POST", Path: "/x", Body: []byte(`{"model":"m"}`)}),
		Response: Response{Status: 200, Body: []byte("data: {}\n\n"), Timing: Timing{Body: []Mark{{10, time.Millisecond}}}},
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "ignore: [seed, user]\nmask: ['run-[0-9]+']\n", "mask: ['(']", "ignore: x", "mask: ['a*']", "nonsense: 1", "- 1", "mask: ['.*']\n"} {
		f.Add([]byte(s), whole)
	}
	f.Add([]byte(""), []byte("response: {status: x}"))
	f.Fuzz(func(t *testing.T, rules, file []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, rulesName), rules, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := ReadRules(dir, Surroundings{Home: "/home/me", Work: "/srv/x"})
		if err != nil {
			return
		}
		if e, err := r.decode(file); (e == nil) == (err == nil) {
			t.Fatalf("%v and %v", e, err)
		}
		r.normalise(file, "")
	})
}
