package cassette_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/cassette"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// turns are the requests of an agent's conversation with tools, each with the
// whole history, in a provider's own format.
type dialect struct {
	name, path string
	request    func(history []string, stream bool) string
	user       func(text string) string
	used       func(n int) string // the assistant's call, as the client repeats it
	result     func(n int, text string) string
}

var dialects = []dialect{
	{
		"openai", "/openai/v1/chat/completions",
		func(h []string, stream bool) string {
			return fmt.Sprintf(`{"model":"gpt-5.5","stream":%v,"messages":[%s],"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]}`, stream, strings.Join(h, ","))
		},
		func(text string) string { return `{"role":"user","content":` + quote(text) + `}` },
		func(n int) string {
			return fmt.Sprintf(`{"role":"assistant","tool_calls":[{"id":"call_%d","type":"function","function":{"name":"look","arguments":"{\"n\":%d}"}}]}`, n, n)
		},
		func(n int, text string) string {
			return fmt.Sprintf(`{"role":"tool","tool_call_id":"call_%d","content":%s}`, n, quote(text))
		},
	},
	{
		"anthropic", "/anthropic/v1/messages",
		func(h []string, stream bool) string {
			return fmt.Sprintf(`{"model":"claude-opus-4-6","max_tokens":100,"stream":%v,"messages":[%s],"tools":[{"name":"look","input_schema":{"type":"object"}}]}`, stream, strings.Join(h, ","))
		},
		func(text string) string { return `{"role":"user","content":` + quote(text) + `}` },
		func(n int) string {
			return fmt.Sprintf(`{"role":"assistant","content":[{"type":"tool_use","id":"toolu_%d","name":"look","input":{"n":%d}}]}`, n, n)
		},
		func(n int, text string) string {
			return fmt.Sprintf(`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_%d","content":%s}]}`, n, quote(text))
		},
	},
	{
		"gemini", "/gemini/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
		func(h []string, _ bool) string {
			return fmt.Sprintf(`{"contents":[%s],"tools":[{"functionDeclarations":[{"name":"look"}]}]}`, strings.Join(h, ","))
		},
		func(text string) string { return `{"role":"user","parts":[{"text":` + quote(text) + `}]}` },
		func(n int) string {
			return fmt.Sprintf(`{"role":"model","parts":[{"functionCall":{"name":"look","args":{"n":%d}}}]}`, n)
		},
		func(n int, text string) string {
			return fmt.Sprintf(`{"role":"user","parts":[{"functionResponse":{"name":"look","response":{"result":%s}}}]}`, quote(text))
		},
	},
}

// talk has a conversation of twenty turns, of which every second ends in a tool call.
func talk(c *client, d dialect) []answer {
	c.t.Helper()
	var history []string
	var got []answer
	for n := range 20 {
		if n%2 == 0 {
			history = append(history, d.user(fmt.Sprintf(`Look at %d. [[sim: text "One moment." | call look {"n":%d} | then | text "It says %d, as you can see."]]`, n, n, n*n)))
		} else {
			history = append(history, d.used(n-1), d.result(n-1, fmt.Sprintf("the result of %d", n-1)))
		}
		got = append(got, c.post(d.path, d.request(history, n%4 < 2)))
	}
	return got
}

func TestTwentyTurnsThreeTimes(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			base, down := upstream(t, simulate.Options{})
			dir := t.TempDir()
			want := talk(newClient(t, base, recording(t, dir)), d)
			if names, _ := files(t, dir); len(names) != 20 {
				t.Fatalf("20 turns are %d files: %q", len(names), names)
			}
			down()
			for range 3 {
				c := newClient(t, base, cassette.Options{Replay: readFolder(t, dir)})
				if diff := cmp.Diff(want, talk(c, d), cmp.AllowUnexported(answer{})); diff != "" {
					t.Fatal(diff)
				}
				if len(c.notes) != 20 || !strings.HasPrefix(c.notes[0], "answered from the cassette "+dir+": "+d.name) {
					t.Errorf("notes %q", c.notes)
				}
			}
		})
	}
}

// What is recorded twice gives the same files, moments and ids aside.
func TestNamesAreStable(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	var first []string
	for range 2 {
		dir := t.TempDir()
		talk(newClient(t, base, recording(t, dir)), dialects[0])
		names, _ := files(t, dir)
		if first == nil {
			first = names
		}
		if diff := cmp.Diff(first, names); diff != "" {
			t.Error(diff)
		}
	}
	if !strings.HasPrefix(first[0], "openai-chat_completions-001-") || !strings.HasPrefix(first[19], "openai-chat_completions-030-") {
		t.Errorf("%q", first)
	}
}

