package proxy

import (
	"bytes"
	"testing"
)

// FuzzMessages takes messages off any bytes, in both ways: the cutting must not
// matter, and what passes is what came.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		"\x81\x02{}", "\x01\x01{\x80\x01}", "\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e", "\x01\x01{\x89\x00\x80\x01}", "\x88\x02\x03\xe8",
		"\x81\x7e\x00\x80" + string(bytes.Repeat([]byte("x"), 128)), "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01x", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xffx", "\x80\x01x", "\x8f\x00\x81\x00", "\x82\x03abc",
	} {
		f.Add([]byte(s), uint8(1))
	}
	const limit = 64
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		closed := false // amid a message, which then never passes
		read := func(n int) (emitted, passed [][]byte, whole []byte) {
			emit := messages{limit: limit, emit: func(m []byte) { emitted = append(emitted, bytes.Clone(m)) }}
			pass := messages{limit: limit, pass: func(raw, text []byte, long bool) {
				if long && text != nil || len(text) > limit {
					t.Fatalf("a long message has a text of %d bytes", len(text))
				}
				if !long && text != nil {
					passed = append(passed, bytes.Clone(text))
				}
				whole = append(whole, raw...)
			}}
			for rest := stream; len(rest) > 0; {
				k := min(n, len(rest))
				emit.write(rest[:k])
				pass.write(rest[:k])
				rest = rest[k:]
			}
			closed = emit.closed
			if len(emit.text) > limit || len(pass.text) > limit {
				t.Fatal("more text is kept than the limit")
			}
			return emitted, passed, whole
		}
		e1, p1, w1 := read(max(len(stream), 1))
		e2, p2, w2 := read(max(int(size), 1))
		joined := func(b [][]byte) string { return string(bytes.Join(b, []byte{0, 'x', 0})) }
		if joined(e1) != joined(e2) || joined(p1) != joined(p2) {
			t.Fatalf("the cutting matters: %q and %q, %q and %q", e1, e2, p1, p2)
		}
		if joined(e1) != joined(p1) {
			t.Fatalf("recorded %q, judged %q", e1, p1)
		}
		if len(stream) <= limit && (!bytes.Equal(w1, w2) || !closed && !bytes.HasPrefix(stream, w1)) {
			t.Fatalf("%q passed of %q", w1, stream)
		}
	})
}
