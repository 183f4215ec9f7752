package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/guard"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
	"github.com/archestra-ai/archestra-cli/pkg/proxy"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// dialect writes the turns of a logged run as requests of one wire format.
type dialect struct {
	name   string
	path   string // below /v1; %s is for a streamed answer
	stream string // what %s becomes, streamed
	whole  string
	format wire.Format
	body   func(run *trace.Run, upto int, tools []llm.Tool, stream bool) any
}

var dialects = []dialect{
	{"chat_completions", "/openai/p/chat/completions", "", "", openaichat.New(), chatRequest},
	{"responses", "/openai/p/responses", "", "", openairesponses.New(), responsesRequest},
	{"messages", "/anthropic/p/v1/messages", "", "", anthropic.New(), messagesRequest},
	{"generate_content", "/gemini/p/v1beta/models/m:%s", "streamGenerateContent?alt=sse", "generateContent", gemini.New(), geminiRequest},
	{"ollama_chat", "/ollama/p/api/chat", "", "", ollama.Chat(), ollamaRequest},
}

type object = map[string]any

func content(m trace.Message) string {
	if m.Content == nil {
		return ""
	}
	return *m.Content
}

func chatRequest(run *trace.Run, upto int, tools []llm.Tool, stream bool) any {
	var messages []any
	for _, m := range run.Messages[:upto] {
		o := object{"role": m.Role, "content": content(m)}
		if m.ToolCallID != "" {
			o["tool_call_id"] = m.ToolCallID
		}
		var calls []any
		for _, c := range m.ToolCalls {
			calls = append(calls, object{"id": c.ID, "type": "function", "function": object{"name": c.Function.Name, "arguments": c.Function.Arguments}})
		}
		if calls != nil {
			o["tool_calls"] = calls
		}
		messages = append(messages, o)
	}
	var declared []any
	for _, t := range tools {
		declared = append(declared, object{"type": "function", "function": object{"name": t.Name, "description": t.Description, "parameters": schema(t)}})
	}
	return object{"model": "m", "stream": stream, "messages": messages, "tools": declared}
}

func schema(t llm.Tool) json.RawMessage {
	if len(t.Parameters) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	return t.Parameters
}

func responsesRequest(run *trace.Run, upto int, tools []llm.Tool, stream bool) any {
	var input []any
	for _, m := range run.Messages[:upto] {
		switch {
		case m.Role == "tool":
			input = append(input, object{"type": "function_call_output", "call_id": m.ToolCallID, "output": content(m)})
			continue
		case content(m) != "":
			kind := "input_text"
			if m.Role == "assistant" {
				kind = "output_text"
			}
			input = append(input, object{"type": "message", "role": m.Role, "content": []any{object{"type": kind, "text": content(m)}}})
		}
		for _, c := range m.ToolCalls {
			input = append(input, object{"type": "function_call", "call_id": c.ID, "name": c.Function.Name, "arguments": c.Function.Arguments})
		}
	}
	var declared []any
	for _, t := range tools {
		declared = append(declared, object{"type": "function", "name": t.Name, "description": t.Description, "parameters": schema(t)})
	}
	return object{"model": "m", "stream": stream, "input": input, "tools": declared}
}

func arguments(c trace.ToolCall) json.RawMessage {
	if json.Valid([]byte(c.Function.Arguments)) {
		return json.RawMessage(c.Function.Arguments)
	}
	return json.RawMessage(`{}`)
}

func messagesRequest(run *trace.Run, upto int, tools []llm.Tool, stream bool) any {
	var system string
	var messages []any
	add := func(role string, blocks ...any) {
		if n := len(messages); n > 0 && messages[n-1].(object)["role"] == role {
			o := messages[n-1].(object)
			o["content"] = append(o["content"].([]any), blocks...)
			return
		}
		messages = append(messages, object{"role": role, "content": blocks})
	}
	for _, m := range run.Messages[:upto] {
		switch m.Role {
		case "system":
			system += content(m)
			continue
		case "tool":
			add("user", object{"type": "tool_result", "tool_use_id": m.ToolCallID, "content": content(m)})
			continue
		}
		var blocks []any
		if content(m) != "" {
			blocks = append(blocks, object{"type": "text", "text": content(m)})
		}
		for _, c := range m.ToolCalls {
			blocks = append(blocks, object{"type": "tool_use", "id": c.ID, "name": c.Function.Name, "input": arguments(c)})
		}
		add(m.Role, blocks...)
	}
	var declared []any
	for _, t := range tools {
		declared = append(declared, object{"name": t.Name, "description": t.Description, "input_schema": schema(t)})
	}
	return object{"model": "m", "max_tokens": 1024, "stream": stream, "system": system, "messages": messages, "tools": declared}
}

// called returns the call that a result answers.
func called(run *trace.Run, id string, upto int) (name string) {
	for _, m := range run.Messages[:upto] {
		for _, c := range m.ToolCalls {
			if c.ID == id {
				name = c.Function.Name
			}
		}
	}
	return name
}

