package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// dial opens a WebSocket with another implementation of the protocol.
func dial(t *testing.T, url, path string) *websocket.Conn {
	t.Helper()
	config, err := websocket.NewConfig("ws"+strings.TrimPrefix(url, "http")+path, url)
	if err != nil {
		t.Fatal(err)
	}
	config.Header.Set("Authorization", "Bearer sk-right")
	c, err := config.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

func receive(t *testing.T, c *websocket.Conn) map[string]any {
	t.Helper()
	var s string
	if err := websocket.Message.Receive(c, &s); err != nil {
		t.Fatal(err)
	}
	return parse(t, s)
}

func send(t *testing.T, c *websocket.Conn, s string) {
	t.Helper()
	if err := websocket.Message.Send(c, s); err != nil {
		t.Fatal(err)
	}
}

func TestResponsesWebSocket(t *testing.T) {
	_, url := newTestServer(t, Options{Keys: map[string]string{OpenAI: "sk-right"}})
	c := dial(t, url, "/v1/responses")
	turn := func(message string) (types []string, final map[string]any) {
		send(t, c, message)
		for {
			v := receive(t, c)
			types = append(types, text(v, "type"))
			if text(v, "type") == "response.completed" {
				return types, v["response"].(map[string]any)
			}
			if text(v, "type") == "error" {
				t.Fatalf("%v", v)
			}
		}
	}
	types, first := turn(`{"type":"response.create","model":"gpt","input":"[[sim: call look {} | then | text \"I saw.\"]]"}`)
	if types[0] != "response.created" || text(first, "output", 0, "name") != "look" {
		t.Errorf("%v %v", types, first)
	}
	_, second := turn(`{"type":"response.create","model":"gpt","previous_response_id":` + quote(text(first, "id")) +
		`,"input":[{"type":"function_call_output","call_id":` + quote(text(first, "output", 0, "call_id")) + `,"output":"a cat"}]}`)
	if text(second, "output", 0, "content", 0, "text") != "I saw." {
		t.Errorf("%v", second)
	}
	send(t, c, `{"type":"response.create","model":"gpt","previous_response_id":"resp_none","input":"x"}`)
	if v := receive(t, c); text(v, "error", "code") != "previous_response_not_found" {
		t.Errorf("%v", v)
	}
}

func TestRealtimeWebSocket(t *testing.T) {
	_, url := newTestServer(t, Options{})
	c := dial(t, url, "/openai/v1/realtime?model=gpt-realtime")
	if v := receive(t, c); text(v, "type") != "session.created" || text(v, "session", "model") != "gpt-realtime" {
		t.Errorf("%v", v)
	}
	send(t, c, `{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Say it"}]}}`)
	if v := receive(t, c); text(v, "type") != "conversation.item.done" {
		t.Errorf("%v", v)
	}
	send(t, c, `{"type":"response.create"}`)
	var said string
	for {
		v := receive(t, c)
		if text(v, "type") == "response.output_text.delta" {
			said += text(v, "delta")
		}
		if text(v, "type") == "response.done" {
			if said != "You said: Say it" || number(v, "response", "usage", "output_tokens") == 0 {
				t.Errorf("%q %v", said, v)
			}
			return
		}
	}
}

func TestWebSocketEcho(t *testing.T) {
	s, url := newTestServer(t, Options{Now: time.Now})
	c := dial(t, url, "/v1/responses")
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(i)
		}
		if err := websocket.Message.Send(c, sent); err != nil {
			t.Fatal(err)
		}
		var got []byte
		if err := websocket.Message.Receive(c, &got); err != nil || string(got) != string(sent) {
			t.Fatalf("%d bytes: %v, %d came back", size, err, len(got))
		}
	}
	send(t, c, `{"type":"simulate.close","code":4001,"reason":"enough"}`)
	var b []byte
	if err := websocket.Message.Receive(c, &b); !errors.Is(err, io.EOF) {
		t.Errorf("after the close: %v", err)
	}
	if n := len(s.Disconnects()); n != 0 {
		t.Errorf("%d disconnects after a proper end", n)
	}
	// A client that goes without a word is seen.
	config, err := websocket.NewConfig("ws"+strings.TrimPrefix(url, "http")+"/v1/responses", url)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	if _, err := websocket.NewClient(config, gone); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.AwaitRequests(ctx, 2); err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	if err := s.AwaitDisconnects(ctx, 1); err != nil {
		t.Error(err)
	}
}

func TestWebSocketHandshake(t *testing.T) {
	_, url := newTestServer(t, Options{Keys: map[string]string{OpenAI: "sk-right"}})
	handshake := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	if res := do(t, http.MethodGet, url+"/v1/realtime", "", handshake...); res.status != 401 || !json.Valid([]byte(res.body)) {
		t.Errorf("no key: %d %s", res.status, res.body)
	}
	if res := do(t, http.MethodGet, url+"/v1/realtime", "", "Authorization", "Bearer sk-right"); res.status != 400 {
		t.Errorf("no upgrade: %d %s", res.status, res.body)
	}
	// The example of RFC 6455 section 1.3.
	if got := accept("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("accept: %s", got)
	}
}
