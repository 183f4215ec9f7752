package sse_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// message is a frame of a server's WebSocket.
func message(first byte, text string) string {
	switch n := len(text); {
	case n < 126:
		return string([]byte{first, byte(n)}) + text
	case n < 1<<16:
		return string([]byte{first, 126, byte(n >> 8), byte(n)}) + text
	default:
		return string([]byte{first, 127, 0, 0, 0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}) + text
	}
}

func TestMessages(t *testing.T) {
	long, longer := strings.Repeat("l", 300), strings.Repeat("m", 70000)
	in := message(0x81, "one") + message(0x89, "ping") + message(0x01, "t") + message(0x89, "") + message(0x80, "wo") +
		message(0x81, long) + message(0x81, longer) + message(0x81, "")
	want := []string{"one", "", "two", long, longer, ""}
	for _, size := range []int{1, 3, 1000, len(in)} {
		m := sse.NewMessages()
		var raw []byte
		var got []string
		drain := func() (last error) {
			for f, ok := m.Next(); ok; f, ok = m.Next() {
				raw = append(raw, f.Raw...)
				got = append(got, string(f.Data))
				last = f.Err
			}
			return last
		}
		for rest := in + "\x81\x05cut"; rest != ""; {
			n := min(size, len(rest))
			m.Write([]byte(rest[:n]))
			if err := drain(); err != nil {
				t.Error(err)
			}
			rest = rest[n:]
		}
		m.Close()
		if err := drain(); err == nil {
			t.Error("a message that is cut is no fault")
		}
		if string(raw) != in+"\x81\x05cut" {
			t.Errorf("in pieces of %d the frames are not the stream", size)
		}
		if strings.Join(got[:len(got)-1], "|") != strings.Join(want, "|") {
			t.Errorf("in pieces of %d: %.80q", size, got)
		}
	}
	m := sse.NewMessages()
	m.Write([]byte("\x81\x81maskx"))
	if f, ok := m.Next(); !ok || f.Err == nil || !bytes.HasSuffix(f.Raw, []byte("x")) {
		t.Errorf("%+v", f)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(message(0x81, "one")+message(0x89, "")), uint8(2))
	f.Add([]byte("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		m := sse.NewMessages()
		var out []byte
		for rest := in; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			if came := len(in) - len(rest); size%2 == 0 {
				m.Write(rest[:n])
			} else {
				m.Extend(in[came-m.Rest() : came+n])
			}
			for f, ok := m.Next(); ok; f, ok = m.Next() {
				out = append(out, f.Raw...)
			}
			rest = rest[n:]
		}
		m.Close()
		for f, ok := m.Next(); ok; f, ok = m.Next() {
			out = append(out, f.Raw...)
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("%q became %q", in, out)
		}
	})
}
