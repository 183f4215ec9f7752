package simulate

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // the handshake of RFC 6455 asks for it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// A WebSocket's opcodes, RFC 6455 section 5.2.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// maxMessage is the largest message that is taken, in bytes.
const maxMessage = 16 << 20

// socket is the server's end of a WebSocket. It reads whole messages, answers
// pings, and is used by one goroutine.
type socket struct {
	c net.Conn
	r *bufio.Reader
}

// errClosed tells that the client closed as the protocol says.
var errClosed = errors.New("simulate: the client closed the WebSocket")

// accept makes the key's answer, RFC 6455 section 4.2.2.
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// upgrade answers the handshake.
func upgrade(w http.ResponseWriter, r *http.Request) (*socket, error) {
	key := r.Header.Get("Sec-Websocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" || r.Header.Get("Sec-Websocket-Version") != "13" {
		return nil, errors.New("simulate: not a WebSocket handshake of version 13")
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + accept(key) + "\r\n"
	for _, p := range strings.Split(r.Header.Get("Sec-Websocket-Protocol"), ",") {
		// The first is taken; those that carry a browser's key are not sent back.
		if p = strings.TrimSpace(p); p != "" {
			head += "Sec-WebSocket-Protocol: " + p + "\r\n"
			break
		}
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		_ = c.Close()
		return nil, err
	}
	return &socket{c: c, r: rw.Reader}, nil
}

// read returns the next message. A close frame is answered in kind and gives
// errClosed.
func (s *socket) read() (op byte, message []byte, err error) {
	for {
		fin, code, payload, err := s.readFrame(maxMessage - len(message))
		if err != nil {
			return 0, nil, err
		}
		switch code {
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return 0, nil, err
			}
			continue
		case opPong:
			continue
		case opClose:
			if err := s.write(opClose, payload); err != nil {
				return 0, nil, err
			}
			return 0, nil, errClosed
		case opText, opBinary:
			op = code
		}
		message = append(message, payload...)
		if fin {
			return op, message, nil
		}
	}
}

func (s *socket) readFrame(limit int) (fin bool, op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return false, 0, nil, err
	}
	fin, op = head[0]&0x80 != 0, head[0]&0x0F
	n := uint64(head[1] & 0x7F)
	var wide [8]byte
	switch n {
	case 126:
		if _, err := io.ReadFull(s.r, wide[:2]); err != nil {
			return false, 0, nil, err
		}
		n = uint64(binary.BigEndian.Uint16(wide[:2]))
	case 127:
		if _, err := io.ReadFull(s.r, wide[:]); err != nil {
			return false, 0, nil, err
		}
		n = binary.BigEndian.Uint64(wide[:])
	}
	if n > uint64(max(limit, 0)) {
		return false, 0, nil, errors.New("simulate: the WebSocket message is too large")
	}
	if head[1]&0x80 == 0 {
		return false, 0, nil, errors.New("simulate: a client's frame is not masked")
	}
	var mask [4]byte
	if _, err := io.ReadFull(s.r, mask[:]); err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(s.r, payload); err != nil {
		return false, 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return fin, op, payload, nil
}

// write sends one whole message or control frame.
func (s *socket) write(op byte, payload []byte) error {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n <= 0xFFFF:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	_, err := s.c.Write(append(b, payload...))
	return err
}

// close sends a close frame with a code and a reason.
func (s *socket) close(code int, reason string) error {
	return s.write(opClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}