func geminiRequest(run *trace.Run, upto int, tools []llm.Tool, _ bool) any {
	out := object{}
	var contents []any
	for i, m := range run.Messages[:upto] {
		role, parts := "user", []any{}
		switch m.Role {
		case "system":
			out["systemInstruction"] = object{"parts": []any{object{"text": content(m)}}}
			continue
		case "tool":
			parts = append(parts, object{"functionResponse": object{"id": m.ToolCallID, "name": called(run, m.ToolCallID, i), "response": object{"output": content(m)}}})
		case "assistant":
			role = "model"
			fallthrough
		default:
			if content(m) != "" {
				parts = append(parts, object{"text": content(m)})
			}
		}
		for _, c := range m.ToolCalls {
			parts = append(parts, object{"functionCall": object{"id": c.ID, "name": c.Function.Name, "args": arguments(c)}})
		}
		contents = append(contents, object{"role": role, "parts": parts})
	}
	var declared []any
	for _, t := range tools {
		declared = append(declared, object{"name": t.Name, "description": t.Description, "parameters": schema(t)})
	}
	out["contents"], out["tools"] = contents, []any{object{"functionDeclarations": declared}}
	return out
}

func ollamaRequest(run *trace.Run, upto int, tools []llm.Tool, stream bool) any {
	var messages []any
	for i, m := range run.Messages[:upto] {
		o := object{"role": m.Role, "content": content(m)}
		if m.Role == "tool" {
			o["tool_name"] = called(run, m.ToolCallID, i)
			o["tool_call_id"] = m.ToolCallID
		}
		var calls []any
		for _, c := range m.ToolCalls {
			calls = append(calls, object{"id": c.ID, "function": object{"name": c.Function.Name, "arguments": arguments(c)}})
		}
		if calls != nil {
			o["tool_calls"] = calls
		}
		messages = append(messages, o)
	}
	r := chatRequest(run, upto, tools, stream).(object)
	r["messages"] = messages
	return r
}

// logged is a run and what the rules say of it.
type logged struct {
	run     *trace.Run
	tools   []llm.Tool
	verdict map[[2]int]policy.Verdict
}

// loggedRuns reads every nth run that counts, or all there are.
func loggedRuns(t *testing.T, want int) []logged {
	dir := os.Getenv("ARCHESTRA_SECURITY_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "security")
	}
	if _, err := os.Stat(filepath.Join(dir, "agentdojo", "runs.jsonl.gz")); err != nil {
		t.Skip("the benchmark runs are not here: set ARCHESTRA_SECURITY_DATA")
	}
	var out []logged
	for _, source := range []string{"agentdojo", "agentdyn"} {
		tools := map[string][]llm.Tool{}
		files, err := filepath.Glob(filepath.Join(dir, source, "tools", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			in, err := os.Open(f)
			if err != nil {
				t.Fatal(err)
			}
			list, err := trace.Tools(in)
			in.Close()
			if err != nil {
				t.Fatal(err)
			}
			tools[strings.TrimSuffix(filepath.Base(f), ".json")] = list
		}
		in, err := os.Open(filepath.Join(dir, source, "runs.jsonl.gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		analyzer := fact.NewAnalyzer(0)
		analyzer.DetectSecrets(guard.Secrets(detector(t)))
		replayer := &trace.Replayer{Analyzer: analyzer, Policy: policy.Default(), Profile: "p", Tools: func(suite string) []llm.Tool { return tools[suite] }}
		var picked []logged
		kinds := map[bool]int{}
		for r, err := range trace.Read(in) {
			if err != nil {
				t.Fatal(err)
			}
			// Whichever runs are met first is no choice of ours, and the same each time.
			if len(r.Calls) == 0 || !r.Benign() && !r.Verdict.AttackSuccess || crc32.ChecksumIEEE([]byte(r.ID))%2 != 0 {
				continue
			}
			if kinds[r.Benign()]++; want < 100 && kinds[r.Benign()] > want/4 {
				continue // a small sample has both
			}
			l := logged{run: r, tools: tools[r.Suite], verdict: map[[2]int]policy.Verdict{}}
			for _, j := range replayer.Replay(r).Judged {
				l.verdict[[2]int{j.Message, j.Index}] = j.Verdict
			}
			if picked = append(picked, l); len(picked) >= want/2 {
				break
			}
		}
		out = append(out, picked...)
	}
	return out
}

// expected is what a call becomes where nobody is there to be asked.
func expected(v policy.Verdict) llm.Action {
	if v.Action == llm.ActionAsk || strings.HasPrefix(v.Reason, "allowed before in this session") {
		return llm.ActionBlock
	}
	return v.Action
}

// TestRuns replays logged runs of attacked and of undisturbed agents through the
// front door, in every wire format: the verdicts are those of the engine alone, and
// nothing of a refused call reaches the client.
func TestRuns(t *testing.T) {
	want := 24
	if os.Getenv("ARCHESTRA_TEST_ALL") != "" {
		want = 1200
	}
	runs := loggedRuns(t, want)
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			sim := simulate.New(simulate.Options{KeepRequests: 1, KeepBody: 1, Answer: func(r simulate.Request) simulate.Script {
				var n, at int
				if _, err := fmt.Sscanf(r.Header.Get("X-Run"), "%d/%d", &n, &at); err != nil {
					return simulate.Say(simulate.Text("which run?"))
				}
				return script(runs[n].run.Messages[at], n+at)
			}})
			base, sink := start(t, sim.Start(t), func(o *proxy.Options) {
				o.Guard = newGuard(t, func(g *guard.Options) { g.Asks = nil })
			})
			refused, allowed := 0, 0
			for n, l := range runs {
				for at, m := range l.run.Messages {
					if len(m.ToolCalls) == 0 {
						continue
					}
					a, b := d.turn(t, base, sink, l, n, at)
					allowed, refused = allowed+a, refused+b
				}
			}
			t.Logf("%d runs: %d calls let through, %d refused", len(runs), allowed, refused)
			if len(runs) > 0 && (refused == 0 || allowed == 0) {
				t.Error("the sample shows nothing")
			}
		})
	}
}

