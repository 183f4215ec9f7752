package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// frame writes one WebSocket frame (RFC 6455 section 5.2).
func frame(op byte, fin bool, mask []byte, payload string) []byte {
	head := []byte{op, 0}
	if fin {
		head[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		head[1] = byte(n)
	case n < 1<<16:
		head[1] = 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] = 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	body := []byte(payload)
	if mask != nil {
		head[1] |= 0x80
		head = append(head, mask...)
		for i := range body {
			body[i] ^= mask[i&3]
		}
	}
	return append(head, body...)
}

func TestW13AWebSocketIsRelayedAndRecordedByMessage(t *testing.T) {
	mask := []byte{1, 2, 3, 4}
	ask := `{"type":"response.create","response":{"model":"gpt-4o","input":"` + strings.Repeat("a", 70000) + `"}}`
	answers := []string{
		`{"type":"response.created","response":{"id":"r1","model":"gpt-4o","status":"in_progress","output":[]}}`,
		`{"type":"response.output_text.delta","item_id":"m1","output_index":0,"content_index":0,"delta":"hello"}`,
		`{"type":"response.completed","response":{"id":"r1","model":"gpt-4o","status":"completed","output":[{"type":"message","id":"m1","role":"assistant","content":[{"type":"output_text","text":"hello"}]}],"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}}`,
	}
	// The client's message comes in two fragments with a ping between them.
	sent := append(append(frame(1, false, mask, ask[:100]), frame(9, true, mask, "ping")...), frame(0, true, mask, ask[100:])...)
	var reply []byte
	for _, a := range answers {
		reply = append(reply, frame(1, true, nil, a)...)
	}
	reply = append(reply, frame(8, true, nil, "\x03\xe8bye")...)
	seen := make(chan []byte, 1)
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Websocket-Extensions") != "" {
			t.Error("an extension was offered whose messages could not be read")
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		got := make([]byte, len(sent))
		_, _ = io.ReadFull(rw, got)
		seen <- got
		_, _ = c.Write(reply)
	}, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /v1/openai/p/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer sk-x\r\n\r\n")
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet})
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(br)
	if !bytes.Equal(got, reply) {
		t.Errorf("the client got %d bytes, want %d", len(got), len(reply))
	}
	if !bytes.Equal(<-seen, sent) {
		t.Error("the provider got other bytes")
	}
	e := sink.last(t, 1)
	i := e.Interaction
	if i.State != llm.StateDone || i.Text != "hello" || i.API != llm.APIResponses || i.Usage == nil || *i.Usage.InputTokens != 5 {
		t.Errorf("%+v", i)
	}
	if string(e.Request.Data) != ask+"\n" || string(e.Response.Data) != strings.Join(answers, "\n")+"\n" {
		t.Errorf("recorded %d and %d bytes", len(e.Request.Data), len(e.Response.Data))
	}
}