func TestEqualRequestsInTheirOrder(t *testing.T) {
	n := 0
	base, down := upstream(t, simulate.Options{Answer: func(simulate.Request) simulate.Script {
		n++
		return simulate.Say(simulate.Text(fmt.Sprintf("answer %d", n)))
	}})
	const path, body = "/openai/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"again"}]}`
	dir := t.TempDir()
	c := newClient(t, base, recording(t, dir))
	var want []answer
	for range 12 {
		want = append(want, c.post(path, body))
	}
	if want[0].body == want[1].body {
		t.Fatal("the answers do not differ")
	}
	replayed := newClient(t, base, cassette.Options{Replay: readFolder(t, dir)})
	for range 12 {
		// The order of members and what names a session do not count.
		got := replayed.post(path, `{"messages": [{"content": "again", "role": "user"}], "user": "u-1", "model": "m"}`)
		if got != want[0] {
			t.Fatalf("got %v, want %v", got, want[0])
		}
		want = want[1:]
		if len(want) == 0 {
			want = []answer{got}
		}
	}
	if got := replayed.post(path, body); got != want[0] {
		t.Errorf("after the last one: %v", got)
	}

	// A run that records them once more leaves nothing of the earlier one.
	n = 0
	c = newClient(t, base, recording(t, dir))
	c.post(path, body)
	c.post(path, body)
	down()
	if names, _ := files(t, dir); len(names) != 2 {
		t.Errorf("%q", names)
	}
}

func TestMiss(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	dir := t.TempDir()
	c := newClient(t, base, recording(t, dir))
	const chat = "/openai/v1/chat/completions"
	c.post(chat, `{"model":"m","messages":[{"role":"system","content":"Be careful and kind."},{"role":"user","content":"What is 1+1?"}]}`)
	c.post(chat, `{"model":"m","temperature":0,"messages":[{"role":"user","content":"Name a colour."}],"tools":[]}`)
	lib := readFolder(t, dir)
	names, _ := files(t, dir)
	c = newClient(t, "http://127.0.0.1:1", cassette.Options{Replay: lib})
	for _, test := range []struct{ path, body, want string }{
		{chat, `{"model":"m","messages":[{"role":"system","content":"Be careful and quick."},{"role":"user","content":"What is 1+1?"}]}`, `messages[0].content is "Be careful and quick." and was "Be careful and kind."`},
		{chat, `{"model":"m","messages":[{"role":"system","content":"Be careful and kind."},{"role":"user","content":"What is 1+1?"},{"role":"assistant","content":"2"}]}`, "messages has 3 elements and had 2"},
		{chat, `{"model":"m2","temperature":0.5,"messages":[{"role":"user","content":"Name a colour."}]}`, `model is "m2" and was "m"; temperature is 0.5 and was 0; tools is missing; it was []`},
		{chat, `{"model":"m","temperature":0,"top_p":1,"messages":[{"role":"user","content":"Name a colour."}],"tools":[]}`, "top_p is new: 1"},
		{chat + "?x=1", `{"model":"m","temperature":0,"messages":[{"role":"user","content":"Name a colour."}],"tools":[]}`, `? is new: "x=1"`},
		{"/anthropic/v1/messages", `{"model":"m"}`, "holds nothing of anthropic POST /v1/messages; it holds openai POST /chat/completions."},
	} {
		_, err := c.send(test.path, test.body, nil)
		var miss *cassette.MissError
		if !errors.As(err, &miss) || !errors.Is(err, cassette.ErrNotRecorded) || !strings.Contains(miss.Message, test.want) {
			t.Errorf("%s: %v\nwant %s", test.body, err, test.want)
		}
		if strings.Contains(test.path, chat) && !strings.Contains(err.Error(), names[0]) && !strings.Contains(err.Error(), names[1]) {
			t.Errorf("it names no file: %v", err)
		}
	}
	_, err := c.send(chat, "", func(r *http.Request) { r.Header.Set("Upgrade", "websocket") })
	if !errors.Is(err, cassette.ErrNotRecorded) {
		t.Errorf("a WebSocket: %v", err)
	}
}

func TestForward(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	dir := t.TempDir()
	const path = "/openai/v1/chat/completions"
	newClient(t, base, recording(t, dir)).post(path, `{"model":"m","messages":[{"role":"user","content":"one"}]}`)
	c := newClient(t, base, cassette.Options{Replay: readFolder(t, dir), Forward: true, Record: dir})
	c.post(path, `{"model":"m","messages":[{"role":"user","content":"one"}]}`)
	two := c.post(path, `{"model":"m","messages":[{"role":"user","content":"two"}]}`)
	if len(c.notes) != 2 || !strings.Contains(c.notes[0], "answered from") || !strings.Contains(c.notes[1], "the provider was asked") {
		t.Errorf("%q", c.notes)
	}
	if names, _ := files(t, dir); len(names) != 2 {
		t.Fatalf("%q", names)
	}
	c = newClient(t, "http://127.0.0.1:1", cassette.Options{Replay: readFolder(t, dir)})
	if got := c.post(path, `{"model":"m","messages":[{"role":"user","content":"two"}]}`); got != two {
		t.Errorf("%v, want %v", got, two)
	}
}

