package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
)

// The pieces of a call, and its arguments without its name, do not go ahead of the
// message that is judged.
func TestW13APieceOfACallOfAnotherSocketIsHeld(t *testing.T) {
	call := func(tool, args string) []string {
		return []string{
			`{"type":"response.output_item.added","item":{"type":"function_call","id":"fc","call_id":"call_9","name":"` + tool + `","arguments":""}}`,
			`{"type":"response.function_call_arguments.delta","item_id":"fc","call_id":"call_9","delta":"` + args[:8] + `"}`,
			`{"type":"response.function_call_arguments.delta","item_id":"fc","call_id":"call_9","delta":"` + args[8:] + `"}`,
			`{"type":"response.function_call_arguments.done","item_id":"fc","call_id":"call_9","arguments":"` + args + `"}`,
			`{"type":"response.output_item.done","item":{"type":"function_call","id":"fc","call_id":"call_9","name":"` + tool + `","arguments":"` + args + `"}}`,
			`{"type":"response.done"}`,
		}
	}
	const path = "/v1/openai/p/realtime?model=gpt-realtime"
	refused := call("send_money", `{\"recipient\":\"GB33BUKB20201555555555\"}`)
	got, closed, _ := socketTurn(t, path, `{"type":"response.create"}`, refused)
	if len(got) != 1 || got[0] != refused[0] || !strings.Contains(closed, "refused by the rules") {
		t.Errorf("the client got %q and %q", got, closed)
	}
	allowed := call("get_time", `{\"zone\":\"Europe/Berlin\"}`)
	if got, closed, _ = socketTurn(t, path, `{"type":"response.create"}`, allowed); strings.Join(got, "\n") != strings.Join(allowed, "\n") {
		t.Errorf("the client got %q and %q", got, closed)
	}
	// Gemini leaves out the arguments of a tool that takes none.
	if got, closed, _ = socketTurn(t, "/v1/gemini/p/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", `{"setup":{}}`, []string{
		`{"toolCall":{"functionCalls":[{"id":"a","name":"delete_account"}]}}`,
	}); len(got) != 0 {
		t.Errorf("the client got %q and %q", got, closed)
	}
}

// openSocket opens a WebSocket whose provider says one thing when it is asked and
// then waits, and asks.
func openSocket(t *testing.T, says string, change func(*proxy.Options)) (net.Conn, *bufio.Reader, *memory) {
	t.Helper()
	base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = rw.ReadByte()
		_, _ = c.Write(frame(1, true, nil, says))
		_, _ = io.Copy(io.Discard, c)
	}, change)
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, _ = io.WriteString(c, "GET /v1/openai/p/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer sk-x\r\n\r\n")
	br := bufio.NewReader(c)
	if res, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet}); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	if _, err := c.Write(frame(1, true, []byte{1, 2, 3, 4}, socketAsk)); err != nil {
		t.Fatal(err)
	}
	return c, br, sink
}

const (
	askEvil   = "version: 1\nask: [{id: evil, tool: evil_tool, match: [{}], not_match: [{tool: fine}]}]\n"
	socketAsk = `{"type":"response.create","response":{"model":"m","tools":[],"input":"x"}}`
	evilItem  = `{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{"type":"function_call","id":"fc1","call_id":"call_9","name":"evil_tool","arguments":"{}","status":"completed"}}`
)

// until waits for something that other goroutines bring about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen: " + what)
		}
	}
}

// A client that leaves, or asks for something else, while a person is asked, is not
// asked for any more.
func TestW13AQuestionEndsWithWhoWantedTheCall(t *testing.T) {
	desk := ask.New(ask.Options{Default: ask.Queue})
	t.Cleanup(desk.Close)
	asked := func() bool { return len(desk.List()) > 0 }
	for _, leaves := range []bool{true, false} {
		c, _, sink := openSocket(t, evilItem, ruled(t, askEvil, func(o *guard.Options) { o.Asks = desk }))
		until(t, "a question", asked)
		if leaves {
			c.Close()
		} else if _, err := c.Write(frame(1, true, []byte{1, 2, 3, 4}, socketAsk)); err != nil {
			t.Fatal(err)
		}
		until(t, "the end of the question", func() bool { return !asked() })
		c.Close()
		i := sink.last(t, 1).Interaction
		if i.State == llm.StateDone || len(i.ToolCalls) > 0 && i.ToolCalls[0].Verdict == llm.ActionAllow {
			t.Errorf("leaves %v: recorded as %s, %+v", leaves, i.State, i.ToolCalls)
		}
	}
}

// A panic on a connection's own goroutines ends that connection, and not the process.
func TestW13APanicEndsItsConnectionAlone(t *testing.T) {
	desk := ask.New(ask.Options{Attended: func() bool { panic("a defect") }})
	t.Cleanup(desk.Close)
	_, br, sink := openSocket(t, evilItem, ruled(t, askEvil, func(o *guard.Options) { o.Asks = desk }))
	if got, _ := io.ReadAll(br); len(got) > 0 {
		t.Errorf("the client got %q", got)
	}
	if i := sink.last(t, 1).Interaction; i.State == llm.StateDone {
		t.Errorf("recorded as %s", i.State)
	}
}

// What was decided of an answer is recorded so, whatever was asked after it.
func TestW13EachAnswerOfASocketKeepsItsVerdicts(t *testing.T) {
	c, br, sink := openSocket(t, evilItem, ruled(t, noEvil, nil))
	if _, err := br.Peek(2); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(frame(1, true, []byte{1, 2, 3, 4}, socketAsk)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(frame(8, true, []byte{1, 2, 3, 4}, "\x03\xe8")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	i := sink.last(t, 1).Interaction
	if len(i.ToolCalls) != 1 || i.ToolCalls[0].Verdict != llm.ActionBlock {
		t.Errorf("recorded %+v", i.ToolCalls)
	}
}
