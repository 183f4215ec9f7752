package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// requestOf returns the request in a client's message: its member "response", or
// the message itself. asks tells whether it asks for an answer, and is not a remark
// on one that runs.
func requestOf(m []byte) (request []byte, asks bool) {
	request, asks = m, true
	s := jsonscan.New(m)
	for key := range s.Object() {
		switch string(key) {
		case "response":
			if s.Kind() == jsonscan.Object {
				request = s.Raw()
			}
		case "type":
			asks = s.Text() == "response.create"
		}
	}
	return request, asks
}

// within puts other bytes in the place of a part of a message.
func within(m, part, other []byte) []byte {
	if len(part) == len(m) {
		return other
	}
	at := bytes.Index(m, part)
	return append(append(append([]byte(nil), m[:at]...), other...), m[at+len(part):]...)
}

// appendMasked appends a client's text message in one frame (RFC 6455 section 5.3).
func appendMasked(b, text []byte) []byte {
	b = append(b, 0x81)
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails (crypto/rand)
	b = append(b, mask[:]...)
	for i, c := range text {
		b = append(b, c^mask[i&3])
	}
	return b
}