// Each event is a read of its own, however the network had cut the stream, and
// comes when it came.
func TestTiming(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	dir := t.TempDir()
	const path = "/openai/v1/chat/completions"
	const body = `{"model":"m","stream":true,"messages":[{"role":"user","content":"[[sim: tokens 6 | events 3 | hold 60ms | delay 40ms | chunk 150]]"}]}`
	want := newClient(t, base, recording(t, dir)).post(path, body)
	events := strings.SplitAfter(want.body, "\n\n")
	events = events[:len(events)-1]
	play := func(t *testing.T, recorded bool) {
		c := newClient(t, base, cassette.Options{Replay: readFolder(t, dir), Recorded: recorded})
		start := time.Now()
		res, err := c.send(path, body, nil)
		if err != nil {
			t.Fatal(err)
		}
		header := time.Since(start)
		var got []string
		buf := make([]byte, 64<<10)
		for {
			n, err := res.Body.Read(buf)
			if n > 0 {
				got = append(got, string(buf[:n]))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		took := time.Since(start)
		if diff := cmp.Diff(events, got); diff != "" {
			t.Error(diff)
		}
		if recorded && (header < 50*time.Millisecond || took < 250*time.Millisecond) || !recorded && took > 0 {
			t.Errorf("recorded %v: the header came after %s, the end after %s", recorded, header, took)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, recorded := range []bool{false, true} { // what is played needs no network, so the clock may be a false one
		synctest.Test(t, func(t *testing.T) { play(t, recorded) })
	}
}

// A client that goes away ends the wait.
func TestTimingEndsWithTheClient(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	dir := t.TempDir()
	const path = "/openai/v1/chat/completions"
	const body = `{"model":"m","messages":[{"role":"user","content":"[[sim: text hi | hold 300ms]]"}]}`
	newClient(t, base, recording(t, dir)).post(path, body)
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, base, cassette.Options{Replay: readFolder(t, dir), Recorded: true})
		start := time.Now()
		_, err := c.send(path, body, func(r *http.Request) {
			ctx, cancel := contextTimeout(r.Context(), 20*time.Millisecond)
			t.Cleanup(cancel)
			*r = *r.WithContext(ctx)
		})
		if took := time.Since(start); err == nil || took != 20*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// Errors, other paths and compressed answers are answers too; what breaks off is none.
func TestWhatIsRecorded(t *testing.T) {
	base, _ := upstream(t, simulate.Options{})
	dir := t.TempDir()
	c := newClient(t, base, recording(t, dir))
	ask := func(script string) string {
		return `{"model":"m","stream":true,"messages":[{"role":"user","content":` + quote("[[sim: "+script+"]]") + `}]}`
	}
	const path = "/openai/v1/chat/completions"
	var want []answer
	var sent [][2]string
	for _, r := range [][2]string{
		{path, ask(`error 429 "slow down"`)}, {path, ask(`text "näh\u0000" | gzip`)}, {path, ask("text hi | crlf")}, {path, ask("text hi | comments | blanks")},
		{path, ask("text hi | error-midstream")}, {"/openai/v1/models", ""}, {"/openai/v1/embeddings", `{"model":"e","input":"x"}`},
		{"/ollama/api/chat", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`},
		{"/gemini/v1beta/models/m:streamGenerateContent?key=AIzaSyA0123456789abcdefghijklmnopqrstu", `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`},
	} {
		sent = append(sent, r)
		want = append(want, c.post(r[0], r[1]))
	}
	for _, script := range []string{"text \"a b c d\" | cut 2"} {
		res, err := c.send(path, ask(script), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	names, all := files(t, dir)
	if len(names) != len(sent) {
		t.Errorf("%d exchanges are %d files: %q", len(sent), len(names), names)
	}
	for _, secret := range []string{"sk-client", "AIzaSy", "Authorization"} {
		if strings.Contains(all, secret) {
			t.Errorf("the folder holds %s", secret)
		}
	}
	c = newClient(t, "http://127.0.0.1:1", cassette.Options{Replay: readFolder(t, dir)})
	for i, r := range sent {
		path := r[0]
		if strings.Contains(path, "key=") {
			path = strings.ReplaceAll(path, "AIzaSyA", "AIzaSyB") // another key
		}
		if diff := cmp.Diff(want[i], c.post(path, r[1]), cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("%s %s: %s", r[0], r[1], diff)
		}
	}
}

// What a client sends and a provider repeats comes back, and is not in the folder.
func TestSecretsAreNotKept(t *testing.T) {
	const key, other = "ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_9876543210abcdefghijABCDEFGHIJ098765"
	const tag, otherTag = "REDACTED_EMAIL_0a1b2c3d4e5f6071", "REDACTED_EMAIL_ffffffffffffffff"
	base, down := upstream(t, simulate.Options{})
	dir := t.TempDir()
	body := func(key, tag string) string {
		return `{"model":"m","stream":true,"messages":[{"role":"user","content":"mail ` + tag + ` the key ` + key + ` please"}]}`
	}
	const path = "/openai/v1/chat/completions"
	want := newClient(t, base, recording(t, dir)).post(path, body(key, tag))
	down()
	_, all := files(t, dir)
	for _, part := range []string{key, tag, key[11:20], "5e6f6071"} { // the stream cuts them
		if strings.Contains(all, part) {
			t.Errorf("the folder holds %s", part)
		}
	}
	for _, part := range []string{"mail REDACTED_EMAIL_0000000000000001 the key REDACTED_SECRET_0000000000000002 please\"", "You said: mail REDACTED_EMAIL_0000000000000001 the key REDACTED_SECRET_0000000000000002 please\n", "REDACTED_SECRET_0000000000000002[0:"} {
		if !strings.Contains(all, part) {
			t.Errorf("the folder holds no %s:\n%s", part, all)
		}
	}
	c := newClient(t, base, cassette.Options{Replay: readFolder(t, dir)})
	if got := c.post(path, body(key, tag)); got != want {
		t.Errorf("got %s, want %s", got.body, want.body)
	}
	got := said(t, c.post(path, body(other, otherTag)).body)
	if want := "You said: mail " + otherTag + " the key " + other + " please"; got != want {
		t.Errorf("for another key: got %s, want %s", got, want)
	}
}

// said is the text of a stream of chat completions.
func said(t *testing.T, stream string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(line, "data: {")
		if !ok {
			continue
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte("{"+data), &chunk); err != nil {
			t.Fatal(err)
		}
		b.WriteString(chunk.Choices[0].Delta.Content)
	}
	return b.String()
}

func TestReplayIsConcurrent(t *testing.T) {
	base, down := upstream(t, simulate.Options{})
	dir := t.TempDir()
	const path = "/openai/v1/chat/completions"
	c := newClient(t, base, recording(t, dir))
	var want []answer
	ask := func(n int) string {
		return fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"number %d"}]}`, n)
	}
	for n := range 8 {
		want = append(want, c.post(path, ask(n)))
	}
	down()
	lib := readFolder(t, dir)
	done := make(chan bool, 8)
	for n := range 8 {
		go func() {
			c := newClient(t, base, cassette.Options{Replay: lib})
			ok := true
			for k := range 8 {
				ok = ok && c.post(path, ask((n+k)%8)) == want[(n+k)%8]
			}
			done <- ok
		}()
	}
	oks := make([]bool, 0, 8)
	for range 8 {
		oks = append(oks, <-done)
	}
	if slices.Contains(oks, false) {
		t.Errorf("%v", oks)
	}
}

// On another machine, an answer that repeats a path has that machine's.
func TestPathsOfAnotherMachine(t *testing.T) {
	base, down := upstream(t, simulate.Options{})
	dir := t.TempDir()
	const path = "/openai/v1/chat/completions"
	body := func(home, work string) string {
		return `{"model":"m","stream":true,"messages":[{"role":"user","content":"In ` + work + ` of ` + home + ` read ` + work + `/a.go"}]}`
	}
	machine := func(home, work string) *cassette.Rules {
		r, err := cassette.ReadRules(dir, cassette.Surroundings{Home: home, Work: work})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	newClient(t, base, cassette.Options{Record: dir, Rules: machine("/home/alice", "/home/alice/src/shop")}).post(path, body("/home/alice", "/home/alice/src/shop"))
	down()
	if _, all := files(t, dir); strings.Contains(all, "alice") || strings.Contains(all, "src/shop") {
		t.Errorf("the folder holds a path:\n%s", all)
	}
	lib, err := cassette.ReadFolder(dir, machine("/root", "/builds/42"))
	if err != nil {
		t.Fatal(err)
	}
	got := said(t, newClient(t, base, cassette.Options{Replay: lib}).post(path, body("/root", "/builds/42")).body)
	if want := "You said: In /builds/42 of /root read /builds/42/a.go"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