// script is the logged turn as the simulated model's answer, cut in one of three ways.
func script(m trace.Message, salt int) simulate.Script {
	var parts []simulate.Part
	if content(m) != "" {
		parts = append(parts, simulate.Text(content(m)))
	}
	for _, c := range m.ToolCalls {
		p := simulate.Call(c.Function.Name, string(arguments(c)))
		p.Call.ID = c.ID
		parts = append(parts, p)
	}
	s := simulate.Say(parts...)
	s.Events = 2
	s.Delivery.Chunk = []int{0, 7, 4096}[salt%3]
	return s
}

// turn sends one turn, streamed or whole, and compares.
func (d dialect) turn(t *testing.T, base string, sink *memory, l logged, n, at int) (allowed, refused int) {
	stream := (n+at)%2 == 0
	body, err := json.Marshal(d.body(l.run, at, l.tools, stream))
	if err != nil {
		t.Fatal(err)
	}
	path := d.path
	if strings.Contains(path, "%s") {
		how := d.whole
		if stream {
			how = d.stream
		}
		path = fmt.Sprintf(path, how)
	}
	req, err := http.NewRequest(http.MethodPost, base+"/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Run", strconv.Itoa(n)+"/"+strconv.Itoa(at))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s, message %d: %v, status %d: %.300s", l.run.ID, at, err, res.StatusCode, got)
	}
	answer := decode(d.format, res.Header.Get("Content-Type"), stream, got)
	calls := sink.newest(t).Interaction.ToolCalls
	if len(calls) != len(l.run.Messages[at].ToolCalls) {
		t.Errorf("%s, message %d: %d calls are recorded, %d were proposed", l.run.ID, at, len(calls), len(l.run.Messages[at].ToolCalls))
		return 0, 0
	}
	var through []string
	for k, c := range calls {
		v := l.verdict[[2]int{at, k}]
		if c.Verdict != expected(v) || expected(v) == llm.ActionBlock && c.Rule != v.Rule {
			t.Errorf("%s (%s), message %d, call %d %s: %s by %s (%s), and the engine alone says %s by %s (%s)", l.run.ID, l.run.Suite, at, k, c.Name, c.Verdict, c.Rule, c.Reason, v.Action, v.Rule, v.Reason)
			continue
		}
		logged := l.run.Messages[at].ToolCalls[k]
		if c.Verdict == llm.ActionAllow {
			through = append(through, c.Name)
			allowed++
			continue
		}
		refused++
		// Some models write the call into their text, too, and text is not a call.
		if c.ID != "" && bytes.Contains(got, []byte(`"`+c.ID+`"`)) {
			t.Errorf("%s, message %d: the id of a refused call reached the client", l.run.ID, at)
		}
		if args := string(arguments(logged)); len(args) > 8 && !strings.Contains(content(l.run.Messages[at]), args) && (bytes.Contains(got, []byte(args)) || bytes.Contains(got, []byte(strings.Trim(strconv.Quote(args), `"`)))) {
			t.Errorf("%s, message %d: the arguments of a refused call reached the client", l.run.ID, at)
		}
	}
	var names []string
	for _, c := range answer.ToolCalls {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, through) {
		t.Errorf("%s, message %d: the client got the calls %q, let through were %q", l.run.ID, at, names, through)
	}
	if len(through) < len(calls) && !strings.Contains(answer.Text(), "[archestra]") {
		t.Errorf("%s, message %d: no text says why a call was refused: %q", l.run.ID, at, answer.Text())
	}
	if !answer.Complete {
		t.Errorf("%s, message %d: the answer has no end", l.run.ID, at)
	}
	return allowed, refused
}

// decode reads what a client got.
func decode(f wire.Format, media string, stream bool, body []byte) llm.Answer {
	if framer := f.NewFramer(media, 0); framer != nil && stream {
		s := f.NewStream(1 << 20)
		framer.Write(body)
		framer.Close()
		for fr, ok := framer.Next(); ok; fr, ok = framer.Next() {
			s.Frame(fr)
		}
		return s.End()
	}
	return f.Answer(http.StatusOK, body)
}

// newest returns the entry that was recorded last. The answer to its exchange has
// been read, so it is there.
func (m *memory) newest(t *testing.T) *record.Entry {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[m.order[len(m.order)-1]]
}
