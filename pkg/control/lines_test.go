package control

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzReadLines reads anything as a server's answer: the lines are the text's own
// until one that states an error, whatever the reads, and one without its end is
// told as an error.
func FuzzReadLines(f *testing.F) {
	for _, s := range []string{
		"", "{}\n", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n", "{\"id\":", "\n\n", `{"error":{"code":"not_found","message":"there is none"}}` + "\n{}\n",
		`{"error":{"code":"","message":"x"}}` + "\n", `{"error":{"code":` + "\n", "\r\n", strings.Repeat("x", 70<<10) + "\n{}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(small bool) (string, error) {
			var got bytes.Buffer
			r := iotest.DataErrReader(bytes.NewReader(text))
			if small {
				r = iotest.OneByteReader(r)
			}
			err := readLines(r, func(line []byte) bool {
				if bytes.IndexByte(line, '\n') != len(line)-1 {
					t.Fatalf("%q is not a line", line)
				}
				got.Write(line)
				return true
			})
			return got.String(), err
		}
		got, err := read(false)
		again, other := read(true)
		if got != again || (err == nil) != (other == nil) {
			t.Fatalf("%q and %v at once, %q and %v byte by byte", got, err, again, other)
		}
		if !bytes.HasPrefix(text, []byte(got)) || err == nil && got != string(text) {
			t.Fatalf("read %q of %q: %v", got, text, err)
		}
	})
}
