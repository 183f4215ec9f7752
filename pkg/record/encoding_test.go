package record

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
)

func packed(t *testing.T, open func(io.Writer) io.WriteCloser, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDecode(t *testing.T) {
	text := []byte(strings.Repeat("text ", 1000))
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	raw := func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 5); return f }
	zl := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	for name, c := range map[string]struct {
		body     []byte
		encoding string
	}{
		"none":         {text, ""},
		"identity":     {text, " Identity"},
		"gzip":         {packed(t, gz, text), "gzip"},
		"x-gzip":       {packed(t, gz, text), "X-GZIP"},
		"zlib":         {packed(t, zl, text), "deflate"},
		"raw deflate":  {packed(t, raw, text), "deflate"},
		"two, in turn": {packed(t, gz, packed(t, zl, text)), "deflate, gzip"},
	} {
		got, err := Decode(c.body, c.encoding, 1<<20)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	bomb := packed(t, gz, make([]byte, 8<<20))
	if got, err := Decode(bomb, "gzip", 1<<20); !errors.Is(err, ErrTooLarge) || len(got) != 1<<20 {
		t.Errorf("a bomb gave %d bytes, %v", len(got), err)
	}
	for _, bad := range []string{"snappy", "gzip", "zstd", "gzip, gzip, gzip, gzip"} {
		if _, err := Decode([]byte("not compressed"), bad, 1<<20); err == nil {
			t.Errorf("%s passed", bad)
		}
	}
	cut := packed(t, gz, text)
	if got, err := Decode(cut[:len(cut)-8], "gzip", 1<<20); err == nil || len(got) == 0 {
		t.Errorf("a cut body gave %d bytes, %v", len(got), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00"), "gzip")
	f.Add([]byte("x"), "br, zstd")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		if got, _ := Decode(body, encoding, 1<<16); !Identity(encoding) && len(got) > 1<<16 {
			t.Fatal("more than the limit")
		}
	})
}
